"""The systemd unit that applies the folder at boot."""

from __future__ import annotations

from typing import Any

from lvsgen.plan.host import HostPlan
from lvsgen.plan.naming import owned


def unit_name(plan: HostPlan) -> str:
    """`lvsgen-shop`."""
    return owned(plan.cluster.name)


def view(plan: HostPlan) -> dict[str, Any]:
    """Where the folder lives on the host, and what must run before or after it."""
    return {"cluster": plan.cluster.name, "keepalived": plan.keepalived is not None}
