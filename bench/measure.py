"""Wall time and peak memory of a program, measured from outside it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


class Failed(Exception):
    """The measured program ended as it should not have; the text is what it said."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of the quickest run, and megabytes of the largest."""

    seconds: float
    megabytes: float


def measure(
    command: Sequence[str], *, runs: int = 3, output: Path | None = None, expect: Sequence[int] | None = (0,)
) -> Cost:
    """Run `command` several times. Its output goes to `output`, or nowhere.

    The peak is the child's ru_maxrss: on Linux that starts at what this process had when it forked, so this process
    must stay small (it reads no large file).
    """
    best, peak = float("inf"), 0.0
    for _ in range(runs):
        with open(output or os.devnull, "wb") as out:
            begin = time.perf_counter()
            child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
            _, status, usage = os.wait4(child.pid, 0)
            best = min(best, time.perf_counter() - begin)
        peak = max(peak, usage.ru_maxrss / 1024)
        code = child.returncode = os.waitstatus_to_exitcode(status)
        if expect is not None and code not in expect:
            said = output.read_text(errors="replace")[-500:] if output else ""
            raise Failed(f"{' '.join(command)}: exit {code}\n{said}")
    return Cost(best, peak)


def progress(text: str) -> None:
    """What is being measured now, on the terminal of whoever waits."""
    print(f"... {text}", file=sys.stderr, flush=True)
