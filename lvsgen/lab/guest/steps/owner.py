"""Asks a segment who holds an address."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lvsgen.lab.guest import clients, diagnosis
from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.steps.watch import stood_still, too_slow
from lvsgen.lab.guest.wire import Step

_BEFORE = 30
"""Seconds before the question in which a master may have been lost because nobody heard it."""

_LISTEN = 0.4
"""Seconds to wait for answers to one broadcast."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner(Step):
    """Who answers a broadcast for an address: exactly one of `allowed`, or nobody if there is none.

    Asked until it is so, for `seconds` at most; then for `steady` seconds it must be so at any time (silence is
    allowed there). `directors` are the machines of which only one may hold it.
    """

    client: str
    device: str
    ip: str
    allowed: tuple[str, ...]
    directors: tuple[str, ...] = ()
    seconds: float = 0
    steady: float = 0


def owner(stage: Stage, step: Owner) -> None:
    """Ask, until it is as it should be."""
    began = time.monotonic()
    end = began + step.seconds
    while True:
        names = _who(stage, step)
        good = (len(names) == 1 and names[0] in step.allowed) if step.allowed else not names
        if good or time.monotonic() > end:
            break
    until = time.monotonic() + step.steady
    while good and time.monotonic() < until:
        names = _who(stage, step)
        good = len(names) <= 1 and set(names) <= set(step.allowed)
    seen = f"{step.ip}: {' and '.join(names) or 'nobody'}"
    if not good and (pause := stood_still(stage, began - _BEFORE)):
        stage.leave_open(step.subject, f"{too_slow(pause)}; {seen}")
        return
    cause = "" if good else diagnosis.wrong_owner(stage.hosts, step.ip, names, step.allowed, step.directors)
    stage.tell(step.subject, good, seen, cause or f"{' or '.join(step.allowed) or 'nobody'} must answer")


def _who(stage: Stage, step: Owner) -> list[str]:
    found = stage.hosts[step.client].call(clients.who_has, step.device, step.ip, _LISTEN)
    return sorted({stage.macs.get(mac, mac) for mac in found})
