"""What goes wrong, on purpose: responders end, links go down. Without results: others see what becomes of it."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from lvsgen.lab.guest import build
from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.wire import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Responders(Step):
    """Ends all responders of a machine, or starts them (again); with `status` they go on with that HTTP status."""

    machine: str
    up: bool
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Links(Step):
    """All links of a machine go down, or come back."""

    machine: str
    up: bool


def responders(stage: Stage, step: Responders) -> None:
    """End them, start them, or tell them what to answer."""
    host = stage.hosts[step.machine]
    if step.status:
        for child in host.children:
            os.kill(child, signal.SIGUSR2 if step.up else signal.SIGUSR1)
    elif step.up:
        build.start(host)
    else:
        for child in list(host.children):
            host.end(child)


def links(stage: Stage, step: Links) -> None:
    """Down, or up again."""
    host = stage.hosts[step.machine]
    word = "up" if step.up else "down"
    host.must("\n".join(f"ip link set {nic.device} {word}" for nic in host.machine.nics))
    if step.up:
        # The kernel drops the routes of a device that goes down (fib_frontend.c), and IPv6 addresses with them.
        again = [
            f"ip address replace {address} dev {nic.device} nodad"
            for nic in host.machine.nics
            for address in nic.addresses
            if ":" in address
        ]
        again += [f"ip route replace {route}" for route in host.machine.routes]
        host.must("\n".join(["set -e", *again]))
