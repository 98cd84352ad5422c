"""LVS-NAT: the replies must come back through the director that rewrote the request."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import Service
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, WARNING, rule


@rule("LVS203", ERROR)
def nat_without_way_back(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A realserver of LVS-NAT in a network to which a director is not attached.

    Why:
        Its gateway must be the director, and a gateway is a neighbour. Otherwise the reply goes around the director,
        still with the realserver's address as its source, and the client answers it with a reset.

    Example:
        realservers:
          rs1: 10.1.1.11  # <- LVS203
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: nat}

    Instead:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.1/24}}}
        realservers:
          rs1: 10.1.1.11
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: nat}

    Sources:
        ip_vs_core.c, ip_vs_out_hook; LVS-HOWTO, LVS-NAT
    """
    if not facts.knows_networks:
        return
    for service, member, family, own in facts.gateway_members:
        if member.host.managed:
            far = next(
                (d for d in facts.cluster.directors if own.network is None or not d.address_in(own.network, family)),
                None,
            )
            if far is not None:
                yield nat_without_way_back.at(
                    own.place,
                    f"director {quote(far.name)} has no address in the network of {own.ip}, so it cannot be the "
                    "gateway "
                    "of this realserver, and replies would bypass it",
                    "attach the director to that network, or write `snat: true` on the service: replies then go to the "
                    "director's own address",
                    [(service.place.at("method"), "LVS-NAT is asked for here")],
                )


@rule("LVS255", ERROR)
def nat_to_another_director(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A director that is a realserver of LVS-NAT, beside another director.

    Why:
        While the other one is active, this one answers clients by its own gateway, not through the active director:
        they get packets from an address that they never spoke to, and reset the connection.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        realservers: {}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: nat, pool: [lvs1, lvs2]}  # <- LVS255

    Instead:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          sync: {network: heartbeat, id: 51}
        networks:
          outside: {prefixes: [192.0.2.0/24]}
          heartbeat: {prefixes: [10.10.0.0/24]}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.10.0.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3, eth1: 10.10.0.3}}
        realservers: {}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [lvs1, lvs2]}

    Sources:
        LVS-HOWTO, LocalNode; ip_vs_core.c, ip_vs_out_hook
    """
    if not facts.is_pair:
        return
    for service, pool in facts.services:
        if service.snat:
            continue
        member = next((m for m in pool.local if m.method == "nat"), None)
        if member:
            yield nat_to_another_director.at(
                member.place,
                f"director {quote(member.host.name)} does not answer through the other director, as LVS-NAT needs it",
                "write `method: dr` (with `failover.sync` against loops), or `snat: true` on the service",
                [(service.place.at("method"), "LVS-NAT is asked for here")],
            )


@rule("LVS205", ERROR)
def one_network_nat_without_interface(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A realserver of LVS-NAT in a network with clients, without the name of its interface.

    Why:
        It would answer clients of its own network directly, around the director. So it must forget that network: routes
        that name the interface.

    Example:
        realservers:
          rs1: 192.0.2.11  # <- LVS205
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: nat}

    Instead:
        realservers:
          rs1: {interfaces: {eth0: 192.0.2.11}}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: nat}

    Sources:
        LVS-HOWTO, LVS-NAT with one network; ip-route(8)
    """
    clients: dict[str, bool] = {}
    for _, member, _, own in facts.gateway_members:
        if member.host.managed and own.interface is None and own.network is not None:
            if own.network.name not in clients:
                clients[own.network.name] = facts.cluster.has_clients(own.network)
            if clients[own.network.name]:
                yield one_network_nat_without_interface.at(
                    own.place,
                    f"clients sit in the network of {own.ip}, and without the name of its interface this "
                    "realserver would "
                    "answer them directly",
                    f"write `{member.host.name}: {{interfaces: {{eth0: {own.ip}}}}}`; `clients: false` on the "
                    "network says "
                    "that no client is in it",
                    [(own.network.place, "the network")],
                )


@rule("LVS508", ERROR)
def gateway_of_two_instances(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Realservers of LVS-NAT in one network that serve VIPs of two instances.

    Why:
        A realserver has one gateway, and that moves with one of the instances. When the other one is active elsewhere,
        its replies go to the wrong director: half of the services hang.

    Example:
        networks:
          inside: {prefixes: [10.1.1.0/24], dip: 10.1.1.254}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3/24, eth1: 10.1.1.3}}
        realservers: {rs1: 10.1.1.11}
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          instances:
            one: {vips: [192.0.2.100], vrid: 51}
            two: {vips: [192.0.2.101], vrid: 52}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: nat}
          www: {vip: 192.0.2.101, tcp: 80, method: nat}  # <- LVS508

    Instead:
        networks:
          inside: {prefixes: [10.1.1.0/24], dip: 10.1.1.254}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3/24, eth1: 10.1.1.3}}
        realservers: {rs1: 10.1.1.11}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: nat}
          www: {vip: 192.0.2.101, tcp: 80, method: nat}

    Sources:
        keepalived.conf(5), vrrp_sync_group; LVS-HOWTO, LVS-NAT and failover
    """
    if len(facts.cluster.failover.instances) < 2:
        return
    owner: dict[str, tuple[str, Service]] = {}
    for service in facts.cluster.services:
        moving = {i.name for vip in service.vips for i in facts.instances.get(vip.name, [])[:1]}
        for network in sorted(n.name for n in facts.gateway_networks.get(service.name, ())):
            for instance in sorted(moving):
                first, other = owner.setdefault(network, (instance, service))
                if first != instance:
                    yield gateway_of_two_instances.at(
                        service.place.at("vip"),
                        f"the gateway of the realservers in {quote(network)} moves with instance {quote(first)}, "
                        "but this "
                        f"VIP with {quote(instance)}",
                        "put all VIPs of these realservers into one instance, or write `snat: true` on the service",
                        [(other.place, "their other service")],
                    )
                    break


@rule("LVS509", ERROR)
def nat_gateway_does_not_move(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        LVS-NAT with several directors, but no floating DIP, or nothing that moves it.

    Why:
        The realservers' gateway must be the active director. If it is a fixed address of one of them, replies hang
        after the first failover, for as long as it lasts.

    Example:
        networks:
          inside: {prefixes: [10.1.1.0/24]}  # <- LVS509
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3/24, eth1: 10.1.1.3}}
        realservers: {rs1: 10.1.1.11}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: nat}

    Instead:
        networks:
          inside: {prefixes: [10.1.1.0/24], dip: 10.1.1.254}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3/24, eth1: 10.1.1.3}}
        realservers: {rs1: 10.1.1.11}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: nat}

    Sources:
        LVS-HOWTO, LVS-NAT and failover; seen on 6.1
    """
    if not facts.is_pair:
        return
    failover = facts.cluster.failover
    told = set()
    for service, member, family, own in facts.gateway_members:
        network = own.network
        if network is None:
            continue
        if failover.engine == "none":
            yield nat_gateway_does_not_move.at(
                failover.place.at("engine"),
                f"nothing moves the gateway that LVS-NAT realservers such as {quote(member.host.name)} need",
                "write `engine: keepalived`, or `snat: true` on the services by LVS-NAT",
                [(service.place.at("method"), "LVS-NAT is asked for here")],
            )
            return
        if network.dip(family) is None and (network.name, family) not in told:
            told.add((network.name, family))
            spelt = "IPv4" if family == "ipv4" else "IPv6"
            yield nat_gateway_does_not_move.at(
                network.place,
                f"the LVS-NAT realservers in {quote(network.name)} need an {spelt} gateway that moves with the VIPs",
                f"declare under `networks`: `NAME: {{prefixes: [{network.prefix_of(own.ip)}], dip: ADDRESS}}`, with an "
                "address that no host has",
                [(member.place, "one of these realservers")],
            )


@rule("LVS225", WARNING)
def two_ways_back(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A realserver that serves by LVS-NAT here and by LVS-DR or LVS-Tun there.

    Why:
        LVS-NAT makes the director its gateway. Its replies by LVS-DR then pass the director as well, which drops them
        as martians: their source is an address of its own, the VIP.

    Example:
        networks:
          lan: {prefixes: [192.0.2.0/24], clients: false}
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2}}}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}
          api: {vip: 192.0.2.100, tcp: {81: 8081}, method: nat, pool: [rs1]}  # <- LVS225

    Instead:
        networks:
          lan: {prefixes: [192.0.2.0/24], clients: false}
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2}}}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [rs2]}
          api: {vip: 192.0.2.100, tcp: {81: 8081}, method: nat, pool: [rs1]}

    Sources:
        fib_frontend.c, __fib_validate_source; LVS-HOWTO, LVS-DR
    """
    ways = ((m, service) for service, pool in facts.pools for m in pool.members if pool.methods != {"nat"})
    direct = {m.host.name: service for m, service in ways if m.method != "nat" and not m.host.is_director}
    told = set()
    for _, member, _, _ in facts.gateway_members if direct else ():
        name = member.host.name
        if name in direct and name not in told and member.host.managed:
            told.add(name)
            yield two_ways_back.at(
                member.place,
                f"the director becomes the gateway of {quote(name)}, and drops its replies by LVS-DR or LVS-Tun",
                "serve it by one of the methods only, or write `snat: true` on the service by LVS-NAT",
                [(direct[name].place, "its other service")],
            )
