"""Changes under load on a real kernel: nobody notices what `lvs.sh` does, and all a table that is loaded anew."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from lvsgen import pipeline
from lvsgen.lab import change, play, verdicts
from lvsgen.lab.guest.steps.command import Command
from lvsgen.lab.guest.wire import Step, Subject

LEAST = 5000
"""New connections in all that must have come while something changed that nobody notices."""


def direct(pool: str, more: str = "") -> str:
    return f"""
cluster: direct
directors: {{director: {{interfaces: {{eth0: 192.0.2.2/24}}}}}}
realservers: {{rs1: 192.0.2.11, rs2: 192.0.2.12, rs3: 192.0.2.13}}
defaults: {{method: dr, scheduler: wrr}}
services:
  web: {{vip: 192.0.2.100, tcp: 80, pool: {pool}}}
  {more}
"""


def pair(vips: str) -> str:
    return f"""
cluster: pair
directors: {{lvs1: {{interfaces: {{eth0: 192.0.2.2/24}}}}, lvs2: {{interfaces: {{eth0: 192.0.2.3/24}}}}}}
realservers: {{rs1: 192.0.2.11, rs2: 192.0.2.12}}
failover: {{engine: keepalived, order: [lvs1, lvs2], vrid: 51}}
services: {{web: {{vip: [{vips}], tcp: 80, method: dr, pool: [rs1, rs2]}}}}
"""


BOTH, ALL = "[rs1, rs2]", "[rs1, rs2, rs3]"


@dataclass(frozen=True)
class Change:
    """From one description to another one."""

    old: str
    new: str


UNNOTICED = {
    "weights": Change(direct(ALL), direct("{rs1: {weight: 3}, rs2: , rs3: {weight: 2}}")),
    "another realserver": Change(direct(BOTH), direct(ALL)),
    "another service": Change(direct(BOTH), direct(BOTH, "mail: {vip: 192.0.2.101, tcp: 25, pool: [rs1, rs2]}")),
    "a drained member leaves": Change(direct("{rs1: , rs2: , rs3: {drain: away}}"), direct(BOTH)),
}


def anew(old: change.Revision, new: change.Revision) -> Iterator[Step]:
    """What `ipvsadm-restore` of Debian does: the table is emptied first. So often, as so small a table is gone for
    milliseconds only, and a connection in which nothing is sent meanwhile does not notice.
    """
    load = f"ipvsadm -C; sed '/^#/d' '{new.folder}/director/ipvs.rules' | ipvsadm -R"
    command = f"for again in $(seq 40); do {load}; done"
    yield Command(subject=Subject(property="change"), machine="director", command=command, what="loading the table")


def directors(old: change.Revision, new: change.Revision) -> Iterator[Step]:
    """Nothing changes for the realservers."""
    yield new.apply("director")


def one_by_one(old: change.Revision, new: change.Revision) -> Iterator[Step]:
    """A second master has the time to appear (three adverts) before the first one knows as much as it."""
    for name in ("rs1", "rs2", "lvs2", "lvs1"):
        if name == "lvs1":
            yield Command(subject=Subject(property="change"), machine="lvs2", command="sleep 6", what="waiting")
        yield new.apply(name)


def compiled(text: str, folder: Path) -> pipeline.Compilation:
    folder.mkdir(parents=True)
    (folder / "cluster.yaml").write_text(text)
    compilation = pipeline.compile(str(folder / "cluster.yaml"))
    assert compilation.complete, compilation.diagnostics
    return compilation


def described(one: Change, folder: Path) -> tuple[pipeline.Compilation, pipeline.Compilation]:
    return compiled(one.old, folder / "described" / "old"), compiled(one.new, folder / "described" / "new")


def plays(folder: Path, asked: frozenset[str]) -> Iterator[play.Play]:
    for name, one in UNNOTICED.items():
        place = folder / name.replace(" ", "-")
        old, new = described(one, place)
        rollout = directors if name == "weights" else None
        yield change.prepare(name, old, new, place, rollout=rollout, least=LEAST // len(UNNOTICED) + 400)
    old, new = described(UNNOTICED["weights"], folder / "anew")
    yield change.prepare("anew", old, new, folder / "anew", rollout=anew)
    old, new = described(Change(pair("192.0.2.100"), pair("192.0.2.100, 192.0.2.101, 192.0.2.102")), folder / "pair")
    yield change.prepare("another VIP", old, new, folder / "pair", rollout=one_by_one)


@pytest.mark.lab
def test_changes_that_nobody_notices_and_one_that_all_do(endings: Mapping[str, play.Ending]) -> None:
    names = [*UNNOTICED, "anew", "another VIP"]
    assert {name: endings[name].trouble for name in names if endings[name].trouble} == {}
    for name in UNNOTICED:
        assert not verdicts.failed(endings[name].results), verdicts.table(name, endings[name].results)
    seen = {(name, r.subject.service): r for name in names for r in endings[name].results}
    for name in UNNOTICED:
        assert seen[name, "web: established connections"].seen.startswith("6 of 6 established connections survive")
    many = [seen[name, "web: new clients"].seen for name in UNNOTICED]
    served = [int(found[1]) for one in many if (found := re.search(r"all (\d+) new connections served", one))]
    assert sum(served) >= LEAST, many
    assert seen["another service", "mail: new service"].verdict == "pass"
    reset = seen["anew", "web: established connections"]
    assert reset.verdict == "fail", reset.seen
    assert re.search(r"[1-6] reset", reset.seen), reset.seen
    # Seen to fail where the new VIP is the lowest one, and so the advertised one.
    assert seen["another VIP", "VIPs: one master at any time"].verdict == "pass"
