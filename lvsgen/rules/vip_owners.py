"""Every VIP has exactly one owner at a time."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import IPAddress, IPNetwork, Vip, VipAddress
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, WARNING, rule


@rule("LVS118", ERROR)
def vip_claimed_twice(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        An address in two VIPs, or a VIP in two instances.

    Why:
        Two VRRP instances may have two masters. If both directors hold the address, both answer ARP for it, and clients
        are thrown back and forth between them. And a director that loses one of the instances gives the address up,
        master of the other one or not. `keepalived -t` does not notice.

    Example:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          instances:
            one: {vips: [shop], vrid: 51}
            two: {vips: [shop], vrid: 52}  # <- LVS118
        vips:
          shop: 192.0.2.100
        services:
          web: {vip: shop, tcp: 80, method: dr}

    Instead:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          instances:
            one: {vips: [shop], vrid: 51}
        vips:
          shop: 192.0.2.100
        services:
          web: {vip: shop, tcp: 80, method: dr}

    Sources:
        keepalived.conf(5), virtual_ipaddress; RFC 5798 section 1.2
    """
    for name, instances in facts.instances.items():
        for other in instances[1:]:
            yield vip_claimed_twice.at(
                other.place.at("vips"),
                f"the VIP {quote(name)} is in two instances, which may have two masters",
                "leave it in one of them",
                [(instances[0].place.at("vips"), "also here")],
            )
    seen: dict[IPAddress, tuple[Vip, VipAddress]] = {}
    for vip in facts.cluster.vips:
        for one in vip.addresses:
            if one.prefix.num_addresses > 1:
                continue
            first, where = seen.setdefault(one.ip, (vip, one))
            if first is not vip:
                yield vip_claimed_twice.at(
                    one.place,
                    f"{one.ip} belongs to the VIPs {quote(first.name)} and {quote(vip.name)}",
                    "leave it in one of them; a service may name several VIPs: `vip: [a, b]`",
                    [(where.place, "also here")],
                )
                break


@rule("LVS517", ERROR)
def vip_in_no_instance(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A VIP of a service in none of the declared instances.

    Why:
        Nothing would configure the address on any director. `keepalived -t` says nothing about it, and clients get no
        answer.

    Example:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          instances:
            one: {vips: [shop], vrid: 51}
        vips:
          shop: 192.0.2.100
          mail: 192.0.2.101  # <- LVS517
        services:
          web: {vip: shop, tcp: 80, method: dr}
          smtp: {vip: mail, tcp: 25, method: dr}

    Instead:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          instances:
            one: {vips: [shop, mail], vrid: 51}
        vips:
          shop: 192.0.2.100
          mail: 192.0.2.101
        services:
          web: {vip: shop, tcp: 80, method: dr}
          smtp: {vip: mail, tcp: 25, method: dr}

    Sources:
        keepalived.conf(5), vrrp_instance
    """
    failover = facts.cluster.failover
    if failover.engine != "keepalived" or not failover.instances:
        return
    for vip in facts.placed_vips:
        if vip.name not in facts.instances and not facts.is_homeless(vip):
            first = failover.instances[0]
            yield vip_in_no_instance.at(
                vip.place,
                f"the VIP {quote(vip.name)} is in no instance, so no director would ever hold it",
                f"add it to `vips` of an instance, {quote(first.name)} for example; `managed: false` on the VIP says "
                "that somebody else moves it",
                [(first.place.at("vips"), "the VIPs of an instance")],
            )


@rule("LVS554", ERROR)
def vip_on_every_director(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Several directors and no failover engine, but a VIP that is held on an interface.

    Why:
        Every director would hold the address and answer ARP for it. Clients reach now one, now the other, and their
        connections break. Several directors at once need a router in front: then the VIP is on `lo`.

    Example:
        failover: {engine: none}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}  # <- LVS554

    Instead:
        failover: {engine: none}
        vips:
          shop: {addresses: 192.0.2.100, device: lo}
        services:
          web: {vip: shop, tcp: 80, method: dr}

    Sources:
        arp.c, arp_process; LVS-HOWTO, failover
    """
    if facts.cluster.failover.engine != "none" or not facts.is_pair:
        return
    for vip in facts.placed_vips:
        if not facts.is_homeless(vip):
            yield vip_on_every_director.at(
                vip.place,
                f"nothing moves the VIP {quote(vip.name)}, so {len(facts.cluster.directors)} directors would hold it",
                "write `device: lo` on the VIP if a router sends it to all of them, `managed: false` if somebody else "
                "moves it, or `failover: {engine: keepalived, ...}`",
                [(facts.cluster.failover.place.at("engine"), "no engine")],
            )


@rule("LVS562", ERROR)
def nothing_to_move(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        The engine keepalived, where no VIP lies on an interface and no network has a floating DIP.

    Why:
        There is no address for VRRP to move, so there is no VRRP: `order` and `vrid` have no effect, no connection is
        synced, and a router that sends packets to a dead director goes on doing so.

    Example:
        vips: {shop: {addresses: 203.0.113.7, device: lo}}
        services:
          web: {vip: shop, tcp: 80, method: dr}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}  # <- LVS562

    Instead:
        networks: {outside: {prefixes: [192.0.2.0/24], dip: 192.0.2.254}}
        vips: {shop: {addresses: 203.0.113.7, device: lo}}
        services:
          web: {vip: shop, tcp: 80, method: dr}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}

    Sources:
        keepalived.conf(5), vrrp_instance
    """
    cluster = facts.cluster
    if cluster.failover.engine != "keepalived" or cluster.partial or not facts.knows_networks:
        return
    floating = any(
        any(a.network is network for d in cluster.directors for a in d.addresses)
        for network in cluster.networks
        if network.dips
    )
    if not facts.placed_vips and not floating:
        yield nothing_to_move.at(
            cluster.failover.place.at("engine"),
            "no address is moved: no VIP lies on an interface of the directors, and no network has a `dip`",
            "write a `dip` on the network to whose address a router sends the VIPs, or `engine: none` if it sends "
            "them to all directors at once",
        )


@rule("LVS160", WARNING)
def vip_named_twice(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A service that names one address twice.

    Why:
        The second one adds nothing. It is usually a copy of which the number was never changed, so clients of the
        address that was meant are refused.

    Example:
        services:
          web: {vip: [192.0.2.100, 192.0.2.100], tcp: 80, method: dr}  # <- LVS160

    Instead:
        services:
          web: {vip: [192.0.2.100, 192.0.2.101], tcp: 80, method: dr}

    Sources:
        ip_vs_ctl.c, ip_vs_add_service
    """
    for service in facts.cluster.services:
        if len(service.vips) < 2:
            continue
        seen: set[IPNetwork] = set()
        for one in (one for vip in service.vips for one in vip.addresses):
            if one.prefix in seen:
                yield vip_named_twice.at(
                    service.place.at("vip"),
                    f"service {quote(service.name)} names {one.ip} twice",
                    "write the address that was meant, or remove one of them",
                )
                break
            seen.add(one.prefix)
