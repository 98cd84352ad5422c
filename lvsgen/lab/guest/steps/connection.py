"""A connection that outlives what happens to the directors."""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass

from lvsgen.lab.guest import clients
from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.wire import Step, Target

_SYNC = 4.0
"""The sync daemon of an idle director sends what it has every two seconds (ip_vs_sync.c)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection(Step):
    """A connection that stays: opened (`open`), or used once more, when the same realserver must answer on it."""

    target: Target
    source: str
    name: str
    open: bool


@dataclass(slots=True)
class _Kept:
    orders: socket.socket
    answers: socket.socket
    first: str = ""

    def used(self) -> str:
        """Who answers on it now, or the name of an error."""
        self.orders.sendall(b"x")
        return self.answers.recv(100).decode().strip()


def connection(stage: Stage, step: Connection) -> None:
    """Open it, or use it and see who answers."""
    name = f"connection {step.name}"
    if step.open:
        orders, told = socket.socketpair()
        answers, out = socket.socketpair()
        stage.hosts[step.target.client].spawn(clients.keep, step.target, step.source, told.detach(), out.detach())
        orders.settimeout(60)
        answers.settimeout(60)
        stage.kept[name] = _Kept(orders, answers)
    kept: _Kept = stage.kept[name]
    answered = kept.used()
    if step.open:
        kept.first = answered
        time.sleep(_SYNC)
        return
    seen = f"opened at {kept.first}, now {answered}"
    good = answered == kept.first and answered in step.target.realservers
    stage.tell(step.subject, good, seen, f"the connection to {kept.first} is lost: {answered}")
