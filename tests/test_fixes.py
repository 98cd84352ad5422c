"""`check --fix`: what it mends, what it leaves alone, and that nothing else changes."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lvsgen import pipeline
from lvsgen.diagnostics import Edit, Location, Span
from lvsgen.fixes import edited, mend
from lvsgen.rewrite import RewriteFailure, rewrite
from tests.conftest import Lvsgen

ROOT = Path(__file__).resolve().parent.parent
CLEAN = """\
# A comment at the top.
cluster: demo   # of the shop
versions: {kernel: "6.1", keepalived: "2.2.7"}
directors:
  lvs1: {interfaces: {eth0: [192.0.2.2/24, "2001:db8::2/64"], eth1: 10.0.0.2/24}}
  lvs2: {interfaces: {eth0: [192.0.2.3/24, "2001:db8::3/64"], eth1: 10.0.0.3/24}}
realservers:
  rs1: [192.0.2.11, "2001:db8::11"]

  rs2:
    addresses: [192.0.2.12, "2001:db8::12"]   # two of them
failover:
  engine: keepalived
  order: [lvs1, lvs2]
  vrid: 51
  track: {scripts: {uplink: {command: /usr/local/bin/uplink, interval: 2s}}}
defaults: {method: dr}
services:
  web:
    vip: [192.0.2.100, "2001:db8::100"]
    tcp: 80    # plain
    one_way: false
    check: tcp
  db: {vip: 192.0.2.101, tcp: 8080, pool: [rs1], weight: 100, check: tcp}
"""

# What is right, what is written in its place, and the code of that.
MISTAKES = [
    ('kernel: "6.1"', "kernel: 6.1", "LVS010"),
    ('keepalived: "2.2.7"}', 'keepalived: "2.2.7", ipvsadm: 1.30}', "LVS010"),
    ("one_way: false", "one_way: no", "LVS010"),
    ("tcp: 8080", "tcp: '8080'", "LVS010"),
    ("weight: 100", 'weight: "100"', "LVS010"),
    ("order: [lvs1, lvs2]\n  vrid: 51", "order: [lvs1, lvs2]\n  vrid: '51'", "LVS010"),
    ('eth0: [192.0.2.2/24, "2001:db8::2/64"]', "eth0: [192.0.2.2/24, 2001:db8::2/64]", "LVS003"),
    ('rs1: [192.0.2.11, "2001:db8::11"]', "rs1: [192.0.2.11, 2001:db8::11]", "LVS003"),
    ("interval: 2s", "interval: 1500ms", "LVS563"),
    ("tcp: 80    # plain", "tcp: 80    # plain # lvsgen: ignore[LVS312] of no use", "LVS903"),
    ("realservers:\n", "# lvsgen: ignore[LVS312, unused-vip] of no use\nrealservers:\n", "LVS903"),
    ("    check: tcp\n", "    check: tcp\n    # lvsgen: ignore[LVS201] of no use\n", "LVS903"),
]


def written(folder: Path, text: str, newline: str = "\n", bom: bool = False) -> Path:
    path = folder / "cluster.yaml"
    path.write_bytes((b"\xef\xbb\xbf" if bom else b"") + text.replace("\n", newline).encode())
    return path


def codes(path: Path) -> list[str]:
    return [one.code for one in pipeline.check(str(path)).diagnostics]


def test_the_cluster_of_these_tests_is_clean(tmp_path: Path) -> None:
    assert codes(written(tmp_path, CLEAN)) == []


@pytest.mark.parametrize(("right", "wrong", "code"), MISTAKES, ids=[wrong.strip() for _, wrong, _ in MISTAKES])
def test_a_mistake_is_mended(tmp_path: Path, right: str, wrong: str, code: str) -> None:
    assert right in CLEAN
    path = written(tmp_path, CLEAN.replace(right, wrong, 1))
    assert set(codes(path)) == {code}
    mended = mend([str(path)])
    assert mended.compilations[0].diagnostics == ()
    expected = CLEAN.replace('2.2.7"}', '2.2.7", ipvsadm: "1.30"}') if "1.30" in wrong else CLEAN
    assert mended.texts == {str(path): expected}
    assert path.read_text() != expected, "mend writes nothing"


@given(
    st.lists(st.sampled_from(MISTAKES), unique=True, min_size=1),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mistakes_are_mended_together_and_nothing_else_changes(
    tmp_path: Path, mistakes: list[tuple[str, str, str]], newline: str, bom: bool
) -> None:
    text = CLEAN
    for right, wrong, _ in mistakes:
        text = text.replace(right, wrong, 1)
    path = written(tmp_path, text, newline, bom)
    mended = mend([str(path)])
    assert mended.compilations[0].diagnostics == ()
    assert rewrite(mended.roots, mended.before, mended.texts) is None
    expected = CLEAN.replace('2.2.7"}', '2.2.7", ipvsadm: "1.30"}') if "1.30" in text else CLEAN
    assert path.read_bytes() == (b"\xef\xbb\xbf" if bom else b"") + expected.replace("\n", newline).encode()
    again = mend([str(path)])
    assert (again.count, again.texts) == (0, {})


def test_what_a_mistake_hid_is_said_afterwards(tmp_path: Path) -> None:
    text = CLEAN.replace('kernel: "6.1"', "kernel: 6.1").replace("pool: [rs1]", "pool: [rs9]")
    text = text.replace('"2001:db8::11"', "2001:db8::11")
    mended = mend([str(written(tmp_path, text))])
    assert [one.code for one in mended.compilations[0].diagnostics] == ["LVS020"]
    assert mended.count == 2


def test_a_remedy_of_a_rule_changes_no_generated_byte(tmp_path: Path) -> None:
    texts = []
    for text in (CLEAN, CLEAN.replace("interval: 2s", "interval: 1500ms")):
        compilation = pipeline.compile(str(written(tmp_path, text)))
        assert not compilation.has_errors
        texts.append(compilation.artifacts)
    assert texts[0] == texts[1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("weight: 100", 'weight: "0100"'),
        ("weight: 100", 'weight: "1e2"'),
        ("weight: 100", "weight: many"),
        ("tcp: 8080", 'tcp: "70000"'),
        ("tcp: 8080", "tcp: www"),
        ("weight: 100", "weight: no"),
        ("one_way: false", "one_way: nope"),
        ("one_way: false", 'one_way: "no"'),
        ('kernel: "6.1"', "kernel: true"),
        ('kernel: "6.1"', "kernel: -6.1"),
        ("pool: [rs1]", "pool: [rs11]"),
        ("tcp: 80 ", "tpc: 80 "),
        ('"2001:db8::11"]', "[2001:db8::11, }"),
        ("tcp: 80    # plain", "tcp: {80: 8080}    # lvsgen: ignore[LVS201] an error"),
    ],
)
def test_where_two_readings_are_left_nothing_is_touched(tmp_path: Path, old: str, new: str) -> None:
    assert old in CLEAN
    path = written(tmp_path, CLEAN.replace(old, new, 1))
    before = codes(path)
    assert before
    mended = mend([str(path)])
    assert [one.code for one in mended.compilations[0].diagnostics] == before
    assert mended.texts == {}


def test_a_value_with_an_anchor_or_an_alias_is_left_alone(tmp_path: Path) -> None:
    text = CLEAN.replace("weight: 100", 'weight: &w "100"') + "  ldap: {vip: 192.0.2.102, tcp: 8081, weight: *w}\n"
    path = written(tmp_path, text)
    assert codes(path) == ["LVS010"]
    assert mend([str(path)]).texts == {}


def test_one_name_becomes_a_list(tmp_path: Path) -> None:
    path = written(tmp_path, CLEAN.replace("order: [lvs1, lvs2]", "order: lvs1"))
    mended = mend([str(path)])
    # A list it is, and incomplete: that was hidden before.
    assert "order: [lvs1]\n" in mended.texts[str(path)]
    assert [one.code for one in mended.compilations[0].diagnostics] == ["LVS041"]


def test_the_file_at_fault_is_mended(tmp_path: Path) -> None:
    root = written(tmp_path, CLEAN + "include: [team.yaml]\n")
    team = tmp_path / "team.yaml"
    team.write_text('services:\n  ldap: {vip: 192.0.2.102, tcp: 8081, weight: "5", pool: [rs1], check: tcp}\n')
    mended = mend([str(root)])
    assert list(mended.texts) == [str(team)]
    assert rewrite(mended.roots, mended.before, mended.texts) is None
    assert "weight: 5," in team.read_text()
    assert codes(root) == []


def test_only_what_is_wanted_is_mended(tmp_path: Path) -> None:
    text = CLEAN.replace('kernel: "6.1"', "kernel: 6.1").replace("weight: 100", 'weight: "100"')
    path = written(tmp_path, text)
    mended = mend([str(path)], wanted=lambda all: tuple(one for one in all if "kernel" in one.subject))
    assert mended.count == 1
    assert 'weight: "100"' in mended.texts[str(path)]


def test_bytes_that_are_no_text_are_left_alone(tmp_path: Path) -> None:
    path = written(tmp_path, CLEAN.replace('kernel: "6.1"', "kernel: 6.1"))
    path.write_bytes(path.read_bytes() + b"# \xff\n")
    assert mend([str(path)]).texts == {}


def test_edits_are_applied_from_the_end() -> None:
    edits = [Edit(Location("f", Span(1, 2, 1, 3)), "XX"), Edit(Location("f", Span(2, 1, 2, 2)), "")]
    assert edited("abc\ndef\n", edits) == "aXXc\nef\n"
    assert edited("abc\r\ndef", edits) == "aXXc\r\nef"
    assert edited("abc", []) == "abc"


def refused(root: Path, path: Path, text: str = CLEAN) -> str:
    failure = rewrite({str(path): str(root)}, {str(path): text}, {str(path): "mended\n"})
    assert isinstance(failure, RewriteFailure)
    assert failure.path == str(path)
    assert not [name for name in os.listdir(path.parent) if name.endswith(".tmp")]
    return failure.reason


def test_a_file_that_has_changed_is_not_written(tmp_path: Path) -> None:
    path = written(tmp_path, CLEAN + "# somebody else\n")
    assert refused(path, path) == "it has changed since it was read"
    assert path.read_text() == CLEAN + "# somebody else\n"


def test_nothing_outside_of_the_folder_is_written(tmp_path: Path) -> None:
    outside, inside = tmp_path / "outside.yaml", tmp_path / "shop" / "cluster.yaml"
    outside.write_text(CLEAN)
    inside.parent.mkdir()
    inside.symlink_to(outside)
    assert "leads out" in refused(inside, inside)
    assert outside.read_text() == CLEAN


def test_a_link_within_the_folder_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.yaml", tmp_path / "cluster.yaml"
    real.write_text(CLEAN)
    real.chmod(0o640)
    link.symlink_to("real.yaml")
    assert rewrite({str(link): str(link)}, {str(link): CLEAN}, {str(link): "mended\n"}) is None
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("mended\n", 0o640)
    assert sorted(os.listdir(tmp_path)) == ["cluster.yaml", "real.yaml"]


def test_all_files_or_none(tmp_path: Path) -> None:
    one, other = tmp_path / "a.yaml", tmp_path / "b.yaml"
    one.write_text("a\n")
    other.write_text("changed\n")
    before = {str(one): "a\n", str(other): "b\n"}
    failure = rewrite(dict.fromkeys(before, str(one)), before, {str(one): "A\n", str(other): "B\n"})
    assert isinstance(failure, RewriteFailure)
    assert one.read_text() == "a\n"
    assert sorted(os.listdir(tmp_path)) == ["a.yaml", "b.yaml"]


def test_several_clusters_are_mended_together(tmp_path: Path) -> None:
    wrong = CLEAN.replace('kernel: "6.1"', "kernel: 6.1")
    other = wrong.replace("demo", "other").replace("192.0.2", "198.51.100").replace("2001:db8:", "2001:db8:1:")
    other = other.replace("10.0.0", "10.0.1").replace("vrid: 51", "vrid: 52")
    for name, text in (("one", wrong), ("two", other)):
        (tmp_path / name).mkdir()
        written(tmp_path / name, text)
    paths = [str(tmp_path / name / "cluster.yaml") for name in ("two", "one")]
    mended = mend(paths)
    assert [one.diagnostics for one in mended.compilations] == [(), ()]
    assert (mended.count, mended.roots) == (2, {path: path for path in paths})


@pytest.mark.parametrize("path", sorted((ROOT / "tests/schema/invalid").glob("*.yaml")), ids=lambda path: path.stem)
def test_of_broken_descriptions_only_mistakes_go(tmp_path: Path, path: Path) -> None:
    """Cases that were written for the schema: what is mended there is gone, and nothing new of its kind is there."""
    target = written(tmp_path, path.read_text())
    before = Counter(pipeline.check(str(target)).diagnostics)
    mended = mend([str(target)])
    (left,) = mended.compilations
    of_shape = [one for one in left.diagnostics if one.code < "LVS020"]
    assert len(of_shape) == sum(one.code < "LVS020" for one in before.elements()) - mended.count
    assert not any(one.fix for one in left.diagnostics), "a remedy that is promised is one"
    if mended.texts:
        assert rewrite(mended.roots, mended.before, mended.texts) is None
        assert mend([str(target)]).count == 0


FAULTLESS = """\
versions: {kernel: "6.1"}
cluster: demo
directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}
realservers: {rs1: 192.0.2.11}
services: {web: {vip: 192.0.2.100, tcp: 80, method: dr, one_way: false, check: false}}
"""
FAULTY = FAULTLESS.replace('"6.1"', "6.1").replace("one_way: false", "one_way: no")
WRONG = CLEAN.replace('kernel: "6.1"', "kernel: 6.1")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("shop").mkdir()
    return written(Path("shop"), WRONG)


def test_the_command_writes_and_says_so(lvsgen: Lvsgen, shop: Path) -> None:
    ran = lvsgen("check", "shop", "--fix")
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith("mended 1 in 1 file\n")
    assert shop.read_text() == CLEAN
    assert "mended" not in lvsgen("check", "shop", "--fix").err


def test_the_patch_is_shown_and_nothing_written(lvsgen: Lvsgen, shop: Path) -> None:
    ran = lvsgen("check", "shop", "--fix", "--diff")
    assert ran.code == 1
    assert ran.out.startswith("diff --git a/shop/cluster.yaml b/shop/cluster.yaml\n")
    assert [line for line in ran.out.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")] == [
        '-versions: {kernel: 6.1, keepalived: "2.2.7"}',
        '+versions: {kernel: "6.1", keepalived: "2.2.7"}',
    ]
    assert ran.err.startswith("would mend 1 in 1 file\n")
    assert shop.read_text() == WRONG
    assert lvsgen("check", "shop", "--fix", "--diff", "--exit-zero").code == 0


@pytest.mark.parametrize("bom", [False, True])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("end", ["\n", ""])
def test_git_takes_the_patch(lvsgen: Lvsgen, shop: Path, bom: bool, newline: str, end: str) -> None:
    # The line at fault is near the first line, and the last one is in a patch as well.
    wrong, right = (one.rstrip("\n") + end for one in (FAULTY, FAULTLESS))
    written(shop.parent, wrong, newline, bom)
    ran = lvsgen("check", "shop", "--fix", "--diff")
    subprocess.run(["git", "init", "-q"], check=True)
    subprocess.run(["git", "apply"], input=ran.out.encode(), check=True)
    assert shop.read_bytes() == (b"\xef\xbb\xbf" if bom else b"") + right.replace("\n", newline).encode()


def test_standard_input_goes_to_standard_output(lvsgen: Lvsgen, shop: Path) -> None:
    data = b"\xef\xbb\xbf" + WRONG.replace("\n", "\r\n").encode()
    ran = lvsgen("check", "-", "--fix", stdin=data)
    assert (ran.code, ran.out) == (0, "\ufeff" + CLEAN.replace("\n", "\r\n"))
    assert lvsgen("check", "-", "--fix", stdin=CLEAN.encode()).out == CLEAN
    ran = lvsgen("check", "-", "--fix", stdin=b"{\n")
    assert (ran.code, ran.out) == (1, "{\n")
    assert "LVS003" in ran.err
    assert lvsgen("check", "-", "--fix", stdin=b"\xff").code == 2


@pytest.mark.parametrize(
    "options",
    [("--diff",), ("--fix", "--diff", "--output-format", "json"), ("-", "--fix"), ("--fix", "--select", "x9")],
)
def test_what_makes_no_sense_is_refused(lvsgen: Lvsgen, shop: Path, options: tuple[str, ...]) -> None:
    ran = lvsgen("check", "shop", *options)
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert shop.read_text() == WRONG


def test_ignored_codes_are_not_mended(lvsgen: Lvsgen, shop: Path) -> None:
    shop.write_text(CLEAN.replace("    check: tcp\n", "    check: tcp\n    # lvsgen: ignore[LVS201] of no use\n"))
    before = shop.read_text()
    assert lvsgen("check", "shop", "--fix", "--ignore", "LVS9").code == 0
    assert shop.read_text() == before
    lvsgen("check", "shop", "--fix", "--select", "unused-waiver")
    assert shop.read_text() == CLEAN


def test_a_link_out_of_the_folder_ends_the_command(lvsgen: Lvsgen, shop: Path) -> None:
    shop.rename("elsewhere.yaml")
    shop.symlink_to("../elsewhere.yaml")
    ran = lvsgen("check", "shop", "--fix")
    assert ran.code == 2
    assert "was not mended: it is a symbolic link" in ran.err
    assert Path("elsewhere.yaml").read_text() == WRONG
