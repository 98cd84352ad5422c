"""Reports of diagnostics: one module a format, each a pure function of diagnostics and texts.

`render` sorts the diagnostics and hands them to the format of that name. `texts` has the text of every file that a
diagnostic may be about, by its path, for excerpts; a file that is not there is reported without one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from lvsgen.diagnostics import Diagnostic
from lvsgen.report import concise, github, json, sarif, text
from lvsgen.report.words import summary

__all__ = ["FORMATS", "Format", "render", "summary"]

Format: TypeAlias = Callable[[Sequence[Diagnostic], Mapping[str, str], bool], str]
"""Diagnostics, texts and whether to colour, to a report that ends with a line break (or is empty)."""

FORMATS: Mapping[str, Format] = {
    "text": text.render,
    "concise": concise.render,
    "json": json.render,
    "github": github.render,
    "sarif": sarif.render,
}


def render(format: str, diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], *, color: bool = False) -> str:
    """The report in one of `FORMATS`."""
    return FORMATS[format](sorted(diagnostics, key=lambda d: d.sort_key), texts, color)
