"""The networks of the lab: takes a cluster, returns who is the router, where clients sit, and which addresses are free.

A declared gateway is played by one router, which also stands before everybody outside. A network that no director is on
needs it, too, and so does a VIP that is routed to the directors.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from lvsgen.lab.endpoints import Endpoint
from lvsgen.model import FAMILIES, Cluster, Family, Host, IPAddress, IPNetwork, Network, family_of

ROUTER = "router@lab"
WORLD = "world"
"""The segment behind the router, in place of everybody outside. The lab's own machines have an @, which no host has."""

CLIENTS = 24
"""Addresses of a client, of each family: enough for a hash to meet every realserver of a pool."""

_WORLD4 = tuple(IPv4Network(text) for text in ("100.64.0.0/24", "100.127.255.0/24", "198.18.255.0/24"))
_WORLD6 = tuple(IPv6Network(text) for text in ("fd6c:7673:6765:6e00::/64", "fd6c:7673:6765:6e01::/64"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client machine on one segment, with many addresses."""

    machine: str
    network: str
    addresses: Mapping[Family, tuple[IPAddress, ...]]
    lengths: Mapping[Family, int]

    def of(self, family: Family) -> tuple[str, ...]:
        """Its addresses of a family, as text."""
        return tuple(str(ip) for ip in self.addresses.get(family, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """`legs` are the router's addresses by network, `gates` the directors' addresses that clients use where there is
    no router. `clients` are by network, `outside` stands behind the router.
    """

    networks: tuple[Network, ...]
    segments: Mapping[str, int]
    legs: Mapping[str, tuple[IPAddress, ...]]
    gates: Mapping[str, tuple[IPAddress, ...]]
    clients: Mapping[str, Client]
    outside: Client | None
    world: tuple[IPNetwork, ...]

    def segment(self, network: str) -> int:
        """The number of a network's segment."""
        return self.segments.get(network, len(self.networks))

    def gateway(self, network: Network, family: Family) -> IPAddress | None:
        """Where a host of a network finds everything else: the router, else nothing."""
        return next((ip for ip in self.legs.get(network.name, ()) if family_of(ip) == family), None)

    def gate(self, network: Network, family: Family) -> IPAddress | None:
        """The director that is the way out of a network without a router."""
        return next((ip for ip in self.gates.get(network.name, ()) if family_of(ip) == family), None)


def ground(*clusters: Cluster, asked: Iterable[Endpoint]) -> Ground:
    """The networks of a cluster, with what the lab adds to them; with several clusters, those of them all.

    Where two have a network of one name, it is that of the first.
    """
    asked = tuple(asked)
    by_name = {network.name: network for cluster in reversed(clusters) for network in cluster.networks}
    networks = tuple(sorted(by_name.values(), key=lambda n: n.name))
    free = _Free(clusters)
    hosts = [host for cluster in clusters for host in cluster.hosts]
    held = {a.ip for host in hosts for a in host.addresses} | {ip for n in networks for ip in n.dips}
    occupied = {a.network.name for host in hosts for a in host.addresses if a.network}
    directed = {a.network.name for host in hosts if host.is_director for a in host.addresses if a.network}
    legs: dict[str, tuple[IPAddress, ...]] = {}
    for network in networks:
        declared = tuple(ip for ip in network.gateways if ip not in held)
        if declared:
            legs[network.name] = declared
        elif network.name in occupied - directed:
            legs[network.name] = tuple(free.take(network, family, 1)[0] for family in _families(network))
    routed = any(one.address.network is None and not one.service.sources for one in asked)
    if routed and not set(legs) & directed:
        first = next(n for n in networks if n.name in directed)
        legs[first.name] = tuple(free.take(first, family, 1)[0] for family in _families(first))
    sites = {n.name for n in networks if any(cluster.has_clients(n) for cluster in clusters)}
    sites |= {n.name for one in asked for n in one.service.sources}
    sites |= {one.address.network.name for one in asked if one.address.network and not one.service.sources}
    clients = {n.name: _client(n, free) for n in networks if n.name in sites}
    world = _world(networks) if legs else ()
    gates = {n.name: tuple(_gates(clusters, n)) for n in networks if n.name not in legs}
    routed_families = {family_of(ip) for ips in legs.values() for ip in ips}
    outside = _outside(world, routed_families) if legs else None
    return Ground(
        networks=networks,
        segments=_segments(hosts, networks),
        legs=legs,
        gates=gates,
        clients=clients,
        outside=outside,
        world=world,
    )


def _segments(hosts: Iterable[Host], networks: Sequence[Network]) -> Mapping[str, int]:
    """Networks on one interface are one segment, as IPv4 and IPv6 are where nobody declares them as one network."""
    numbers = {network.name: number for number, network in enumerate(networks)}
    for host in hosts:
        for interface in host.interfaces:
            joined = {numbers[a.network.name] for a in interface.addresses if a.network}
            numbers = {name: min(joined) if number in joined else number for name, number in numbers.items()}
    return numbers


class _Free:
    """Gives addresses that nobody has, from the end of a prefix."""

    def __init__(self, clusters: Iterable[Cluster]) -> None:
        self.used: set[IPAddress] = set()
        for cluster in clusters:
            self.used |= {a.ip for host in cluster.hosts for a in host.addresses}
            self.used |= {a.ip for vip in cluster.vips for a in vip.addresses}
            self.used |= {a.ip for s in cluster.services for vip in s.vips for a in vip.addresses}
            self.used |= {ip for n in cluster.networks for ip in (*n.gateways, *n.dips, *n.snat)}

    def take(self, network: Network, family: Family, count: int) -> tuple[IPAddress, ...]:
        """Up to `count` addresses; none is given twice."""
        prefix = next(p for p in network.prefixes if family_of(p) == family)
        last = min(prefix.num_addresses - 2, 0xFFF0)
        found: list[IPAddress] = []
        for offset in range(last, 0, -1):
            if len(found) == count:
                break
            if prefix[offset] not in self.used:
                found.append(prefix[offset])
        self.used |= set(found)
        return tuple(found)


def _families(network: Network) -> Iterator[Family]:
    return (family for family in FAMILIES if any(family_of(p) == family for p in network.prefixes))


def _client(network: Network, free: _Free) -> Client:
    addresses = {family: free.take(network, family, CLIENTS) for family in _families(network)}
    lengths = {family_of(p): p.prefixlen for p in network.prefixes}
    return Client(machine=f"client@{network.name}", network=network.name, addresses=addresses, lengths=lengths)


def _world(networks: Iterable[Network]) -> tuple[IPNetwork, ...]:
    taken = [p for n in networks for p in n.prefixes]
    four = next(w for w in _WORLD4 if not any(p.version == 4 and w.overlaps(p) for p in taken))
    six = next(w for w in _WORLD6 if not any(p.version == 6 and w.overlaps(p) for p in taken))
    return (four, six)


def _outside(world: tuple[IPNetwork, ...], known: set[Family]) -> Client:
    """A client with addresses of the families that the router has a leg for."""
    addresses = {family_of(w): tuple(w[10 + n] for n in range(CLIENTS)) for w in world if family_of(w) in known}
    lengths = {family_of(w): w.prefixlen for w in world}
    return Client(machine=f"client@{WORLD}", network=WORLD, addresses=addresses, lengths=lengths)


def _gates(clusters: Iterable[Cluster], network: Network) -> Iterator[IPAddress]:
    for family in FAMILIES:
        for cluster in clusters:
            own_network = next((n for n in cluster.networks if n.name == network.name), network)
            first: Host = cluster.failover.order[0] if cluster.failover.order else cluster.directors[0]
            own = first.address_in(own_network, family)
            found = own_network.dip(family) or (own.ip if own else None)
            if found:
                yield found
                break
