"""What goes wrong under `lvs.sh`, and what an operator does with it, under load on a real kernel."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from lvsgen.catalogue import matching
from lvsgen.lab import change, play, verdicts
from lvsgen.lab.guest.steps.command import Command
from lvsgen.lab.guest.steps.load import Load, Phase, Unload
from lvsgen.lab.guest.wire import Result, Step, Subject
from tests.lab.broken import PAIR, VERIFIED, VIP_LOST, WAYS
from tests.lab.operations import CASES, Case
from tests.lab.test_noticed import compiled

_SECONDS = 600
"""The longest that one script may take, on a slow machine."""

PHASE = Subject(property="change", service="web: new clients, afterwards")


def command(machine: str, script: str, what: str = "the operation") -> Command:
    subject = Subject(property="change")
    return Command(subject=subject, machine=machine, command=script, what=what, seconds=_SECONDS)


def on_the_director(case: Case, folder: Path) -> change.Rollout:
    """An administrator at work there; realservers have everything already."""

    def rollout(old: change.Revision, new: change.Revision) -> Iterator[Step]:
        for name in ("rs1", "rs2", "rs3"):
            if name in new.scene.folders:
                yield new.apply(name)
        places = {"old": old.folder, "new": new.folder, **{name: folder / name for name in case.beside}}
        named = "".join(f"{name}={place}/director/lvs.sh\n" for name, place in places.items())
        if case.dark:
            yield Phase(subject=Subject(property="lost", service="web"), name="web", window=_SECONDS)
        yield command("director", named + case.script)
        if case.dark:
            yield Phase(subject=PHASE, name="web", window=0)

    return rollout


def prepared(name: str, case: Case, folder: Path, sources: Path) -> play.Play:
    for beside, text in case.beside.items():
        play.write(compiled(text, sources / beside), folder / beside)
    old, new = (compiled(text, sources / which) for which, text in zip(("old", "new"), case.change, strict=True))
    return change.prepare(name, old, new, folder, rollout=on_the_director(case, folder))


def verified(name: str, folder: Path, sources: Path) -> play.Play:
    """Nothing is changed, and nobody is there to notice: things are broken one by one."""

    def rollout(old: change.Revision, new: change.Revision) -> Iterator[Step]:
        for machine, script in VERIFIED.items():
            yield command(machine, script.replace("$new", f"{new.folder}/{machine}/lvs.sh"), "verify")

    both = compiled(WAYS, sources)
    made = change.prepare(name, both, both, folder, rollout=rollout)
    steps = tuple(step for step in made.job.steps if not isinstance(step, Load | Phase | Unload))
    return replace(made, job=replace(made.job, steps=steps))


def vip_lost(name: str, folder: Path, sources: Path) -> play.Play:
    """keepalived is master, and an address of its own goes."""

    def rollout(old: change.Revision, new: change.Revision) -> Iterator[Step]:
        yield Phase(subject=Subject(property="lost", service="web"), name="web", window=_SECONDS)
        yield command("lvs1", VIP_LOST.replace("$new", f"{new.folder}/lvs1/lvs.sh"))
        yield Phase(subject=PHASE, name="web", window=0)

    both = compiled(PAIR, sources)
    return change.prepare(name, both, both, folder, rollout=rollout)


CLUSTERS = {"verified": verified, "VIP lost": vip_lost}


def plays(folder: Path, asked: frozenset[str]) -> Iterator[play.Play]:
    for name in (one for one in (*CASES, *CLUSTERS) if one in asked):
        place = folder / name.replace(" ", "-")
        yield (
            prepared(name, CASES[name], place, place / "described")
            if name in CASES
            else CLUSTERS[name](name, place, place / "described")
        )


def served(results: tuple[Result, ...]) -> int:
    """How many new connections came about in all."""
    return sum(int(found[1]) for one in results if (found := re.search(r"all (\d+) new connections", one.seen)))


@pytest.mark.lab
@pytest.mark.parametrize("name", CASES)
def test_what_an_operator_does_and_what_goes_wrong_costs_no_connection(
    name: str, endings: Mapping[str, play.Ending]
) -> None:
    assert not endings[name].trouble, endings[name].trouble
    results = endings[name].results
    judged = [one for one in results if not (CASES[name].loses and "established" in one.subject.service)]
    assert not verdicts.failed(judged), verdicts.table(name, results)
    assert served(endings[name].results), verdicts.table(name, results)


@pytest.mark.lab
@pytest.mark.parametrize("name", CLUSTERS)
def test_verify_finds_what_is_broken(name: str, endings: Mapping[str, play.Ending]) -> None:
    assert not endings[name].trouble, endings[name].trouble
    results = [one for one in endings[name].results if "established" not in one.subject.service]
    assert not verdicts.failed(results), verdicts.table(name, results)


def test_explain_knows_what_verify_finds() -> None:
    codes = set(re.findall(r"LVS\d{3}", "".join([*VERIFIED.values(), VIP_LOST])))
    assert len(codes) > 6
    assert all(len(matching(code)) == 1 for code in codes), codes
