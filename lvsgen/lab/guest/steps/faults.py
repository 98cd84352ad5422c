"""What goes wrong, on purpose: responders end, links go down. Without results: others see what becomes of it."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from lvsgen.lab.guest import build
from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.wire import Step

_ECHO = ("/proc/sys/net/ipv4/icmp_echo_ignore_all", "/proc/sys/net/ipv6/icmp/echo_ignore_all")


@dataclass(frozen=True, slots=True, kw_only=True)
class Responders(Step):
    """Ends all responders of a machine, and that it answers pings, or starts them (again).

    With `status` they go on with that HTTP status. `files` of the machines `agents` then say 1 for what is not up, else
    0, as the site's own agents there would have written it.
    """

    machine: str
    up: bool
    status: int = 0
    files: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Links(Step):
    """Links of a machine go down, or come back: all that it has, or those of some devices."""

    machine: str
    devices: tuple[str, ...] = ()
    up: bool


def responders(stage: Stage, step: Responders) -> None:
    """End them, start them, or tell them what to answer."""
    host = stage.hosts[step.machine]
    if step.status:
        for child in host.children:
            os.kill(child, signal.SIGUSR2 if step.up else signal.SIGUSR1)
    else:
        if step.up:
            build.start(host)
        for child in [] if step.up else list(host.children):
            host.end(child)
        for path in _ECHO:
            host.must(f"echo {0 if step.up else 1} >{path}")
    for name in step.agents if step.files else ():
        stage.hosts[name].must("\n".join(f"echo {0 if step.up else 1} >'{path}'" for path in step.files))


def links(stage: Stage, step: Links) -> None:
    """Down, or up again."""
    host = stage.hosts[step.machine]
    word = "up" if step.up else "down"
    nics = [nic for nic in host.machine.nics if not step.devices or nic.device in step.devices]
    host.must("\n".join(f"ip link set {nic.device} {word}" for nic in nics))
    if step.up:
        # The kernel drops the routes of a device that goes down (fib_frontend.c), and IPv6 addresses with them.
        again = [
            f"ip address replace {address} dev {nic.device} nodad"
            for nic in nics
            for address in nic.addresses
            if ":" in address
        ]
        again += [f"ip route replace {route}" for route in host.machine.routes]
        host.must("\n".join(["set -e", *again]))
