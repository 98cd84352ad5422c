"""Runs mutants in the lab: takes mutants, returns what became of each. Results are kept as they come.

Many mutants share a virtual machine, each in fresh namespaces. A mutant that was caught stays so until the files of its
example change; one that was not is tried again by any lab that looks in another way.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from lvsgen.lab import machine, play
from lvsgen.lab.guest.wire import Job, Result
from tests.mutants import examples
from tests.mutants.affected import properties
from tests.mutants.choose import Mutant, Place
from tests.mutants.page import Fate

BATCH = 16
"""Jobs of one boot."""

_SECONDS, _SECONDS_EACH = 120, 60
_LOST = 2
"""Times that a machine may be lost while it plays a mutant, and the next time the mutant is taken for the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What became of a job. `verdict`: caught, passed, trouble (the lab could go no further) or lost (no end).

    `base` is what the unmutated example was asked by the same lab.
    """

    key: str
    program: str
    verdict: str
    property: str = ""
    cause: str = ""
    base: str = ""


class Kept:
    """The results of this run and earlier ones, in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(exist_ok=True)
        text = path.read_text() if path.exists() else ""
        self.records = [Record(**json.loads(line)) for line in text.splitlines()]

    def add(self, record: Record) -> None:
        """Keep one more."""
        self.records.append(record)
        with open(self.path, "a") as file:
            file.write(json.dumps(asdict(record)) + "\n")

    def of(self, key: str, program: str) -> Record | None:
        """What is known of a job; None if it must be run."""
        last = self.last(key)
        return last if last and (last.verdict == "caught" or last.program == program) else None

    def last(self, key: str) -> Record | None:
        """What is known of a job, whatever lab it was: that it was caught, or how it ended the last time."""
        found = [one for one in self.records if one.key == key]
        if caught := next((one for one in found if one.verdict == "caught"), None):
            return caught
        if lost := [one for one in found if one.verdict == "lost"][_LOST:]:
            return replace(lost[0], verdict="caught", property="hang", cause="it came to no end, again and again")
        return next((one for one in reversed(found) if one.verdict != "lost"), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A mutant in one of its places, or an unmutated example."""

    key: str
    program: str
    example: str
    mutant: Mutant | None = None
    place: Place | None = None


class Lab:
    """The examples in a work folder, and what is known of their mutants."""

    def __init__(self, mutants: Sequence[Mutant], work: Path, kept: Kept, kernel: str) -> None:
        self.mutants, self.work, self.kept, self.kernel = mutants, work, kept, kernel
        names = dict.fromkeys(place.example for mutant in mutants for place in mutant.places)
        self.ready = examples.prepared(names, work / "examples")
        self.wanted = {
            name: frozenset(w for m in mutants for p in m.places if p.example == name for w in properties(p.line))
            for name in names
        }

    def unmutated(self) -> Iterator[Try]:
        """The examples as they are."""
        for name, ready in self.ready.items():
            made = examples.base(ready, self.wanted[name])
            key = examples.key(self.work / "examples" / name, self.kernel)
            yield Try(key=key, program=examples.program(made, steps_alone=True), example=name)

    def tries(self, mutant: Mutant) -> Iterator[tuple[Try, Record | None]]:
        """A mutant in its first place, and in the next one where that tells nothing."""
        for place in mutant.places:
            one = self._try(mutant, place)
            known = self.kept.of(one.key, one.program)
            yield one, known
            if known is None or known.verdict != "passed":
                return

    def _try(self, mutant: Mutant, place: Place) -> Try:
        steps = examples.base(self.ready[place.example], properties(place.line), place.host)
        key = examples.key(self.work / "examples" / place.example, self.kernel, place, mutant)
        return Try(key=key, program=examples.program(steps), example=place.example, mutant=mutant, place=place)

    def todo(self) -> list[Try]:
        """What must be run next: examples before their mutants, removed lines before flipped values, and one of
        these for each shape before others."""
        broken = self.broken()
        first = [one for one in self.unmutated() if one.example in broken]
        ordered = sorted(self.mutants, key=lambda mutant: min(mutant.number, 2))
        later = [one for mutant in ordered for one, known in self.tries(mutant) if known is None]
        return [*first, *later]

    def broken(self) -> list[str]:
        """Examples that do not pass unmutated: what is said of their mutants tells nothing."""
        passed = {(one.key, one.program) for one in self.kept.records if one.verdict == "passed"}
        return [one.example for one in self.unmutated() if (one.key, one.program) not in passed]

    def fates(self) -> list[Fate]:
        """What has become of each mutant, also in an earlier lab, if its unmutated example passed there."""
        passed = {(one.key, one.program) for one in self.kept.records if one.verdict == "passed"}
        bases = {one.example: one for one in self.unmutated()}
        found = []
        for mutant in self.mutants:
            told = []
            earlier = False
            for place in mutant.places:
                one = self._try(mutant, place)
                last = self.kept.last(one.key)
                if last and (bases[place.example].key, last.base) in passed:
                    told.append(last)
                    earlier |= last.program != one.program
            caught = next((one for one in told if one.verdict != "passed"), None)
            by, cause = (caught.property, caught.cause) if caught else ("", "")
            tried = caught is not None or len(told) == len(mutant.places)
            found.append(Fate(mutant=mutant, tried=tried, by=by, cause=cause, earlier=earlier))
        return found

    def run(self, tries: Sequence[Try], machines: int, say: Callable[[str], None]) -> None:
        """Run some jobs and keep their results."""
        by_name = {f"{number:03} {one.key}": one for number, one in enumerate(tries)}
        with play.workspace() as text:
            work = Path(text)
            jobs = [self._job(one, name, work / str(number)) for number, (name, one) in enumerate(by_name.items())]
            told: set[str] = set()
            begun: set[str] = set()

            def tell(result: Result) -> None:
                begun.add(result.job)
                if result.verdict == "fail" and result.job not in told:
                    told.add(result.job)
                    cause = f"{result.subject.service}: {result.cause or result.seen}".removeprefix(": ")
                    cause = cause.replace(str(work), "").replace(str(self.work), "")
                    # A command that came to no end may be slow, and not wrong.
                    verdict = "lost" if "(took more than" in cause else "caught"
                    self._keep(by_name[result.job], verdict, say, result.subject.property, cause)

            seconds = _SECONDS + _SECONDS_EACH * len(jobs)
            outcome = machine.run(jobs, work, machines=machines, seconds=seconds, say=say, tell=tell)
        for name, one in by_name.items():
            why = outcome.trouble.get(name, "")
            lost = "last words" in why
            if name in told or (lost and name not in begun):
                continue
            if name in outcome.ended:
                self._keep(one, "passed", say)
            else:
                self._keep(one, "lost" if lost else "trouble", say, "" if lost else "lab", why)

    def _job(self, one: Try, name: str, work: Path) -> Job:
        ready = self.ready[one.example]
        if one.mutant is None or one.place is None:
            made = examples.base(ready, self.wanted[one.example])
            return Job(**{**{field: getattr(made, field) for field in made.__slots__}, "name": name})
        return examples.job(ready, one.place, one.mutant, work, name)

    def _keep(self, one: Try, verdict: str, say: Callable[[str], None], shown: str = "", cause: str = "") -> None:
        base = examples.program(examples.base(self.ready[one.example], self.wanted[one.example]), steps_alone=True)
        self.kept.add(Record(key=one.key, program=one.program, verdict=verdict, property=shown, cause=cause, base=base))
        what = f"{one.place.host}/{one.mutant.shape}: {one.mutant.what}" if one.mutant and one.place else "unmutated"
        say(f"{verdict} {shown} {one.example} {what} {cause}".replace(os.linesep, " "))
