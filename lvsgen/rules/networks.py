"""Networks whose own addresses do not fit."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, WARNING, rule


@rule("LVS153", ERROR)
def outside_its_network(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A gateway or a DIP that lies in none of its network's prefixes.

    Why:
        A next hop must be a neighbour: the kernel refuses a route through a gateway that it cannot reach directly, and
        the realservers stay without a way back.

    Example:
        networks:
          outside: {prefixes: [192.0.2.0/24], gateway: 192.0.3.1}  # <- LVS153
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2}}}

    Instead:
        networks:
          outside: {prefixes: [192.0.2.0/24], gateway: 192.0.2.1}
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2}}}

    Sources:
        fib_semantics.c, fib_check_nh; ip-route(8)
    """
    for network in facts.cluster.networks:
        for field, addresses in (("gateway", network.gateways), ("dip", network.dips)):
            for ip in addresses:
                if network.prefix_of(ip) is None and not (field == "gateway" and ip.version == 6 and ip.is_link_local):
                    what = "gateway" if field == "gateway" else "DIP"
                    yield outside_its_network.at(
                        network.place.at(field),
                        f"the {what} {ip} lies outside the prefixes of network {quote(network.name)}",
                        f"write an address of {' or '.join(str(p) for p in network.prefixes)}",
                    )


@rule("LVS154", ERROR)
def dip_is_taken(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A DIP that is also a fixed address of a realserver, or of one of several directors, or the network's gateway.

    Why:
        The DIP floats: it goes to whichever director is active. An address that a host keeps would have two owners
        after the first failover, and the replies of LVS-NAT go to the wrong one.

    Example:
        networks:
          inside: {prefixes: [10.1.1.0/24], dip: 10.1.1.11}  # <- LVS154
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.2}}}
        realservers: {rs1: 10.1.1.11}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: nat}

    Instead:
        networks:
          inside: {prefixes: [10.1.1.0/24], dip: 10.1.1.254}
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.2}}}
        realservers: {rs1: 10.1.1.11}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: nat}

    Sources:
        LVS-HOWTO, LVS-NAT and failover
    """
    for network in facts.cluster.networks:
        for ip in network.dips:
            for host, address in facts.owners.get(ip, [])[:1]:
                if host.is_director and not facts.is_pair:
                    continue
                yield dip_is_taken.at(
                    network.place.at("dip"),
                    f"the DIP {ip} is also an address of {host.role} {quote(host.name)}, and cannot move",
                    "give the DIP an address of its own",
                    [(address.place, "the other owner")],
                )
            if ip in network.gateways:
                yield dip_is_taken.at(
                    network.place.at("dip"),
                    f"the DIP {ip} is also the gateway of network {quote(network.name)}",
                    "give the DIP an address of its own",
                )


@rule("LVS614", ERROR)
def gateway_is_a_director(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A gateway of a network with realservers of LVS-DR or LVS-Tun that is an address of a director.

    Why:
        Their replies have the VIP as their source. The director that gets one to forward drops it as a martian, for the
        VIP is its own address: clients time out. VIPs with `device: none` are no addresses of it, and not meant.

    Example:
        networks:
          lan: {prefixes: [192.0.2.0/24], gateway: 192.0.2.2}  # <- LVS614
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2}}}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}

    Instead:
        networks:
          lan: {prefixes: [192.0.2.0/24], gateway: 192.0.2.1}
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2}}}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}

    Sources:
        fib_frontend.c, __fib_validate_source; LVS-HOWTO, LVS-DR
    """
    owned = {
        network.name: (ip, host, address)
        for network in facts.cluster.networks
        for ip in network.gateways
        for host, address in facts.owners.get(ip, [])[:1]
        if host.is_director
    }
    told = set()
    for service, pool in facts.services if owned else ():
        if all(vip.device == "none" for vip in service.vips):
            continue  # no address of the director's own
        for member in pool.members:
            if member.method == "nat" or member.host.is_director:
                continue
            for own in member.host.addresses:
                network = own.network
                if network and network.name in owned and network.name not in told and own.ip in member.addresses:
                    told.add(network.name)
                    ip, host, address = owned[network.name]
                    yield gateway_is_a_director.at(
                        network.place.at("gateway"),
                        f"the gateway {ip} is director {quote(host.name)}, which drops replies whose source is its VIP",
                        "write the router's address; only LVS-NAT realservers reply through the director",
                        [(address.place, "the director"), (member.place, "one of these realservers")],
                    )


@rule("LVS159", WARNING)
def realserver_is_the_gateway(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A realserver whose address is the gateway of its network.

    Why:
        Usually one of the two is a slip of the pen, and two machines then answer ARP for the address: whoever wins gets
        what was meant for the other, and the whole network may lose its way out. A router that serves as well is seldom
        meant.

    Example:
        networks: {lan: {prefixes: [192.0.2.0/24], gateway: 192.0.2.11}}
        realservers:
          rs1: 192.0.2.11  # <- LVS159

    Instead:
        networks: {lan: {prefixes: [192.0.2.0/24], gateway: 192.0.2.1}}
        realservers:
          rs1: 192.0.2.11

    Sources:
        RFC 826; RFC 5227 section 1.1
    """
    for network in facts.cluster.networks:
        for ip in network.gateways:
            for host, address in facts.owners.get(ip, ()):
                if not host.is_director:
                    yield realserver_is_the_gateway.at(
                        address.place,
                        f"{ip} is realserver {quote(host.name)}, and the gateway of network {quote(network.name)}",
                        "correct the address, or the gateway",
                        [(network.place.at("gateway"), "the gateway")],
                    )
