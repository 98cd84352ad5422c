"""Workflow commands of GitHub Actions, which shows them beside the lines of a pull request.

`::error file=cluster.yaml,line=12,col=7,endLine=12,endColumn=10,title=LVS202 name::message`. Properties and message are
escaped differently, as in the toolkit of GitHub Actions (packages/core/src/command.ts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lvsgen.diagnostics import Diagnostic, Severity
from lvsgen.report.words import place, visible

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "notice"}


def render(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], color: bool = False) -> str:
    """The report; neither `texts` nor `color` change it."""
    return "".join(_command(diagnostic) + "\n" for diagnostic in diagnostics)


def _command(diagnostic: Diagnostic) -> str:
    span = diagnostic.location.span
    properties: dict[str, str | int] = {"file": diagnostic.location.path, "line": span.line, "col": span.column}
    if span.end_line == span.line:
        properties |= {"endLine": span.end_line, "endColumn": span.end_column}
    properties["title"] = f"{diagnostic.code} {diagnostic.name}"
    listed = ",".join(f"{key}={escape_property(str(value))}" for key, value in properties.items())
    lines = [visible(diagnostic.message)]
    lines += [f"{place(related)}: {visible(related.label)}" for related in diagnostic.related]
    lines += [f"help: {visible(diagnostic.help)}"] if diagnostic.help else []
    message = escape_message("\n".join(lines))
    return f"::{_COMMANDS[diagnostic.severity]} {listed}::{message}"


def escape_message(text: str) -> str:
    """Text after the last `::`."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def escape_property(text: str) -> str:
    """The value of a property."""
    return visible(escape_message(text).replace(":", "%3A").replace(",", "%2C"))
