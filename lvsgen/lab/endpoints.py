"""What clients can ask of a cluster: takes services, returns one `Endpoint` for each VIP, protocol and port.

Where a VIP is a prefix, or a port a range or all ports, examples are taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lvsgen.lab.guest.wire import Speech
from lvsgen.model import (
    ALL_PORTS,
    Family,
    HttpProbe,
    IPAddress,
    Member,
    Ports,
    Protocol,
    Service,
    SmtpProbe,
    Vip,
    VipAddress,
)

_ANY_PORT = 8088
"""The example where a service takes all ports."""

_PASSIVE = (50000, 50999)
"""The example where nobody says on which ports FTP daemons wait for data connections."""

_STRANGERS = ("203.0.113.80", "2001:db8:ffff::80")
"""Examples of addresses that are anybody's, where a VIP is a prefix that holds them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One address and port of a service, and its members that have an address for it. `held`: a director holds it."""

    service: Service
    vip: Vip
    address: VipAddress
    ip: IPAddress
    family: Family
    protocol: Protocol
    port: int
    members: tuple[Member, ...]
    real_ports: tuple[int, ...]
    held: bool

    @property
    def mark(self) -> int:
        """The firewall mark, 0 without one."""
        return self.service.mark.value(self.family) if self.service.mark else 0

    @property
    def shown(self) -> str:
        """The service, and the address and port where it has several."""
        service = self.service
        if sum(len(vip.addresses) for vip in service.vips) * len(service.ports) == 1:
            return service.name
        address = f"[{self.ip}]" if self.ip.version == 6 else f"{self.ip}"
        return f"{service.name} {address}:{self.port}"

    @property
    def active(self) -> tuple[Member, ...]:
        """Members that get new clients."""
        return tuple(m for m in self.members if m.state == "active" and m.weight > 0)


def endpoints(services: Iterable[Service]) -> tuple[Endpoint, ...]:
    """All endpoints, in the order of the services."""
    return tuple(one for service in services for one in _of(service))


def _of(service: Service) -> Iterator[Endpoint]:
    for vip in service.vips:
        for address in vip.addresses:
            for ports in service.ports:
                if _is_ftp_data(service, ports):
                    continue
                for port in sorted({ports.first, ports.last}) if ports.first != ALL_PORTS else [_ANY_PORT]:
                    members = tuple(m for m in service.members if m.real_address(address.family) is not None)
                    yield Endpoint(
                        service=service,
                        vip=vip,
                        address=address,
                        ip=example(address),
                        family=address.family,
                        protocol=ports.protocol,
                        port=port,
                        members=members,
                        real_ports=tuple(real_port(member, ports, port) for member in members),
                        held=vip.device != "none",
                    )


def example(address: VipAddress) -> IPAddress:
    """An address of a VIP that may be a prefix; the second one of it, where it holds no stranger's."""
    prefix = address.prefix
    if prefix.num_addresses == 1:
        return address.ip
    for text in _STRANGERS:
        stranger = type(address.ip)(text) if (":" in text) == (address.ip.version == 6) else None
        if stranger is not None and stranger in prefix:
            return stranger
    return prefix[1]


def real_port(member: Member, ports: Ports, asked: int) -> int:
    """The port that a realserver of this member is reached at; only LVS-NAT rewrites ports."""
    if member.method != "nat" or ports.is_range or ports.first == ALL_PORTS:
        return asked
    return member.port or ports.real


def _is_ftp_data(service: Service, ports: Ports) -> bool:
    """Whether these are for data connections, which belong to a control connection and are asked with it."""
    return any(ports.is_range or ports.first == control - 1 for control in service.ftp_ports)


def passive_ports(service: Service) -> tuple[int, int]:
    """Where the FTP daemons of a service wait for data connections."""
    if service.helper and service.helper.passive:
        return service.helper.passive
    return next(((p.first, p.last) for p in service.ports if p.protocol == "tcp" and p.is_range), _PASSIVE)


def speech(endpoint: Endpoint) -> Speech:
    """What its responders speak, so that both clients and health checks are content."""
    service = endpoint.service
    if endpoint.protocol == "tcp" and endpoint.port in service.ftp_ports:
        return "ftp"
    if endpoint.protocol == "udp" and service.persistence and service.persistence.engine == "sip":
        return "sip"
    for member, port in zip(endpoint.members, endpoint.real_ports, strict=True):
        for check in member.checks:
            if (check.port or port) == port and endpoint.protocol == "tcp":
                if isinstance(check.probe, HttpProbe) and check.probe.tls:
                    return "tls"
                if isinstance(check.probe, SmtpProbe):
                    return "smtp"
    return "text"
