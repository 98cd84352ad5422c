"""Judges what clients met against what an `Ask` wants: what was seen in a line, and what is wrong with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lvsgen.lab.guest.steps.asking import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """`problems` is empty where all is as it should be; `missing` are realservers that should have answered more."""

    seen: str
    problems: tuple[str, ...]
    missing: tuple[str, ...]


def judge(ask: Ask, answers: Sequence[Sequence[str]]) -> Judgement:
    """`answers` are lists of who answered, whom it saw, who asked, and on which port; errors saw nobody."""
    good = [one for one in answers if one[1]]
    failed = Counter(one[0] for one in answers if not one[1])
    counts = Counter(one[0] for one in good)
    problems = []
    if failed:
        problems.append(f"{sum(failed.values())} of {len(answers)} got nothing")
    strangers = sorted(set(counts) - set(ask.wants))
    if strangers:
        problems.append(f"{_names(strangers)} must get nothing")
    missing = [name for name in ask.wants if not counts[name]]
    if missing and not (ask.one or ask.subset):
        problems.append(f"nothing from {_names(missing)}")
    if ask.one and len(counts) > 1:
        problems.append("one realserver must answer them all")
    if ask.share and not failed and not missing:
        wrong = [name for name, number in ask.share.items() if abs(counts[name] - number) > ask.tolerance]
        if wrong:
            problems.append("the shares must be " + ", ".join(f"{number} {name}" for name, number in ask.share.items()))
    problems += _affinity(ask, good)
    problems += _sources(ask, good)
    shown = ", ".join(f"{number} {name}" for name, number in sorted((counts + failed).items()))
    lost = missing if good else list(ask.wants)
    return Judgement(seen=shown, problems=tuple(problems), missing=tuple(lost if failed or missing else ()))


def _affinity(ask: Ask, good: Sequence[Sequence[str]]) -> list[str]:
    if not ask.affinity:
        return []
    groups = dict(zip(ask.sources, ask.groups or ask.sources, strict=True))
    met: dict[str, set[str]] = {}
    for name, _, source, *_ in good:
        met.setdefault(groups[source], set()).add(name)
    split = {group: names for group, names in met.items() if len(names) > 1}
    if not split:
        return []
    group, names = next(iter(split.items()))
    return [f"{len(split)} of {len(met)} clients met several realservers ({group}: {_names(sorted(names))})"]


def _sources(ask: Ask, good: Sequence[Sequence[str]]) -> list[str]:
    for name, seen, source, _, *asked in good:
        if seen not in (ask.sees or (source,)):
            return [f"{name} sees {seen} where {_names(ask.sees or (source,))} is asking"]
        if ask.original and asked != [ask.original]:
            return [f"{name} is asked for {' '.join(asked)}, where the client asks for {ask.original}"]
    return []


def _names(names: Sequence[str]) -> str:
    shown = list(names[:4])
    return ", ".join(shown) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
