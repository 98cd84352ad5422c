"""Ports: what can be mapped, and what needs a mark or persistence."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import ALL_PORTS, AddressKey, Service
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, HINT, WARNING, rule

_SPELT = {"dr": "LVS-DR", "tun": "LVS-Tun", "nat": "LVS-NAT"}


@rule("LVS201", ERROR)
def port_mapping(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A realserver's port that differs from the VIP's port, with LVS-DR or LVS-Tun (LocalNode included).

    Why:
        Only LVS-NAT rewrites packets. ipvsadm and keepalived silently replace the port by that of the VIP, so clients
        reach whatever listens there on the realserver, or are refused.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: {80: 8080}, method: dr}  # <- LVS201

    Instead:
        networks:
          inside: {prefixes: [10.1.1.0/24]}
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.1}}}
        realservers: {rs1: 10.1.1.11, rs2: 10.1.1.12}
        services:
          web: {vip: 192.0.2.100, tcp: {80: 8080}, method: nat}

    Sources:
        ipvsadm(8), --real-server; ip_vs_xmit.c, ip_vs_dr_xmit and ip_vs_tunnel_xmit
    """
    for service, pool in facts.services:
        if service.mark or pool.methods <= {"nat"}:
            continue
        fixed = next(m for method, m in pool.first_by_method.items() if method != "nat")
        mapped = next((p for p in service.ports if p.real != p.first), None)
        if mapped:
            yield port_mapping.at(
                service.place.at(mapped.protocol),
                f"port {mapped.first} cannot become {mapped.real}: {_SPELT[fixed.method]} never rewrites a packet",
                f"let the realservers listen on {mapped.first}, or write `method: nat`",
                [(fixed.place, f"{quote(fixed.host.name)} is reached by {_SPELT[fixed.method]}")],
            )
            continue
        for member in pool.ported:
            port = next((p for p in service.ports if p.first != member.port), None)
            if member.method != "nat" and port:
                yield port_mapping.at(
                    member.place.at("port"),
                    f"{quote(member.host.name)} cannot listen on {member.port} for port {port.first} of the VIP: "
                    f"{_SPELT[member.method]} never rewrites a packet",
                    f"let it listen on {port.first} and remove `port`, or write `method: nat` for it",
                    [(service.place.at(port.protocol), "the port of the VIP")],
                )


@rule("LVS202", ERROR)
def port_behind_mark(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A port mapping, or a realserver's port, in a service by mark with LVS-DR or LVS-Tun.

    Why:
        The port is never used, but becomes part of the destination's name in the kernel: traffic still goes to the
        client's port, and removing the realserver without that port fails.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: [80, 443], mark: auto, method: dr, pool: {rs1: , rs2: {port: 8080}}}  # <- LVS202

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: [80, 443], mark: auto, method: dr, pool: {rs1: , rs2: }}

    Sources:
        ip_vs_xmit.c, ip_vs_dr_xmit; seen on 6.1
    """
    for service, pool in facts.services:
        if service.mark and pool.methods - {"nat"}:
            mapped = next((p for p in service.ports if p.real != p.first), None)
            if mapped:
                yield port_behind_mark.at(
                    service.place.at(mapped.protocol),
                    f"port {mapped.first} cannot become {mapped.real}: only LVS-NAT rewrites packets",
                    f"let the realservers listen on {mapped.first}, or write `method: nat`",
                    [(service.place.at("method"), "the method")],
                )
                continue
            for member in pool.ported:
                if member.method != "nat":
                    yield port_behind_mark.at(
                        member.place.at("port"),
                        f"port {member.port} of {quote(member.host.name)} is never used: {_SPELT[member.method]} keeps "
                        "the client's port",
                        "remove `port`",
                        [(service.place.at("mark"), "the service is one by mark")],
                    )


@rule("LVS313", ERROR)
def all_ports_without_affinity(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        `all` ports without persistence and without a mark.

    Why:
        The kernel serves port 0 for persistent services only; it drops the packets of others. ipvsadm refuses them.

    Example:
        services:
          any: {vip: 192.0.2.100, tcp: all, method: dr}  # <- LVS313

    Instead:
        services:
          any: {vip: 192.0.2.100, tcp: all, method: dr, persistence: 15m}

    Sources:
        ip_vs_core.c, ip_vs_schedule; ipvsadm(8), --tcp-service
    """
    for service in facts.cluster.services:
        if service.mark or service.persistence:
            continue
        port = next((p for p in service.ports if p.first == ALL_PORTS), None)
        if port:
            yield all_ports_without_affinity.at(
                service.place.at(port.protocol),
                "`all` ports need persistence: IPVS drops what comes to port 0 of other services",
                "write `persistence: 15m`, or `mark: auto`, or name the ports",
            )


@rule("LVS360", ERROR)
def range_without_mark(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A range of ports in a service without a mark.

    Why:
        A virtual service has one port or all of them. Only a firewall mark can gather a range.

    Example:
        services:
          ftp-data: {vip: 192.0.2.100, tcp: "50000-50100", method: dr}  # <- LVS360

    Instead:
        services:
          ftp-data: {vip: 192.0.2.100, tcp: "50000-50100", mark: auto, method: dr}

    Sources:
        ipvsadm(8), --tcp-service and --fwmark-service
    """
    for service in facts.cluster.services:
        port = next((p for p in service.ports if p.is_range), None)
        if port and not service.mark:
            yield range_without_mark.at(
                service.place.at(port.protocol),
                f"the ports {port.first} to {port.last} need a mark: a virtual service has one port or all",
                "write `mark: auto`",
            )


@rule("LVS416", WARNING)
def marked_ports_become_one(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A realserver's port in a service by mark over several ports, with LVS-NAT.

    Why:
        All marked ports collapse onto this one port: clients of https meet the daemon for http.

    Example:
        networks:
          inside: {prefixes: [10.1.1.0/24]}
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.1}}}
        realservers: {rs1: 10.1.1.11}
        services:
          web: {vip: 192.0.2.100, tcp: [80, 443], mark: auto, method: nat, pool: {rs1: {port: 8080}}}  # <- LVS416

    Instead:
        networks:
          inside: {prefixes: [10.1.1.0/24]}
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.1}}}
        realservers: {rs1: 10.1.1.11}
        services:
          web: {vip: 192.0.2.100, tcp: [80, 443], mark: auto, method: nat, pool: {rs1: }}

    Sources:
        ip_vs_core.c, ip_vs_schedule
    """
    for service, pool in facts.services:
        if service.mark and not has_one_port(service):
            member = next((m for m in pool.ported if m.method == "nat"), None)
            if member:
                yield marked_ports_become_one.at(
                    member.place.at("port"),
                    f"all ports of this service become port {member.port} on {quote(member.host.name)}",
                    "remove `port`, so that each connection keeps its port, or use a service without `mark` for "
                    "each port",
                    [(service.place.at("mark"), "one mark for several ports")],
                )


def has_one_port(service: Service) -> bool:
    """Whether all packets of a service have one port."""
    ports = {p.first for p in service.ports}
    return len(ports) == 1 and ALL_PORTS not in ports and not any(p.is_range for p in service.ports)


@rule("LVS330", HINT)
def port_beside_all_ports(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A service for one port of a VIP of which another service takes `all`.

    Why:
        The one port wins, and `all` means all others. A client's connections to the two have an affinity each.

    Example:
        services:
          any: {vip: 192.0.2.100, tcp: all, method: dr, persistence: 15m}
          web: {vip: 192.0.2.100, tcp: 80, method: dr, persistence: 15m}  # <- LVS330

    Instead:
        services:
          any: {vip: 192.0.2.100, tcp: all, method: dr, persistence: 15m}

    Sources:
        ip_vs_ctl.c, ip_vs_service_find
    """
    table = facts.cluster.virtual_services
    all_ports = {
        (v.key.protocol, v.key.ip): v.service
        for v in table
        if isinstance(v.key, AddressKey) and v.key.port == ALL_PORTS
    }
    told = set()
    for virtual in table if all_ports else ():
        key = virtual.key
        if not isinstance(key, AddressKey) or key.port == ALL_PORTS or virtual.service.name in told:
            continue
        other = all_ports.get((key.protocol, key.ip))
        if other:
            told.add(virtual.service.name)
            yield port_beside_all_ports.at(
                virtual.service.place.at(key.protocol),
                f"port {key.port} of {key.ip} goes here, and not to {quote(other.name)}, which takes `all` ports",
                "remove one of the two, or waive this if it is meant",
                [(other.place.at(key.protocol), "all ports")],
            )
