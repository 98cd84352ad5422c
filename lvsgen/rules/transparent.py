"""VIPs that no director holds, and marks by where a packet comes in."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule


@rule("LVS409", ERROR)
def unheld_vip_without_mark(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A service without a mark on a VIP that no director holds (`device: none`).

    Why:
        A packet to an address that is not local is routed on and never reaches IPVS. Only marked packets can be taken
        in by a routing rule.

    Example:
        vips: {proxied: {addresses: 203.0.113.0/24, device: none}}
        services:
          proxy: {vip: proxied, tcp: 80, method: dr}  # <- LVS409

    Instead:
        vips: {proxied: {addresses: 203.0.113.0/24, device: none}}
        services:
          proxy: {vip: proxied, tcp: 80, method: dr, mark: auto}

    Sources:
        ip_vs_core.c, ip_vs_ops4 (IPVS works in LOCAL_IN); ip-rule(8)
    """
    for service in facts.cluster.services:
        vip = next((v for v in service.vips if v.device == "none"), None)
        if vip and not service.mark:
            yield unheld_vip_without_mark.at(
                service.place.at("vip"),
                f"no director holds the VIP {quote(vip.name)}, so packets to it are routed on and never reach IPVS",
                "write `mark: auto`",
                [(vip.place.at("device"), "not held")],
            )


@rule("LVS410", ERROR)
def mark_in_source_validation(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        The sysctl `src_valid_mark` set to 1 in a cluster with VIPs that no director holds.

    Why:
        The kernel then validates the source of a marked packet by the routing rule of its mark, finds a local route,
        and drops the packet. Tunnel software likes to set it.

    Example:
        vips: {proxied: {addresses: 203.0.113.0/24, device: none}}
        services:
          proxy: {vip: proxied, tcp: 80, method: dr, mark: auto}
        sysctl:
          director: {net.ipv4.conf.all.src_valid_mark: 1}  # <- LVS410

    Instead:
        vips: {proxied: {addresses: 203.0.113.0/24, device: none}}
        services:
          proxy: {vip: proxied, tcp: 80, method: dr, mark: auto}
        sysctl:
          director: {net.ipv4.conf.all.src_valid_mark: 0}

    Sources:
        fib_frontend.c, fib_validate_source; ip-sysctl.rst, src_valid_mark
    """
    unheld = next((v for v in facts.cluster.vips if v.device == "none"), None)
    if unheld is None:
        return
    for override in facts.cluster.sysctls:
        if override.role == "director" and override.key.endswith(".src_valid_mark") and override.value == "1":
            yield mark_in_source_validation.at(
                override.place,
                f"this drops every marked packet to the VIP {quote(unheld.name)}, which no director holds",
                "write 0, or remove it",
                [(unheld.place.at("device"), "not held")],
            )


@rule("LVS453", ERROR)
def from_without_mark(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        `from` on a service that has no mark, or whose mark somebody else sets.

    Why:
        `from` says which packets are marked. Nothing would restrict this service: clients that should not get in do.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, from: ["192.0.2.0/24"]}  # <- LVS453

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, from: ["192.0.2.0/24"], mark: auto}

    Sources:
        ipvsadm(8), --fwmark-service
    """
    for service in facts.cluster.services:
        if service.sources and (service.mark is None or service.mark.rules == "foreign"):
            foreign = service.mark is not None
            yield from_without_mark.at(
                service.place.at("from"),
                "`from` has no effect: "
                + ("somebody else marks the packets of this service" if foreign else "this service has no mark"),
                "remove it" if foreign else "write `mark: auto`, or remove it",
            )


@rule("LVS454", ERROR)
def from_unattached_network(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        `from` with a network to which a director is not attached.

    Why:
        `from` becomes the interface on which packets come in. Without one the director would mark the packets of
        everybody: a transparent proxy catches its own caches' traffic and loops.

    Example:
        networks:
          outside: {prefixes: [192.0.2.0/24]}
          users: {prefixes: [10.20.0.0/24]}
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2}}}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, mark: auto, from: [users]}  # <- LVS454

    Instead:
        networks:
          outside: {prefixes: [192.0.2.0/24]}
          users: {prefixes: [10.20.0.0/24]}
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.20.0.1}}}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, mark: auto, from: [users]}

    Sources:
        iptables(8), --in-interface
    """
    if not facts.knows_networks:
        return
    for service in facts.cluster.services:
        for network in service.sources:
            far = next((d for d in facts.cluster.directors if all(a.network is not network for a in d.addresses)), None)
            if far:
                yield from_unattached_network.at(
                    service.place.at("from"),
                    f"director {quote(far.name)} is not attached to network {quote(network.name)}",
                    "give it an interface there, or name the network through which these packets come in",
                    [(far.place.at("interfaces"), "its interfaces")],
                )
                break


_TABLES = {253: "default", 254: "main", 255: "local"}
"""Routing tables of the system (rtnetlink.h, RT_TABLE_DEFAULT)."""


@rule("LVS455", ERROR)
def mark_of_system_table(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A mark of 253, 254 or 255 for a service on a VIP that no director holds (`device: none`).

    Why:
        Marked packets are taken in by the routing table that has the number of their mark. These three are the system's
        own: the director would take every packet for its own and lose its default route.

    Example:
        vips: {proxied: {addresses: 203.0.113.0/24, device: none}}
        services:
          proxy: {vip: proxied, tcp: 80, method: dr, mark: 254}  # <- LVS455

    Instead:
        vips: {proxied: {addresses: 203.0.113.0/24, device: none}}
        services:
          proxy: {vip: proxied, tcp: 80, method: dr, mark: auto}

    Sources:
        ip-route(8), table; rtnetlink.h, RT_TABLE_MAIN
    """
    for service in facts.cluster.services:
        vip = next((v for v in service.vips if v.device == "none"), None)
        if vip is None or service.mark is None:
            continue
        number = next((n for n in map(service.mark.value, facts.families(service)) if n in _TABLES), None)
        if number is not None:
            yield mark_of_system_table.at(
                service.mark.place,
                f"the mark {number} would be the number of a routing table here, and that table is the system's own "
                f"`{_TABLES[number]}`",
                "write another mark outside of `marks.range`" if not service.mark.allocated else "move `marks.range`",
                [(vip.place.at("device"), "not held")],
            )
