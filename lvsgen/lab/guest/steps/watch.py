"""Asks a segment who holds an address, again and again while other steps are taken: are there ever two?"""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TextIO

from lvsgen.lab.guest import clients
from lvsgen.lab.guest.namespaces import Trouble, wait_for
from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.wire import Step

_LISTEN = 0.3
_MOST = 2000
"""Seconds to wait for answers to one broadcast, and how many are sent at most."""
_STALL = 1.0
"""Seconds beyond that from which on the machine itself stood still."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch(Step):
    """A client begins to ask, by broadcast, who holds the addresses `ips`, in turn."""

    name: str
    client: str
    device: str
    ips: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwatch(Step):
    """It ends. Two may have answered for an address for `overlap` seconds, while one took over from the other."""

    name: str
    overlap: float


@dataclass(slots=True)
class _Running:
    """A client that asks."""

    step: Watch
    child: int
    orders: socket.socket
    out: TextIO


def begin(stage: Stage, step: Watch) -> None:
    """Start it."""
    orders, told = socket.socketpair()
    out = tempfile.TemporaryFile("w+")  # noqa: SIM115  # [read when the watch ends]
    child = stage.hosts[step.client].spawn(_watch, step.device, step.ips, told, out)
    told.close()
    stage.kept[_key(step.name)] = _Running(step, child, orders, out)


def _watch(device: str, ips: Sequence[str], orders: socket.socket, out: TextIO) -> None:
    orders.setblocking(False)
    for number in range(_MOST):
        ip = ips[number % len(ips)]
        print(json.dumps((time.monotonic(), ip, clients.who_has(device, ip, _LISTEN))), file=out, flush=True)
        try:
            orders.recv(1)
            break
        except BlockingIOError:
            continue


def end(stage: Stage, step: Unwatch) -> None:
    """Stop it, and judge what it saw."""
    running: _Running = stage.kept.pop(_key(step.name))
    running.orders.send(b"x")
    client = stage.hosts[running.step.client]
    client.children.remove(running.child)
    wait_for(running.child, 20)
    told = _told(running)
    running.out.close()
    running.orders.close()
    if not told:
        raise Trouble(f"{running.step.client}: the watch over {', '.join(running.step.ips)} has seen nothing")
    answers = [(at, ip, sorted({stage.macs.get(mac, mac) for mac in macs})) for at, ip, macs in told]
    problem = two_at_once(answers, step.overlap)
    double = sum(len(names) > 1 for _, _, names in answers)
    seen = f"asked {len(answers)} times, {double} times answered by two"
    pause = _longest([at for at, _, _ in answers])
    if problem and pause:
        stage.leave_open(step.subject, f"{too_slow(pause)}; {seen}")
    else:
        stage.tell(step.subject, not problem, seen, problem)


def stood_still(stage: Stage, since: float) -> float:
    """The longest time since then for which a client that watches could not ask; 0 if it was no long one.

    keepalived had no time either, and who hears no adverts for three intervals takes over.
    """
    watches = [one for one in stage.kept.values() if isinstance(one, _Running)]
    return max((_longest([at for at, _, _ in _told(one) if at > since]) for one in watches), default=0)


def too_slow(pause: float) -> str:
    """Why what was seen proves nothing."""
    return f"this machine is too slow: it stood still for {pause:.1f} s"


def _longest(times: Sequence[float]) -> float:
    pause = max((after - before for before, after in pairwise(times)), default=0)
    return pause if pause > _LISTEN + _STALL else 0


def _told(running: _Running) -> list[tuple[float, str, list[str]]]:
    """What the client has written down so far; reading leaves alone where it writes."""
    number = running.out.fileno()
    text = os.pread(number, os.fstat(number).st_size, 0).decode()
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def two_at_once(answers: Sequence[tuple[float, str, Sequence[str]]], overlap: float) -> str:
    """Who answered for one address at the same time for longer than that; empty if nobody did.

    `answers` are a time, an address, and who answered.
    """
    since: dict[str, float] = {}
    for at, ip, names in answers:
        if len(names) < 2:
            since.pop(ip, None)
        elif at - since.setdefault(ip, at) > overlap:
            return f"two masters: {' and '.join(names)} answered for {ip} at the same time, for more than {overlap:g} s"
    return ""


def _key(name: str) -> str:
    return f"watch {name}"
