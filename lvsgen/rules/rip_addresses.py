"""Addresses of realservers that the kernel refuses, or that the director cannot reach in the way it must."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from ipaddress import IPv4Network

from lvsgen.diagnostics import Finding, Place, quote
from lvsgen.model import Host, IPAddress, IPNetwork, Service
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule
from lvsgen.rules.vip_addresses import unusable

_USUAL = {"ipv4": 24, "ipv6": 64}
"""Prefix lengths to give as an example."""


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
    broadcasts = _broadcasts(facts)
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


def _broadcasts(facts: Facts) -> dict[IPAddress, IPv4Network]:
    """The broadcast addresses of all networks."""
    networks = [p for n in facts.cluster.networks for p in n.prefixes if isinstance(p, IPv4Network)]
    return {p.broadcast_address: p for p in networks if p.prefixlen < 31}


@rule("LVS161", ERROR)
def director_not_unicast(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A director with an address that is multicast, broadcast, unspecified or loopback.

    Why:
        Nobody on its network can send anything to it, and its own packets with this source are dropped: peers do not
        hear its advertisements, and realservers do not answer its checks.

    Example:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.255/24}}}  # <- LVS161

    Instead:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}

    Sources:
        RFC 1122 section 3.2.1.3; route.c, ip_route_input_slow
    """
    broadcasts = _broadcasts(facts)
    for director in facts.cluster.directors:
        for address in director.addresses:
            ip = address.ip
            reason = f"the broadcast address of {broadcasts[ip]}" if ip in broadcasts else unusable(ip)
            if reason and not (ip.version == 6 and ip.is_link_local):
                yield director_not_unicast.at(
                    address.place,
                    f"{ip} is {reason}, which no director can have",
                    f"write the address of {quote(director.name)} on this interface",
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
    wanted = [(s, m.host, m.addresses, m.place) for s, pool in facts.pools for m in pool.members if m.method == "dr"]
    wanted += [
        (s, s.sorry_server.host, s.sorry_server.addresses, s.sorry_server.place)
        for s in facts.cluster.services
        if s.sorry_server and s.sorry_server.method == "dr"
    ]
    judged: dict[tuple[str, IPAddress], tuple[Service, Place]] = {}
    for service, host, addresses, place in wanted:
        for ip in addresses if not host.is_director else ():
            judged.setdefault((host.name, ip), (service, place))
    astray = {d.name: d for d in facts.cluster.directors if _is_astray(prefixes[d.name], [ip for _, ip in judged])}
    for director in astray.values():
        # One cause, whatever the number of realservers.
        (service, _), address = next(iter(judged.values())), director.addresses[0]
        single = all(p.num_addresses == 1 for p in prefixes[director.name])
        yield dr_not_on_link.at(
            address.place,
            f"no realserver of LVS-DR is in a network of director {quote(director.name)}"
            + (": its prefixes hold one address each" if single else ""),
            f"write the prefix length of its network, `{address.ip}/{_USUAL[address.family]}` for example"
            if single
            else "give it an address in their network, or write `method: tun`",
            [(service.place.at("method"), "LVS-DR is asked for here")],
        )
    near = {name: there for name, there in prefixes.items() if name not in astray}
    for (name, ip), (service, place) in judged.items():
        far = next((d for d, there in near.items() if not _reaches(there, ip)), None)
        if far is None:
            continue
        own = next((a.place for _, a in facts.owners.get(ip, [])), place)
        yield dr_not_on_link.at(
            own,
            f"{ip} is in no network of director {quote(far)}, but LVS-DR reaches only realservers on its own networks",
            f"write `method: tun` for {quote(name)}, or attach the director to its network",
            [(service.place.at("method"), "LVS-DR is asked for here")],
        )


def _reaches(prefixes: Iterable[IPNetwork], ip: IPAddress) -> bool:
    return any(p.version == ip.version and ip in p for p in prefixes)


def _is_astray(prefixes: Collection[IPNetwork], rips: Collection[IPAddress]) -> bool:
    """Whether a director reaches none of several realservers: then the mistake is in its own address."""
    return bool(prefixes) and len(rips) > 1 and not any(_reaches(prefixes, ip) for ip in rips)


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
