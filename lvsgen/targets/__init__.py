"""Targets: a `HostPlan` -> the files of that host's folder, one target and one template a file.

A target's `view` takes what its template needs out of the plan, as plain text values; None means that this host has no
such file. Adding a target is a module, a template and a line in `TARGETS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from lvsgen.plan.host import HostPlan
from lvsgen.sums import HEADER, Artifact
from lvsgen.targets import firewall, host, ip, ipvs, keepalived, secrets, sysctl, unit

View: TypeAlias = Callable[[HostPlan], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Target:
    """One file of a host's folder. `name` may hold `{unit}`."""

    name: str
    template: str
    view: View
    mode: int = 0o644


TARGETS = (
    Target("host.conf", "host.conf.j2", host.view),
    Target("modules.conf", "modules.conf.j2", host.modules),
    Target("modprobe.conf", "modprobe.conf.j2", host.modprobe),
    Target("links.batch", "ip.batch.j2", ip.links),
    Target("sysctl.conf", "sysctl.conf.j2", sysctl.view),
    Target("ipvs.rules", "ipvs.rules.j2", ipvs.table),
    Target("ipvs.conf", "ipvs.conf.j2", ipvs.settings),
    Target("iptables.rules", "iptables.rules.j2", firewall.iptables),
    Target("ip6tables.rules", "iptables.rules.j2", firewall.ip6tables),
    Target("nftables.conf", "nftables.conf.j2", firewall.nftables),
    Target("routes.batch", "ip.batch.j2", ip.routes),
    Target("addresses.batch", "ip.batch.j2", ip.addresses),
    Target("secrets.conf", "secrets.conf.j2", secrets.view),
    Target("keepalived.conf", "keepalived.conf.j2", keepalived.view),
    Target("{unit}.service", "unit.service.j2", unit.view),
    Target("lvs.sh", "lvs.sh", lambda plan: {}, 0o755),
)
"""Every file that a host may get, in the order in which lvs.sh applies them."""


def artifacts(plan: HostPlan) -> tuple[Artifact, ...]:
    """All files of one host, without the sum file; that is the tree's. None where nothing is to be done or managed."""
    from lvsgen.render import render

    if plan.is_empty or not plan.host.managed:
        return ()
    found = []
    for target in TARGETS:
        view = target.view(plan)
        if view is not None:
            text = render(target.template, {"header": HEADER, **view})
            name = target.name.format(unit=unit.unit_name(plan))
            found.append(Artifact(host=plan.host.name, name=name, text=text, mode=target.mode))
    return tuple(found)
