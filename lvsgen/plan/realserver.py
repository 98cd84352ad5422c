"""What a host needs as a realserver: VIPs that nobody else hears of, tunnels, and the way back of LVS-NAT."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from lvsgen.model import Cluster, Family, Host, IPAddress, Member, Service, families, family_of
from lvsgen.plan.host import Address, Link, Module, Route, Sysctl
from lvsgen.plan.nat import WayBack, ways_back
from lvsgen.plan.tunnels import Decapsulation, decapsulation

Membership: TypeAlias = tuple[Service, Member]


@dataclass(slots=True)
class Realserver:
    """The realserver's part of a HostPlan, collected service by service; every thing once."""

    modules: dict[str, Module] = field(default_factory=dict)
    links: dict[str, Link] = field(default_factory=dict)
    sysctls: dict[str, Sysctl] = field(default_factory=dict)
    addresses: dict[tuple[IPAddress, str], Address] = field(default_factory=dict)
    routes: dict[tuple[str, ...], Route] = field(default_factory=dict)
    routed: set[IPAddress] = field(default_factory=set)

    def link(self, line: str, reason: str) -> None:
        """Notes a device line once."""
        self.links.setdefault(line, Link(line=line, reason=reason))

    def sysctl(self, key: str, value: str, reason: str) -> None:
        """Notes a sysctl once."""
        self.sysctls.setdefault(key, Sysctl(key=key, value=value, reason=reason))


def memberships(cluster: Cluster) -> Mapping[str, tuple[Membership, ...]]:
    """By the name of each host: the services that it serves, drained and disabled membership included."""
    found: dict[str, list[Membership]] = {}
    for service in cluster.services:
        for member in service.serving:
            found.setdefault(member.host.name, []).append((service, member))
    return {name: tuple(pairs) for name, pairs in found.items()}


def realserver(cluster: Cluster, host: Host, serves: Iterable[Membership]) -> Realserver:
    """Everything that follows from the services that `host` serves."""
    part = Realserver()
    lone_director = host.is_director and len(cluster.directors) == 1
    for service, member in serves:
        if member.method == "nat":
            for way in ways_back(cluster, service, member):
                _answers(part, cluster, member, way)
        elif not lone_director:
            # A lone director holds the VIP anyway (LocalNode).
            _holds_vips(part, service, member)
    return part


def _holds_vips(part: Realserver, service: Service, member: Member) -> None:
    """LVS-DR and LVS-Tun: the packet arrives with the VIP as destination, so the VIP must be local here."""
    for family in families(service.vips):
        rip = member.real_address(family)
        if rip is None:
            continue
        device = member.host.loopback
        if member.method == "tun":
            device = _tunnel(part, member, family, rip)
        elif device != "lo":
            # With `name` and `dev`: a device called `up` or `d` would be read as a keyword (iplink.c, iplink_parse).
            for line in (f"link add name {device} type dummy", f"link set dev {device} up"):
                part.link(line, "holds the VIPs; nothing else manages its addresses")
        vips = [
            (vip, address)
            for vip in service.vips
            for address in vip.addresses
            if address.family == family and address.prefix.num_addresses == 1
        ]
        if family == "ipv4" and vips:
            _silence(part, member.host)
        reason = (
            "accepted while another director is the master"
            if member.host.is_director
            else "accepted here, announced nowhere"
        )
        for vip, address in vips:
            part.addresses.setdefault(
                (address.ip, device),
                Address(ip=address.ip, device=device, reason=f"VIP {vip.name}: {reason}"),
            )


def _silence(part: Realserver, host: Host) -> None:
    """IPv4 only: for IPv6 Linux answers solicitations for addresses of the receiving interface alone (ndisc.c)."""
    if host.is_director:
        answers = "else this director answers ARP for the VIP while another one is the master"
        asks = "else its own ARP requests tell the VIP while another director is the master"
    else:
        answers = "else this realserver answers ARP for the VIP and bypasses the director"
        asks = "else its own ARP requests tell the VIP, and the router sends the VIP's packets here"
    part.sysctl("net.ipv4.conf.all.arp_ignore", "1", answers)
    part.sysctl("net.ipv4.conf.all.arp_announce", "2", asks)


def _tunnel(part: Realserver, member: Member, family: Family, rip: IPAddress) -> str:
    unwraps: Decapsulation = decapsulation(member.tunnel, family, rip)
    kind = member.tunnel.type
    for name in unwraps.modules:
        part.modules.setdefault(name, Module(name=name, reason=f"unwraps {kind} packets of the director"))
    for line in unwraps.lines:
        part.link(line, f"unwraps {kind} packets of the director")
    if family == "ipv4":
        part.sysctl(
            f"net.ipv4.conf.{unwraps.device}.rp_filter",
            "2",
            "packets come out of the tunnel, but the way back to their client is another device",
        )
    return unwraps.device


def _answers(part: Realserver, cluster: Cluster, member: Member, way: WayBack) -> None:
    """LVS-NAT: replies must go back through the director that rewrote the request."""
    if way.rip in part.routed:
        return
    part.routed.add(way.rip)
    route = _route(cluster, member.host, way)
    part.routes.setdefault(route.lines, route)


def _route(cluster: Cluster, host: Host, way: WayBack) -> Route:
    family, gateway = family_of(way.rip), way.gateway
    default = "default" if family == "ipv4" else "::/0"
    interface = next((a.interface for a in host.addresses if a.ip == way.rip), None)
    if not cluster.has_clients(way.network) or interface is None:
        return Route(
            lines=(f"route replace {default} via {gateway}",),
            reason="replies must pass the director, which puts the VIP back as their source",
        )
    host_prefix = f"{gateway}/{gateway.max_prefixlen}"
    scope = " scope link" if family == "ipv4" else ""
    return Route(
        lines=(
            f"route replace {host_prefix} dev {interface}{scope}",
            f"route replace {default} via {gateway} dev {interface}",
            f"route del {way.network.prefix_of(gateway)} dev {interface}",
        ),
        reason="clients sit on this network too: only the director may be a neighbour, or replies to them bypass it",
    )
