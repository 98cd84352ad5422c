"""What a tunnel adds to a packet: room that the path must have, and checksums that a realserver expects."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, Place, quote
from lvsgen.model import Family, Host, Interface, IPAddress, Member, Service, Tunnel, family_of
from lvsgen.rules.facts import Facts, Pool
from lvsgen.rules.rule import ERROR, WARNING, rule, written

FULL = 1500
"""Bytes of a full packet of a client on Ethernet."""
_OUTER: dict[Family, int] = {"ipv4": 20, "ipv6": 40}
_GRE, _GRE_CHECKSUM = 4, 4
_GUE = 8 + 4
"""A UDP header and a GUE header (ip_vs_xmit.c, ipvs_gue_encap)."""
_GUE_REMOTE_CHECKSUM = 4 + 4


@rule("LVS212", WARNING)
def tunnel_without_room(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        TCP by LVS-Tun, and a director whose interface towards the realserver is not known to take a full packet of a
        client with the tunnel's header in front.

    Why:
        The director answers a full packet with ICMP "fragmentation needed". Where a firewall keeps that from the
        client, its uploads stop at 0 bytes, while small requests work. Declare the interface's `mtu` if it is larger.
        Else set `net.ipv4.vs.pmtu_disc` to 0 on the director (outer packets are then fragmented), or have the
        realservers announce a smaller segment: a firewall rule that clamps the MSS, or `advmss` on their routes.

    Example:
        realservers: {rs1: 198.51.100.11}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: tun}  # <- LVS212

    Instead:
        realservers: {rs1: 198.51.100.11}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: tun}
        sysctl:
          director: {net.ipv4.vs.pmtu_disc: 0}

    Sources:
        ip_vs_xmit.c, ensure_mtu_is_adequate; ipvs-sysctl.rst, pmtu_disc; seen on 6.1 and 6.12
    """
    fragments = any(
        o.role == "director" and o.key == "net.ipv4.vs.pmtu_disc" and o.value == "0" for o in facts.cluster.sysctls
    )
    if fragments or not facts.knows_networks:
        return
    found = [
        (service, *narrow)
        for service, pool in facts.services
        if any(p.protocol == "tcp" for p in service.ports) and (narrow := next(_narrow(facts, service, pool), None))
    ]
    if not found:
        return
    # The same words for all of them: `method` often stands once for several services.
    _, _, needed, director, interface = max(found, key=lambda one: one[2])
    has = f"has an MTU of {interface.mtu}" if interface and interface.mtu else "declares no `mtu`"
    where = f"interface {quote(interface.name)} of {quote(director.name)}" if interface else "the director"
    for service, member, *_ in found:
        yield tunnel_without_room.at(
            written(member.place, service.place, "method"),
            f"a full packet of a client needs {needed - FULL} bytes more on its way to the realserver, and "
            f"{where} {has}: uploads stall where ICMP is filtered",
            f"declare `mtu: {needed}` or more on that interface if the whole path takes it, or set "
            "`net.ipv4.vs.pmtu_disc` to 0 on the director; if the realservers announce a smaller MSS, waive "
            "this with the reason",
        )


def _narrow(facts: Facts, service: Service, pool: Pool) -> Iterator[tuple[Member, int, Host, Interface | None]]:
    """Members with the size that a director's interface towards them is not known to take."""
    seen: set[tuple[Tunnel, Family, str]] = set()
    for member in pool.tunnelled:
        if member.host.is_director and not facts.is_pair:
            continue
        for family in facts.families(service):
            rip = member.real_address(family)
            if rip is None:
                continue
            network = next((a.network.name for a in member.host.addresses if a.ip == rip and a.network), "")
            key = (member.tunnel, family_of(rip), network)
            if key in seen:
                continue
            seen.add(key)
            needed = FULL + _added(member.tunnel, family_of(rip))
            for director in facts.cluster.directors:
                interface = _towards(director, rip)
                if director is not member.host and (interface is None or (interface.mtu or 0) < needed):
                    yield member, needed, director, interface


def _added(tunnel: Tunnel, outer: Family) -> int:
    added = _OUTER[outer]
    if tunnel.type == "gre":
        return added + _GRE + (_GRE_CHECKSUM if tunnel.checksum == "csum" else 0)
    if tunnel.type == "gue":
        return added + _GUE + (_GUE_REMOTE_CHECKSUM if tunnel.checksum == "remcsum" else 0)
    return added


def _towards(director: Host, rip: IPAddress) -> Interface | None:
    """The interface that reaches an address: in its network, else in one with a gateway, else the only one."""
    family = family_of(rip)
    own = [a for a in director.addresses if a.interface and a.family == family and a.network]
    near = [a.interface for a in own if a.network and a.network.prefix_of(rip)]
    far = [a.interface for a in own if a.network and any(family_of(g) == family for g in a.network.gateways)]
    names = near or far or [i.name for i in director.interfaces][: 1 if len(director.interfaces) == 1 else 0]
    return next((i for i in director.interfaces if i.name in names[:1]), None)


@rule("LVS256", ERROR)
def gre_checksum_differs(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        GRE with a checksum and GRE without one to the same address of a realserver.

    Why:
        A device of the realserver takes either the one or the other, and drops the rest: clients of one of the services
        get no answer.

    Example:
        realservers: {rs1: 198.51.100.11}
        services:
          web: {vip: 192.0.2.100, udp: 80, method: tun, tunnel: gre}
          mail: {vip: 192.0.2.100, udp: 25, method: tun, tunnel: {type: gre, checksum: csum}}  # <- LVS256

    Instead:
        realservers: {rs1: 198.51.100.11}
        services:
          web: {vip: 192.0.2.100, udp: 80, method: tun, tunnel: {type: gre, checksum: csum}}
          mail: {vip: 192.0.2.100, udp: 25, method: tun, tunnel: {type: gre, checksum: csum}}

    Sources:
        ip_tunnel.c, ip_tunnel_rcv (`icsum` of ip-link(8)); seen on 6.1 and 6.12
    """
    plain: dict[IPAddress, Place] = {}
    checked: dict[IPAddress, tuple[Member, Place]] = {}
    for service, pool in facts.services:
        for member in pool.tunnelled:
            if member.tunnel.type == "gre":
                place = written(member.place, service.place, "tunnel")
                for rip in {member.real_address(family) for family in facts.families(service)} - {None}:
                    assert rip is not None
                    if member.tunnel.checksum == "csum":
                        checked.setdefault(rip, (member, place))
                    else:
                        plain.setdefault(rip, place)
    told = set()
    for rip in sorted(checked.keys() & plain.keys(), key=lambda ip: (ip.version, int(ip))):
        member, place = checked[rip]
        if place not in told:
            told.add(place)
            yield gre_checksum_differs.at(
                place,
                f"{quote(member.host.name)} gets GRE with a checksum here and without one elsewhere, and drops one of "
                "the two",
                "write the same `checksum` for all services of a realserver, or give it another address for them",
                [(plain[rip], "without a checksum")],
            )


@rule("LVS621", WARNING)
def sizes_differ(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Interfaces of one network with different MTUs.

    Why:
        A frame that is larger than what the other side takes is lost on the way, and no router is there to say so:
        small requests work, large ones hang.

    Example:
        directors: {lvs1: {interfaces: {eth0: {addresses: 192.0.2.2/24, mtu: 9000}}}}
        realservers: {rs1: {interfaces: {eth0: {addresses: 192.0.2.11, mtu: 1500}}}}  # <- LVS621

    Instead:
        directors: {lvs1: {interfaces: {eth0: {addresses: 192.0.2.2/24, mtu: 9000}}}}
        realservers: {rs1: {interfaces: {eth0: {addresses: 192.0.2.11, mtu: 9000}}}}

    Sources:
        ip-link(8), mtu; RFC 1191 section 1
    """
    first: dict[str, tuple[Host, Interface]] = {}
    for host in facts.cluster.hosts:
        for interface in host.interfaces:
            network = next((a.network for a in interface.addresses if a.network), None)
            if network is None or interface.mtu is None:
                continue
            other, seen = first.setdefault(network.name, (host, interface))
            if seen.mtu != interface.mtu:
                yield sizes_differ.at(
                    interface.place.at("mtu"),
                    f"{quote(host.name)} has an MTU of {interface.mtu} in {quote(network.name)}, and "
                    f"{quote(other.name)} one of {seen.mtu}",
                    f"give all of them the same: `mtu: {seen.mtu}`",
                    [(seen.place.at("mtu"), "the other one")],
                )
