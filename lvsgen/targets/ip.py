"""links.batch, routes.batch and addresses.batch: lines of `ip -batch`, each with what breaks without it."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from lvsgen.plan.host import Address, HostPlan


def links(plan: HostPlan) -> dict[str, Any] | None:
    """Devices that must be there before their sysctls."""
    return _view([(link.reason, link.line) for link in plan.links])


def routes(plan: HostPlan) -> dict[str, Any] | None:
    """Routes and routing rules."""
    return _view([(route.reason, line) for route in plan.routes for line in route.lines])


def addresses(plan: HostPlan) -> dict[str, Any] | None:
    """Addresses that this host itself configures."""
    return _view([(address.reason, _line(address)) for address in plan.addresses])


def _line(address: Address) -> str:
    flags = " nodad preferred_lft 0" if address.deprecated else " nodad" if _detects_duplicates(address) else ""
    return f"address replace {address.ip}/{address.ip.max_prefixlen} dev {address.device}{flags}"


def _detects_duplicates(address: Address) -> bool:
    """Linux never looks for duplicates on loopback (addrconf.c, addrconf_dad_begin)."""
    return address.ip.version == 6 and address.device != "lo"


def _view(lines: list[tuple[str, str]]) -> dict[str, Any] | None:
    if not lines:
        return None
    return {
        "groups": [
            {"reason": reason, "lines": [line for _, line in group]}
            for reason, group in groupby(lines, key=lambda pair: pair[0])
        ]
    }
