"""Which mutants there are: takes the folders of all examples, returns each change of each shape of line once.

A shape is tried in the smallest example that has it; where that tells nothing, on another host, and in two more
examples. The lines that it stands for are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.affected import EXEMPT
from tests.mutants.flips import changes
from tests.mutants.lines import FILES, Line, lines

_EXAMPLES = 3

SAMPLED = "large"
"""The lab plays a sample of this example, from other files: its lines are counted, and tried elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a shape stands: a line of a host of an example."""

    example: str
    host: str
    line: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of one shape of line. `number` is that of the change among those of its line."""

    kind: str
    file: str
    shape: str
    number: int
    what: str
    lines: int
    places: tuple[Place, ...]

    def text(self, place: Place) -> str | None:
        """The line as it is changed there."""
        return tuple(changes(place.line))[self.number].text


def mutants(examples: Mapping[str, Path]) -> tuple[Mutant, ...]:
    """All mutants; `examples` are folders of generated hosts by name, the smallest first."""
    found: dict[tuple[str, str, str], list[Place]] = {}
    for kind, place in _places(examples):
        found.setdefault((kind, place.line.file, place.line.shape), []).append(place)
    made = []
    for (kind, file, shape), places in found.items():
        for number, change in enumerate(changes(places[0].line)):
            made.append(
                Mutant(
                    kind=kind,
                    file=file,
                    shape=shape,
                    number=number,
                    what=change.what,
                    lines=len(places),
                    places=tuple(_some(places, number)),
                )
            )
    return tuple(made)


def exempt(examples: Mapping[str, Path]) -> dict[str, int]:
    """How many lines there are in the files that do not count."""
    counts = dict.fromkeys(EXEMPT, 0)
    for folder in examples.values():
        for path in sorted(folder.glob("*/*")):
            name = "NAME.service" if path.suffix == ".service" else path.name
            if name in counts:
                counts[name] += sum(1 for _ in lines(name, path.read_text()))
    return counts


def _places(examples: Mapping[str, Path]) -> Iterator[tuple[str, Place]]:
    for example, folder in examples.items():
        for host in sorted(path for path in folder.iterdir() if (path / "host.conf").exists()):
            kind = "director" if "roles=director" in (host / "host.conf").read_text() else "realserver"
            for file in FILES:
                path = host / file
                if file not in EXEMPT and path.exists():
                    for line in lines(file, path.read_text()):
                        yield kind, Place(example=example, host=host.name, line=line)


def _some(places: Iterable[Place], number: int) -> Iterator[Place]:
    """The first place, the first one on another host of that example, and the first ones in other examples."""
    taken: list[Place] = []
    examples: set[str] = set()
    for place in places:
        if place.example == SAMPLED or len(tuple(changes(place.line))) <= number:
            continue
        if place.example not in examples or (len(taken) == 1 and place.host != taken[0].host):
            taken.append(place)
            examples.add(place.example)
            if len(examples) == _EXAMPLES:
                break
    yield from taken
