"""The finder of real tools: what a missing one does to a test, and what it tells people."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests import tools

ABSENT = "no-such-tool-of-lvsgen"


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> str:
    """A tool that is wanted and not there, on a developer's machine."""
    monkeypatch.setitem(tools.PACKAGES, ABSENT, "no-such-package")
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("LVSGEN_ALLOW_MISSING_TOOLS", raising=False)
    return ABSENT


def test_a_tool_is_found() -> None:
    assert Path(tools.need("sh")).is_absolute()


def test_a_missing_tool_fails_its_test_with_the_command_that_cures_it(absent: str) -> None:
    with pytest.raises(pytest.fail.Exception, match=f"{absent} is missing: .*apt-get install -y .*no-such-package"):
        tools.need(absent)


def test_a_missing_tool_skips_only_where_that_is_allowed(absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LVSGEN_ALLOW_MISSING_TOOLS", "1")
    with pytest.raises(pytest.skip.Exception):
        tools.need(absent)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception):
        tools.need(absent)


def test_the_program_names_what_is_missing(absent: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tools.main([]) == 1
    said = capsys.readouterr().err
    assert absent in said
    assert "no-such-package" in said
    assert tools.main(["--packages"]) == 0
    assert "no-such-package" in capsys.readouterr().out.split()


def test_the_program_needs_nothing_but_python() -> None:
    script = Path(tools.__file__)
    run = subprocess.run([sys.executable, "-I", "-S", script, "--packages"], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


def test_a_namespace_has_the_interfaces_and_not_those_of_the_machine() -> None:
    run = tools.in_namespace([tools.need("ip"), "-brief", "link"], interfaces=["eth0", "bond0.12"])
    assert run.returncode == 0, run.stderr
    names = {line.split()[0].partition("@")[0] for line in run.stdout.splitlines()}
    assert {"lo", "eth0", "bond0.12"} <= names
