"""host.conf, modules.conf and modprobe.conf: who this host is, and what its kernel must have."""

from __future__ import annotations

from typing import Any

from lvsgen.plan.host import HostPlan


def view(plan: HostPlan) -> dict[str, Any]:
    """What lvs.sh must know about this host; it reads it as data."""
    writer = plan.cluster.ipvs.writer if plan.is_director else "none"
    return {"cluster": plan.cluster.name, "host": plan.host.name, "roles": " ".join(plan.roles), "writer": writer}


def modules(plan: HostPlan) -> dict[str, Any] | None:
    """modules-load.d(5)."""
    return {"modules": plan.modules} if plan.modules else None


def modprobe(plan: HostPlan) -> dict[str, Any] | None:
    """modprobe.d(5)."""
    modules = [m for m in plan.modules if m.options]
    return {"modules": modules} if modules else None
