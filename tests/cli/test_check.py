"""`lvsgen check`: where the description comes from, what is printed where, and the exit code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import MINI
from tests.conftest import Lvsgen

BROKEN = MINI.replace("{tcp: 3128}", "{tcp: 99999}").replace("pool: [rs1, rs2]", "pool: [rs1, rs9]")


def test_a_cluster_without_mistakes(lvsgen: Lvsgen, mini: Path) -> None:
    ran = lvsgen("check", mini)
    assert (ran.code, ran.out) == (0, "")
    facts, summary = ran.err.splitlines()
    assert facts.startswith("mini: 1 director, 3 realservers, 2 services (2 virtual), ")
    assert summary == "no problems"


def test_all_mistakes_come_in_one_run(lvsgen: Lvsgen, mini: Path) -> None:
    (mini / "cluster.yaml").write_text(BROKEN)
    ran = lvsgen("check", mini, "--output-format", "concise")
    assert ran.code == 1
    assert [line.split(": ")[0] for line in ran.out.splitlines()] == [
        "mini/cluster.yaml:6:17",
        "mini/cluster.yaml:7:33",
    ]


@pytest.mark.parametrize("format_", ["text", "concise", "json", "github", "sarif"])
def test_every_format_names_the_place(lvsgen: Lvsgen, mini: Path, format_: str) -> None:
    (mini / "cluster.yaml").write_text(BROKEN)
    ran = lvsgen("check", mini, "--output-format", format_)
    assert ran.code == 1
    assert "mini/cluster.yaml" in ran.out
    if format_ == "json":
        assert json.loads(ran.out)["summary"]["error"] == 2


def test_json_is_json_for_a_clean_cluster_too(lvsgen: Lvsgen, mini: Path) -> None:
    ran = lvsgen("check", mini, "--output-format", "json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["diagnostics"] == []


def test_the_folder_the_file_and_the_current_folder_are_the_same(lvsgen: Lvsgen, mini: Path) -> None:
    assert lvsgen("check", mini).err == lvsgen("check", mini / "cluster.yaml").err
    os.chdir(mini)
    assert lvsgen("check").code == 0
    Path("cluster.yaml").write_text(BROKEN)
    assert lvsgen("check", "--output-format", "concise").out.startswith("cluster.yaml:6:")


def test_standard_input(lvsgen: Lvsgen, mini: Path) -> None:
    assert lvsgen("check", "-", stdin=MINI.encode()).code == 0
    ran = lvsgen("check", "-", "--output-format", "concise", stdin=BROKEN.encode())
    assert ran.code == 1
    assert ran.out.startswith("<stdin>:6:17: ")


def test_several_clusters_and_each_once(lvsgen: Lvsgen, mini: Path) -> None:
    other = mini.parent / "other"
    other.mkdir()
    (other / "cluster.yaml").write_text(BROKEN.replace("mini", "other").replace("192.0.2.", "198.51.100."))
    ran = lvsgen("check", mini, other, other / "cluster.yaml", "--output-format", "concise")
    assert ran.code == 1
    assert len(ran.out.splitlines()) == 2


def test_of_two_names_of_a_file_the_first_counts(lvsgen: Lvsgen, mini: Path) -> None:
    other = mini.parent / "other"
    other.mkdir()
    for folder in (mini, other):
        (folder / "cluster.yaml").write_text(f"{BROKEN}site: {folder.name}\n")
    again = [(mini / "cluster.yaml").absolute(), other.absolute()]
    ran = lvsgen("build", "--check", mini, other, *again)
    assert [line.split(":")[0] for line in ran.err.splitlines() if ": error[" in line] == [
        *["mini/cluster.yaml"] * 2,
        *["other/cluster.yaml"] * 2,
    ]
    ran = lvsgen("check", other, mini, *again)
    assert str(mini.absolute()) not in ran.out


@pytest.mark.parametrize("command", ["check", "build", "report"])
def test_a_folder_in_place_of_the_file_is_one_line(lvsgen: Lvsgen, mini: Path, command: str) -> None:
    (mini / "nested" / "cluster.yaml").mkdir(parents=True)
    (mini / "nested/cluster.yaml/cluster.yaml").write_text(MINI)
    ran = lvsgen(command, mini / "nested")
    assert (ran.code, ran.out, ran.err) == (2, "", "lvsgen: `mini/nested/cluster.yaml` is a folder, not a file\n")
    assert lvsgen("check", mini / "nested/cluster.yaml").code == 0
    ran = lvsgen("check", mini / "cluster.yaml/deeper")
    assert (ran.code, ran.err) == (2, "lvsgen: cannot read `mini/cluster.yaml/deeper`: not a directory\n")


@pytest.mark.parametrize("path", ["nowhere", "empty"])
def test_nothing_to_read_is_one_line(lvsgen: Lvsgen, mini: Path, path: str) -> None:
    Path("empty").mkdir()
    ran = lvsgen("check", mini, path)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert path in ran.err


def test_a_file_that_is_no_description(lvsgen: Lvsgen, mini: Path) -> None:
    for data in (b"", b"[]", b"a", b"\xff\xfe", b"{", b"a: b\n---\nc: d\n"):
        ran = lvsgen("check", "-", stdin=data)
        assert ran.code == 1, data
        assert "error[LVS0" in ran.out


@pytest.mark.parametrize("day", ["tomorrow", "", "20240101", "2024-W01-1", "2024-02-30", " 2024-01-01"])
def test_a_day_that_is_none(lvsgen: Lvsgen, mini: Path, day: str) -> None:
    ran = lvsgen("check", mini, "--as-of", day)
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert "YYYY-MM-DD" in ran.err


@pytest.mark.parametrize(
    ("option", "environment", "colored"),
    [
        ((), {}, False),
        (("--color", "always"), {}, True),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ((), {"FORCE_COLOR": ""}, False),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_who_decides_on_colours(
    lvsgen: Lvsgen,
    mini: Path,
    monkeypatch: pytest.MonkeyPatch,
    option: tuple[str, ...],
    environment: dict[str, str],
    colored: bool,
) -> None:
    (mini / "cluster.yaml").write_text(BROKEN)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in lvsgen("check", mini, *option).out) is colored
