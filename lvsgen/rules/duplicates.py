"""Entries that the kernel's table can hold only once, and addresses of the wrong family."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import AddressKey, IPAddress, MarkKey, Service
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule


@rule("LVS106", ERROR)
def sorry_server_without_family(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A sorry server without an address of a VIP's family.

    Why:
        Only LVS-Tun crosses families. keepalived skips such a sorry server: when the quorum is lost, clients are
        refused instead of reading the page.

    Example:
        directors: {lvs1: {interfaces: {eth0: [192.0.2.2/24, "2001:db8::2/64"]}}}
        realservers: {rs1: [192.0.2.11, "2001:db8::11"], sorry: 192.0.2.21}
        services:
          web:
            vip: "2001:db8::100"
            tcp: 80
            method: dr
            pool: [rs1]
            check: tcp
            sorry_server: sorry  # <- LVS106

    Instead:
        directors: {lvs1: {interfaces: {eth0: [192.0.2.2/24, "2001:db8::2/64"]}}}
        realservers: {rs1: [192.0.2.11, "2001:db8::11"], sorry: [192.0.2.21, "2001:db8::21"]}
        services:
          web:
            vip: "2001:db8::100"
            tcp: 80
            method: dr
            pool: [rs1]
            check: tcp
            sorry_server: sorry

    Sources:
        keepalived.conf(5), sorry_server; seen with keepalived 2.2.7
    """
    for service in facts.cluster.services:
        sorry = service.sorry_server
        if sorry is None or (sorry.method == "tun" and sorry.addresses):
            continue
        for family in facts.families(service):
            if sorry.address(family) is None:
                spelt = "IPv4" if family == "ipv4" else "IPv6"
                yield sorry_server_without_family.at(
                    sorry.place,
                    f"the sorry server {quote(sorry.host.name)} has no {spelt} address, but a VIP of this service "
                    f"is {spelt}",
                    f"give {quote(sorry.host.name)} one, or name another sorry server",
                    [(sorry.host.place, "its addresses")],
                )


@rule("LVS107", ERROR)
def mixed_family_with_sync(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A realserver that is reached by LVS-Tun in the other address family, in a cluster that syncs connections.

    Why:
        The sync messages have no room for two families. The kernel refuses the realserver while a sync daemon runs, and
        the daemon while there is such a realserver ("Invalid operation").

    Example:
        networks:
          outside: {prefixes: ["2001:db8::/64", 192.0.2.0/24]}
          heartbeat: {prefixes: [10.10.0.0/24]}
        directors:
          lvs1: {interfaces: {eth0: [192.0.2.2, "2001:db8::2"], eth1: 10.10.0.2}}
          lvs2: {interfaces: {eth0: [192.0.2.3, "2001:db8::3"], eth1: 10.10.0.3}}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, sync: {network: heartbeat, id: 51}}
        services:
          web: {vip: "2001:db8::100", tcp: 80, method: tun, pool: [rs1]}  # <- LVS107
          api: {vip: 192.0.2.100, tcp: 80, method: dr}
        sysctl: {director: {net.ipv4.vs.pmtu_disc: 0}}

    Instead:
        networks:
          outside: {prefixes: ["2001:db8::/64", 192.0.2.0/24]}
          heartbeat: {prefixes: [10.10.0.0/24]}
        directors:
          lvs1: {interfaces: {eth0: [192.0.2.2, "2001:db8::2"], eth1: 10.10.0.2}}
          lvs2: {interfaces: {eth0: [192.0.2.3, "2001:db8::3"], eth1: 10.10.0.3}}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        services:
          web: {vip: "2001:db8::100", tcp: 80, method: tun, pool: [rs1]}
          api: {vip: 192.0.2.100, tcp: 80, method: dr}
        sysctl: {director: {net.ipv4.vs.pmtu_disc: 0}}

    Sources:
        ip_vs_ctl.c, ip_vs_genl_new_daemon and ip_vs_genl_set_cmd
    """
    sync = facts.cluster.failover.sync
    if sync is None:
        return
    for service, pool in facts.services:
        if not pool.tunnelled:
            continue
        crossing = (
            destination.member
            for virtual in facts.virtual_services.get(id(service), ())
            for destination in virtual.destinations
            if (destination.ip.version == 4) != (virtual.family == "ipv4")
        )
        member = next(crossing, None)
        if member is not None:
            yield mixed_family_with_sync.at(
                member.place,
                f"{quote(member.host.name)} is tunnelled to in the other address family, which the kernel refuses "
                "while "
                "connections are synced",
                f"give {quote(member.host.name)} an address of the VIP's family, or leave out `failover.sync`",
                [(sync.place, "sync is asked for here")],
            )


@rule("LVS108", ERROR)
def duplicate_virtual_service(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        The same VIP, protocol and port, or the same mark, in two services.

    Why:
        They are one entry of the kernel's table. ipvsadm refuses the second; keepalived takes both without a word and
        mixes their realservers.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: [80, 443], method: dr}
          www: {vip: 192.0.2.100, tcp: 80, method: dr}  # <- LVS108

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: [80, 443], method: dr}
          www: {vip: 192.0.2.101, tcp: 80, method: dr}

    Sources:
        ip_vs_ctl.c, do_ip_vs_set_ctl and ip_vs_genl_set_cmd
    """
    seen: dict[AddressKey | MarkKey, Service] = {}
    told = set()
    for virtual in facts.cluster.virtual_services:
        key, service = virtual.key, virtual.service
        first = seen.setdefault(key, service)
        if virtual.service.name == first.name and virtual.service is first:
            continue
        pair = (first.name, service.name)
        # Two derived marks that collide are the concern of bind.
        if pair in told or (first.mark and first.mark.allocated and service.mark and service.mark.allocated):
            continue
        told.add(pair)
        if isinstance(key, MarkKey):
            yield duplicate_virtual_service.at(
                service.place.at("mark"),
                f"services {quote(first.name)} and {quote(service.name)} both have the mark {key.mark}",
                "write `mark: auto`, or another number",
                [(first.place.at("mark"), "also here")],
            )
            continue
        port = f"port {key.port}" if key.port else "all ports"
        yield duplicate_virtual_service.at(
            service.place.at(key.protocol),
            f"services {quote(first.name)} and {quote(service.name)} both serve {key.protocol} {port} of {key.ip}",
            "remove the port from one of them, or join the two services",
            [(first.place.at(key.protocol), "also here")],
        )


@rule("LVS109", ERROR)
def duplicate_destination(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Two members of a pool with the same address and port.

    Why:
        They are one destination in the kernel's table. ipvsadm refuses the second ("Destination already exists"),
        keepalived removes it; the weights that were written down never apply.

    Example:
        realservers:
          rs1: 192.0.2.11
          rs2: {addresses: 192.0.2.11, managed: false}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: {rs1: , rs2: }}  # <- LVS109

    Instead:
        realservers:
          rs1: 192.0.2.11
          rs2: 192.0.2.12
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: {rs1: , rs2: }}

    Sources:
        ip_vs_ctl.c, ip_vs_add_dest
    """
    for service, pool in facts.pools:
        seen: dict[tuple[IPAddress, int | None], str] = {}
        real = {p.real for p in service.ports}
        usual = real.pop() if len(real) == 1 and not service.mark else None
        for member in pool.members:
            for ip in member.addresses:
                first = seen.setdefault((ip, member.port or usual), member.host.name)
                if first != member.host.name:
                    yield duplicate_destination.at(
                        member.place,
                        f"{quote(first)} and {quote(member.host.name)} are the same destination, {ip}",
                        "remove one of them, or write another `port` for it (LVS-NAT)",
                    )
                    break
