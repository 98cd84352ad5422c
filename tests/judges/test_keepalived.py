"""keepalived as a judge: what it says, and where in the description that is."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsgen import judges, pipeline
from lvsgen.catalogue import matching
from lvsgen.judges.keepalived import Answer, Remark, understood
from lvsgen.judges.places import Origins
from lvsgen.rules.documentation import complete, documentation
from tests.conftest import Lvsgen
from tests.tools import in_namespace_command, lacking, need

ROOT = Path(__file__).resolve().parents[2]
PAIR = """\
cluster: demo
directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}, lvs2: {interfaces: {eth0: 192.0.2.3/24}}}
realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12}
failover:
  engine: keepalived
  order: [lvs1, lvs2]
  vrid: 51
  track: {scripts: {uplink: {command: /usr/local/bin/uplink, interval: 2s}}}
notify: {failover: /usr/local/bin/tell, user: nobody-here}
keepalived:
  global: |
    # a comment of one's own
    process_names
  instance: |

    debug 3
services:
  web:
    vip: 192.0.2.100
    tcp: 80
    method: dr
    scheduler: wrr
    check: tcp
    pool: [rs1, rs2]
    keepalived: |
      ha_suspend
  dns: {vip: 192.0.2.101, udp: 53, mark: 7, method: dr, check: ping, pool: {rs2: {weight: 5}}}
"""
MISSING = """\
(a.conf: Line 13) WARNING - interface eth9 for vrrp_instance V1 doesn't exist
(a.conf: Line 25) (V1) tracked interface eth8 doesn't exist
"""


def made(folder: Path, text: str = PAIR) -> pipeline.Compilation:
    (folder / "cluster.yaml").write_text(text)
    compilation = pipeline.compile(str(folder))
    assert not compilation.has_errors, compilation.diagnostics
    return compilation


@pytest.fixture
def tool() -> str:
    """keepalived, in a place where it can have interfaces."""
    if in_namespace_command() is None:
        lacking("network namespaces are not allowed here: run the tests as root")
    return need("keepalived")


@pytest.mark.usefixtures("tool")
def test_what_is_right_is_taken(tmp_path: Path) -> None:
    verdicts = judges.ask(made(tmp_path))
    assert verdicts == judges.Verdicts((), ("keepalived took 2 of 2 files of demo as they are",))


@pytest.mark.usefixtures("tool")
@pytest.mark.parametrize(
    ("right", "wrong", "line", "column", "words"),
    [
        ("process_names", "proces_names", 13, 5, "Unknown keyword 'proces_names'"),
        ("debug 3", "debg 3", 16, 5, "Unknown keyword 'debg'"),
        ("ha_suspend", "ha_suspnd", 26, 7, "Unknown keyword 'ha_suspnd'"),
    ],
)
def test_raw_text_is_judged_at_its_line(
    tmp_path: Path, right: str, wrong: str, line: int, column: int, words: str
) -> None:
    verdicts = judges.ask(made(tmp_path, PAIR.replace(right, wrong)))
    (found,) = verdicts.diagnostics
    assert (found.code, found.location.span.line, found.location.span.column) == ("LVS920", line, column)
    assert words in found.message
    assert "lvs1/keepalived.conf" in found.help
    assert verdicts.notes == ("keepalived took 0 of 2 files of demo as they are",)


@pytest.mark.usefixtures("tool")
def test_the_documentation_is_true(tmp_path: Path) -> None:
    text = documentation(*matching("LVS920"))
    example = complete(text.example)
    line = next(number for number, words in enumerate(example.splitlines(), 1) if words.endswith("# <- LVS920"))
    (found,) = judges.ask(made(tmp_path, example.replace("  # <- LVS920", ""))).diagnostics
    assert found.location.span.line == line
    assert judges.ask(made(tmp_path, complete(text.instead))).diagnostics == ()


def test_without_the_tool_there_is_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compilation = made(tmp_path)
    monkeypatch.setattr("lvsgen.judges.keepalived.find", lambda tool="keepalived": None)
    assert judges.ask(compilation) == judges.Verdicts((), ("keepalived is not installed here, so it was not asked",))


def test_without_files_there_is_a_note(tmp_path: Path) -> None:
    single = "cluster: one\ndirectors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}\nrealservers: {rs1: 192.0.2.11}\n"
    compilation = made(tmp_path, single + "services: {web: {vip: 192.0.2.100, tcp: 80, method: dr}}\n")
    assert judges.ask(compilation).notes == ("one has no keepalived.conf: there is nothing to ask keepalived",)
    (tmp_path / "cluster.yaml").write_text(PAIR.replace("[rs1, rs2]", "[rs1, rs9]"))
    broken = pipeline.compile(str(tmp_path))
    assert judges.ask(broken).notes == ("keepalived was not asked about demo: there are errors",)


@pytest.mark.parametrize(
    ("code", "output", "has_interfaces", "answer"),
    [
        (0, "anything", True, Answer()),
        (5, "(a.conf: Line 3) Bad\n(Line 3) Bad\nWorse\n", True, Answer((Remark(3, "Bad"), Remark(0, "Worse")))),
        (5, "(a (b).conf: Line 3) Bad (or not)\n", True, Answer((Remark(0, "(a (b).conf: Line 3) Bad (or not)"),))),
        (
            5,
            f"{MISSING}Non-existent interface specified in configuration\n(a.conf: Line 3) Bad\n",
            False,
            Answer((Remark(3, "Bad"),)),
        ),
        (5, MISSING, False, Answer(failure="the interfaces of the director are missing here")),
        (5, "Disabling track script uplink since not found/accessible\n", True, Answer()),
        (5, "", True, Answer(failure="it ended with 5, and said nothing")),
        (143, "", True, Answer(failure="it ended with 143")),
        (1, "no permission\n", True, Answer(failure="it ended with 1, saying: no permission")),
    ],
)
def test_what_keepalived_says_is_understood(code: int, output: str, has_interfaces: bool, answer: Answer) -> None:
    assert understood(code, output, has_interfaces=has_interfaces) == answer


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ("VS [192.0.2.100]:tcp:80: real server [192.0.2.12]:tcp:80 is duplicated", ("services", "web", "pool", 1)),
        ("Virtual server [192.0.2.100]:tcp:80: no scheduler set", ("services", "web")),
        ("Warning - quorum 5 for FWM 7 exceeds total weight", ("services", "dns")),
        ("fwmark virtual server FWM 7, real server [192.0.2.12]:none:80 has port", ("services", "dns")),
        ("(demo_eth0_ipv4) Warning - nopreempt will not work", ("failover",)),
        ("something about nothing", ("directors", "lvs1")),
        ("VS [192.0.2.100]:udp:80: another protocol", ("directors", "lvs1")),
    ],
)
def test_words_without_a_line_name_their_object(tmp_path: Path, words: str, path: tuple[str | int, ...]) -> None:
    compilation = made(tmp_path)
    plan = next(plan for plan in compilation.plans if plan.host.name == "lvs1")
    text = next(one.text for one in compilation.artifacts if (one.host, one.name) == ("lvs1", "keepalived.conf"))
    assert Origins(text, plan).of(0, words).place.path == path


FOLDERS = sorted((ROOT / "examples").glob("*/cluster.yaml"))


@pytest.mark.parametrize("path", FOLDERS, ids=lambda path: path.parent.name)
def test_every_line_of_a_realserver_comes_from_it(path: Path) -> None:
    compilation = pipeline.compile(str(path))
    for plan in compilation.plans:
        for artifact in compilation.artifacts:
            if (artifact.host, artifact.name) != (plan.host.name, "keepalived.conf"):
                continue
            origins = Origins(artifact.text, plan)
            members = iter(d.member for v in plan.virtual_services for d in v.destinations)
            for number, line in enumerate(artifact.text.splitlines(), 1):
                words = line.split()
                if words[:1] == ["real_server"]:
                    member = next(members)
                    assert origins.of(number, "").place == member.place
                    assert origins.of(number + 1, "").place == member.place.at("weight")
            assert next(members, None) is None or not plan.keepalived or not plan.keepalived.writes_table


@pytest.mark.usefixtures("tool")
def test_the_command_reports_it_like_any_other(lvsgen: Lvsgen, tmp_path: Path) -> None:
    (tmp_path / "cluster.yaml").write_text(PAIR.replace("debug 3", "debg 3"))
    assert lvsgen("check", tmp_path).code == 0
    ran = lvsgen("check", tmp_path, "--with-tools", "--output-format", "concise")
    assert ran.code == 1
    assert ran.out.startswith(f"{tmp_path}/cluster.yaml:16:5: error[LVS920]: ")
    assert ran.err == "keepalived took 0 of 2 files of demo as they are\n"
    ran = lvsgen("check", tmp_path, "--with-tools", "--ignore", "keepalived-objects")
    assert (ran.code, ran.out) == (0, "")


def test_a_missing_tool_changes_no_exit_code(lvsgen: Lvsgen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cluster.yaml").write_text(PAIR)
    monkeypatch.setattr("lvsgen.judges.keepalived.find", lambda tool="keepalived": None)
    ran = lvsgen("check", tmp_path, "--with-tools")
    assert ran.code == 0
    assert "keepalived is not installed here, so it was not asked\n" in ran.err
