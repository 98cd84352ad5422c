"""Whom neighbours take for the holder of an address, once realservers have asked for neighbours of their own."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lvsgen.lab.guest import clients, diagnosis
from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.wire import Step, Target

_SETTLED = 1.2
"""The kernel does not let an entry change within a second (arp(7), locktime)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours(Step):
    """`asking` asks the service, and its realservers must look for it anew; `watcher`, the neighbour that sends packets
    to the address, must still take a director for its holder.
    """

    target: Target
    asking: str
    sources: tuple[str, ...]
    watcher: str
    realservers: tuple[str, ...]


def neighbours(stage: Stage, step: Neighbours) -> None:
    """Let them look for the client, and read what the watcher has learnt of that."""
    client = stage.hosts[step.asking]
    ports = (step.target.port,)
    client.call(clients.ask, step.target, step.sources, 2, ports, False, False)
    before = _holder(stage, step)
    time.sleep(_SETTLED)
    for name in step.realservers:
        stage.hosts[name].must("ip -4 neigh flush all")
    client.call(clients.ask, step.target, step.sources, 2 * len(step.realservers), ports, False, False)
    now = _holder(stage, step)
    cause = f"a director must be found there, the same as before: {before}"
    if now in step.realservers:
        value = diagnosis.setting(stage.hosts[now], "net/ipv4/conf/all/arp_announce")
        cause = f"{now} names {step.target.ip} as its own in ARP requests: net.ipv4.conf.all.arp_announce = {value}"
    seen = f"{step.watcher} finds {step.target.ip} at {now}"
    stage.tell(step.subject, now == before and now in step.target.directors, seen, cause)


def _holder(stage: Stage, step: Neighbours) -> str:
    said = stage.hosts[step.watcher].must(f"ip -4 neigh show to {step.target.ip}").split()
    return stage.macs.get(said[said.index("lladdr") + 1], "somebody") if "lladdr" in said else "nobody"
