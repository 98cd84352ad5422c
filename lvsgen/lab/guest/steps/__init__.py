"""The kinds of steps, and what takes each: a new kind is a module beside this one and its line in the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.steps import (
    asking,
    calls,
    command,
    faults,
    leaving,
    load,
    neighbours,
    notified,
    owner,
    scripts,
    table,
    transfer,
    watch,
)
from lvsgen.lab.guest.wire import Step

STEPS: Mapping[type[Step], Callable[[Stage, Any], None]] = {
    scripts.Apply: scripts.apply,
    scripts.Stop: scripts.stop,
    table.Table: table.table,
    owner.Owner: owner.owner,
    neighbours.Neighbours: neighbours.neighbours,
    leaving.Leaving: leaving.leaving,
    notified.Notified: notified.notified,
    asking.Ask: asking.ask,
    asking.Upload: asking.upload,
    faults.Responders: faults.responders,
    faults.Links: faults.links,
    transfer.Transfer: transfer.transfer,
    calls.Calls: calls.calls,
    load.Load: load.begin,
    load.Phase: load.phase,
    load.Unload: load.end,
    watch.Watch: watch.begin,
    watch.Unwatch: watch.end,
    command.Command: command.command,
}

KINDS: Mapping[str, type[Step]] = {kind.__name__: kind for kind in STEPS}
"""By the name that crosses to the guest."""


def take(stage: Stage, step: Step) -> None:
    """Take one step."""
    STEPS[type(step)](stage, step)
