"""What the kernel gets: the virtual services of each service, with their destinations, in canonical order.

Without a mark there is one virtual service for each VIP, protocol and port; with a mark one for each address family.
The order is that of protocol, address and port: sh maps clients by the order of insertion, which no tool shows, so it
must be the same on every director and after every change (seen on 6.1 and 6.12).
"""

from __future__ import annotations

from collections.abc import Iterable

from lvsgen.model import (
    ALL_PORTS,
    AddressKey,
    Destination,
    MarkKey,
    Service,
    VirtualService,
    families,
)


def virtual_services(services: Iterable[Service]) -> tuple[VirtualService, ...]:
    """The IPVS table of a cluster: address services by protocol, address and port, then those by mark."""
    found = [virtual for service in services for virtual in _of(service)]
    return tuple(sorted(found, key=_order))


def _of(service: Service) -> Iterable[VirtualService]:
    if service.mark:
        for family in families(service.vips):
            key = MarkKey(service.mark.value(family), family)
            yield _virtual(service, key, mapped_port(service))
        return
    for ip in sorted({a.ip for vip in service.vips for a in vip.addresses}, key=lambda a: (a.version, a)):
        for ports in service.ports:
            yield _virtual(service, AddressKey(ports.protocol, ip, ports.first), ports.real)


def mapped_port(service: Service) -> int:
    """The realserver's port of a service by mark: 0 keeps the client's, the only way without LVS-NAT.

    The kernel knows one port for all that bears the mark; that the mappings agree is the bind stage's business.
    """
    mapped = {p.real for p in service.ports if p.real != p.first}
    return mapped.pop() if len(mapped) == 1 else ALL_PORTS


def _virtual(service: Service, key: AddressKey | MarkKey, port: int) -> VirtualService:
    destinations = []
    for member in service.members:
        ip = member.real_address(key.family)
        if ip is not None and member.state != "disabled":
            destinations.append(Destination(member=member, ip=ip, port=member.port or port))
    destinations.sort(key=lambda d: (d.ip.version, d.ip, d.port))
    return VirtualService(
        service=service,
        key=key,
        destinations=tuple(destinations),
        disabled=tuple(m for m in service.members if m.state == "disabled" and key.family in m.families),
    )


def _order(virtual: VirtualService) -> tuple[object, ...]:
    key = virtual.key
    if isinstance(key, AddressKey):
        return (0, key.protocol, key.ip.version, int(key.ip), key.port, virtual.service.name)
    return (1, "", 4 if key.family == "ipv4" else 6, key.mark, 0, virtual.service.name)
