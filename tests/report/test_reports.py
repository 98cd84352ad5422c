"""Reports: the same diagnostics for people, for grep, for programs and for pull requests."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsgen.diagnostics import Diagnostic, Edit, Location, Severity, Span
from lvsgen.report import FORMATS, render, summary
from lvsgen.report.excerpt import WIDEST, excerpt, split
from lvsgen.report.github import escape_message, escape_property

ROOT = Path(__file__).resolve().parents[2]
TEXT = "cluster: shop\nservices:\n  a:\n    weight: -1\n"


def diagnostic(
    line: int = 4,
    column: int = 13,
    end: int = 15,
    path: str = "cluster.yaml",
    message: str = "bad `-1`",
    **more: object,
) -> Diagnostic:
    span = Span(line, column, line, end)
    values: dict[str, object] = {"code": "LVS010", "name": "wrong-value", "severity": Severity.ERROR, **more}
    return Diagnostic(message=message, location=Location(path, span), **values)  # type: ignore[arg-type]  # test data


def related(line: int, label: str) -> tuple[Location, ...]:
    return (Location("cluster.yaml", Span(line, 1, line, 8), label),)


def test_text() -> None:
    found = [
        diagnostic(help="write a number", related=related(1, "first")),
        diagnostic(1, 1, 8, severity=Severity.WARNING, code="LVS305", message="odd"),
    ]
    assert render("text", found, {"cluster.yaml": TEXT}) == (
        "cluster.yaml:1:1: warning[LVS305]: odd\n"
        "  |\n"
        "1 | cluster: shop\n"
        "  | ^^^^^^^\n"
        "\n"
        "cluster.yaml:4:13: error[LVS010]: bad `-1`\n"
        "  |\n"
        "4 |     weight: -1\n"
        "  |             ^^\n"
        "  ::: cluster.yaml:1:1: first\n"
        "  |\n"
        "1 | cluster: shop\n"
        "  | -------\n"
        "  = help: write a number\n"
        "\n"
        "1 error, 1 warning\n"
    )


def test_text_without_diagnostics_is_empty() -> None:
    assert render("text", [], {}) == ""
    assert render("concise", [], {}) == ""
    assert render("github", [], {}) == ""


def test_the_gutter_is_as_wide_as_its_widest_number() -> None:
    text = "\n" * 99 + "a: b\n"
    found = diagnostic(100, 1, 2, related=(Location("cluster.yaml", Span(9, 1, 9, 1), "r"),))
    assert "\n100 | a: b\n    | ^\n    ::: cluster.yaml:9:1: r\n" in render("text", [found], {"cluster.yaml": text})


def test_a_file_without_text_has_no_excerpt() -> None:
    assert render("text", [diagnostic()], {}) == "cluster.yaml:4:13: error[LVS010]: bad `-1`\n\n1 error\n"
    assert "|" not in render("text", [diagnostic(99)], {"cluster.yaml": TEXT})


def test_colour_is_only_added() -> None:
    found = [diagnostic(help="h", related=related(1, "first")), diagnostic(severity=Severity.HINT)]
    plain, colored = (render("text", found, {"cluster.yaml": TEXT}, color=color) for color in (False, True))
    assert "\x1b[" not in plain
    assert "\x1b[1;31merror[LVS010]\x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain


@pytest.mark.parametrize(
    ("line", "column", "end", "shown", "carets"),
    [
        ("a: b", 4, 5, "a: b", "   ^"),
        ("漢字: x", 5, 6, "漢字: x", "      ^"),
        ("x: 漢字", 4, 6, "x: 漢字", "   ^^^^"),
        ("e\u0301: x", 5, 6, "e\u0301: x", "   ^"),
        ("한: x", 4, 5, "한: x", "    ^"),
        ("ﾊ: x", 4, 5, "ﾊ: x", "   ^"),
        ("👍\ufe0f: x", 5, 6, "👍\ufe0f: x", "    ^"),
        ("\u1112\u1161\u11ab: x", 6, 7, "\u1112\u1161\u11ab: x", "    ^"),
        ("a:\tb", 4, 5, "a:      b", "        ^"),
        ("\tb", 1, 2, "        b", "^^^^^^^^"),
        ("a\x1b[31m: b", 9, 10, "a�[31m: b", "        ^"),
        ("a\u202eb: c", 4, 5, "a�b: c", "   ^"),
        ("a: b", 5, 5, "a: b", "    ^"),
        ("a: b", 99, 120, "a: b", "    ^"),
        ("a: b   ", 4, 99, "a: b", "   ^"),
        ("", 1, 1, "", "^"),
    ],
)
def test_carets_stand_where_a_terminal_shows_the_characters(
    line: str, column: int, end: int, shown: str, carets: str
) -> None:
    found = excerpt([line], Span(1, column, 1, end))
    assert found is not None
    assert found.text == shown
    assert " " * found.indent + "^" * found.width == carets


def test_a_span_of_several_lines_is_underlined_to_the_end_of_the_first() -> None:
    found = excerpt(["a: [b,", "c]"], Span(1, 4, 2, 3))
    assert found is not None
    assert (found.indent, found.width) == (3, 3)


@pytest.mark.parametrize("column", [1, 100, 101, 102, 5000, 10_000])
def test_long_lines_are_cut_around_the_place(column: int) -> None:
    found = excerpt(["x" * (column - 1) + "Y" + "x" * (10_000 - column)], Span(1, column, 1, column + 1))
    assert found is not None
    assert found.text[found.indent] == "Y"
    assert len(found.text) <= WIDEST + 3
    assert "..." in found.text


def test_lines_break_as_in_yaml() -> None:
    assert split("a\r\nb\rc\nd\x0be\x85f\u2028g") == ["a", "b", "c", "d\x0be\x85f\u2028g"]


def test_concise() -> None:
    found = [diagnostic(help="h"), diagnostic(1, 1, 2, path="b.yaml", severity=Severity.HINT)]
    assert render("concise", found, {}) == (
        "b.yaml:1:1: hint[LVS010]: bad `-1`\ncluster.yaml:4:13: error[LVS010]: bad `-1`\n"
    )


def test_json() -> None:
    found = [diagnostic(help="h", related=related(1, "first")), diagnostic(severity=Severity.WARNING, message="é\x00")]
    report = json.loads(render("json", found, {}))
    assert list(report) == ["version", "summary", "diagnostics"]
    assert report["version"] == 1
    assert report["summary"] == {"error": 1, "warning": 1, "hint": 0}
    assert report["diagnostics"][0] == {
        "code": "LVS010",
        "name": "wrong-value",
        "severity": "error",
        "message": "bad `-1`",
        "help": "h",
        "subject": "",
        "location": {"path": "cluster.yaml", "line": 4, "column": 13, "end_line": 4, "end_column": 15},
        "related": [{"path": "cluster.yaml", "line": 1, "column": 1, "end_line": 1, "end_column": 8, "label": "first"}],
        "fix": [],
    }
    assert report["diagnostics"][1]["message"] == "é\x00"
    assert json.loads(render("json", [], {})) == {
        "version": 1,
        "summary": {"error": 0, "warning": 0, "hint": 0},
        "diagnostics": [],
    }


def test_json_is_what_its_schema_says() -> None:
    schema = json.loads((ROOT / "schema" / "diagnostics.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    closed = json.loads(json.dumps(schema).replace('"type": "object"', '"unevaluatedProperties": false'))
    edit = Edit(Location("cluster.yaml", Span(1, 2, 1, 3)), '"6.1"')
    found = [diagnostic(help="h", related=related(1, "first"), fix=(edit,)), diagnostic(subject="services.web")]
    for diagnostics in ([], found):
        report = json.loads(render("json", diagnostics, {}))
        jsonschema.Draft202012Validator(schema).validate(report)
        # A key that is printed and not described would be a surprise.
        jsonschema.Draft202012Validator(closed).validate(report)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate({**report, "version": 2})
    assert report["diagnostics"][0]["fix"][0]["text"] == '"6.1"'


def test_a_fix_is_announced() -> None:
    edit = Edit(Location("cluster.yaml", Span(4, 13, 4, 15)), "1")
    assert "  = help: h\n  = fix: `lvsgen check --fix` writes it\n" in render(
        "text", [diagnostic(help="h", fix=(edit,))], {"cluster.yaml": TEXT}
    )


def test_github() -> None:
    found = [diagnostic(message="100% `a`", help="b: c", related=related(1, "first"))]
    assert render("github", found, {}) == (
        "::error file=cluster.yaml,line=4,col=13,endLine=4,endColumn=15,title=LVS010 wrong-value::"
        "100%25 `a`%0Acluster.yaml:1:1: first%0Ahelp: b: c\n"
    )
    multi = Diagnostic(
        code="LVS1",
        name="n",
        severity=Severity.HINT,
        message="m",
        location=Location("a,b:c%.yaml", Span(1, 2, 3, 4)),
    )
    assert render("github", [multi], {}) == "::notice file=a%2Cb%3Ac%25.yaml,line=1,col=2,title=LVS1 n::m\n"


def test_the_two_escapers_of_github() -> None:
    assert escape_message("a%0A\r\n:,") == "a%250A%0D%0A:,"
    assert escape_property("a%0A\r\n:,") == "a%250A%0D%0A%3A%2C"
    assert escape_property("\udc80") == "\\udc80"


def test_summary() -> None:
    assert summary([]) == "no problems"
    assert summary([diagnostic()] * 2 + [diagnostic(severity=Severity.WARNING)]) == "2 errors, 1 warning"
    assert summary([diagnostic(severity=Severity.HINT)] * 3) == "3 hints"


evil = st.text(max_size=12) | st.sampled_from(["\x1b[2J", "\r::error::x", "\n", "\udc80", "%0A", "\u202e", "\x85"])
spans = st.builds(Span, st.integers(1, 3), st.integers(1, 9), st.integers(1, 3), st.integers(1, 9))


@given(st.sampled_from(sorted(FORMATS)), evil, evil, evil, evil, spans, st.booleans())
def test_nothing_in_a_description_can_move_the_cursor_or_forge_a_line(
    format: str, path: str, message: str, help: str, text: str, span: Span, color: bool
) -> None:
    location = Location(path, span, message)
    found = Diagnostic(
        code="LVS1",
        name="n",
        severity=Severity.ERROR,
        message=message,
        help=help,
        location=location,
        related=(location,),
    )
    report = render(format, [found], {path: text}, color=color)
    report.encode("utf-8")
    lines = re.sub(r"\x1b\[[0-9;]*m" if color else "$^", "", report).split("\n")
    assert all(line.isprintable() for line in lines)
    if format in ("concise", "github"):
        assert len(lines) == 2
