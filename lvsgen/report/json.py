"""Diagnostics for programs: one JSON object, described by `schema/diagnostics.schema.json` and docs/check.md.

Lines and columns count from 1, columns in characters; the end is exclusive. `help` and `subject` may be empty. Keys may
be added under the same `version`; one that changes its meaning or goes away makes it 2.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from lvsgen.diagnostics import Diagnostic, Location, Severity

VERSION = 1


def render(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], color: bool = False) -> str:
    """The report, in ASCII; neither `texts` nor `color` change it."""
    report = {
        "version": VERSION,
        "summary": {str(s): sum(d.severity is s for d in diagnostics) for s in Severity},
        "diagnostics": [_object(diagnostic) for diagnostic in diagnostics],
    }
    return json.dumps(report, indent=2) + "\n"


def _object(diagnostic: Diagnostic) -> dict[str, object]:
    return {
        "code": diagnostic.code,
        "name": diagnostic.name,
        "severity": str(diagnostic.severity),
        "message": diagnostic.message,
        "help": diagnostic.help,
        "subject": diagnostic.subject,
        "location": _location(diagnostic.location),
        "related": [{**_location(location), "label": location.label} for location in diagnostic.related],
        "fix": [{**_location(edit.location), "text": edit.text} for edit in diagnostic.fix],
    }


def _location(location: Location) -> dict[str, str | int]:
    span = location.span
    return {
        "path": location.path,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }
