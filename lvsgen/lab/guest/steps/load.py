"""Clients at work while other steps are taken: begun, divided into phases, ended and judged."""

from __future__ import annotations

import json
import socket
import tempfile
import time
from dataclasses import dataclass, field
from typing import TextIO

from lvsgen.lab.guest import load, noticed, record
from lvsgen.lab.guest.namespaces import Trouble, wait_for
from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.wire import Step, Target

_OPENING = 60.0
_ENDING = 60.0
"""Seconds for the generator to begin and to end; it needs a few, if it is not to go on until it has seen enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load(Step):
    """New connections to a service begin, up to `rate` of them a second from the addresses `sources` in turn,
    whatever becomes of them; for `seconds` at most, and until `least` of them were served. `held` connections stay open
    and are used all the time; with `sync` they get the time that it takes to copy them to the backup.
    """

    name: str
    target: Target
    sources: tuple[str, ...]
    rate: float
    seconds: float
    least: int = 0
    held: int = 0
    sync: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase(Step):
    """From now on the load `name` is judged by itself: no window without service may be longer than `window` seconds
    (0: no connection may fail), which is what is promised and some patience. It ends where the next one begins.
    """

    name: str
    window: float
    promised: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unload(Step):
    """A load ends, and all its phases are judged. Its own subject is that of the connections that stay."""

    name: str


@dataclass(slots=True)
class _Running:
    """A generator at work."""

    step: Load
    child: int
    orders: socket.socket
    out: TextIO
    phases: list[tuple[Phase, float]] = field(default_factory=list)


_SYNC = 4.0
"""The sync daemon of an idle director sends what it has every two seconds (ip_vs_sync.c)."""


def begin(stage: Stage, step: Load) -> None:
    """Start the generator; go on when its first connections are open."""
    orders, told = socket.socketpair()
    out = tempfile.TemporaryFile("w+")  # noqa: SIM115  # [read when the load ends]
    child = stage.hosts[step.target.client].spawn(
        load.generate, step.target, step.sources, step.rate, step.seconds, step.least, step.held, told, out
    )
    told.close()
    orders.settimeout(_OPENING)
    try:
        ready = orders.recv(1)
    except TimeoutError:
        ready = b""
    if not ready:
        raise Trouble(f"{step.target.client}: the load on {step.name} does not begin")
    stage.kept[_key(step.name)] = _Running(step, child, orders, out)
    if step.held and step.sync:
        time.sleep(_SYNC)


def phase(stage: Stage, step: Phase) -> None:
    """Note the time."""
    running: _Running = stage.kept[_key(step.name)]
    running.phases.append((step, time.monotonic()))


def end(stage: Stage, step: Unload) -> None:
    """Stop it, read its record and judge it."""
    running: _Running = stage.kept.pop(_key(step.name))
    stopped = time.monotonic()
    running.orders.send(b"x")
    client = stage.hosts[running.step.target.client]
    client.children.remove(running.child)
    code = wait_for(running.child, _ENDING + (running.step.seconds if running.step.least else 0))
    running.out.seek(0)
    text = running.out.read()
    running.out.close()
    running.orders.close()
    if code is None or not text:
        why = "does not end" if code is None else "died"
        raise Trouble(f"{running.step.target.client}: the load on {step.name} {why}")
    saw = record.decode(json.loads(text))
    before = noticed.noticed(saw, saw.since, running.phases[0][1]) if running.phases else None
    ends = [began for _, began in running.phases[1:]] + [max(stopped, saw.until)]
    for (one, began), ended in zip(running.phases, ends, strict=True):
        _judge(stage, one, noticed.noticed(saw, began, ended), before)
    if saw.held:
        seen, lost = noticed.kept(saw.held)
        stage.tell(step.subject, not lost, seen, f"{lost} established connections are lost")


def _judge(stage: Stage, one: Phase, found: noticed.Noticed, before: noticed.Noticed | None) -> None:
    seen = found.seen + (f"; promised: {one.promised}" if one.promised else "")
    if before and (before.lost or before.doubtful):
        # Too much for this machine, or broken from the beginning: in any case not by what was done.
        stage.leave_open(one.subject, f"before anything was done, {before.seen}")
    elif found.lost and found.window > one.window and not found.drowned:
        most = f"for {one.window:.1f} s at most" if one.window else "never"
        stage.tell(
            one.subject, False, seen, f"new clients are without service for {found.window:.2f} s; it may be {most}"
        )
    elif found.doubt:
        stage.leave_open(one.subject, f"{found.doubt}; {seen}")
    else:
        stage.tell(one.subject, True, seen)


def _key(name: str) -> str:
    return f"load {name}"
