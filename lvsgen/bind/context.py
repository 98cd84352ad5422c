"""What the parts of the bind stage share: the documents, the findings so far, and which objects are broken.

A mistake breaks the object that it stands in and whatever refers to that object, silently: one cause gives one finding.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lvsgen.diagnostics import Finding, Place, Related, Severity, quote

SECTIONS = ("networks", "directors", "realservers", "vips", "checks", "pools", "services", "secrets")
"""Top-level mappings from names to objects. All but the first two may be spread over included files."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A named object of a section: its plain data, its place and the file that it stands in."""

    name: str
    data: Any
    place: Place

    @property
    def file(self) -> str:
        return self.place.file


@dataclass(slots=True)
class Context:
    """Findings and names, filled while binding."""

    root: Mapping[str, Any]
    root_place: Place
    sections: dict[str, dict[str, Entry]] = field(default_factory=dict)
    defaults: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    broken: dict[str, set[str]] = field(default_factory=lambda: {section: set() for section in SECTIONS})

    def error(
        self, code: str, name: str, message: str, place: Place, help: str = "", related: Iterable[Related] = ()
    ) -> None:
        """Records a mistake."""
        self.findings.append(
            Finding(
                code=code,
                name=name,
                severity=Severity.ERROR,
                message=message,
                place=place,
                help=help,
                related=tuple(related),
            )
        )

    def entries(self, section: str) -> Iterator[Entry]:
        """The objects of a section that are not broken, sorted by name."""
        broken = self.broken[section]
        for name, entry in sorted(self.sections.get(section, {}).items()):
            if name not in broken:
                yield entry

    def unknown(self, what: str, name: str, known: Iterable[str], place: Place) -> None:
        """Records a name that nothing bears."""
        names = sorted(known)
        close = difflib.get_close_matches(name, names, 1)
        if close:
            helping = f"did you mean {quote(close[0])}?"
        elif names:
            helping = f"known here: {', '.join(quote(n) for n in names[:8])}{', ...' if len(names) > 8 else ''}"
        else:
            helping = f"declare it first; no {what} is declared"
        self.error("LVS020", "unknown-name", f"there is no {what} called {quote(name)}", place, helping)


def gather(documents: Iterable[tuple[str, Mapping[str, Any]]], flawed: Iterable[Place]) -> Context:
    """Unites the sections of all documents (the root first) and marks what `flawed` places break."""
    united = list(documents)
    root_file, root = united[0]
    context = Context(root, Place(root_file))
    for file, data in united:
        if isinstance(data.get("defaults"), Mapping):
            context.defaults[file] = data["defaults"]
        for section in SECTIONS:
            _unite(context, section, file, data.get(section))
    for place in flawed:
        if len(place.path) >= 2 and place.path[0] in context.broken:
            context.broken[str(place.path[0])].add(str(place.path[1]))
        elif place.path[:1] == ("defaults",):
            context.broken["services"].update(
                e.name for e in context.sections["services"].values() if place.file in (e.file, root_file)
            )
    return context


def _unite(context: Context, section: str, file: str, data: Any) -> None:
    names = context.sections.setdefault(section, {})
    if not isinstance(data, Mapping):
        return
    for name, value in data.items():
        place = Place(file, (section, name))
        if name in names:
            context.error(
                "LVS022",
                "declared-twice",
                f"{quote(name)} stands in the {section} of two files",
                place.key,
                "give one of them another name, or keep it in one file",
                [Related(names[name].place.key, "also declared here")],
            )
            continue
        names[name] = Entry(name, value, place)
