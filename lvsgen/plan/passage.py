"""What a site's own packet filters must let through for a cluster to work, host by host.

IPVS takes packets after the INPUT chain and sends them through OUTPUT; only replies of LVS-NAT pass FORWARD, with the
realserver's address as their source (ip_vs_core.c, ip_vs_ops4). What is local to the director itself is handed on
without another chain. An accept in a chain of our own would not override somebody else's drop, so nothing is generated
for this. Answers to what is listed are not, but for those of LVS-NAT: the director's filter takes them for new packets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Literal, TypeAlias

from lvsgen.model import (
    Cluster,
    Family,
    Host,
    IPAddress,
    IPNetwork,
    Member,
    Service,
    SorryServer,
    VipAddress,
    family_of,
)
from lvsgen.plan.ftp import data_connections
from lvsgen.plan.host import HostPlan, SyncDaemon
from lvsgen.plan.places import own_address
from lvsgen.plan.probes import Probed, all_probed

Chain: TypeAlias = Literal["INPUT", "FORWARD", "OUTPUT"]
Purpose: TypeAlias = Literal[
    "service", "tunnel", "reply", "FTP data", "own traffic", "health check", "VRRP", "connection sync"
]
Packets: TypeAlias = Literal["any", "tcp", "udp", "sctp", "icmp", "icmpv6", "vrrp", "ipip", "ipv6", "gre"]
PortRange: TypeAlias = tuple[int, int]
Party: TypeAlias = Literal["clients", "directors", "this host", "anywhere"] | IPAddress | IPNetwork

VRRP_GROUPS: dict[Family, IPAddress] = {"ipv4": IPv4Address("224.0.0.18"), "ipv6": IPv6Address("ff02::12")}
"""RFC 5798, section 5.1.1.2 and 5.1.2.2."""
SYNC_GROUP, SYNC_PORT = IPv4Address("224.0.0.81"), 8848
"""ip_vs_sync.c, IP_VS_SYNC_GROUP and IP_VS_SYNC_PORT."""
EVERY_PORT: PortRange = (0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Packets that must pass a chain of a host. Ports are first and last; `EVERY_PORT` where they do not matter."""

    chain: Chain
    purpose: Purpose
    source: Party
    target: Party
    protocol: Packets
    ports: PortRange = EVERY_PORT
    source_ports: PortRange = EVERY_PORT
    interface: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Flow:
    """Connections of a service: the ports of the VIP and of one realserver, and which side opens them."""

    purpose: Purpose = "service"
    protocol: Packets
    ports: PortRange
    real: PortRange
    by_realserver: bool = False


def passages(plan: HostPlan) -> tuple[Passage, ...]:
    """All packets of the cluster that a host's packet filter meets, sorted, each once."""
    found: dict[Passage, None] = {}
    if plan.is_director:
        found.update(dict.fromkeys(_director(plan)))
    if "realserver" in plan.roles:
        found.update(dict.fromkeys(_realserver(plan.cluster, plan.host)))
    found.update(dict.fromkeys(_checked(plan)))
    return tuple(sorted(found, key=_order))


def _order(row: Passage) -> tuple[object, ...]:
    ends = (_place(row.source), _place(row.target))
    return (row.chain, row.purpose != "service", row.purpose, row.protocol, row.ports, row.source_ports, *ends)


def _place(party: Party) -> tuple[object, ...]:
    """Words first, then addresses by family and number."""
    if isinstance(party, str):
        return (0, party)
    network = ip_network(party)
    return (network.version, network.network_address, network.prefixlen)


def _director(plan: HostPlan) -> Iterator[Passage]:
    for service in plan.cluster.services:
        for member in _receivers(service):
            for vip in service.vips:
                for address in vip.addresses:
                    yield from _scheduled(plan.host, service, member, address)
    yield from _own_traffic(plan)
    yield from _vrrp(plan)
    daemon = plan.sync or (plan.keepalived.sync if plan.keepalived else None)
    if daemon:
        yield from _sync(plan.cluster, daemon)


def _scheduled(director: Host, service: Service, member: Member | SorryServer, vip: VipAddress) -> Iterator[Passage]:
    """Packets to a VIP, on their way to one realserver, and its replies."""
    local = member.host is director
    rip = _rip(member, vip.family)
    for flow in _flows(service, member):
        # The clients' answers to what the realserver opened come to the VIP too.
        yield Passage(
            chain="INPUT",
            purpose=flow.purpose,
            source="clients",
            target=_party(vip.prefix),
            protocol=flow.protocol,
            ports=flow.ports,
        )
        if rip is None or local:
            continue
        if member.method == "tun":
            yield _tunnel("OUTPUT", "this host", member, vip.family, rip)
            continue
        nat = member.method == "nat"
        yield Passage(
            chain="OUTPUT",
            purpose=flow.purpose,
            source="clients",
            target=rip if nat else _party(vip.prefix),
            protocol=flow.protocol,
            ports=flow.real if nat else flow.ports,
        )
        if nat:
            yield Passage(
                chain="FORWARD",
                purpose="reply" if flow.purpose == "service" else flow.purpose,
                source=rip,
                target="clients",
                protocol=flow.protocol,
                source_ports=flow.real,
            )


def _realserver(cluster: Cluster, host: Host) -> Iterator[Passage]:
    for service in cluster.services:
        for member in _receivers(service):
            if member.host is not host:
                continue
            for vip in service.vips:
                for address in vip.addresses:
                    yield from _served(cluster, service, member, address)


def _served(cluster: Cluster, service: Service, member: Member | SorryServer, vip: VipAddress) -> Iterator[Passage]:
    """What one realserver gets for a VIP."""
    rip = _rip(member, vip.family)
    if rip is None:
        return
    nat = member.method == "nat"
    # A whole network is taken in by redirection, which puts an address of the host in the place of the VIP.
    target: Party = rip if nat else _party(vip.prefix) if vip.prefix.num_addresses == 1 else "this host"
    for flow in _flows(service, member):
        if flow.by_realserver:
            yield Passage(
                chain="OUTPUT",
                purpose=flow.purpose,
                source=rip,
                target="clients",
                protocol=flow.protocol,
                source_ports=flow.real,
            )
            continue
        yield Passage(
            chain="INPUT",
            purpose=flow.purpose,
            source="directors" if nat and service.snat else "clients",
            target=target,
            protocol=flow.protocol,
            ports=flow.real if nat else flow.ports,
        )
    if member.method == "tun" and cluster.directors != (member.host,):
        yield _tunnel("INPUT", "directors", member, vip.family, rip)


def _receivers(service: Service) -> tuple[Member | SorryServer, ...]:
    """Every host that packets may be sent to; the local page of a director is its own."""
    sorry = service.sorry_server
    return service.members if sorry is None or sorry.host.is_director else (*service.members, sorry)


def _rip(member: Member | SorryServer, family: Family) -> IPAddress | None:
    return member.real_address(family) if isinstance(member, Member) else member.address(family)


def _flows(service: Service, member: Member | SorryServer) -> Iterator[_Flow]:
    """A service whose packets somebody else marks may have no ports at all: then it takes anything."""
    if not service.ports:
        yield _Flow(protocol="any", ports=EVERY_PORT, real=EVERY_PORT)
    for ports in service.ports:
        reals = (ports.first, ports.last)
        if member.port is not None:
            reals = (member.port, member.port)
        elif isinstance(member, Member) and not ports.is_range:
            reals = (ports.real, ports.real)
        yield _Flow(protocol=ports.protocol, ports=(ports.first, ports.last), real=reals)
        if member.method == "nat" and ports.protocol == "tcp":
            for data in data_connections(service, ports, reals[0]):
                yield _Flow(
                    purpose="FTP data", protocol="tcp", ports=data.ports, real=data.real, by_realserver=data.active
                )


def _party(prefix: IPNetwork) -> Party:
    return prefix.network_address if prefix.num_addresses == 1 else prefix


def _tunnel(chain: Chain, source: Party, member: Member | SorryServer, inner: Family, rip: IPAddress) -> Passage:
    kind = member.tunnel.type if isinstance(member, Member) else "ipip"
    if isinstance(member, Member) and kind == "gue":
        port = member.tunnel.port or 0
        return Passage(chain=chain, purpose="tunnel", source=source, target=rip, protocol="udp", ports=(port, port))
    protocol: Packets = "gre" if kind == "gre" else "ipip" if inner == "ipv4" else "ipv6"
    return Passage(chain=chain, purpose="tunnel", source=source, target=rip, protocol=protocol)


def _own_traffic(plan: HostPlan) -> Iterator[Passage]:
    """What realservers send on their own account through a director that puts another source on it."""
    for network in plan.cluster.networks:
        translated = {family_of(ip) for ip in network.snat if plan.host.address_in(network, family_of(ip))}
        for prefix in network.prefixes:
            if family_of(prefix) in translated:
                yield Passage(chain="FORWARD", purpose="own traffic", source=prefix, target="anywhere", protocol="any")


def _vrrp(plan: HostPlan) -> Iterator[Passage]:
    for one in plan.keepalived.instances if plan.keepalived else ():
        if one.source is not None and one.peers:
            ends: list[tuple[Party, Party]] = [(peer, one.source) for peer in one.peers]
            out: list[tuple[Party, Party]] = [(one.source, peer) for peer in one.peers]
        else:
            group = one.group or VRRP_GROUPS[one.family]
            own = own_address(plan.host, one.interface, one.family)
            # IPv6 adverts leave with the link-local address (RFC 5798, section 5.1.2.1).
            ends = [("directors", group)]
            out = [(own.ip if own and one.family == "ipv4" else "this host", group)]
        for chain, pairs in (("INPUT", ends), ("OUTPUT", out)):
            for source, target in pairs:
                yield Passage(
                    chain="INPUT" if chain == "INPUT" else "OUTPUT",
                    purpose="VRRP",
                    source=source,
                    target=target,
                    protocol="vrrp",
                    interface=one.interface,
                )


def _sync(cluster: Cluster, daemon: SyncDaemon) -> Iterator[Passage]:
    """Each thread has a port of its own, one after the other (ip_vs_sync.c, make_send_sock)."""
    sync = cluster.failover.sync
    first = daemon.port or SYNC_PORT
    ports = (first, first + ((sync.threads if sync else None) or 1) - 1)
    for chain, source in _BOTH_WAYS:
        yield Passage(
            chain=chain,
            purpose="connection sync",
            source=source,
            target=daemon.group or SYNC_GROUP,
            protocol="udp",
            ports=ports,
            interface=daemon.interface,
        )


_BOTH_WAYS: tuple[tuple[Chain, Party], ...] = (("INPUT", "directors"), ("OUTPUT", "this host"))


def _checked(plan: HostPlan) -> Iterator[Passage]:
    """Health checks, on the directors that send them and on the host that they ask."""
    own = {a.ip for a in plan.host.addresses}
    elsewhere = {a.ip for host in plan.cluster.hosts for a in host.addresses} - own
    for one in all_probed(plan.cluster):
        if plan.is_director and one.ip not in own:
            yield _check("OUTPUT", one, source=one.source or "this host")
            if one.kind == "bfd":
                yield _check("INPUT", one, source=one.ip, target=one.source or "this host")
        asked = one.ip in own or (one.host is plan.host and one.ip not in elsewhere)
        # A director asks itself through its loopback device.
        if asked and plan.cluster.directors != (plan.host,):
            yield _check("INPUT", one, source=one.source or "directors")
            if one.kind == "bfd":
                yield _check("OUTPUT", one, source=one.ip, target=one.source or "directors")


def _check(chain: Chain, one: Probed, *, source: Party, target: Party | None = None) -> Passage:
    protocol: Packets = "icmpv6" if one.protocol == "icmp" and family_of(one.ip) == "ipv6" else one.protocol
    return Passage(
        chain=chain,
        purpose="health check",
        source=source,
        target=one.ip if target is None else target,
        protocol=protocol,
        ports=(one.port, one.port),
    )
