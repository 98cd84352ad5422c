"""`lvsgen explain`, and the options of `check` that choose codes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lvsgen.catalogue import catalogue
from tests.cli.conftest import MINI
from tests.cli.test_app import process
from tests.conftest import Lvsgen

TWO = MINI.replace("{tcp: 3128}", "{tcp: 3128, scheduler: fo}").replace("tcp: 23", "tcp: {23: 24}")
"""LVS312, a hint, and LVS201, an error."""


def test_a_code_and_its_name_are_explained_alike(lvsgen: Lvsgen) -> None:
    ran = lvsgen("explain", "LVS201")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("LVS201 port-mapping (error)\n\n")
    assert [line for line in ran.out.splitlines() if line in ("Why", "Example", "Instead", "Sources")] == [
        "Why",
        "Example",
        "Instead",
        "Sources",
    ]
    assert lvsgen("explain", "port-mapping").out == lvsgen("explain", "lvs201").out == ran.out


def test_a_beginning_lists_what_it_fits(lvsgen: Lvsgen) -> None:
    lines = lvsgen("explain", "LVS01").out.splitlines()
    assert lines == [
        "LVS010  error    wrong-value",
        "LVS011  error    unknown-key",
        "LVS012  error    missing-key",
    ]
    assert len(lvsgen("explain").out.splitlines()) == len(catalogue())


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.code)
def test_every_code_can_be_explained(lvsgen: Lvsgen, entry: object) -> None:
    ran = lvsgen("explain", entry.code)  # type: ignore[attr-defined]  # parametrized with documented codes
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 120


def test_an_unknown_word_is_guessed(lvsgen: Lvsgen) -> None:
    ran = lvsgen("explain", "port-maping")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "lvsgen: no code or name is, or begins with, `port-maping`: did you mean `port-mapping`?\n"
    assert lvsgen("explain", "zzzzzz").err.endswith("; `lvsgen explain` lists all codes\n")
    assert lvsgen("explain", "").code == 2


def test_colour_is_only_for_who_wants_it(lvsgen: Lvsgen) -> None:
    assert "\x1b[" in lvsgen("explain", "LVS201", "--color", "always").out
    assert "\x1b[" not in lvsgen("explain", "LVS201").out


def test_codes_are_completed() -> None:
    words = {"_LVSGEN_COMPLETE": "complete_bash"}
    assert process(COMP_WORDS="lvsgen explain LVS01", COMP_CWORD="2", **words).stdout.split() == [
        "LVS010",
        "LVS011",
        "LVS012",
    ]
    assert process(COMP_WORDS="lvsgen check --select LVS201,port-mapp", COMP_CWORD="3", **words).stdout.split() == [
        "LVS201,port-mapping"
    ]


def codes(lvsgen: Lvsgen, folder: Path, *options: str) -> tuple[int, list[str]]:
    ran = lvsgen("check", folder, "--output-format", "json", *options)
    return ran.code, [one["code"] for one in json.loads(ran.out)["diagnostics"]] if ran.out else []


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ((), (1, ["LVS312", "LVS201"])),
        (("--exit-zero",), (0, ["LVS312", "LVS201"])),
        (("--select", "LVS2"), (1, ["LVS201"])),
        (("--select", "LVS9, fo-without-order"), (0, ["LVS312"])),
        (("--select", "LVS9", "--select", "LVS3"), (0, ["LVS312"])),
        (("--ignore", "port-mapping"), (0, ["LVS312"])),
        (("--ignore", "LVS"), (0, [])),
        (("--select", "LVS2,LVS3", "--ignore", "LVS312"), (1, ["LVS201"])),
        (("--select", "LVS31", "--ignore", "fo-without-order"), (0, [])),
    ],
)
def test_what_is_chosen_is_reported(
    lvsgen: Lvsgen, mini: Path, options: tuple[str, ...], expected: tuple[int, list[str]]
) -> None:
    (mini / "cluster.yaml").write_text(TWO)
    assert codes(lvsgen, mini, *options) == expected


def test_strict_counts_what_is_left(lvsgen: Lvsgen, mini: Path) -> None:
    text = MINI.replace("{tcp: 3128}", "{tcp: 3128}  # lvsgen: ignore[LVS312] of no use")
    (mini / "cluster.yaml").write_text(text)
    assert codes(lvsgen, mini) == (0, ["LVS903"])
    assert codes(lvsgen, mini, "--strict") == (1, ["LVS903"])
    assert codes(lvsgen, mini, "--strict", "--exit-zero") == (0, ["LVS903"])
    assert codes(lvsgen, mini, "--strict", "--ignore", "unused-waiver") == (0, [])


def test_a_waiver_keeps_its_use_when_its_code_is_ignored(lvsgen: Lvsgen, mini: Path) -> None:
    waived = TWO.replace("  squid:", "  # lvsgen: ignore[LVS312] either may go first\n  squid:")
    (mini / "cluster.yaml").write_text(waived)
    assert codes(lvsgen, mini, "--ignore", "LVS312,LVS201") == (0, [])


def test_what_keeps_the_rules_from_judging_cannot_be_ignored(lvsgen: Lvsgen, mini: Path) -> None:
    (mini / "cluster.yaml").write_text(MINI.replace("pool: [rs1, rs2]", "pool: [rs1, rs9]"))
    for options in (("--select", "LVS3"), ("--ignore", "LVS"), ()):
        assert codes(lvsgen, mini, *options) == (1, ["LVS020"])
    ran = lvsgen("check", mini, "--ignore", "LVS020")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("lvsgen: `LVS020` cannot be ignored")


def test_a_misspelt_code_is_told_before_anything_is_read(lvsgen: Lvsgen, mini: Path) -> None:
    (mini / "cluster.yaml").write_text("{")
    for option in ("--select", "--ignore"):
        ran = lvsgen("check", mini, option, "LVS2,port-maping")
        assert (ran.code, ran.out) == (2, "")
        assert "did you mean `port-mapping`?" in ran.err


def test_a_build_heeds_no_choice(lvsgen: Lvsgen, mini: Path) -> None:
    (mini / "cluster.yaml").write_text(TWO)
    assert lvsgen("check", mini, "--ignore", "LVS201").code == 0
    assert lvsgen("build", mini).code == 1
    assert not (mini / "generated").exists()
    assert lvsgen("build", mini, "--ignore", "LVS201").code == 2
