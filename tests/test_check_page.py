"""docs/check.md shows real output: every command of it is run again, in a folder with the cluster that it describes."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Lvsgen
from tests.tools import need

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "check.md").read_text()
CONSOLES = re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PROMPT = re.compile(r"^\$ ", re.MULTILINE)
COMMANDS = [
    part.partition("\n")[::2] for console in CONSOLES for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]
]

TYPOS = """\
cluster: typos
versions: {kernel: 6.1}  # as on all directors
directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}
realservers: {web1: 192.0.2.11, web2: 192.0.2.12}
services: {web: {vip: 192.0.2.100, tcp: "80", method: dr, one_way: no}}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = re.findall(r"^```yaml\n(cluster: .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "cluster.yaml").write_text(text)
    (tmp_path / "typos").mkdir()
    (tmp_path / "typos" / "cluster.yaml").write_text(TYPOS)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(("command", "output"), COMMANDS, ids=[command for command, _ in COMMANDS])
def test_a_command_prints_what_the_page_says(lvsgen: Lvsgen, command: str, output: str) -> None:
    program, *arguments = shlex.split(command)
    assert program == "lvsgen"
    ran = lvsgen(*arguments)
    assert (ran.err if ran.code == 2 else ran.out) == output


(WORKFLOW,) = re.findall(r"^```yaml\n(name: .*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_workflow_is_one(tmp_path: Path) -> None:
    (tmp_path / "lvs.yaml").write_text(WORKFLOW)
    command = [need("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(tmp_path / "lvs.yaml")]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.usefixtures("shop")
def test_the_commands_of_the_workflow_run(lvsgen: Lvsgen) -> None:
    commands = re.findall(r"run: lvsgen (.*?)(?: > .*)?$", WORKFLOW, re.MULTILINE)
    # The cluster of the page has an error: the last one succeeds nevertheless.
    assert [lvsgen(*shlex.split(command)).code for command in commands] == [1, 1, 0]


def test_the_hooks_exist() -> None:
    hooks = re.findall(r"- id: (\S+)", (ROOT / ".pre-commit-hooks.yaml").read_text())
    assert re.findall(r"- id: (lvsgen-\S+)", PAGE) == hooks


def test_every_option_of_check_is_on_the_page(lvsgen: Lvsgen) -> None:
    listed = set(re.findall(r"^  +(--[a-z-]+)", lvsgen("check", "--help").out, re.MULTILINE))
    elsewhere = {"--help", "--color", "--as-of"}
    assert {option for option in listed - elsewhere if not re.search(rf"[` ]{option}\b", PAGE)} == set()
    assert {"--select", "--ignore", "--strict", "--exit-zero", "--output-format", "--fix", "--with-tools"} <= listed
