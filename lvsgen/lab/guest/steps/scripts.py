"""Runs the generated `lvs.sh`: what it says, and what it leaves behind."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lvsgen.lab.guest.snapshot import difference, snapshot
from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.wire import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply(Step):
    """`lvs.sh apply` on a machine. `again`: it must have nothing to do. `folder`: not from its own, but from there."""

    machine: str
    again: bool = False
    folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Step):
    """`lvs.sh stop` on machines, in this order; those in `compared` must be as they were before the first apply."""

    machines: tuple[str, ...]
    compared: tuple[str, ...]


def apply(stage: Stage, step: Apply) -> None:
    """Apply, for the first time or again."""
    began = time.monotonic()
    ran = stage.lvs(step.machine, "apply", step.folder)
    lines = ran.said.splitlines()
    if not step.again:
        took = f"{time.monotonic() - began:.1f} s"
        changes = sum(1 for line in lines if line[:2] in ("+ ", "~ ", "- "))
        seen = f"{step.machine}: {changes} changes in {took}"
        stage.tell(step.subject, ran.code == 0, seen, "; ".join(lines[-3:]))
        return
    good = ran.code == 0 and lines[-1:] == ["lvs.sh: nothing to do"]
    seen = f"{step.machine}: " + ("nothing to do" if good else f"{len(lines)} lines")
    stage.tell(step.subject, good, seen, "the second apply does: " + "; ".join(lines[:4]))


def stop(stage: Stage, step: Stop) -> None:
    """Stop on each machine, and compare."""
    for name in step.machines:
        ran = stage.lvs(name, "stop")
        if ran.code:
            stage.tell(step.subject, False, f"{name}: stop fails", "; ".join(ran.said.splitlines()[-3:]))
        elif name in step.compared:
            lines = difference(stage.before[name], snapshot(stage.hosts[name]))
            shown = f"{len(lines)} lines differ" if lines else "as before"
            stage.tell(step.subject, not lines, f"{name}: {shown}", "; ".join(lines[:4]))
