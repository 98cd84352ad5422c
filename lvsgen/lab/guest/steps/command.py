"""Runs a command on a machine, in the place of its administrator."""

from __future__ import annotations

from dataclasses import dataclass

from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.wire import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Step):
    """A shell line on a machine, as root, for `seconds` at most; `what` it does is said if it fails."""

    machine: str
    command: str
    what: str
    seconds: float = 120


def command(stage: Stage, step: Command) -> None:
    """Run it: a result only if it fails."""
    ran = stage.hosts[step.machine].run(step.command, step.seconds, LVSGEN_HOST=step.machine)
    if ran.code:
        stage.tell(step.subject, False, f"{step.machine}: {step.what} fails", "; ".join(ran.said.splitlines()[-3:]))
