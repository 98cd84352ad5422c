"""What the formats share: places and counts in words, colours, and text that is safe to show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from lvsgen.diagnostics import Diagnostic, Location, Severity

_COLORS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.HINT: "1;36"}
BOLD, BLUE = "1", "1;34"


def visible(text: str) -> str:
    """`text` without characters that would move the cursor, hide text, or not encode; line breaks are escaped too."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def paint(text: str, style: str, color: bool) -> str:
    """`text` in a colour of the terminal (ECMA-48, SGR), if that is asked for."""
    return f"\x1b[{style}m{text}\x1b[0m" if color else text


def style_of(severity: Severity) -> str:
    """The colour of a severity."""
    return _COLORS[severity]


def place(location: Location) -> str:
    """`path:line:column`, as editors and terminals make links of it."""
    return f"{visible(location.path)}:{location.span.line}:{location.span.column}"


def title(diagnostic: Diagnostic, color: bool) -> str:
    """The first line of a diagnostic, and in the concise format the only one."""
    label = paint(f"{diagnostic.severity}[{diagnostic.code}]", style_of(diagnostic.severity), color)
    return f"{paint(place(diagnostic.location), BOLD, color)}: {label}: {visible(diagnostic.message)}"


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`; `no problems` if there is nothing."""
    counts = Counter(diagnostic.severity for diagnostic in diagnostics)
    words = [f"{counts[s]} {s}{'' if counts[s] == 1 else 's'}" for s in Severity if counts[s]]
    return ", ".join(words) or "no problems"
