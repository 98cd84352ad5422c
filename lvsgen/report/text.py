"""Diagnostics for people: title, excerpt with carets, related places, help; a summary in the last line.

```
cluster.yaml:12:15: error[LVS010]: expected a weight from 0 to 65535, found the number -1
   |
12 |       weight: -1
   |               ^^
   = help: ...
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from lvsgen.diagnostics import Diagnostic, Location
from lvsgen.report.excerpt import excerpt, split
from lvsgen.report.words import BLUE, paint, place, style_of, summary, title, visible


def render(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], color: bool = False) -> str:
    """The report; empty without diagnostics."""
    if not diagnostics:
        return ""
    paths = {location.path for d in diagnostics for location in (d.location, *d.related)}
    lines = {path: split(texts[path]) for path in paths if path in texts}
    blocks = ["\n".join(_block(diagnostic, lines, color)) + "\n\n" for diagnostic in diagnostics]
    return "".join(blocks) + summary(diagnostics) + "\n"


def _block(diagnostic: Diagnostic, lines: Mapping[str, list[str]], color: bool) -> Iterator[str]:
    """The lines about one diagnostic."""
    places = (diagnostic.location, *diagnostic.related)
    gutter = max(len(str(location.span.line)) for location in places)
    yield title(diagnostic, color)
    yield from _excerpt(diagnostic.location, lines, gutter, "^", style_of(diagnostic.severity), color)
    for related in diagnostic.related:
        arrow = paint(" " * gutter + " :::", BLUE, color)
        yield f"{arrow} {place(related)}: {visible(related.label)}"
        yield from _excerpt(related, lines, gutter, "-", BLUE, color)
    if diagnostic.help:
        yield f"{paint(' ' * gutter + ' =', BLUE, color)} help: {visible(diagnostic.help)}"
    if diagnostic.fix:
        yield f"{paint(' ' * gutter + ' =', BLUE, color)} fix: `lvsgen check --fix` writes it"


def _excerpt(
    location: Location, lines: Mapping[str, list[str]], gutter: int, mark: str, style: str, color: bool
) -> Iterator[str]:
    """The line at a location with marks below it."""
    found = excerpt(lines.get(location.path, []), location.span)
    if found is None or not found.text:
        return
    bar = paint(" " * gutter + " |", BLUE, color)
    yield bar
    yield f"{paint(f'{location.span.line:>{gutter}} |', BLUE, color)} {found.text}"
    yield f"{bar} {' ' * found.indent}{paint(mark * found.width, style, color)}"
