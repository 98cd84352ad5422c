"""What all tests share: the command line run in this process, on streams of its own."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import pytest
from hypothesis import settings

from lvsgen.cli.app import run
from lvsgen.cli.session import Session


def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as processors: many tests wait for lvs.sh, which waits for others."""
    return 2 * (os.cpu_count() or 1)


settings.register_profile("lvsgen", deadline=None)  # how long an example takes says something of the machine only
settings.load_profile("lvsgen")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command line ended, and what it said."""

    code: int
    out: str
    err: str


Lvsgen: TypeAlias = Callable[..., Ran]


@pytest.fixture
def lvsgen(monkeypatch: pytest.MonkeyPatch) -> Lvsgen:
    """Run a command line: `lvsgen("check", folder, stdin=b"...")`. The environment has no say on colours."""
    for variable in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)

    def start(*arguments: object, stdin: bytes = b"") -> Ran:
        out, err = io.StringIO(), io.StringIO()
        code = run([str(argument) for argument in arguments], Session(io.BytesIO(stdin), out, err))
        return Ran(code, out.getvalue(), err.getvalue())

    return start
