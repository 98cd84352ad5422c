"""docs/check.md shows real output: every command of it is run again, in a folder with the cluster that it describes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import Lvsgen

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "check.md").read_text()
CONSOLES = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"^\$ ", re.MULTILINE)
COMMANDS = [
    part.partition("\n")[::2] for console in CONSOLES for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]
]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = re.findall(r"^```yaml\n(cluster: .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "cluster.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("command", "output"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_a_command_prints_what_the_page_says(lvsgen: Lvsgen, command: str, output: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "lvsgen"
    ran = lvsgen(*arguments)
    assert (ran.err if ran.code == 2 else ran.out) == output


def test_every_option_of_check_is_on_the_page(lvsgen: Lvsgen) -> None:
    listed = set(re.findall(r"^  +(--[a-z-]+)", lvsgen("check", "--help").out, re.MULTILINE))
    elsewhere = {"--help", "--color", "--as-of"}
    assert {option for option in listed - elsewhere if f"`{option}" not in PAGE} == set()
    assert {"--select", "--ignore", "--strict", "--exit-zero", "--output-format"} <= listed
