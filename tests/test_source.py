"""Reading: plain data, places, and a diagnostic for whatever is not a description."""

from __future__ import annotations

import io
import math
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lvsgen import source
from lvsgen.diagnostics import Diagnostic, Finding, Place, Related, Severity, Span
from lvsgen.report import FORMATS, render
from lvsgen.source import Description, read, read_text


def data(text: str) -> Any:
    description, diagnostics = read_text(text)
    assert not diagnostics
    return description.documents[0].data


def problems(text: str | bytes) -> tuple[Diagnostic, ...]:
    return (read("-", io.BytesIO(text)) if isinstance(text, bytes) else read_text(text))[1]


def only(text: str | bytes) -> Diagnostic:
    (found,) = problems(text)
    assert found.severity is Severity.ERROR
    return found


def underlined(text: str, *path: str | int, part: str = "value") -> str:
    """What a diagnostic about a place of `text` underlines."""
    description, _ = read_text(text)
    place = Place("<stdin>", path)
    span = description.span(place.key if part == "key" else place).span
    lines = text.replace("\r\n", "\n").split("\n")
    assert span.line == span.end_line
    return lines[span.line - 1][span.column - 1 : span.end_column - 1]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("NULL", None), ("nULL", "nULL"),
        ("true", True), ("True", True), ("FALSE", False), ("tRUE", "tRUE"),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"),
        ("0", 0), ("-7", -7), ("+7", 7), ("017", 17), ("0o17", 15), ("0x1F", 31), ("1_000", "1_000"),
        ("0b1", "0b1"), ("1:30", "1:30"), ("12:30:45", "12:30:45"),
        ("9" * 5000, "9" * 5000), ("0x" + "f" * 40, "0x" + "f" * 40),
        ("1.30", 1.3), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0),
        ("-.inf", -math.inf), (".INF", math.inf), ("inf", "inf"),
        ("2027-03-31", "2027-03-31"), ("192.0.2.1", "192.0.2.1"), ("=", "="),
        ("2001:db8::1", "2001:db8::1"), ("::1", "::1"),
        ("'80'", "80"), ('"true"', "true"), ("''", ""), ('"~"', "~"), ("-", [None]),
        ("|\n  a\n  b\n", "a\nb\n"), (">-\n  a\n  b\n", "a b"), ('"\\u00e9\\t"', "é\t"),
    ],
)  # fmt: skip  # a table
def test_scalars_mean_what_yaml_1_2_says(text: str, value: object) -> None:
    found = data(f"k: {text}\n" if text != "-" else "k:\n-\n")["k"]
    assert found == value
    assert type(found) is type(value)


def test_not_a_number_is_a_float() -> None:
    assert math.isnan(data("k: .NaN")["k"])


def test_collections() -> None:
    assert data("a: {b: [1, {c: d}], e}\nf:\n- g\n- h: i\n") == {
        "a": {"b": [1, {"c": "d"}], "e": None},
        "f": ["g", {"h": "i"}],
    }


def test_keys_are_texts() -> None:
    keys = data('tcp: {80: 1, 0x51: 2, "082": 3, 1.30: 4, 2001-01-01: 5, yes: 6, "true": 7, "<<": 8, "": 9}')["tcp"]
    assert list(keys) == ["80", "81", "082", "1.30", "2001-01-01", "yes", "true", "<<", ""]


def test_crlf_bom_and_cr_are_read() -> None:
    assert data("\ufeffa: b\r\nc:\r\n  - d\r\n") == {"a": "b", "c": ["d"]}
    assert data("a: b\rc: d") == {"a": "b", "c": "d"}


@pytest.mark.parametrize(
    ("path", "part", "text"),
    [
        (("name",), "value", "'sh op'"),
        (("name",), "key", "name"),
        (("list", 1), "value", '"y"'),
        (("list",), "value", '[x, "y", {z: 3}]'),
        (("list", 2, "z"), "value", "3"),
        (("list", 2, "z"), "key", "z"),
        (("block",), "value", "block"),
        (("block", "inner", "deep"), "value", "é😀"),
        (("block", "inner", "after"), "value", "1"),
        (("block", "empty"), "value", "empty"),
        (("block", "tcp", 80), "value", "8080"),
        (("block", "tcp", "80"), "key", "80"),
        (("items", 0), "value", "k"),
        (("items", 0, "k"), "value", "v"),
        (("items", 1), "key", "w"),
        ((), "value", "name"),
        (("block", "nothing", "here"), "value", "block"),
        (("list", 9), "value", '[x, "y", {z: 3}]'),
        (("name", "x"), "value", "'sh op'"),
        (("gone",), "value", "name"),
    ],
)
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
def test_places(path: tuple[str | int, ...], part: str, text: str, line_break: str) -> None:
    yaml = """# a comment
name: 'sh op'
list: [x, "y", {z: 3}] # more
block:
  inner: {deep: é😀, after: 1}
  empty:
  tcp: {80: 8080}
items:
  - k: v
    l: m
  - w
"""
    assert underlined(yaml.replace("\n", line_break), *path, part=part) == text


def test_columns_count_characters_and_a_bom_is_none() -> None:
    description, _ = read_text("\ufeffé😀: [ä, 漢, x]\n")
    assert description.span(Place("<stdin>", ("é😀", 2))).span == Span(1, 12, 1, 13)


def test_a_place_falls_back_to_otherwise_and_then_to_a_parent() -> None:
    description, _ = read_text("defaults: {method: dr}\nservices:\n  a: {tcp: 80}\n")
    service = Place("<stdin>", ("services", "a"), "value", Place("<stdin>", ("defaults",)))
    assert description.span(service.at("method")).span.line == 1
    assert description.span(service.at("tcp")).span == Span(3, 12, 3, 14)
    assert description.span(service.at("scheduler")).span == Span(3, 6, 3, 15)
    assert description.span(service.at("method").key).span == Span(1, 12, 1, 18)
    assert description.span(Place("elsewhere.yaml", ("a",))).path == "elsewhere.yaml"


def test_locate_makes_a_diagnostic() -> None:
    description, _ = read_text("a: 1\nb: 2\n")
    place = Place("<stdin>", ("b",))
    finding = Finding(
        code="LVS999",
        name="x",
        severity=Severity.HINT,
        message="m",
        help="h",
        place=place,
        related=(Related(place.key, "key"), Related(Place("<stdin>", ("a",)), "a")),
    )
    found = description.locate(finding)
    assert (found.code, found.name, found.severity, found.message, found.help) == (
        "LVS999",
        "x",
        Severity.HINT,
        "m",
        "h",
    )
    assert found.location.span == Span(2, 4, 2, 5)
    assert [(r.span.line, r.span.column, r.label) for r in found.related] == [(2, 1, "key"), (1, 4, "a")]


def test_written_gives_the_characters_of_a_value() -> None:
    document = read_text('a: 1.30\nb: "x"\nc:\n  d: e\n')[0].documents[0]
    assert [document.written((key,)) for key in "abcx"] == ["1.30", '"x"', "", ""]


def test_aliases_share_data_and_lead_to_the_anchor() -> None:
    text = "a: &x [1, 2]\nb: *x\nc: &y v\nd: [*y, *x]\ne: {f: &z {g: h}}\ni: *z\n"
    assert data(text) == {
        "a": [1, 2],
        "b": [1, 2],
        "c": "v",
        "d": ["v", [1, 2]],
        "e": {"f": {"g": "h"}},
        "i": {"g": "h"},
    }
    description, _ = read_text(text)

    def at(*path: str | int) -> tuple[int, int]:
        span = description.span(Place("<stdin>", path)).span
        return span.line, span.column

    assert at("b", 1) == (1, 11)
    assert at("d", 0) == (3, 4)
    assert at("d", 1, 0) == (1, 8)
    assert at("i", "g") == (5, 15)
    assert description.span(Place("<stdin>", ("b",)).key).span == Span(2, 1, 2, 2)


def test_an_anchor_may_be_defined_again() -> None:
    assert data("a: &x 1\nb: *x\nc: &x 2\nd: *x") == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_duplicate_keys_show_both_places_and_the_first_counts() -> None:
    description, found = read_text("a: {b: 1, c: {x: y}, b: [2, {z: 3}], d: 4}\na: 5\ne: 6\n")
    assert [(d.code, d.location.span, d.related[0].span) for d in found] == [
        ("LVS004", Span(1, 22, 1, 23), Span(1, 5, 1, 6)),
        ("LVS004", Span(2, 1, 2, 2), Span(1, 1, 1, 2)),
    ]
    assert description.documents[0].data == {"a": {"b": 1, "c": {"x": "y"}, "d": 4}, "e": 6}
    assert description.span(Place("<stdin>", ("a", "d"))).span == Span(1, 41, 1, 42)
    assert only("{80: a, 0x50: b}").code == "LVS004"


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("a: {<<: 1}", 5, "merge keys"),
        ("a: !include x.yaml", 4, "`!include`"),
        ("a: !!python/object:os.system x", 4, "`!!python/object:os.system`"),
        ("a: !!str 5", 4, "`!!str`"),
        ("a: ! b", 4, "`!`"),
        ("a: !!map {}", 4, "`!!map`"),
        ("a: !x\n- b", 4, "`!x`"),
        ("a: 1\n--- 2", 1, "second YAML document"),
        ("true: 1", 1, "a key must be a text, found `true`"),
        ("{~: 1}", 2, "a key must be a text, found `~`"),
        ("? \n: b", 2, "a key must be a text, found nothing"),
        ("? [a]\n: b", 3, "a key must be a text"),
        ("? {a: b}\n: b", 3, "a key must be a text"),
        ("a: &x b\n*x : c", 1, "a key must be a text"),
        ("a: &x [*x]", 8, "`*x` stands within its own anchor"),
        ("a: &x {b: {c: *x}}", 15, "`*x` stands within its own anchor"),
    ],
)
def test_yaml_that_the_language_does_without(text: str, column: int, words: str) -> None:
    found = only(text)
    assert found.code == "LVS005"
    assert found.location.span.column == column
    assert words in found.message
    assert found.help
    assert not read_text(text)[0].documents


def test_several_unsupported_things_are_found_in_one_run() -> None:
    assert [d.code for d in problems("a: !x 1\nb: {<<: 1, true: 2}\na: 3\nc: !y\n")] == [
        "LVS005", "LVS005", "LVS005", "LVS004", "LVS005",
    ]  # fmt: skip  # a table


def test_an_alias_bomb_is_refused() -> None:
    text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    text += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
    found = only(text)
    assert found.code == "LVS005"
    assert "1000000 values" in found.message
    assert found.location.span.line == 6


def test_aliases_below_the_limit_are_fine() -> None:
    text = "a: &a [" + "x, " * 999 + "x]\nb: [" + ", ".join(["*a"] * 500) + "]\n"
    assert len(data(text)["b"]) == 500


def test_deep_nesting_is_refused_also_through_aliases() -> None:
    for text in ("[" * 100_000, "{a: " * 60, "a:\n" + "".join(f"{' ' * n}- \n" for n in range(100))):
        assert "more than 50" in problems(text)[0].message
    nested = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60))
    assert "more than 50" in only(nested).message
    assert len(data("a: " + "[" * 49 + "]" * 49)) == 1


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("d: {eth0: 2001:db8::1}", 1, 11, "`2001:db8::1` must be quoted"),
        ("d: [10.0.0.1, 2001:db8::/32]", 1, 15, "`2001:db8::/32` must be quoted"),
        ("d:\n  e: [::1]", 2, 7, "`::1` must be quoted"),
        ("d: [fe80::]", 1, 5, "`fe80::` must be quoted"),
        ("d: [1:2:3:4:5:6:7:8]", 1, 5, "`1:2:3:4:5:6:7:8` must be quoted"),
        ("d: {eth0:2001:db8::1}", 1, 10, "`2001:db8::1` must be quoted"),
        ("d: [a:b, 1:2]", 1, 6, "a `:` within unquoted text"),
        ("a: b: c", 1, 5, "cannot stand here"),
        ("a: 'x\nb: c\n", 1, 4, "never closed"),
        ("a: [1, 2\nb: c", 2, 2, "the list is not closed"),
        ("a: {b: 1\nc: d\n", 2, 2, "the mapping is not closed"),
        ("a:\n  b: 1\n c: 2", 3, 2, "another key"),
        ("- a\nb: c", 2, 1, "another `- ` item"),
        ("a:\n\tb: c", 2, 1, "a tab indents"),
        ("a: @b", 1, 4, "cannot begin with `@`"),
        ("a: `b`", 1, 4, "cannot begin with a backtick"),
        ("from: *", 1, 7, "`*` begins an anchor or an alias"),
        ("a: *b", 1, 4, "`*b` has no anchor"),
        ("a: [b,,c]", 1, 7, "found `,`"),
        ('a: "\\q"', 1, 5, "unknown escape"),
        ("a: - b", 1, 4, "cannot stand here"),
        ("a: !x!y z", 1, 4, "tags are not supported"),
        ("a: |x\n b", 1, 5, "text after `|`"),
        ("%YAML 3.0\n--- a", 1, 1, "only YAML 1.2"),
        ("a: b\n...\nc", 3, 1, "expected the end of the file"),
        ("<<<<<<< HEAD\na: b\n=======\na: c\n>>>>>>> other\n", 1, 1, "a merge conflict was left here"),
        ("a: b\n<<<<<<< HEAD\nc: d\n=======\nc: e\n>>>>>>> other\n", 2, 1, "a merge conflict was left here"),
        ("", 1, 1, "the file is empty"),
        ("# only this\n", 1, 1, "the file is empty"),
        ("---\n", 1, 1, "the file is empty"),
    ],
)
def test_syntax_errors_say_what_to_do(text: str, line: int, column: int, words: str) -> None:
    found = only(text)
    assert found.code == "LVS003"
    assert words in found.message
    assert found.help
    assert (found.location.span.line, found.location.span.column) == (line, column)


def test_unclosed_brackets_show_where_they_began() -> None:
    (related,) = only("x:\n  a: [1, 2\nb: c").related
    assert (related.span.line, related.span.column, related.label) == (2, 6, "this list begins here")


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        (b"a: \xff", 4, "byte 0xff"),
        ("ä: ".encode() + b"\xe4\n", 4, "byte 0xe4"),
        (b"\xef\xbb\xbfa\xc3", 2, "byte 0xc3"),
        ("a: b".encode("utf-16"), 1, "UTF-16"),
        (b"a: \xed\xa0\x80", 4, "not UTF-8"),
        (b"a: \x00", 4, "U+0000"),
        (b"a: x\x1b[2J", 5, "U+001B"),
        (b"a: \x7f", 4, "U+007F"),
        ("a: \u2028".encode(), 4, "U+2028"),
        ("a: x\u202ey".encode(), 5, "right-to-left override"),
        ("a: x\ufeffy".encode(), 5, "U+FEFF"),
        (b'a: "\\0"', 4, "as an escape"),
        (b'"a\\e": b', 1, "as an escape"),
        (b'a: "\\u2066"', 4, "as an escape"),
    ],
)
def test_characters_nobody_can_see(text: bytes, column: int, words: str) -> None:
    found = only(text)
    assert found.code == "LVS002"
    assert words in found.message
    assert found.message.isprintable()
    assert found.location.span.column == column


def test_characters_of_any_language_and_line_breaks_in_texts_are_fine() -> None:
    assert data('a: "größe 漢字 😀\\n\\tx"\nb: |\n  ça\n  va\n') == {"a": "größe 漢字 😀\n\tx", "b": "ça\nva\n"}


def test_a_file_a_folder_and_standard_input(tmp_path: Path) -> None:
    (tmp_path / "cluster.yaml").write_text("cluster: a\n")
    for path in (tmp_path, tmp_path / "cluster.yaml"):
        description, found = read(str(path))
        assert not found
        assert description.documents[0].name == str(tmp_path / "cluster.yaml")
    description, found = read("-", io.BytesIO(b"cluster: b\n"))
    assert (description.documents[0].name, description.documents[0].data) == ("<stdin>", {"cluster": "b"})


def test_what_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "folder" / "cluster.yaml").mkdir(parents=True)
    (tmp_path / "dangling").symlink_to("nowhere")
    for path, words in (
        ("gone.yaml", "no such file or directory"),
        (".", "has no cluster.yaml"),
        ("folder", "is a directory"),
        ("dangling", "no such file or directory"),
        ("nul\0byte", "embedded null byte"),
        ("x" * 300, "file name too long"),
    ):
        description, (found,) = read(str(tmp_path / path))
        assert (found.code, description.documents) == ("LVS001", ())
        assert words in found.message
        assert found.message.isprintable()


def test_too_large_is_found_before_it_is_read(tmp_path: Path) -> None:
    huge = tmp_path / "cluster.yaml"
    with huge.open("wb") as stream:
        stream.truncate(source.LARGEST + 1)
    assert "larger than 64 MiB" in read(str(huge))[1][0].message

    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= source.LARGEST + 1
            return bytes(size)

    assert "larger than 64 MiB" in read("-", Endless())[1][0].message  # type: ignore[arg-type]  # enough of a stream


def test_a_closed_standard_input() -> None:
    stream = io.BytesIO()
    stream.close()
    assert read("-", stream)[1][0].code == "LVS001"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A description of three files, and a file outside."""
    root = tmp_path / "site"
    (root / "teams").mkdir(parents=True)
    (root / "cluster.yaml").write_text("cluster: a\ninclude: [teams/web.yaml, teams/db.yaml]\n")
    (root / "teams" / "web.yaml").write_text("services: {w: {}}\n")
    (root / "teams" / "db.yaml").write_text("# nothing yet\n")
    (tmp_path / "outside.yaml").write_text("secret: 1\n")
    return root


def included(folder: Path, include: str) -> tuple[Description, tuple[Diagnostic, ...]]:
    (folder / "cluster.yaml").write_text(f"cluster: a\ninclude: {include}\n")
    return read(str(folder))


def test_includes_come_after_the_root_in_their_order(folder: Path) -> None:
    description, found = read(str(folder))
    assert not found
    assert [(d.name, d.data) for d in description.documents] == [
        (f"{folder}/cluster.yaml", {"cluster": "a", "include": ["teams/web.yaml", "teams/db.yaml"]}),
        (f"{folder}/teams/web.yaml", {"services": {"w": {}}}),
        (f"{folder}/teams/db.yaml", None),
    ]
    assert set(description.texts) == {d.name for d in description.documents}
    place = Place(f"{folder}/teams/web.yaml", ("services", "w"))
    assert description.span(place).span == Span(1, 15, 1, 17)


def test_includes_are_relative_to_the_working_folder_for_standard_input(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    description, found = read("-", io.BytesIO(b"include: [teams/web.yaml, cluster.yaml]"))
    assert [d.name for d in description.documents] == ["<stdin>", "teams/web.yaml", "cluster.yaml"]
    assert [(d.code, d.location.path) for d in found] == [("LVS006", "cluster.yaml")]
    description, found = read("cluster.yaml")
    assert [d.name for d in description.documents] == ["cluster.yaml", "teams/web.yaml", "teams/db.yaml"]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ("gone.yaml", "there is no file"),
        ("teams", "is not a file"),
        (".", "is not a file"),
        ("fifo", "is not a file"),
        ("/etc/hostname", "is not a relative path"),
        ("~/x.yaml", "is not a relative path"),
        ("../outside.yaml", "leaves the folder"),
        ("teams/../../outside.yaml", "leaves the folder"),
        ("..", "leaves the folder"),
        ("out.yaml", "through a symbolic link"),
        ("up/outside.yaml", "through a symbolic link"),
        ("gone-outside.yaml", "through a symbolic link"),
        ("dangling.yaml", "is not a file"),
        ("loop.yaml", "is not a file"),
        ('"teams/*.yaml"', "is a pattern"),
        ('"teams/[a-z].yaml"', "is a pattern"),
        ('""', "is not the name of a file"),
        ('"a\\nb"', "is not the name of a file"),
        ("cluster.yaml", "is the root file itself"),
        ("teams/../cluster.yaml", "is the root file itself"),
        ("self.yaml", "is the root file itself"),
    ],
)
def test_bad_includes_are_reported_at_their_item_and_never_opened(folder: Path, item: str, words: str) -> None:
    (folder / "out.yaml").symlink_to("../outside.yaml")
    (folder / "up").symlink_to("..")
    (folder / "gone-outside.yaml").symlink_to("../gone.yaml")
    (folder / "dangling.yaml").symlink_to("gone.yaml")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "self.yaml").symlink_to("cluster.yaml")
    os.mkfifo(folder / "fifo")
    description, (found,) = included(folder, f"[teams/web.yaml, {item}]")
    assert found.code == "LVS006"
    assert words in found.message
    assert found.message.isprintable()
    assert found.help
    assert (found.location.span.line, found.location.span.column) == (2, 27)
    assert len(description.documents) == 2


def test_a_symbolic_link_within_the_folder_is_fine(folder: Path) -> None:
    (folder / "link.yaml").symlink_to("teams/web.yaml")
    assert not included(folder, "[link.yaml]")[1]


def test_twice_is_once_too_often(folder: Path) -> None:
    _, (found,) = included(folder, "[teams/web.yaml, teams/../teams/web.yaml]")
    assert "included twice" in found.message
    assert [(r.span.column, r.label) for r in found.related] == [(11, "first included here")]


def test_an_included_file_includes_nothing(folder: Path) -> None:
    (folder / "teams" / "web.yaml").write_text("services: {}\ninclude: [db.yaml]\n")
    description, (found,) = read(str(folder))
    assert (found.code, found.location.path) == ("LVS006", f"{folder}/teams/web.yaml")
    assert found.location.span == Span(2, 1, 2, 8)
    assert len(description.documents) == 3


def test_mistakes_of_several_files_are_found_in_one_run(folder: Path) -> None:
    (folder / "teams" / "web.yaml").write_text("a: b: c\n")
    (folder / "teams" / "db.yaml").write_bytes(b"\xff")
    description, found = included(folder, "[teams/web.yaml, gone.yaml, teams/db.yaml]")
    assert [d.code for d in found] == ["LVS003", "LVS006", "LVS002"]
    assert len(description.documents) == 1
    assert description.texts[f"{folder}/teams/web.yaml"] == "a: b: c\n"


@pytest.mark.parametrize("include", ["teams/web.yaml", "{a: b}", "5", "[5, null, [x]]", "~"])
def test_what_is_no_list_of_texts_is_left_to_the_schema(folder: Path, include: str) -> None:
    description, found = included(folder, include)
    assert not found
    assert len(description.documents) == 1


fragments = st.sampled_from(
    [
        "a",
        "b: ",
        "- ",
        "\n",
        "  ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&x ",
        "*x",
        "!t ",
        "|\n",
        ">",
        "'",
        '"',
        "# ",
        "\t",
        "<<: ",
        "~",
        "true",
        "0x1",
        "1.5",
        "include: ",
        "--- ",
        "...\n",
        "%YAML 1.2\n",
        "\ufeff",
        "\r",
        "é",
        "😀",
        "\0",
        "::1",
        "? ",
    ]
)


@given(st.one_of(st.binary(max_size=60), st.lists(fragments, max_size=25).map(lambda parts: "".join(parts).encode())))
def test_any_bytes_are_a_description_or_diagnostics(raw: bytes) -> None:
    description, found = read("-", io.BytesIO(raw))
    assert description.documents or found
    for format in FORMATS:
        assert all(line.isprintable() for line in render(format, found, description.texts).split("\n"))
    for diagnostic in found:
        span = diagnostic.location.span
        assert 1 <= span.line <= span.end_line
        assert (span.line, span.column) <= (span.end_line, span.end_column)
        assert diagnostic.message.isprintable()
    for document in description.documents:
        assert_places(description, Place(document.name), document.data, 200)


def assert_places(description: Description, place: Place, value: object, budget: int) -> None:
    """Every value has a place of its own text."""
    if budget <= 0:
        return
    document = description.documents[0]
    written = document.written(place.path)
    if isinstance(value, (int, float)):
        assert written
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in inner:
        assert document.spans.find(place.at(key).path) is not None
        assert_places(description, place.at(key), member, budget // 2)
