"""Waivers: comments in the YAML that say why a warning is acceptable, `# lvsgen: ignore[LVS305] reason`.

A waiver stands on the line of the diagnostic, or alone on a line directly above it (or above other waivers there). It
names codes or names, and it must give a reason. Errors cannot be waived. `apply` takes located diagnostics and returns
what is left of them, with what is wrong with the waivers themselves.

libyaml drops comments, so they are looked for in the text; a `#` within a scalar is none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from lvsgen.diagnostics import Diagnostic, Edit, Location, Severity, Span, quote

if TYPE_CHECKING:
    from lvsgen.source.document import Description, Document

NAMES = {"LVS901": "bad-waiver", "LVS902": "unknown-waiver", "LVS903": "unused-waiver"}
"""Codes of this stage; all of them are warnings, and no waiver helps against them."""

_MARK = "lvsgen:"
_COMMENT = re.compile(r"(?:^|(?<=\s))#+[ \t]*lvsgen:[ \t]*([^\r\n]*)", re.MULTILINE)
_WAIVER = re.compile(r"ignore\[([^\]]*)\](.*)")
_REASON = re.compile(r"\w")
_HELP = "write `# lvsgen: ignore[CODE] reason`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """A waiver: its codes or names, its reason, where its comment stands, and the line that it is about.

    `removals` are the edits that take out one of the codes each.
    """

    codes: tuple[str, ...]
    removals: tuple[Edit, ...]
    reason: str
    location: Location
    line: int


_Use: TypeAlias = tuple[Waiver, str]
"""One of the codes of a waiver."""


def find(document: Document) -> tuple[tuple[Waiver, ...], tuple[Diagnostic, ...]]:
    """The waivers of a document, and what is wrong with the spelling of some."""
    waivers: list[Waiver] = []
    problems: list[Diagnostic] = []
    for comment in _comments(document):
        lines = document.spans.lines
        location = Location(document.name, lines.span(comment.start(), comment.end()))
        parsed = _WAIVER.fullmatch(comment.group(1).strip())
        codes = tuple(filter(None, (code.strip() for code in parsed.group(1).split(",")))) if parsed else ()
        reason = parsed.group(2).strip() if parsed else ""
        if not codes:
            problems.append(_problem("LVS901", "this comment is no waiver that lvsgen understands", location, _HELP))
        elif not _REASON.search(reason):
            problems.append(_problem("LVS901", "the waiver gives no reason", location, "say why, after the bracket"))
        else:
            line = _target(document.text, lines.starts, location.span)
            removals = tuple(_removal(document, comment, parsed, code) for code in codes) if parsed else ()
            waivers.append(Waiver(codes=codes, removals=removals, reason=reason, location=location, line=line))
    return tuple(waivers), tuple(problems)


def apply(
    description: Description, diagnostics: Iterable[Diagnostic], known: Mapping[str, str], *, judged: Collection[str]
) -> tuple[Diagnostic, ...]:
    """What is left of the diagnostics, with what is wrong with waivers, sorted.

    `known` has the names of all codes there are. `judged` are the codes that have been looked for everywhere; of any
    other, nobody can say whether its waiver has a use.
    """
    remaining: list[Diagnostic] = []
    by_line: dict[tuple[str, int], list[Waiver]] = {}
    for document in description.documents:
        waivers, problems = find(document)
        remaining += problems
        for waiver in waivers:
            by_line.setdefault((document.name, waiver.line), []).append(waiver)
    used: set[_Use] = set()
    refused: set[_Use] = set()
    for diagnostic in diagnostics:
        candidates = by_line.get((diagnostic.location.path, diagnostic.location.span.line), [])
        matching = [(w, c) for w in candidates for c in w.codes if c in (diagnostic.code, diagnostic.name)]
        if matching and diagnostic.severity is not Severity.ERROR:
            used.update(matching)
        else:
            refused.update(matching)
            remaining.append(diagnostic)
    words = {*known, *known.values()}
    expected = {*judged, *(known[code] for code in judged)}
    for waiver in (w for waivers in by_line.values() for w in waivers):
        idle = {code for code in waiver.codes if code in expected and (waiver, code) not in used}
        remaining += _judge(waiver, words, idle, refused)
    return tuple(sorted(remaining, key=lambda d: d.sort_key))


def _judge(waiver: Waiver, known: set[str], idle: set[str], refused: set[_Use]) -> Iterator[Diagnostic]:
    """What is wrong with the codes of a waiver. `idle` are those that had nothing to waive."""
    for code in dict.fromkeys(waiver.codes):
        if code not in known:
            import difflib  # only mistakes need it

            close = difflib.get_close_matches(code, known, 1)
            helping = f"did you mean {quote(close[0])}?" if close else _HELP
            yield _problem("LVS902", f"there is no rule {quote(code)} to waive", waiver.location, helping)
        elif (waiver, code) in refused:
            message = f"{quote(code)} is an error here, and errors cannot be waived"
            yield _problem("LVS903", message, waiver.location, "mend what it is about, then remove the waiver")
        elif code in idle:
            message = f"the waiver of {quote(code)} has no use: nothing of that kind is on line {waiver.line}"
            helping = "remove it, so that it hides nothing later"
            removal = waiver.removals[waiver.codes.index(code)]
            yield _problem("LVS903", message, waiver.location, helping, (removal,))


def _comments(document: Document) -> Iterator[re.Match[str]]:
    """The comments that speak to lvsgen."""
    if _MARK not in document.text:
        return
    for found in _COMMENT.finditer(document.text):
        if not document.spans.is_within_scalar(found.start()):
            yield found


def _target(text: str, starts: list[int], span: Span) -> int:
    """The line that a comment is about: its own, or if it stands alone the next that is no comment."""

    def stripped(line: int) -> str:
        end = starts[line] if line < len(starts) else len(text)
        return text[starts[line - 1] : end].strip()

    line = span.line
    while line < len(starts) and stripped(line).startswith("#"):
        line += 1
    return line


def _removal(document: Document, comment: re.Match[str], parsed: re.Match[str], code: str) -> Edit:
    """The edit that takes a code out of a waiver; with its last code the comment goes, and its line if it is alone."""
    text, lines = document.text, document.spans.lines
    others = [name for name in (word.strip() for word in parsed.group(1).split(",")) if name and name != code]
    if others:
        words = comment.group(1)
        start = comment.start(1) + len(words) - len(words.lstrip()) + parsed.start(1)
        return Edit(Location(document.name, lines.span(start, start + len(parsed.group(1)))), ", ".join(others))
    number, _ = lines.position(comment.start())
    begin = lines.starts[number - 1]
    before = text[begin : comment.start()]
    if before.strip():
        return Edit(Location(document.name, lines.span(begin + len(before.rstrip()), comment.end())), "")
    end = lines.starts[number] if number < len(lines.starts) else len(text)
    return Edit(Location(document.name, lines.span(begin, end)), "")


def _problem(code: str, message: str, location: Location, help: str, fix: tuple[Edit, ...] = ()) -> Diagnostic:
    return Diagnostic(
        code=code, name=NAMES[code], severity=Severity.WARNING, message=message, location=location, help=help, fix=fix
    )
