"""Diagnostics as SARIF 2.1.0 (OASIS), which code scanning services take: one run, with the rules that were broken.

The fingerprint of a result is made of its code and of what it is about (`services.web.tcp`), so it stays when lines
move; where that is unknown, of the text of its line. Columns count Unicode code points.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import TypeAlias
from urllib.parse import quote

from lvsgen import __version__
from lvsgen.diagnostics import Diagnostic, Location, Severity
from lvsgen.report.excerpt import split

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "note"}
_FINGERPRINT = "lvsgenSubject/v1"

_Object: TypeAlias = dict[str, object]


def render(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], color: bool = False) -> str:
    """The log, in ASCII; `color` does not change it."""
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    lines = {path: split(text) for path, text in texts.items()}
    seen: Counter[str] = Counter()
    run = {
        "tool": {
            "driver": {"name": "lvsgen", "semanticVersion": __version__, "rules": [_rule(code) for code in codes]},
        },
        "columnKind": "unicodeCodePoints",
        "results": [_result(one, codes.index(one.code), _fingerprint(one, lines, seen)) for one in diagnostics],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str) -> _Object:
    """What is known of a code."""
    from lvsgen.catalogue import matching
    from lvsgen.report.explanation import joined
    from lvsgen.report.explanation import render as explained
    from lvsgen.rules.documentation import documentation, markdown

    found = next(iter(matching(code)), None)
    if found is None:
        return {"id": code}
    text = documentation(found)
    return {
        "id": code,
        "name": found.name,
        "shortDescription": {"text": joined(text.finds)},
        "fullDescription": {"text": joined(text.why)},
        "help": {"text": explained(found), "markdown": markdown(found)},
        "defaultConfiguration": {"level": _LEVELS[found.severity]},
    }


def _result(diagnostic: Diagnostic, index: int, fingerprint: str) -> _Object:
    message = diagnostic.message + (f"\nhelp: {diagnostic.help}" if diagnostic.help else "")
    result: _Object = {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": message},
        "locations": [_location(diagnostic.location)],
        "partialFingerprints": {_FINGERPRINT: fingerprint},
    }
    if diagnostic.related:
        result["relatedLocations"] = [
            {"id": number, **_location(location), "message": {"text": location.label}}
            for number, location in enumerate(diagnostic.related, 1)
        ]
    if diagnostic.fix:
        result["fixes"] = [_fix(diagnostic)]
    return result


def _fix(diagnostic: Diagnostic) -> _Object:
    """The edits of a remedy, by file."""
    paths = dict.fromkeys(edit.location.path for edit in diagnostic.fix)
    return {
        "artifactChanges": [
            {
                "artifactLocation": {"uri": _uri(path)},
                "replacements": [
                    {"deletedRegion": _region(edit.location), "insertedContent": {"text": edit.text}}
                    for edit in diagnostic.fix
                    if edit.location.path == path
                ],
            }
            for path in paths
        ]
    }


def _location(location: Location) -> _Object:
    return {
        "physicalLocation": {"artifactLocation": {"uri": _uri(location.path)}, "region": _region(location)},
    }


def _region(location: Location) -> dict[str, int]:
    span = location.span
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _uri(path: str) -> str:
    """A path as a URI reference (RFC 3986): relative to where lvsgen was started, unless it is absolute."""
    normal = os.path.normpath(path)
    escaped = quote(normal.encode("utf-8", "surrogateescape"), safe="/")
    return f"file://{escaped}" if os.path.isabs(normal) else escaped


def _fingerprint(diagnostic: Diagnostic, lines: Mapping[str, list[str]], seen: Counter[str]) -> str:
    """Code, file and subject; equal ones are numbered."""
    location, subject = diagnostic.location, diagnostic.subject
    if not subject:
        of_file = lines.get(location.path, [])
        number = location.span.line - 1
        subject = of_file[number].strip() if number < len(of_file) else ""
    words = "\0".join((diagnostic.code, _uri(location.path), subject))
    seen[words] += 1
    return sha256(f"{words}\0{seen[words]}".encode("utf-8", "backslashreplace")).hexdigest()[:32]
