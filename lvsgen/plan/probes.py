"""Where health checks go: which address and port a check asks, and by which protocol.

A file and a script are no packets that anybody knows of; a BFD session is between two hosts, whatever port is served.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lvsgen.model import (
    ALL_PORTS,
    BfdProbe,
    Check,
    Cluster,
    Destination,
    DnsProbe,
    FileProbe,
    Host,
    IPAddress,
    PingProbe,
    ScriptProbe,
    Service,
    UdpProbe,
)

BFD_PORT = 3784
"""RFC 5881, section 4."""

Protocol: TypeAlias = Literal["tcp", "udp", "icmp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What a check asks of a member's host: `port` is 0 where there is none, `source` None for the director's own."""

    kind: str
    host: Host
    ip: IPAddress
    protocol: Protocol
    port: int
    source: IPAddress | None = None


def only_port(service: Service) -> int:
    """The realserver's port of a service that has only one: what a check means where the table has no port."""
    ports = {p.real for p in service.ports} if not any(p.is_range for p in service.ports) else set()
    return ports.pop() if len(ports) == 1 else ALL_PORTS


def probed(service: Service, destination: Destination, check: Check) -> Probed | None:
    """What one check asks of one destination; None if it sends no packet that is known."""
    probe, host = check.probe, destination.member.host
    if isinstance(probe, ScriptProbe | FileProbe):
        return None
    if isinstance(probe, BfdProbe):
        return Probed(
            kind=check.kind, host=host, ip=probe.neighbour, protocol="udp", port=BFD_PORT, source=check.source
        )
    ip = check.address or destination.ip
    source = check.source if check.source and check.source.version == ip.version else None
    if isinstance(probe, PingProbe):
        return Probed(kind=check.kind, host=host, ip=ip, protocol="icmp", port=ALL_PORTS, source=source)
    port = check.port or destination.port or only_port(service)
    protocol: Protocol = "udp" if isinstance(probe, DnsProbe | UdpProbe) else "tcp"
    return Probed(kind=check.kind, host=host, ip=ip, protocol=protocol, port=port, source=source)


def all_probed(cluster: Cluster) -> Iterator[Probed]:
    """What the checks of a cluster ask, each once; nothing where nobody runs them."""
    if cluster.ipvs.writer != "keepalived":
        return
    seen: set[tuple[int, int, IPAddress, int]] = set()
    for virtual in cluster.virtual_services:
        for destination in virtual.destinations:
            for check in destination.member.checks:
                # Checks and members are shared between services, and hashing them whole would cost more than all else.
                port = destination.port or only_port(virtual.service)
                key = (id(check), id(destination.member.host), destination.ip, port)
                if key not in seen:
                    seen.add(key)
                    found = probed(virtual.service, destination, check)
                    if found:
                        yield found
