"""VRRP of one director: the declared instances -> one VRRP instance for each of them, interface and family.

VIPs lie on the director's interface in their network. Floating DIPs (and other addresses that realservers' own traffic
leaves with) move together with the VIPs of the LVS-NAT services that use their network: after half a failover the
replies would go to the director that does not know the connections.

An advertisement carries one address, the lowest. keepalived drops one that lists others than its own configuration
(vrrp_check_packet in keepalived/vrrp/vrrp.c, seen with 2.2.7), so that a VIP among them would make two masters until
all directors know it. The lowest stays when VIPs are added above it, wherever they stand in the description.

No IPv6 instance begins with a link-local address, as RFC 5798 section 5.2.9 wants: keepalived demands one only with
`vrrp_strict`, no client uses the VIP as its router, and one derived from the VRID would be the same in two clusters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lvsgen.model import (
    Cluster,
    Failover,
    Family,
    Host,
    Instance,
    IPAddress,
    Network,
    family_of,
)
from lvsgen.plan import nat
from lvsgen.plan.host import SyncGroup, VrrpAddress, VrrpInstance
from lvsgen.plan.naming import vrrp_name
from lvsgen.plan.places import interface_in, own_address, vip_device, vip_speaker


def vrrp_instances(cluster: Cluster, director: Host) -> tuple[VrrpInstance, ...]:
    """The VRRP instances of a director, in the order of their names; empty if no address moves."""
    if cluster.failover.engine != "keepalived":
        return ()
    found: list[VrrpInstance] = []
    for instance in cluster.failover.instances:
        if director not in instance.order:
            continue
        held: dict[tuple[str, Family], list[VrrpAddress]] = {}
        networks: dict[tuple[str, Family], Network] = {}
        for interface, network, address in _addresses(cluster, director, instance):
            place = (interface, family_of(address.ip))
            held.setdefault(place, []).append(address)
            if network is not None:
                networks.setdefault(place, network)
        found.extend(
            _vrrp_instance(cluster.failover, director, instance, place, held[place], networks.get(place))
            for place in sorted(held)
        )
    return tuple(found)


def sync_groups(cluster: Cluster, instances: Iterable[VrrpInstance]) -> tuple[SyncGroup, ...]:
    """Instances that stem from one declared instance, where there are several."""
    derived = tuple(instances)
    found = []
    for instance in cluster.failover.instances:
        members = tuple(one.name for one in derived if one.declared == instance.name)
        if len(members) > 1:
            found.append(SyncGroup(name=instance.name, instances=members))
    return tuple(found)


def _addresses(
    cluster: Cluster, director: Host, instance: Instance
) -> Iterator[tuple[str, Network | None, VrrpAddress]]:
    """What one declared instance moves: the interface of the VRRP instance, the network, the address. Each once."""
    seen: set[IPAddress] = set()
    for vip in instance.vips:
        for address in vip.addresses:
            speaker, device = vip_speaker(director, vip, address), vip_device(director, vip, address)
            if speaker and device and address.ip not in seen:
                seen.add(address.ip)
                reason = f"VIP {vip.name}" + (f": {vip.meta.description}" if vip.meta.description else "")
                yield speaker, address.network, VrrpAddress(ip=address.ip, device=device, reason=reason)
    taken = _fixed_addresses(cluster)
    for network in _networks_of(cluster, instance):
        for ip, reason in (
            *((ip, f"DIP of {network.name}") for ip in network.dips),
            *((ip, f"source of the realservers' own traffic from {network.name}") for ip in network.snat),
        ):
            holder = network if network.prefix_of(ip) else _network_of(director, ip)
            interface = interface_in(director, holder, family_of(ip)) if holder else None
            if interface and ip not in seen and ip not in taken:
                seen.add(ip)
                yield interface, holder, VrrpAddress(ip=ip, device=interface, reason=reason)


def _fixed_addresses(cluster: Cluster) -> frozenset[IPAddress]:
    """Addresses that belong to VIPs or directors, and are no floating ones."""
    vips = {a.ip for vip in cluster.vips for a in vip.addresses}
    return frozenset(vips | {a.ip for host in cluster.directors for a in host.addresses})


def _network_of(director: Host, ip: IPAddress) -> Network | None:
    return next((a.network for a in director.addresses if a.network and a.network.prefix_of(ip)), None)


def _networks_of(cluster: Cluster, instance: Instance) -> tuple[Network, ...]:
    """The networks whose floating addresses move with an instance: those that its LVS-NAT services use.

    A network that no service uses belongs to the first instance, so that its addresses are held by somebody.
    """
    instances = cluster.failover.instances
    owner: dict[str, str] = {}
    for one in instances if len(instances) > 1 else ():
        vips = {vip.name for vip in one.vips}
        for service in cluster.services:
            if any(vip.name in vips for vip in service.vips):
                for member in service.members:
                    if member.method == "nat":
                        for ip in member.addresses:
                            network = nat.network_of(member, family_of(ip))
                            if network is not None:
                                owner.setdefault(network.name, one.name)
    return tuple(n for n in cluster.networks if owner.get(n.name, instances[0].name) == instance.name)


def _vrrp_instance(
    failover: Failover,
    director: Host,
    instance: Instance,
    place: tuple[str, Family],
    held: list[VrrpAddress],
    network: Network | None,
) -> VrrpInstance:
    interface, family = place
    held.sort(key=lambda a: a.ip)
    source = own_address(director, interface, family, network)
    peers: tuple[IPAddress, ...] = ()
    if failover.multicast is None and source is not None and source.network is not None:
        others = [h.address_in(source.network, family) for h in instance.order if h is not director]
        peers = tuple(other.ip for other in others if other is not None)
    groups = [group for group in failover.multicast or () if family_of(group) == family]
    return VrrpInstance(
        name=vrrp_name(instance.name, interface, family),
        declared=instance.name,
        interface=interface,
        family=family,
        # VRRP version 2 has no IPv6 (RFC 3768); keepalived.conf(5) ignores `version 2` there.
        version=3 if family == "ipv6" else failover.version,
        vrid=instance.vrid,
        priority=instance.priority(director),
        advert=instance.advert,
        source=source.ip if source and peers else None,
        peers=peers,
        group=groups[0] if groups else None,
        addresses=tuple(held[:1]),
        excluded=tuple(held[1:]),
    )
