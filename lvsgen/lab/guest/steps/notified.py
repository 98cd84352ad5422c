"""What keepalived has told the notify program, for which the lab has a stand-in."""

from __future__ import annotations

import shlex
import time
from dataclasses import dataclass

from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.wire import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Notified(Step):
    """The stand-in of `program` on a machine must have been told all `words` in one call, in `seconds`."""

    machine: str
    program: str
    words: tuple[str, ...]
    seconds: float


def notified(stage: Stage, step: Notified) -> None:
    """Read what the stand-in has written down."""
    end = time.monotonic() + step.seconds
    while True:
        said = stage.hosts[step.machine].run("cat /run/notified 2>/dev/null").said
        calls = [line for line in said.splitlines() if line.split()[:1] == [step.program]]
        good = any(set(step.words) <= set(shlex.split(call)) for call in calls)
        if good or time.monotonic() > end:
            break
        time.sleep(0.3)
    seen = f"{step.machine}: {len(calls)} calls of {step.program}"
    stage.tell(step.subject, good, seen, f"{step.program} was never told {' '.join(step.words)}")
