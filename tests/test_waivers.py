"""Waivers: what they cover, what they cannot, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Collection

import pytest

from lvsgen.diagnostics import Diagnostic, Location, Severity, Span
from lvsgen.source import read_text
from lvsgen.waivers import apply, find

KNOWN = {"LVS305": "no-check", "LVS306": "odd-weight", "LVS202": "bad-thing"}


def diagnostic(line: int, code: str = "LVS305", severity: Severity = Severity.WARNING) -> Diagnostic:
    location = Location("<stdin>", Span(line, 1, line, 2))
    return Diagnostic(code=code, name=KNOWN[code], severity=severity, message="m", location=location)


def applied(text: str, *diagnostics: Diagnostic, judged: Collection[str] = KNOWN) -> tuple[Diagnostic, ...]:
    description, problems = read_text(text)
    assert not problems
    return apply(description, diagnostics, KNOWN, judged=judged)


def left(text: str, *diagnostics: Diagnostic, judged: Collection[str] = KNOWN) -> list[tuple[str, int]]:
    return [(d.code, d.location.span.line) for d in applied(text, *diagnostics, judged=judged)]


@pytest.mark.parametrize(
    "text",
    [
        "x: 1\na: 2  # lvsgen: ignore[LVS305] it is small\n",
        "x: 1\na: 2  # lvsgen:ignore[no-check] it is small\n",
        "# lvsgen: ignore[LVS305] it is small\na: 2\n",
        "  # lvsgen: ignore[ LVS306 , no-check ]: it is small\r\na: 2\r\n",
        "x: 1\na: [b, # lvsgen: ignore[LVS305] it is small\n  c]\n",
        "x: 1\na: | # lvsgen: ignore[LVS305] it is small\n  text\n",
        "x: 1\na: 'b' # see below # lvsgen: ignore[LVS305] it is small\n",
        "x: 1\na:  # lvsgen: ignore[LVS305] é 😀 ok\n  b: c\n",
    ],
)
def test_a_waiver_covers_its_line_or_the_one_below(text: str) -> None:
    covered, other = diagnostic(2), diagnostic(9)
    assert applied(text, covered, other, judged=()) == (other,)
    (waiver,), problems = find(read_text(text)[0].documents[0])
    assert (waiver.line, problems) == (2, ())
    assert waiver.reason


def test_waivers_may_be_stacked_and_stand_among_comments() -> None:
    text = (
        "# lvsgen: ignore[LVS305] one\n# a comment\n# lvsgen: ignore[LVS306] two\na: b # lvsgen: ignore[LVS305] too\n"
    )
    assert applied(text, diagnostic(4), diagnostic(4, "LVS306")) == ()
    waivers, _ = find(read_text(text)[0].documents[0])
    assert [(waiver.reason, waiver.line) for waiver in waivers] == [("one", 4), ("two", 4), ("too", 4)]


def test_an_empty_line_ends_what_a_waiver_is_about() -> None:
    assert left("# lvsgen: ignore[LVS305] r\n\na: b\n", diagnostic(3)) == [("LVS903", 1), ("LVS305", 3)]


@pytest.mark.parametrize(
    "text",
    [
        'a: "x # lvsgen: ignore[LVS305] r"\n',
        "a: 'x\n  # lvsgen: ignore[LVS305] r'\n",
        "a: |\n  x\n  # lvsgen: ignore[LVS305] r\n",
        "a: >-\n  # lvsgen: ignore[LVS305] r\n\n",
        "- - |\n    # lvsgen: ignore[LVS305] r\n",
        "a: x# lvsgen:ignore[LVS305] r\n",
        "a: b\n# nothing of lvsgen: here\n",
        "a: b # yaml-lvsgen: x\n",
    ],
)
def test_texts_are_no_comments(text: str) -> None:
    document = read_text(text)[0].documents[0]
    assert find(document) == ((), ())


def test_a_comment_after_a_block_scalar_is_a_comment() -> None:
    text = "a:\n  b: |\n    x # lvsgen: ignore[LVS305] no\n  # lvsgen: ignore[LVS305] yes\n  c: d\n"
    (waiver,), problems = find(read_text(text)[0].documents[0])
    assert (waiver.reason, waiver.location.span.line, waiver.line, problems) == ("yes", 4, 5, ())


@pytest.mark.parametrize(
    ("comment", "words"),
    [
        ("# lvsgen: ignore", "no waiver"),
        ("# lvsgen: ignore[] why", "no waiver"),
        ("# lvsgen: ignore[,] why", "no waiver"),
        ("# lvsgen: ignore LVS305 why", "no waiver"),
        ("# lvsgen: ignroe[LVS305] why", "no waiver"),
        ("# lvsgen:", "no waiver"),
        ("# lvsgen: ignore[LVS305]", "no reason"),
        ("# lvsgen: ignore[LVS305] - ", "no reason"),
        ("#lvsgen: ignore[LVS305]:", "no reason"),
    ],
)
def test_malformed_waivers_are_reported_and_waive_nothing(comment: str, words: str) -> None:
    result = applied(f"a: b {comment}\n", diagnostic(1))
    bad = next(d for d in result if d.code == "LVS901")
    assert words in bad.message
    assert bad.severity is Severity.WARNING
    assert bad.location.span.column == 6
    assert len(result) == 2


def test_unknown_and_unused_waivers_are_reported() -> None:
    result = applied("a: b # lvsgen: ignore[LVS999, LVS305, LVS306] r\n", diagnostic(1))
    assert [(d.code, d.name) for d in result] == [("LVS902", "unknown-waiver"), ("LVS903", "unused-waiver")]
    assert "`LVS999`" in result[0].message
    assert "`LVS306`" in result[1].message


def test_of_a_stage_that_did_not_run_no_waiver_is_unused() -> None:
    text = "a: b # lvsgen: ignore[LVS999, LVS305, odd-weight] r\n"
    assert left(text, judged=()) == [("LVS902", 1)]
    assert left(text, judged=("LVS305",)) == [("LVS902", 1), ("LVS903", 1)]
    assert left(text, judged=("LVS306",)) == [("LVS902", 1), ("LVS903", 1)]
    assert left(text, diagnostic(1), diagnostic(1, "LVS306")) == [("LVS902", 1)]


def test_errors_cannot_be_waived() -> None:
    error = diagnostic(1, "LVS202", Severity.ERROR)
    result = applied("a: b # lvsgen: ignore[LVS202] r\n", error, judged=())
    assert error in result
    assert any(d.code == "LVS903" and "errors cannot be waived" in d.message for d in result)


def test_waivers_hold_for_their_own_file_only() -> None:
    other = Diagnostic(
        code="LVS305",
        name="no-check",
        severity=Severity.WARNING,
        message="m",
        location=Location("other.yaml", Span(1, 1, 1, 2)),
    )
    assert other in applied("a: b # lvsgen: ignore[LVS305] r\n", other)


def test_one_waiver_covers_all_of_its_kind_on_the_line() -> None:
    assert left("a: b # lvsgen: ignore[LVS305] r\n", diagnostic(1), diagnostic(1)) == []
