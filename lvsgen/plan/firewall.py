"""Firewall rules of a host: marks and source translation on a director, redirection on a transparent proxy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, collapse_addresses
from typing import cast

from lvsgen.diagnostics import Place
from lvsgen.model import (
    FAMILIES,
    Cluster,
    Family,
    Host,
    IPAddress,
    IPNetwork,
    Member,
    Network,
    Protocol,
    Service,
    Vip,
    families,
    family_of,
)
from lvsgen.plan.host import Firewall, MarkRule, RedirectRule, SnatRule
from lvsgen.plan.naming import owned
from lvsgen.plan.nat import network_of, source


def director_firewall(cluster: Cluster, director: Host) -> Firewall | None:
    """Marks, source translation and connection tracking on a director; None where nothing is needed."""
    firewall = Firewall(
        tool=cluster.firewall,
        chain=owned(cluster.name),
        marks=tuple(rule for service in cluster.services for rule in _marks(cluster, director, service)),
        snats=(*_own_traffic(cluster, director), *_forwarded(cluster, director)),
        conntrack=_tracked(cluster),
    )
    return firewall if firewall.marks or firewall.snats or firewall.conntrack else None


def realserver_firewall(cluster: Cluster, serves: Iterable[tuple[Service, Member]]) -> Firewall | None:
    """Redirection of packets to whole networks: no host can hold all their addresses."""
    rules = tuple(
        RedirectRule(destination=prefix, protocol=protocol, ports=ports, service=service.name)
        for service, member in serves
        if member.method in ("dr", "tun")
        for prefix in wide_prefixes(service.vips)
        for protocol, ports in _ports(service)
    )
    return Firewall(tool=cluster.firewall, chain=owned(cluster.name), redirects=rules) if rules else None


def wide_prefixes(vips: Iterable[Vip]) -> tuple[IPNetwork, ...]:
    """The prefixes of VIPs that are more than one address."""
    return tuple(a.prefix for vip in vips for a in vip.addresses if a.prefix.num_addresses > 1)


def needs_mac_marks(cluster: Cluster, service: Service) -> bool:
    """Whether a director must not mark what its peer forwarded: it is a realserver itself, and nothing else stops the
    packet from being scheduled again (ip_vs_core.c, sysctl_backup_only).
    """
    return (
        len(cluster.directors) > 1
        and cluster.failover.sync is None
        and any(m.host.is_director and m.method in ("dr", "tun") for m in service.members)
    )


def _marks(cluster: Cluster, director: Host, service: Service) -> Iterator[MarkRule]:
    if service.mark is None or service.mark.rules == "foreign":
        return
    peers: tuple[str, ...] = ()
    if needs_mac_marks(cluster, service):
        networks = [a.network for vip in service.vips for a in vip.addresses]
        peers = tuple(
            sorted(
                interface.mac
                for other in cluster.directors
                if other is not director
                for interface in other.interfaces
                if interface.mac and any(a.network in networks for a in interface.addresses)
            )
        )
    interfaces = tuple(sorted(i for network in service.sources for i in _interfaces(director, network)))
    for family in families(service.vips):
        for first, last in _spans(service.vips, family):
            for protocol, ports in _ports(service):
                yield MarkRule(
                    family=family,
                    first=first,
                    last=last,
                    protocol=protocol,
                    ports=ports,
                    interfaces=interfaces,
                    peers=peers,
                    mark=service.mark.value(family),
                    service=service.name,
                )


def _interfaces(director: Host, network: Network) -> set[str]:
    return {a.interface for a in director.addresses if a.network is network and a.interface}


def _spans(vips: Iterable[Vip], family: Family) -> list[tuple[IPAddress, IPAddress]]:
    """The first and the last address of each VIP, range or prefix as it is written, sorted."""
    spans: dict[tuple[Place, int], tuple[IPAddress, IPAddress]] = {}
    prefixes = {(a.place, a.prefix) for vip in vips for a in vip.addresses if a.family == family}
    for place, prefix in sorted(prefixes, key=lambda pair: int(pair[1].network_address)):
        first, last = prefix.network_address, prefix.broadcast_address
        # Grows the span that ends just before: a range is several prefixes, of which a service may name a part.
        joined = spans.pop((place, int(first) - 1), (first, first))
        spans[place, int(last)] = (joined[0], last)
    return sorted(spans.values(), key=lambda span: (int(span[0]), int(span[1])))


def _prefixes(vips: Iterable[Vip], family: Family) -> list[IPNetwork]:
    """All addresses of a family, as few prefixes as possible."""
    prefixes = [a.prefix for vip in vips for a in vip.addresses if family_of(a.ip) == family]
    # Of one family all, which is all that collapse_addresses asks for.
    return list(collapse_addresses(cast("list[IPv4Network]", prefixes)))


def _ports(service: Service) -> Iterator[tuple[Protocol, tuple[tuple[int, int], ...]]]:
    """Each protocol with its ports; no ports at all means every port."""
    for protocol in sorted({p.protocol for p in service.ports}):
        pairs = tuple((p.first, p.last) for p in service.ports if p.protocol == protocol)
        yield protocol, () if (0, 0) in pairs else pairs


def _own_traffic(cluster: Cluster, director: Host) -> Iterator[SnatRule]:
    """What realservers send on their own account, from networks that declare `snat`."""
    for network in cluster.networks:
        for address in network.snat:
            family = family_of(address)
            for prefix in network.prefixes:
                if family_of(prefix) == family and director.address_in(network, family):
                    yield SnatRule(family=family, to=address, network=prefix)


def _forwarded(cluster: Cluster, director: Host) -> Iterator[SnatRule]:
    """Packets of services with `snat: true`, on their way to the realservers."""
    for service in cluster.services:
        if not service.snat:
            continue
        for family in families(service.vips):
            networks = {
                n.name: n for m in service.members if m.method == "nat" and (n := network_of(m, family)) is not None
            }
            for _, network in sorted(networks.items()):
                to = source(cluster, director, network, family)
                prefix = next((p for p in network.prefixes if family_of(p) == family), None)
                if to is None or prefix is None:
                    continue
                for vip in _prefixes(service.vips, family):
                    for ports in service.ports:
                        single = not ports.is_range and ports.first != 0
                        yield SnatRule(
                            family=family,
                            to=to,
                            network=prefix,
                            vip=vip,
                            protocol=ports.protocol,
                            port=ports.first if single else None,
                            service=service.name,
                        )


def _tracked(cluster: Cluster) -> tuple[Family, ...]:
    """Families whose FTP through LVS-NAT is on another control port than 21, or by mark."""
    found = {
        family
        for service in cluster.services
        if service.helper and service.helper.kind == "ftp" and "nat" in service.methods
        if service.mark or set(service.helper.ports) != {21}
        for family in families(service.vips)
    }
    return tuple(f for f in FAMILIES if f in found)
