"""Every code that lvsgen can report is documented, and the examples of those that are no rules do what they say."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from lvsgen import expiry, judges, overrides, pipeline, waivers
from lvsgen.catalogue import BESIDE, BINDING, FUNDAMENTAL, READING, catalogue, matching, nearest
from lvsgen.rules.documentation import Documented, complete, documentation
from lvsgen.source import LARGEST, problems
from tests.rules.test_rules import MARK, expected

ROOT = Path(__file__).resolve().parents[2]
CODE = re.compile(r"LVS\d{3}")
OTHER_FILE = "# in team.yaml:\n"
ELSEWHERE = ("LVS001", "LVS920")
"""A file of 70 MiB is no example, and keepalived is not asked here: both have a test of their own."""


def written_codes() -> Iterator[tuple[str, str, str]]:
    """Every literal that is a code, with the literal after it (mostly its name) and its place in the source."""
    for path in sorted((ROOT / "lvsgen").rglob("*.py")):
        for found in ast.walk(ast.parse(path.read_text())):
            values: list[ast.expr | None] = []
            if not isinstance(found, (ast.Call, ast.Dict)):
                continue
            if isinstance(found, ast.Call):
                values = [*found.args, *(keyword.value for keyword in found.keywords)]
            else:
                values = [v for pair in zip(found.keys, found.values, strict=True) for v in pair]
            texts = [v.value if isinstance(v, ast.Constant) else None for v in values]
            for code, after in pairwise([*texts, None]):
                if isinstance(code, str) and CODE.fullmatch(code):
                    yield code, after if isinstance(after, str) else "", f"{path.name}:{found.lineno}"


def test_every_code_in_the_source_is_documented_under_the_same_name() -> None:
    names = {entry.code: entry.name for entry in catalogue()}
    written = list(written_codes())
    assert len({code for code, _, _ in written}) > 100
    for code, after, place in written:
        assert code in names, f"{place}: {code} is documented nowhere"
        if re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", after):
            assert after == names[code], place


def test_the_names_of_the_stages_are_those_of_the_catalogue() -> None:
    names = {entry.code: entry.name for entry in catalogue()}
    for stage in (problems.NAMES, overrides.NAMES, waivers.NAMES, expiry.NAMES, judges.NAMES):
        assert {code: names[code] for code in stage} == stage


def test_codes_and_names_are_unambiguous_and_sorted() -> None:
    codes = [entry.code for entry in catalogue()]
    assert codes == sorted(set(codes))
    assert len({entry.name for entry in catalogue()}) == len(codes)
    for part in (READING, BINDING, BESIDE):
        assert list(part) == sorted(part, key=lambda entry: entry.code)


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.code)
def test_everything_has_its_five_parts(entry: Documented) -> None:
    assert all(getattr(documentation(entry), part) for part in ("finds", "why", "example", "instead", "sources"))


def found_in(folder: Path, example: str) -> Counter[tuple[int, str]]:
    """Line and code of everything that is said of an example; a second file of it is written, too."""
    text, _, other = MARK_WITH_SPACE.sub("", example).partition(OTHER_FILE)
    (folder / "cluster.yaml").write_text(complete(text.rstrip("\n")))
    if other:
        (folder / "team.yaml").write_text(other)
    checked = pipeline.check(str(folder), as_of=date(2027, 1, 1))
    shift = complete(text.rstrip("\n")).count("\n") + 1 if other else 0
    return Counter(
        (one.location.span.line + (shift if one.location.path.endswith("team.yaml") else 0), one.code)
        for one in checked.diagnostics
    )


MARK_WITH_SPACE = re.compile(r"[ ]*" + MARK.pattern, re.MULTILINE)


@pytest.mark.parametrize("entry", [*READING, *BINDING, *BESIDE], ids=lambda entry: entry.code)
def test_the_examples_are_true(entry: Documented, tmp_path: Path) -> None:
    text = documentation(entry)
    if entry.code not in ELSEWHERE:
        marked = expected(complete(text.example))
        assert entry.code in {code for _, code in marked}
        assert found_in(tmp_path, text.example) == marked
    assert not found_in(tmp_path, text.instead)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "cluster.yaml").write_text(complete("include: [table.yaml]"))
    with (tmp_path / "table.yaml").open("wb") as file:
        file.truncate(LARGEST + 1)
    assert [one.code for one in pipeline.check(str(tmp_path)).diagnostics] == ["LVS001"]


@pytest.mark.parametrize(
    ("word", "codes"),
    [
        ("LVS201", ["LVS201"]),
        ("lvs201", ["LVS201"]),
        ("port-mapping", ["LVS201"]),
        ("LVS01", ["LVS010", "LVS011", "LVS012"]),
        ("unknown-k", ["LVS011"]),
        ("no-such-thing", []),
        ("", []),
    ],
)
def test_a_word_means_a_code_a_name_or_the_beginning_of_one(word: str, codes: list[str]) -> None:
    assert [entry.code for entry in matching(word)] == codes


def test_a_misspelt_word_is_guessed() -> None:
    assert nearest("port-maping") == "port-mapping"
    assert nearest("LVS2010") == "LVS201"
    assert nearest("zzzzzz") == ""


def test_what_keeps_the_rules_from_judging_is_fundamental() -> None:
    assert {code[:4] for code in FUNDAMENTAL} == {"LVS0"}
    assert {entry.code for entry in catalogue() if entry.code.startswith("LVS0")} == FUNDAMENTAL
