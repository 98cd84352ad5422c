"""Small clusters, each for what no example has: the lab passes them, and finds out what is broken in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from lvsgen import pipeline
from lvsgen.lab import play, verdicts
from tests.lab.test_real import Broken, break_it, instead, without

CASES = Path(__file__).resolve().parent / "cases"
EXAMPLES = CASES.parent.parent.parent / "examples"
NAMES = sorted(path.parent.name for path in CASES.glob("*/cluster.yaml"))


def without_word(word: str) -> Callable[[str], str]:
    return lambda text: text.replace(word, "")


BROKEN = {
    "nothing tracks connections": Broken(
        "ftp-nat",
        "director/iptables.rules",
        without("conntrack"),
        "ftp",
        r"PASV through rs\d: the reply names 10.1.1.1\d.*no ip rule on director uses connection tracking",
    ),
    "group of FTP without port 20": Broken(
        "ftp-marked",
        "director/iptables.rules",
        lambda text: text.replace("--dports 20,21,", "--dports 21,"),
        "ftp",
        r"PORT through rs\d: .*port 20 of 192.0.2.101 must have the affinity of port 21",
    ),
    "calls without a netmask": Broken(
        "sip",
        "director/ipvs.rules",
        without_word(" -M 255.255.255.0"),
        "affinity",
        "call .* of 192.0.2.0/24 meets several realservers",
    ),
    "a check of a file is gone": Broken(
        "checks",
        "director/keepalived.conf",
        instead(r"FILE_CHECK \{\s+track_file /run/lvs/rs1\s+\}", ""),
        "health",
        "-t 192.0.2.100:83 should not list 192.0.2.11:83 ",
    ),
    "BFD with somebody else": Broken(
        "checks",
        "director/keepalived.conf",
        instead(r"neighbor_ip 192.0.2.12", "neighbor_ip 192.0.2.13"),
        "table",
        "-t 192.0.2.100:88 lacks 192.0.2.12:88 ",
    ),
    "routed VIP that nobody takes in": Broken(
        "routed", "lvs1/addresses.batch", without("198.51.100.80"), "traffic", "no director holds 198.51.100.80"
    ),
    "a backup that schedules too": Broken(
        "two-box", "box2/sysctl.conf", without("backup_only"), "loops", "they go round between the directors"
    ),
    "one client for all calls": Broken(
        "sip",
        "director/ipvs.rules",
        without_word(" --pe sip"),
        "traffic",
        "nothing from rs",
    ),
    "a mark that nobody sets": Broken(
        "marks-of-others",
        "director/ipvs.rules",
        instead("-f 7 ", "-f 8 "),
        "traffic",
        "the IPVS table of director does not list rs1 .* for mark 7",
    ),
    "calls over TCP": Broken(
        "sip",
        "director/ipvs.rules",
        instead(r"(-A -t \S+ -s rr)", r"\1 -p 60 --pe sip"),
        "traffic",
        "6 of 6 got nothing",
    ),
}
"""`cluster` is the name of a case or an example."""


def prepared(name: str, case: str, folder: Path, only: frozenset[str] = frozenset()) -> play.Play:
    place = CASES if case in NAMES else EXAMPLES
    compilation = pipeline.compile(str(place / case / "cluster.yaml"))
    assert compilation.complete, compilation.diagnostics
    return play.prepare(name, compilation, folder / name.replace(" ", "-"), only)


def plays(folder: Path, asked: frozenset[str]) -> Iterator[play.Play]:
    for name in sorted(asked & set(NAMES)):
        yield prepared(name, name, folder)
    for name in sorted(asked & BROKEN.keys()):
        broken = BROKEN[name]
        yield prepared(name, broken.cluster, folder, frozenset({broken.property}))
        break_it(folder / name.replace(" ", "-"), broken)


@pytest.mark.lab
@pytest.mark.long
@pytest.mark.parametrize("name", NAMES)
def test_a_case_passes(name: str, endings: Mapping[str, play.Ending]) -> None:
    ending = endings[name]
    assert not ending.trouble, ending.trouble
    assert not verdicts.failed(ending.results), verdicts.table(name, ending.results)


@pytest.mark.lab
@pytest.mark.long
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_found(name: str, endings: Mapping[str, play.Ending]) -> None:
    broken, ending = BROKEN[name], endings[name]
    assert not ending.trouble, ending.trouble
    causes = [r.cause for r in ending.results if r.subject.property == broken.property and r.verdict == "fail"]
    assert any(re.search(broken.says, cause) for cause in causes), verdicts.table(name, ending.results)
