"""The line of a text that a diagnostic is about, with carets under the columns, as wide as a terminal shows them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from lvsgen.diagnostics import Span

_LINE_BREAK = re.compile(r"\r\n?|\n")
_TAB = 8
WIDEST = 160
"""Columns of an excerpt; a longer line is cut around what it is about."""
_JOINING = frozenset(map(chr, range(0x1160, 0x1200)))
"""Vowels and final consonants of Hangul, which join the syllable that begins before them."""
_CUT = "..."
_BEFORE = 60


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A line that is safe to print; `indent` columns before the carets, `width` carets."""

    text: str
    indent: int
    width: int


def excerpt(lines: list[str], span: Span) -> Excerpt | None:
    """The first line of a span; None if there is no such line. A span of several lines is underlined to the end."""
    if not 1 <= span.line <= len(lines):
        return None
    line = lines[span.line - 1].rstrip()
    start = min(span.column - 1, len(line))
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    end = max(start, min(end, len(line)))
    first, cut = (start - _BEFORE, _CUT) if start > WIDEST - _BEFORE else (0, "")
    shown, widths, column = [cut], [], len(cut)
    for character in line[first:]:
        if column >= WIDEST:
            shown.append(_CUT)
            break
        cell, width = _cell(character, column)
        shown.append(cell)
        widths.append(width)
        column += width
    indent = len(cut) + sum(widths[: start - first])
    return Excerpt("".join(shown), indent, max(1, sum(widths[start - first : end - first])))


def split(text: str) -> list[str]:
    """The lines of a text as YAML breaks them: str.splitlines would break at more characters."""
    return _LINE_BREAK.split(text)


def _cell(character: str, column: int) -> tuple[str, int]:
    """What to print for a character, and how many columns of the terminal it takes."""
    if character == "\t":
        width = _TAB - column % _TAB
        return " " * width, width
    if not character.isprintable():
        return "\N{REPLACEMENT CHARACTER}", 1
    is_combining = unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me")
    if is_combining or character in _JOINING:
        return character, 0
    return character, 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
