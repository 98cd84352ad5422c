"""LVS-NAT: where the realservers' replies go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lvsgen.model import Cluster, Family, Host, IPAddress, Member, Network, Service, families, family_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WayBack:
    """A realserver's address, and the gateway through which the replies from there must leave."""

    rip: IPAddress
    network: Network
    gateway: IPAddress


def network_of(member: Member, family: Family) -> Network | None:
    """The network in which the directors reach a member."""
    ip = member.address(family)
    return next((a.network for a in member.host.addresses if a.ip == ip), None)


def dip(cluster: Cluster, network: Network, family: Family) -> IPAddress | None:
    """The address that LVS-NAT realservers of a network use as their gateway.

    It floats where the network declares one; a single director's own address serves as well.
    """
    floating = network.dip(family)
    if floating or len(cluster.directors) > 1:
        return floating
    own = cluster.directors[0].address_in(network, family)
    return own.ip if own else None


def source(cluster: Cluster, director: Host, network: Network, family: Family) -> IPAddress | None:
    """The address that a director puts on packets towards a network (`snat: true`)."""
    floating = network.dip(family)
    own = director.address_in(network, family)
    return floating or (own.ip if own else None)


def nat_families(cluster: Cluster, network: Network | None = None) -> tuple[Family, ...]:
    """The families that have LVS-NAT members, IPv4 first (in one network, if given)."""
    found = {
        family_of(ip)
        for service in cluster.services
        for member in service.serving
        if member.method == "nat"
        for ip in member.addresses
        if network is None or network_of(member, family_of(ip)) is network
    }
    return tuple(sorted(found))


def ways_back(cluster: Cluster, service: Service, member: Member) -> Iterator[WayBack]:
    """How a member's replies reach the director that rewrote the requests; nothing where they do by themselves."""
    if member.method != "nat" or service.snat or member.host.is_director:
        return
    for family in families(service.vips):
        rip, network = member.address(family), network_of(member, family)
        gateway = dip(cluster, network, family) if network else None
        if rip and network and gateway:
            yield WayBack(rip=rip, network=network, gateway=gateway)
