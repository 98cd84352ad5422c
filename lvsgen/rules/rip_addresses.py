"""Addresses of realservers that the kernel refuses, or that the director cannot reach in the way it must."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from lvsgen.diagnostics import Finding, Place, quote
from lvsgen.model import Host, HostAddress, IPAddress, IPNetwork
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule
from lvsgen.rules.vip_addresses import unusable


def _rips(facts: Facts) -> Iterator[tuple[Host, IPAddress, Place]]:
    """Every address of a realserver, and those that members name themselves, each once."""
    for host in facts.cluster.realservers:
        for address in host.addresses:
            yield host, address.ip, address.place
    seen = set()
    for _, pool in facts.pools:
        for member in pool.members:
            for ip in member.addresses:
                if ip not in facts.owners and (member.host.name, ip) not in seen:
                    seen.add((member.host.name, ip))
                    yield member.host, ip, member.place.at("address")


@rule("LVS104", ERROR)
def rip_not_unicast(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A realserver whose address is multicast, broadcast, unspecified or loopback.

    Why:
        The kernel refuses such a destination ("address not unicast"), and a loopback address is the director itself,
        not the realserver. The virtual service would lack this realserver.

    Example:
        realservers:
          rs1: 192.0.2.11
          rs2: 192.0.2.255  # <- LVS104

    Instead:
        realservers:
          rs1: 192.0.2.11
          rs2: 192.0.2.12

    Sources:
        ip_vs_ctl.c, ip_vs_new_dest
    """
    networks = [p for n in facts.cluster.networks for p in n.prefixes if isinstance(p, IPv4Network)]
    broadcasts: dict[IPAddress, IPv4Network] = {p.broadcast_address: p for p in networks if p.prefixlen < 31}
    for host, ip, place in _rips(facts):
        reason = unusable(ip)
        if host.is_director and ip.is_loopback:
            continue
        if ip in broadcasts:
            reason = f"the broadcast address of {broadcasts[ip]}"
        if reason and not (ip.version == 6 and ip.is_link_local):
            yield rip_not_unicast.at(
                place,
                f"{ip} is {reason}, which no realserver can have",
                "write the address at which the directors reach the realserver"
                + ("; a director that serves itself is named in the pool (LocalNode)" if ip.is_loopback else ""),
            )


@rule("LVS105", ERROR)
def rip_link_local(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A realserver with a link-local IPv6 address.

    Why:
        IPVS stores no interface with a realserver, so the kernel refuses the address (EINVAL).

    Example:
        directors: {lvs1: {interfaces: {eth0: "2001:db8::2/64"}}}
        realservers:
          rs1: "2001:db8::11"
          rs2: "fe80::12"  # <- LVS105
        services:
          web: {vip: "2001:db8::100", tcp: 80, method: tun}
        sysctl: {director: {net.ipv4.vs.pmtu_disc: 0}}

    Instead:
        directors: {lvs1: {interfaces: {eth0: "2001:db8::2/64"}}}
        realservers:
          rs1: "2001:db8::11"
          rs2: "2001:db8::12"
        services:
          web: {vip: "2001:db8::100", tcp: 80, method: tun}
        sysctl: {director: {net.ipv4.vs.pmtu_disc: 0}}

    Sources:
        ip_vs_ctl.c, ip_vs_new_dest
    """
    for _, ip, place in _rips(facts):
        if ip.version == 6 and ip.is_link_local:
            yield rip_link_local.at(
                place,
                f"{ip} is a link-local address, which the kernel refuses as a realserver",
                "write a global or a unique local address (fd00::/8)",
            )


@rule("LVS114", ERROR)
def dr_not_on_link(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A realserver of LVS-DR that is in no network of a director.

    Why:
        LVS-DR changes nothing but the MAC address. A packet to a realserver behind a router goes to that router, which
        sees the VIP as its destination and sends it straight back. Connections time out.

    Example:
        realservers:
          rs1: 192.0.2.11
          rs2: 198.51.100.12  # <- LVS114

    Instead:
        realservers:
          rs1: 192.0.2.11
          rs2: 198.51.100.12
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: {rs1: , rs2: {method: tun}}}
        sysctl: {director: {net.ipv4.vs.pmtu_disc: 0}}

    Sources:
        ip_vs_xmit.c, ip_vs_dr_xmit; LVS-HOWTO, LVS-DR
    """
    if not facts.knows_networks:
        return
    prefixes = {
        d.name: [p for a in d.addresses if a.network for p in a.network.prefixes] for d in facts.cluster.directors
    }
    judged = set()
    judged_directors = set()
    lonely = {d.name: a for d in facts.cluster.directors if (a := _without_neighbours(d, prefixes[d.name]))}
    wanted = [(s, m.host, m.addresses, m.place) for s, pool in facts.pools for m in pool.members if m.method == "dr"]
    wanted += [
        (s, s.sorry_server.host, s.sorry_server.addresses, s.sorry_server.place)
        for s in facts.cluster.services
        if s.sorry_server and s.sorry_server.method == "dr"
    ]
    for service, host, addresses, place in wanted:
        for ip in addresses:
            if host.is_director or (host.name, ip) in judged:
                continue
            judged.add((host.name, ip))
            far = next(
                (d for d, ps in prefixes.items() if not any(p.version == ip.version and ip in p for p in ps)), None
            )
            if far is None:
                continue
            if far in lonely:
                # One cause, whatever the number of realservers.
                address = lonely[far]
                if far not in judged_directors:
                    judged_directors.add(far)
                    length = 24 if address.family == "ipv4" else 64
                    yield dr_not_on_link.at(
                        address.place,
                        f"director {quote(far)} has no neighbours: its prefixes hold one address each, and LVS-DR "
                        "reaches only realservers on its own networks",
                        f"write the prefix length of the network: `{address.ip}/{length}` for example",
                        [(service.place.at("method"), "LVS-DR is asked for here")],
                    )
                continue
            own = next((a.place for _, a in facts.owners.get(ip, [])), place)
            yield dr_not_on_link.at(
                own,
                f"{ip} is in no network of director {quote(far)}, but LVS-DR reaches only realservers on its own "
                "networks",
                f"write `method: tun` for {quote(host.name)}, or attach the director to its network",
                [(service.place.at("method"), "LVS-DR is asked for here")],
            )


def _without_neighbours(director: Host, prefixes: list[IPNetwork]) -> HostAddress | None:
    """The first address of a director of which no prefix holds another one."""
    return director.addresses[0] if prefixes and all(p.num_addresses == 1 for p in prefixes) else None


@rule("LVS152", ERROR)
def address_of_two_hosts(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        One address on two hosts.

    Why:
        Two machines with one address disturb one another; if it is one machine, it would get two folders that undo each
        other. A second daemon on the same machine can be a host with `managed: false`.

    Example:
        realservers:
          rs1: 192.0.2.11
          rs2: 192.0.2.11  # <- LVS152
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [rs1]}
          api: {vip: 192.0.2.100, tcp: 81, method: dr, pool: [rs2]}

    Instead:
        realservers:
          rs1: 192.0.2.11
          rs2: 192.0.2.12
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [rs1]}
          api: {vip: 192.0.2.100, tcp: 81, method: dr, pool: [rs2]}

    Sources:
        RFC 5227
    """
    for ip, hosts in facts.owners.items():
        first, where = hosts[0]
        for host, address in hosts[1:]:
            if host is first or address.network is not where.network:
                continue
            if host.managed and (first.managed or first.is_director):
                yield address_of_two_hosts.at(
                    address.place,
                    f"{ip} is the address of {quote(host.name)} and of {quote(first.name)}",
                    "correct one of them; `managed: false` says that one is only another name of the same machine"
                    + (", and a director that also serves is named in the pool itself" if first.is_director else ""),
                    [(where.place, "also here")],
                )
