"""The documentation of a code, for a terminal: what it finds, why, an example, what to write instead.

`render` is what `lvsgen explain` prints, `listing` its answer where several codes are meant. All take documented codes
and return a text that ends with a line break.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from lvsgen.report.words import BOLD, paint, style_of
from lvsgen.rules.documentation import Documented, documentation

_WIDTH = 88


def render(entry: Documented, color: bool = False) -> str:
    """One code, with everything that is known of it."""
    text = documentation(entry)
    severity = paint(entry.severity.value, style_of(entry.severity), color)
    parts = [
        f"{paint(f'{entry.code} {entry.name}', BOLD, color)} ({severity})",
        _filled(text.finds),
        f"{paint('Why', BOLD, color)}\n{_filled(text.why)}",
        f"{paint('Example', BOLD, color)}\n{textwrap.indent(text.example, '    ')}",
        f"{paint('Instead', BOLD, color)}\n{textwrap.indent(text.instead, '    ')}",
        f"{paint('Sources', BOLD, color)}\n{_filled(text.sources)}",
    ]
    return "\n\n".join(parts) + "\n"


def listing(entries: Iterable[Documented], color: bool = False) -> str:
    """A line for each of several codes."""
    lines = []
    for entry in entries:
        severity = paint(f"{entry.severity.value:<7}", style_of(entry.severity), color)
        lines.append(f"{entry.code}  {severity}  {entry.name}\n")
    return "".join(lines)


def joined(text: str) -> str:
    """Prose without its line breaks."""
    return " ".join(text.split())


def _filled(text: str) -> str:
    """Prose, broken for a terminal; paragraphs and lists stay what they are."""
    paragraphs = text.split("\n\n")
    return "\n\n".join(
        paragraph
        if any(line.startswith(("-", " ", "|")) for line in paragraph.splitlines())
        else textwrap.fill(joined(paragraph), _WIDTH, break_long_words=False, break_on_hyphens=False)
        for paragraph in paragraphs
    )
