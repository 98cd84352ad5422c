"""Other programs as judges of what is generated, for `check --with-tools`: takes a compilation, returns verdicts.

keepalived reads the keepalived.conf of every director as it would at its start. What it says of a line is said of the
place in the description that the line comes from. A judge that is missing, or that cannot answer, is noted: it has
neither found anything nor passed anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lvsgen.diagnostics import Diagnostic, Finding, Location, Severity, Span
from lvsgen.judges import keepalived
from lvsgen.judges.places import Origin, Origins

if TYPE_CHECKING:
    from lvsgen.judges.keepalived import Remark
    from lvsgen.pipeline import Compilation
    from lvsgen.source.document import Description

NAMES = {"LVS920": "keepalived-objects"}
"""Codes of this stage."""


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What the judges say, and notes on what they could not say."""

    diagnostics: tuple[Diagnostic, ...]
    notes: tuple[str, ...]


def ask(compilation: Compilation) -> Verdicts:
    """Ask all judges about the files of a description; without files, because it has errors, there is only a note."""
    name = compilation.cluster.name if compilation.cluster else "a description"
    if not compilation.plans:
        return Verdicts((), (f"keepalived was not asked about {name}: there are errors",))
    files = {one.host: one.text for one in compilation.artifacts if one.name == "keepalived.conf"}
    if not files:
        return Verdicts((), (f"{name} has no keepalived.conf: there is nothing to ask keepalived",))
    tool = keepalived.find()
    if tool is None:
        return Verdicts((), ("keepalived is not installed here, so it was not asked",))
    found: dict[tuple[Origin, str], Diagnostic] = {}
    notes: list[str] = []
    clean = 0
    for plan in compilation.plans:
        if plan.host.name not in files:
            continue
        text = files[plan.host.name]
        answer = keepalived.ask(tool, text)
        if answer.failure:
            notes.append(f"keepalived gave no verdict on {plan.host.name}/keepalived.conf: {answer.failure}")
        elif not answer.remarks:
            clean += 1
        origins = Origins(text, plan)
        for remark in answer.remarks:
            origin = origins.of(remark.line, remark.words)
            # Two directors have much in common: it is said of the first one.
            found.setdefault(
                (origin, remark.words), _diagnostic(compilation.description, origin, remark, plan.host.name)
            )
    notes.append(f"keepalived took {clean} of {len(files)} files of {name} as they are")
    return Verdicts(tuple(found.values()), tuple(notes))


def _diagnostic(description: Description, origin: Origin, remark: Remark, host: str) -> Diagnostic:
    where = f"line {remark.line} of " if remark.line else ""
    finding = Finding(
        code="LVS920",
        name=NAMES["LVS920"],
        severity=Severity.ERROR,
        message=f"keepalived would start with something else than what is written: {remark.words.rstrip('.')}",
        place=origin.place,
        help=f"it is {where}{host}/keepalived.conf; where no text of yours is at fault, please report it",
    )
    located = description.locate(finding)
    if not origin.raw:
        return located
    return replace(located, location=next(_lines_of(description, located.location, origin.raw), located.location))


def _lines_of(description: Description, block: Location, raw: str) -> Iterator[Location]:
    """The lines of a block of raw text that say `raw`."""
    document = next((one for one in description.documents if one.name == block.path), None)
    lines = document.text.split("\n") if document else []
    for number in range(block.span.line, min(block.span.end_line, len(lines)) + 1):
        line = lines[number - 1]
        if line.strip() == raw:
            start = line.index(raw) + 1
            yield Location(block.path, Span(number, start, number, start + len(raw)))
