"""Members of pools: which host, at which address, how and with what weight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lvsgen.bind.checks import bind_checks
from lvsgen.bind.context import Context
from lvsgen.bind.hosts import as_list
from lvsgen.bind.values import address, metadata
from lvsgen.diagnostics import Place, quote
from lvsgen.model import (
    FAMILIES,
    Check,
    Family,
    Host,
    IPAddress,
    Member,
    Method,
    Network,
    Timing,
    Tunnel,
    family_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a member takes from its service. Hashable, so that services which agree share their members."""

    method: Method | None
    tunnel: Tunnel
    weight: int
    upper_threshold: int | None
    lower_threshold: int | None
    checks: tuple[Check, ...]
    unchecked: bool
    timing: Timing
    families: tuple[Family, ...]
    vip_networks: tuple[str, ...]


def bind_tunnel(value: Any) -> Tunnel:
    """`ipip`, `gre`, or a mapping with the type and its options."""
    if not isinstance(value, Mapping):
        return Tunnel(type=value or "ipip")
    return Tunnel(type=value["type"], port=value.get("port"), checksum=value.get("checksum") or "none")


def bind_members(
    context: Context,
    pool: Any,
    place: Place,
    hosts: Mapping[str, Host],
    networks: tuple[Network, ...],
    around: Surroundings,
) -> tuple[Member, ...]:
    """The members of one pool in one service, sorted by name. Broken ones are left out, so that the rest is judged.

    `networks` are those of the directors: a realserver's address there is its RIP.
    """
    written: list[tuple[str, Mapping[str, Any], Place]]
    if isinstance(pool, Mapping):
        written = [(name, data or {}, place.at(name)) for name, data in pool.items()]
    else:
        written = [(name, {}, place.at(*index)) for name, index in as_list(pool)]
    members = []
    for name, data, at in sorted(written, key=lambda item: item[0]):
        host = hosts.get(name)
        if host is None:
            if name not in context.broken["realservers"] and name not in context.broken["directors"]:
                context.unknown("realserver", name, hosts, at.key if isinstance(pool, Mapping) else at)
            continue
        member = _member(context, host, data, at, networks, around)
        if member is not None:
            members.append(member)
    return tuple(members)


def _member(
    context: Context,
    host: Host,
    data: Mapping[str, Any],
    place: Place,
    networks: tuple[Network, ...],
    around: Surroundings,
) -> Member | None:
    method = data.get("method") or around.method
    if method is None:
        return None
    families: tuple[Family, ...] = tuple(f for f in FAMILIES if f in (data.get("families") or FAMILIES))
    addresses = _addresses(context, host, data, place, networks, around, method, families)
    if addresses is None:
        return None
    checks: tuple[Check, ...] | None = around.checks
    unchecked = around.unchecked
    if data.get("check") is not None:
        unchecked = data["check"] is False
        checks = bind_checks(context, data["check"] or None, place.at("check"), around.timing)
    if checks is None:
        return None
    drained, disabled = data.get("drain"), data.get("disable")
    weight = data.get("weight")
    return Member(
        host=host,
        addresses=addresses,
        families=families,
        port=data.get("port"),
        weight=around.weight if weight is None else weight,
        upper_threshold=data.get("upper_threshold", around.upper_threshold),
        lower_threshold=data.get("lower_threshold", around.lower_threshold),
        method=method,
        tunnel=bind_tunnel(data["tunnel"]) if data.get("tunnel") else around.tunnel,
        checks=checks,
        unchecked=unchecked,
        state="drained" if drained else "disabled" if disabled else "active",
        reason=drained or disabled or "",
        meta=metadata(context, data, place),
        place=place,
    )


def _addresses(
    context: Context,
    host: Host,
    data: Mapping[str, Any],
    place: Place,
    networks: tuple[Network, ...],
    around: Surroundings,
    method: Method,
    families: tuple[Family, ...],
) -> tuple[IPAddress, ...] | None:
    """At most one address of each family; None with a finding where the choice is not clear."""
    chosen: dict[Family, IPAddress] = {}
    for text, index in as_list(data.get("address")):
        ip = address(context, text, place.at("address", *index))
        if ip is None:
            return None
        chosen[family_of(ip)] = ip
    for family in FAMILIES:
        if family in chosen:
            continue
        candidates = rips(host, family, method, networks, around.vip_networks)
        if len(candidates) > 1 and family in around.families and family in families:
            context.error(
                "LVS031",
                "which-address",
                f"realserver {quote(host.name)} has several addresses that the directors reach: "
                + ", ".join(str(c) for c in candidates[:4]),
                place.key if place.path[-1] == host.name else place,
                f"pick one in the pool: `{host.name}: {{address: {candidates[0]}}}`",
            )
            return None
        if candidates:
            chosen[family] = candidates[0]
    missing = [f for f in around.families if f in families and f not in chosen]
    if missing and not (method == "tun" and chosen):
        # Where the other family has no VIP, to serve in it alone would be to serve nobody.
        others = [f for f in around.families if f != missing[0]]
        instead = f", or write `families: [{others[0]}]` for this member" if others else ", or take it out of the pool"
        context.error(
            "LVS032",
            "no-address-of-family",
            f"realserver {quote(host.name)} has no {_spelt(missing[0])} address, but a VIP of this service is "
            f"{_spelt(missing[0])}",
            place.key if place.path[-1] == host.name else place,
            f"give the host one{instead} (only LVS-Tun crosses families)",
        )
        return None
    return tuple(chosen[f] for f in FAMILIES if f in chosen)


def rips(
    host: Host, family: Family, method: Method, networks: tuple[Network, ...], vip_networks: tuple[str, ...]
) -> list[IPAddress]:
    """The addresses of a host that can be its RIP, the best kind only.

    A host of several networks is reached in the VIP's network by LVS-DR and LVS-Tun, and in another one by LVS-NAT,
    which wants the realserver behind the director. What no director is attached to only a tunnel reaches.
    """
    own = [a for a in host.addresses if a.family == family]
    names = {n.name for n in networks}
    near = [a for a in own if a.network and a.network.name in names]
    if len(near) > 1:
        with_vip = [a for a in near if a.network and a.network.name in vip_networks]
        apart = [a for a in near if a not in with_vip]
        near = (apart or near) if method == "nat" else (with_vip or near)
    return [a.ip for a in (near or own)]


def _spelt(family: Family) -> str:
    return "IPv4" if family == "ipv4" else "IPv6"
