"""What a service answers to and how it remembers clients: ports, protocol helpers, persistence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lvsgen.bind.context import Context
from lvsgen.bind.fields import Fields
from lvsgen.bind.hosts import as_list
from lvsgen.bind.values import port_range, seconds
from lvsgen.diagnostics import Place, quote
from lvsgen.model import Family, Helper, Member, Persistence, Ports


def bind_ports(context: Context, fields: Fields, place: Place) -> tuple[Ports, ...]:
    """All ports of a service, sorted by protocol and number."""
    found: list[Ports] = []
    for protocol in ("tcp", "udp", "sctp"):
        value = fields.get(protocol)
        pairs = list(value.items()) if isinstance(value, Mapping) else [(p, None) for p, _ in as_list(value)]
        for text, real in pairs:
            first, last = port_range(text)
            if last < first:
                context.error(
                    "LVS028",
                    "bad-range",
                    f"the ports {quote(text)} do not run upwards",
                    place.at(protocol),
                    'write `"LOW-HIGH"`',
                )
            found.append(Ports(protocol, first, last, first if real is None else int(real)))
    return tuple(sorted(found, key=lambda p: (p.protocol, p.first, p.last)))


def bind_persistence(context: Context, fields: Fields, place: Place, used: tuple[Family, ...]) -> Persistence | None:
    """Client affinity; `used` are the families of the VIPs."""
    value = fields.get("persistence")
    if value is None or value is False:
        return None
    given = value if isinstance(value, Mapping) else {"timeout": value}
    netmask = given.get("netmask")
    if isinstance(netmask, int) and len(used) > 1:
        context.error(
            "LVS039",
            "netmask-of-which-family",
            f"a netmask of {netmask} bits means different things for IPv4 and IPv6, and this service has both",
            place.at("persistence", "netmask"),
            f"write `netmask: {{ipv4: {netmask}, ipv6: 64}}`",
        )
    masks = netmask if isinstance(netmask, Mapping) else dict.fromkeys(used, netmask)
    if isinstance(netmask, int) and len(used) == 1:
        # The schema knows no family; of a mapping it has judged each length.
        low, high = (0, 32) if used[0] == "ipv4" else (1, 128)
        if not low <= netmask <= high:
            context.error(
                "LVS010",
                "wrong-value",
                f"expected a prefix length from {low} to {high}, found the number {netmask}",
                place.at("persistence", "netmask"),
                f"leave `netmask` out if each address counts by itself, as with {high}",
            )
    return Persistence(
        timeout=int(seconds(given.get("timeout", 360))),
        netmask_ipv4=masks.get("ipv4"),
        netmask_ipv6=masks.get("ipv6"),
        engine=given.get("engine"),
    )


def _single(ports: tuple[Ports, ...], protocol: str) -> tuple[int, ...]:
    """Ports that may be control ports: a range is for data."""
    return tuple(p.first for p in ports if p.protocol == protocol and not p.is_range)


def bind_helper(value: Any, ports: tuple[Ports, ...], members: tuple[Member, ...]) -> Helper | None:
    """FTP through LVS-NAT needs ip_vs_ftp: derived on port 21, asked for elsewhere."""
    nat = any(m.method == "nat" for m in members)
    if isinstance(value, Mapping):
        ftp = value["ftp"] or {}
        passive = ftp.get("passive")
        return Helper(
            kind="ftp",
            ports=tuple(sorted(ftp.get("ports") or _single(ports, "tcp"))),
            passive=port_range(passive) if passive else None,
            active=ftp.get("active") is not False,
        )
    if value in ("ftp", "sip"):
        return Helper(kind=value, ports=_single(ports, "tcp" if value == "ftp" else "udp"))
    if nat and any(p.protocol == "tcp" and p.first <= 21 <= p.last for p in ports):
        return Helper(kind="ftp", ports=(21,))
    return None
