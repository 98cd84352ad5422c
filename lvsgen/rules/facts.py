"""What several rules derive from a cluster, each fact once.

Members are few objects that many services share (`lvsgen.bind` binds a pool once for all services that agree), so facts
about members are worked out by pool and not by service: the cost follows the text and not the table.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from lvsgen.diagnostics import Place
from lvsgen.model import (
    Check,
    Cluster,
    Family,
    Host,
    HostAddress,
    Instance,
    IPAddress,
    Member,
    Method,
    Network,
    Service,
    Vip,
    VirtualService,
    families,
    family_of,
)


class GatewayMember(NamedTuple):
    """A LVS-NAT realserver at one of its addresses, with the first service that needs it to answer by its gateway."""

    service: Service
    member: Member
    family: Family
    own: HostAddress


class Pool:
    """The members of one or more services, seen as a whole."""

    def __init__(self, members: tuple[Member, ...]) -> None:
        self.members = members
        self.methods: frozenset[Method] = frozenset(m.method for m in members)
        self._weights: dict[Family, int] = {}

    @cached_property
    def live(self) -> tuple[Member, ...]:
        """Those in the table."""
        return tuple(m for m in self.members if m.state != "disabled")

    @cached_property
    def ported(self) -> tuple[Member, ...]:
        """Those that listen on a port of their own."""
        return tuple(m for m in self.members if m.port is not None)

    @cached_property
    def local(self) -> tuple[Member, ...]:
        """Directors (LocalNode)."""
        return tuple(m for m in self.members if m.host.is_director)

    @cached_property
    def tunnelled(self) -> tuple[Member, ...]:
        """Those reached by LVS-Tun."""
        return tuple(m for m in self.members if m.method == "tun") if "tun" in self.methods else ()

    @cached_property
    def limited(self) -> tuple[Member, ...]:
        """Those with thresholds."""
        return tuple(m for m in self.members if m.upper_threshold or m.lower_threshold)

    @cached_property
    def idle(self) -> tuple[Member, ...]:
        """Those in the table with weight 0."""
        return tuple(m for m in self.live if m.live_weight == 0)

    @cached_property
    def serving(self) -> tuple[Member, ...]:
        """Those that get new connections."""
        return tuple(m for m in self.live if m.live_weight > 0)

    @cached_property
    def first_by_method(self) -> dict[Method, Member]:
        """The first member of each method."""
        found: dict[Method, Member] = {}
        for member in self.members:
            found.setdefault(member.method, member)
        return found

    @cached_property
    def checks(self) -> tuple[Check, ...]:
        """All distinct checks."""
        lists = {id(m.checks): m.checks for m in self.members}
        return tuple({id(check): check for checks in lists.values() for check in checks}.values())

    def weight(self, family: Family) -> int:
        """The sum of the weights in the table, in one family."""
        if family not in self._weights:
            self._weights[family] = sum(m.live_weight for m in self.live if m.real_address(family) is not None)
        return self._weights[family]


class Facts:
    """A cluster, and what rules ask of it more than once. `earlier` are other clusters of the same call and site."""

    def __init__(self, cluster: Cluster, earlier: tuple[Facts, ...] = ()) -> None:
        self.cluster = cluster
        self.earlier = earlier
        self._pools: dict[int, Pool] = {}
        self._families: dict[tuple[int, ...], tuple[Family, ...]] = {}

    def pool(self, service: Service) -> Pool:
        """The members of a service."""
        found = self._pools.get(id(service.members))
        if found is None:
            found = self._pools[id(service.members)] = Pool(service.members)
        return found

    @cached_property
    def pools(self) -> tuple[tuple[Service, Pool], ...]:
        """Every distinct pool, with the first service that uses it."""
        seen: dict[int, tuple[Service, Pool]] = {}
        for service in self.cluster.services:
            seen.setdefault(id(service.members), (service, self.pool(service)))
        return tuple(seen.values())

    @cached_property
    def whole_services(self) -> tuple[tuple[Service, Pool], ...]:
        """The services without those of which members were left out: for rules about a pool as a whole."""
        return tuple((service, pool) for service, pool in self.services if not service.partial)

    @cached_property
    def services(self) -> tuple[tuple[Service, Pool], ...]:
        """Every service with its pool."""
        return tuple((service, self.pool(service)) for service in self.cluster.services)

    def families(self, service: Service) -> tuple[Family, ...]:
        """The families of a service's VIPs."""
        key = tuple(id(vip) for vip in service.vips)
        if key not in self._families:
            self._families[key] = families(service.vips)
        return self._families[key]

    @cached_property
    def virtual_services(self) -> dict[int, list[VirtualService]]:
        """The virtual services of each service, by the service's identity."""
        found: dict[int, list[VirtualService]] = {}
        for virtual in self.cluster.virtual_services:
            found.setdefault(id(virtual.service), []).append(virtual)
        return found

    @property
    def is_pair(self) -> bool:
        """Whether there are several directors."""
        return len(self.cluster.directors) > 1

    @cached_property
    def knows_networks(self) -> bool:
        """Whether every director's address has its network; a broken network may be missing."""
        return all(a.network for host in self.cluster.directors for a in host.addresses)

    @cached_property
    def owners(self) -> dict[IPAddress, list[tuple[Host, HostAddress]]]:
        """Which hosts have an address, directors first."""
        found: dict[IPAddress, list[tuple[Host, HostAddress]]] = {}
        for host in self.cluster.hosts:
            for address in host.addresses:
                found.setdefault(address.ip, []).append((host, address))
        return found

    @cached_property
    def instances(self) -> dict[str, list[Instance]]:
        """The instances that move a VIP, by its name."""
        found: dict[str, list[Instance]] = {}
        for instance in self.cluster.failover.instances:
            for name in dict.fromkeys(vip.name for vip in instance.vips):
                found.setdefault(name, []).append(instance)
        return found

    def holders(self, vip: Vip) -> tuple[Host, ...]:
        """The directors that may come to hold a VIP."""
        moving = self.instances.get(vip.name)
        if moving:
            return tuple(dict.fromkeys(host for instance in moving for host in instance.order))
        return self.cluster.directors

    @cached_property
    def by_vip(self) -> dict[str, list[Service]]:
        """The services of each VIP, by its name."""
        found: dict[str, list[Service]] = {}
        for service in self.cluster.services:
            for name in dict.fromkeys(vip.name for vip in service.vips):
                found.setdefault(name, []).append(service)
        return found

    @cached_property
    def hosts(self) -> dict[str, Host]:
        """All hosts by their names."""
        return {host.name: host for host in self.cluster.hosts}

    @cached_property
    def by_name(self) -> dict[str, Service]:
        """The services by their names."""
        return {service.name: service for service in self.cluster.services}

    @cached_property
    def placed_vips(self) -> tuple[Vip, ...]:
        """The VIPs that this cluster puts on an interface of a director."""
        return tuple(v for v in self.cluster.vips if v.managed and v.device not in ("lo", "none"))

    @cached_property
    def floating(self) -> dict[IPAddress, tuple[Place, Network | None]]:
        """The addresses that this cluster configures on its directors beside their own: their places and networks."""
        found: dict[IPAddress, tuple[Place, Network | None]] = {}
        for network in self.cluster.networks:
            found |= {dip: (network.place.at("dip"), network) for dip in network.dips if dip not in self.owners}
        for vip in self.placed_vips:
            found |= {one.ip: (one.place, one.network) for one in vip.addresses}
        return found

    @property
    def runs_keepalived(self) -> bool:
        """Whether its directors have a keepalived.conf."""
        return self.cluster.failover.engine == "keepalived" or self.cluster.ipvs.writer == "keepalived"

    @staticmethod
    def is_homeless(vip: Vip) -> bool:
        """Whether nothing says which device holds a VIP: a mistake of its own, beside which no other is told."""
        return not vip.device and any(address.network is None for address in vip.addresses)

    def segments(self, instance: Instance) -> set[tuple[str, Family]]:
        """Where an instance speaks VRRP: network (or interface, where no network is known) and family."""
        found = {
            (self.segment(instance.order, vip, address.network), address.family)
            for vip in instance.vips
            if vip.managed and vip.device not in ("lo", "none")
            for address in vip.addresses
        }
        if len(self.cluster.failover.instances) == 1:
            found |= {(n.name, family_of(dip)) for n in self.cluster.networks for dip in n.dips}
        return {(where, family) for where, family in found if where}

    def segment(self, directors: Iterable[Host], vip: Vip, network: Network | None) -> str:
        """The network in which a VIP is held; the interface's name where that has none, empty where it is unknown."""
        if not vip.device:
            return network.name if network else ""
        for host in directors:
            for interface in host.interfaces:
                if interface.name == vip.device and interface.addresses and interface.addresses[0].network:
                    return interface.addresses[0].network.name
        return vip.device

    @cached_property
    def gateway_members(self) -> tuple[GatewayMember, ...]:
        """LVS-NAT realservers whose replies must come back through the director: each address once."""
        return tuple(self._gateways[0].values())

    @property
    def gateway_networks(self) -> dict[str, list[Network]]:
        """The networks of such realservers, by the name of the service."""
        return self._gateways[1]

    @cached_property
    def _gateways(self) -> tuple[dict[tuple[int, IPAddress], GatewayMember], dict[str, list[Network]]]:
        members: dict[tuple[int, IPAddress], GatewayMember] = {}
        networks: dict[str, list[Network]] = {}
        for service, pool in self.services:
            if "nat" not in pool.methods or service.snat:
                continue
            used: dict[str, Network] = {}
            wanted = self.families(service)
            for member in pool.members:
                host = member.host
                if member.method != "nat" or host.is_director:
                    continue
                for ip in member.addresses:
                    key = (id(host), ip)
                    found = members.get(key)
                    if found is None:
                        own = next((a for a in host.addresses if a.ip == ip), None)
                        family = family_of(ip)
                        if own is None or family not in wanted or family not in member.families:
                            continue
                        found = members[key] = GatewayMember(service, member, family, own)
                    network = found.own.network
                    if network is not None:
                        used[network.name] = network
            networks[service.name] = list(used.values())
        return members, networks
