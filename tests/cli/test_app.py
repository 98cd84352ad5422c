"""The program as a process: start-up, help, completion, and streams that end early."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lvsgen import __version__
from lvsgen.cli.app import run_process
from tests.conftest import Lvsgen

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("jinja2", "jsonschema", "ruamel", "rich", "yaml")


def process(*arguments: str, code: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run this checkout's program, or `code` in its place."""
    command = [sys.executable, "-c", code, *arguments] if code else [sys.executable, "-m", "lvsgen", *arguments]
    return subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


LOADED = """
import atexit, sys
atexit.register(lambda: print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr))
from lvsgen.__main__ import main
sys.exit(main())
"""


def test_the_version_loads_nothing() -> None:
    ran = process("--version", code=LOADED)
    assert (ran.returncode, ran.stdout) == (0, f"lvsgen {__version__}\n")
    assert "typer" not in ran.stderr.split()
    assert not {"lvsgen.cli", *HEAVY} & set(ran.stderr.split())


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (("--help",), {}),
        ((), {"_LVSGEN_COMPLETE": "complete_bash", "COMP_WORDS": "lvsgen build --h", "COMP_CWORD": "2"}),
        ((), {"_LVSGEN_COMPLETE": "complete_bash", "COMP_WORDS": "lvsgen explain LVS2", "COMP_CWORD": "2"}),
        ((), {"_LVSGEN_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "lvsgen build --host "}),
    ],
)
def test_help_and_completion_load_nothing_heavy(arguments: tuple[str, ...], environment: dict[str, str]) -> None:
    ran = process(*arguments, code=LOADED, **environment)
    assert ran.returncode == 0
    assert "typer" in ran.stderr.split()
    assert not set(HEAVY) & set(ran.stderr.split())


def test_completion_knows_options_and_hosts(tmp_path: Path) -> None:
    for host in ("lvs1", "lvs2", "web1"):
        (tmp_path / "generated" / host).mkdir(parents=True)
        (tmp_path / "generated" / host / "lvsgen.sum").write_text("")
    words = {"_LVSGEN_COMPLETE": "complete_bash"}
    ran = process(COMP_WORDS="lvsgen build --fo", COMP_CWORD="2", **words)
    assert ran.stdout.split() == ["--force"]
    ran = process(COMP_WORDS=f"lvsgen build {tmp_path} --host lvs", COMP_CWORD="4", **words)
    assert ran.stdout.split() == ["lvs1", "lvs2"]


@pytest.mark.parametrize("command", ["init", "check", "explain", "build", "report", "schema"])
def test_every_command_has_plain_help(lvsgen: Lvsgen, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("FORCE_COLOR", "1")
    ran = lvsgen(command, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: lvsgen {command} ")
    assert ran.out.isascii()
    assert "\x1b" not in ran.out
    assert lvsgen(command, "-h").out == ran.out


def test_the_exit_codes_are_in_the_help(lvsgen: Lvsgen) -> None:
    assert "0 clean or in sync, 1 findings or drift, 2 could not run" in " ".join(lvsgen("--help").out.split())


@pytest.mark.parametrize(
    "arguments", [("no-such-command",), ("--no-such-option",), ("init",), ("check", "--color", "blue")]
)
def test_wrong_usage_is_one_line(lvsgen: Lvsgen, arguments: tuple[str, ...]) -> None:
    ran = lvsgen(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1


def test_no_arguments_show_the_help(lvsgen: Lvsgen) -> None:
    ran = lvsgen()
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == lvsgen("--help").out


def test_the_usage_names_arguments_plainly(lvsgen: Lvsgen) -> None:
    usages = {command: lvsgen(command, "--help").out.splitlines()[0] for command in ("init", "check", "report")}
    assert usages == {
        "init": "Usage: lvsgen init [OPTIONS] DIR",
        "check": "Usage: lvsgen check [OPTIONS] [PATH...]",
        "report": "Usage: lvsgen report [OPTIONS] [PATH]",
    }


def test_a_reader_that_went_away_is_no_traceback() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = subprocess.run(
        [sys.executable, "-m", "lvsgen", "schema"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (2, "")


def redirected(folder: Path, redirections: str, *arguments: str) -> tuple[int, str]:
    """Exit code and standard error (empty where that is redirected as well) of the program, started by a shell."""
    script = f'exec "$@" {redirections}'
    ran = subprocess.run(
        ["sh", "-c", script, "sh", sys.executable, "-m", "lvsgen", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    return ran.returncode, ran.stderr


FULL = "lvsgen: cannot write to standard output: no space left on device\n"
CLOSED = "lvsgen: cannot write to standard output: it is closed\n"


@pytest.mark.parametrize("arguments", [("schema",), ("--version",), ("--help",), ("check", "--help"), ("report", ".")])
def test_an_output_that_fails_is_one_line(mini: Path, arguments: tuple[str, ...]) -> None:
    assert redirected(mini, ">/dev/full", *arguments) == (2, FULL)
    assert redirected(mini, ">&-", *arguments) == (2, CLOSED)


@pytest.mark.parametrize("arguments", [("check",), ("build",), (), ("no-such-command",)])
def test_notes_that_nobody_gets_are_a_failure(mini: Path, arguments: tuple[str, ...]) -> None:
    expected = 0 if arguments == ("build",) else 2  # it has nothing to note
    assert redirected(mini, ">/dev/null 2>/dev/full", *arguments) == (expected, "")


def test_streams_that_are_closed_matter_only_if_they_are_used(mini: Path) -> None:
    assert redirected(mini, "2>&-", "check") == (0, "")
    assert redirected(mini, "<&- >&- 2>&-", "check") == (0, "")
    assert redirected(mini, "<&-", "check", "-") == (2, "lvsgen: standard input is closed\n")


def test_a_bug_is_not_taken_for_findings(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    def broken(name: str) -> str:
        raise ZeroDivisionError(name)

    monkeypatch.setattr("lvsgen.resources.read_text", broken)
    assert run_process(["schema"]) == 2
    said = capfd.readouterr().err
    assert "ZeroDivisionError" in said
    assert said.splitlines()[-1].startswith("lvsgen: this is a bug in lvsgen")


def test_characters_that_the_terminal_lacks_are_escaped(tmp_path: Path) -> None:
    (tmp_path / "cluster.yaml").write_text("clüster: é\n")
    ran = process("check", str(tmp_path), PYTHONIOENCODING="ascii")
    assert ran.returncode == 1
    assert "Traceback" not in ran.stderr
    assert "\\xfc" in ran.stdout
