"""VIPs whose address cannot work, or that no director could hold."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network

from lvsgen.diagnostics import Finding, Place, quote
from lvsgen.model import IPAddress, Vip
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule


@rule("LVS101", ERROR)
def vip_is_taken(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A VIP that is also the address of a host, a gateway or a DIP.

    Why:
        An address has one owner. A realserver that has the VIP on its interface answers ARP for it whatever arp_ignore
        says, and clients reach that realserver past the director. A director's own address does not move. Only
        LVS-NAT on a lone director can share the director's own address; say so with `managed: false` on the VIP.

    Example:
        services:
          web: {vip: 192.0.2.11, tcp: 80, method: dr}  # <- LVS101

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}

    Sources:
        arp.c, arp_ignore; LVS-HOWTO, the ARP problem
    """
    used: dict[IPAddress, tuple[str, Place]] = {}
    for network in facts.cluster.networks:
        used |= {ip: (f"a gateway of network {quote(network.name)}", network.place) for ip in network.gateways}
        used |= {ip: (f"the DIP of network {quote(network.name)}", network.place) for ip in network.dips}
    for ip, hosts in facts.owners.items():
        host, address = hosts[0]
        used[ip] = (f"an address of {host.role} {quote(host.name)}", address.place)
    for vip in facts.cluster.vips:
        for one in vip.addresses:
            if one.ip not in used or one.prefix.num_addresses > 1 or _shared_by_nat(facts, vip, one.ip):
                continue
            what, place = used[one.ip]
            yield vip_is_taken.at(
                one.place,
                f"the VIP {one.ip} is also {what}, so two would own it",
                "give the VIP an address of its own",
                [(place, "the other owner")],
            )


def _shared_by_nat(facts: Facts, vip: Vip, ip: IPAddress) -> bool:
    if vip.managed or facts.is_pair or not any(host.is_director for host, _ in facts.owners.get(ip, [])):
        return False
    return all(s.methods <= {"nat"} for s in facts.cluster.services if any(v.name == vip.name for v in s.vips))


@rule("LVS113", ERROR)
def vip_without_device(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A VIP that lies in no network of a director, without word of where it is held.

    Why:
        Nobody would answer ARP for it, so clients get no answer unless a router sends it to the director by a route.

    Example:
        services:
          web: {vip: 203.0.113.7, tcp: 80, method: dr}  # <- LVS113

    Instead:
        vips:
          public: {addresses: 203.0.113.7, device: lo}
        services:
          web: {vip: public, tcp: 80, method: dr}

    Sources:
        ip-sysctl.rst, arp_ignore; ip-address(8)
    """
    # A director that was left out may be attached to the VIP's network.
    if facts.cluster.partial:
        return
    for vip in facts.placed_vips:
        if vip.device:
            continue
        for one in vip.addresses:
            if one.network is None:
                yield vip_without_device.at(
                    one.place,
                    f"the VIP {one.ip} lies in no network of a director, so nothing says which device holds it",
                    "write `device: lo` on the VIP if a router sends it to the director, `device: eth0` if it belongs "
                    "on an interface, or correct the address",
                )
                break


@rule("LVS115", ERROR)
def vip_not_routable(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A VIP that no packet can have as its destination: loopback, multicast, link-local IPv6, a reserved address, or
        the first or last address of its network.

    Why:
        Hosts and routers drop such packets as martians, send them to everybody, or never let them leave the client.

    Example:
        services:
          web: {vip: 192.0.2.255, tcp: 80, method: dr}  # <- LVS115

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}

    Sources:
        route.c, ip_route_input_slow; RFC 1122 section 3.2.1.3; RFC 4291 section 2.5.6
    """
    for vip in facts.cluster.vips:
        for one in vip.addresses:
            if one.prefix.num_addresses > 1:
                continue
            reason = unusable(one.ip)
            prefix = one.network.prefix_of(one.ip) if one.network else None
            if not reason and isinstance(prefix, IPv4Network) and prefix.prefixlen < 31:
                if one.ip == prefix.network_address:
                    reason = f"the address of the network {prefix} itself"
                elif one.ip == prefix.broadcast_address:
                    reason = f"the broadcast address of {prefix}"
            if reason:
                yield vip_not_routable.at(
                    one.place, f"{one.ip} is {reason}, so no client can reach it", "choose another address for the VIP"
                )


def unusable(ip: IPAddress) -> str:
    """Why an address can be no destination of unicast packets from elsewhere; empty if it can."""
    if ip.is_unspecified or (ip.version == 4 and int(ip) >> 24 == 0):
        return "the unspecified address"
    if ip.is_loopback:
        return "a loopback address"
    if ip.is_multicast:
        return "a multicast address"
    if ip.version == 6 and ip.is_link_local:
        return "a link-local address"
    if ip.version == 4 and ip.is_reserved:
        return "a reserved address"
    return ""


@rule("LVS150", ERROR)
def vip_device_missing(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A VIP that belongs on an interface which one of its directors does not have.

    Why:
        That director could never take the VIP over: the failover that everybody counts on would lose it.

    Example:
        vips:
          shop: {addresses: 192.0.2.100, device: eth1}  # <- LVS150
        services:
          web: {vip: shop, tcp: 80, method: dr}

    Instead:
        vips:
          shop: {addresses: 192.0.2.100, device: eth0}
        services:
          web: {vip: shop, tcp: 80, method: dr}

    Sources:
        keepalived.conf(5), virtual_ipaddress; ip-address(8)
    """
    if not facts.knows_networks:
        return
    for vip in facts.placed_vips:
        for director in facts.holders(vip):
            if vip.device:
                if all(i.name != vip.device for i in director.interfaces):
                    names = ", ".join(quote(i.name) for i in director.interfaces)
                    yield vip_device_missing.at(
                        vip.place.at("device"),
                        f"director {quote(director.name)} has no interface {quote(vip.device)} for the VIP",
                        f"its interfaces are {names}; or leave `device` out where a network holds the VIP",
                        [(director.place.at("interfaces"), "the director's interfaces")],
                    )
                continue
            for one in vip.addresses:
                if one.network and all(a.network is not one.network for a in director.addresses):
                    yield vip_device_missing.at(
                        one.place,
                        f"director {quote(director.name)} is not attached to network {quote(one.network.name)}, which "
                        f"holds the VIP {one.ip}",
                        "give the director an interface there",
                        [(director.place.at("interfaces"), "the director's interfaces")],
                    )
                    break
