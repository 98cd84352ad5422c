"""Runs mutants in the lab: takes mutants, returns what became of each. Results are kept as they come.

Many mutants share a virtual machine, each in fresh namespaces. A mutant that was caught stays so until the files of its
example change; one that was not is tried again by any lab that looks in another way.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What became of a job. `verdict`: caught, passed, trouble (the lab could go no further) or lost (no end)."""

    key: str
    program: str
    verdict: str
    property: str = ""
    cause: str = ""


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
        found = [one for one in self.records if one.key == key]
        if caught := next((one for one in found if one.verdict == "caught"), None):
            return caught
        now = [one for one in found if one.program == program]
        if len([one for one in now if one.verdict == "lost"]) > 1:
            return Record(key=key, program=program, verdict="caught", property="hang", cause="it came to no end, twice")
        return next((one for one in now if one.verdict != "lost"), None)


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
        """A mutant in its first place, and in the second one if the first tells nothing."""
        for place in mutant.places:
            ready = self.ready[place.example]
            steps = examples.base(ready, properties(place.line), place.host)
            key = examples.key(self.work / "examples" / place.example, self.kernel, place, mutant)
            one = Try(key=key, program=examples.program(steps), example=place.example, mutant=mutant, place=place)
            known = self.kept.of(one.key, one.program)
            yield one, known
            if known is None or known.verdict != "passed":
                return

    def todo(self) -> list[Try]:
        """What must be run next: examples before their mutants, removed lines before flipped values."""
        first = [one for one in self.unmutated() if self.kept.of(one.key, one.program) is None]
        ordered = sorted(self.mutants, key=lambda mutant: mutant.number > 0)
        later = [one for mutant in ordered for one, known in self.tries(mutant) if known is None]
        return first or later

    def broken(self) -> list[str]:
        """Examples that do not pass unmutated: what is said of their mutants tells nothing."""
        known = {one.example: self.kept.of(one.key, one.program) for one in self.unmutated()}
        return [name for name, record in known.items() if record is None or record.verdict != "passed"]

    def fates(self) -> list[Fate]:
        """What has become of each mutant; those of an example that does not pass itself have not been tried."""
        broken = self.broken()
        found = []
        for mutant in self.mutants:
            known = [record for one, record in self.tries(mutant) if record and one.example not in broken]
            last = known[-1] if known else None
            by = last.property if last and last.verdict != "passed" else ""
            found.append(Fate(mutant=mutant, tried=bool(last), by=by, cause=last.cause if last else ""))
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
                    one = by_name[result.job]
                    cause = result.cause or result.seen
                    shown = result.subject.property
                    self._keep(one, "caught", say, shown, cause.replace(str(work), "").replace(str(self.work), ""))

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
        self.kept.add(Record(key=one.key, program=one.program, verdict=verdict, property=shown, cause=cause))
        what = f"{one.place.host}/{one.mutant.shape}: {one.mutant.what}" if one.mutant and one.place else "unmutated"
        say(f"{verdict} {shown} {one.example} {what} {cause}".replace(os.linesep, " "))
