"""HostPlan: all that must hold on one machine for the cluster to work.

The centre of lvsgen. `lvsgen.plan.derive` makes one for each host; targets, report and lab only read it, so a fact is
derived once. Everything is in the order in which it is applied; a `reason` says what breaks without the thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from lvsgen.model import (
    AddressKey,
    Cluster,
    Family,
    Host,
    IPAddress,
    IPNetwork,
    MarkKey,
    Protocol,
    Role,
    Secret,
    Timeouts,
    VirtualService,
    family_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A kernel module and its parameters (`conn_tab_bits=16`)."""

    name: str
    options: tuple[str, ...] = ()
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A device that must exist or be up before its sysctls: one `ip -batch` line (`link set tunl0 up`)."""

    line: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sysctl:
    """A kernel setting. `key` is dotted as in sysctl(8), with `/` for a dot within an interface name."""

    key: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An address that this host itself configures (not keepalived): always /32 or /128.

    `deprecated` is for IPv6 on a director's interface: a VIP must not become the source of its own connections, or
    health checks leave with an address that the realserver holds as well and answers to itself (seen on 6.1 and 6.12).
    """

    ip: IPAddress
    device: str
    deprecated: bool = False
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Routes or routing rules: `ip -batch` lines, and what breaks without them."""

    lines: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRule:
    """Packets that get a firewall mark on their way in.

    `first` to `last` are VIPs that stand together in the description, so that a VIP more or less changes one rule.
    `ports` are (first, last); empty for every port. `interfaces` restricts where they come in (empty: anywhere), and
    packets whose source MAC is in `peers` (the other directors) are left alone.
    """

    family: Family
    first: IPAddress
    last: IPAddress
    protocol: Protocol
    ports: tuple[tuple[int, int], ...]
    interfaces: tuple[str, ...]
    peers: tuple[str, ...]
    mark: int
    service: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnatRule:
    """Source translation on a director.

    Without `vip`: the realservers' own traffic that leaves `network`. With it: packets of that VIP on their way to
    `network` (LVS-NAT without being the gateway); `port` is None where a range or all ports are meant.
    """

    family: Family
    to: IPAddress
    network: IPNetwork
    vip: IPNetwork | None = None
    protocol: Protocol | None = None
    port: int | None = None
    service: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedirectRule:
    """Packets to foreign addresses that a realserver takes in as its own (transparent proxy)."""

    destination: IPNetwork
    protocol: Protocol
    ports: tuple[tuple[int, int], ...]
    service: str

    @property
    def family(self) -> Family:
        return family_of(self.destination)


@dataclass(frozen=True, slots=True, kw_only=True)
class Firewall:
    """Own chains (or an own nft table) of this cluster on this host; `chain` is their name.

    `conntrack` names the families for which one rule must use connection tracking: ip_vs_ftp rewrites addresses on
    another control port than 21 only while something else in the kernel tracks connections (seen on 6.1 and 6.12).
    """

    tool: Literal["iptables", "nft"]
    chain: str
    marks: tuple[MarkRule, ...] = ()
    snats: tuple[SnatRule, ...] = ()
    redirects: tuple[RedirectRule, ...] = ()
    conntrack: tuple[Family, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncDaemon:
    """The sync daemon of this host. `role` is None where keepalived lets it follow `instance`."""

    interface: str
    id: int
    role: Literal["master", "backup"] | None = None
    instance: str | None = None
    maxlen: int | None = None
    group: IPAddress | None = None
    port: int | None = None
    ttl: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VrrpAddress:
    """An address that VRRP moves, always /32 or /128, and the device that holds it. `reason` names the VIP or DIP."""

    ip: IPAddress
    device: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VrrpInstance:
    """One VRRP instance of this host: one interface, one family, of the declared instance `declared`.

    `addresses` are announced, `excluded` are moved without being announced. Without `peers` the advertisements go to a
    multicast group: `group`, or VRRP's own where that is None.
    """

    name: str
    declared: str
    interface: str
    family: Family
    version: Literal[2, 3]
    vrid: int
    priority: int
    advert: float
    source: IPAddress | None = None
    peers: tuple[IPAddress, ...] = ()
    group: IPAddress | None = None
    addresses: tuple[VrrpAddress, ...]
    excluded: tuple[VrrpAddress, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncGroup:
    """VRRP instances that move together."""

    name: str
    instances: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """An address that is given up while virtual services have no quorum: `any` of them, or `all`.

    `instance` is the VRRP instance that fails with it; None where the address itself leaves `device`.
    """

    ip: IPAddress
    device: str
    mode: Literal["any", "all"]
    keys: tuple[AddressKey | MarkKey, ...]
    instance: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Keepalived:
    """What keepalived does on this host: VRRP, or the IPVS table, or both."""

    router_id: str
    instances: tuple[VrrpInstance, ...] = ()
    groups: tuple[SyncGroup, ...] = ()
    writes_table: bool = False
    sync: SyncDaemon | None = None
    follows: tuple[Follow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostPlan:
    """One machine. Empty tuples and None mean: nothing of that kind on this host.

    `virtual_services` is filled on every director, whoever writes the table.
    """

    cluster: Cluster
    host: Host
    roles: tuple[Role, ...]
    modules: tuple[Module, ...] = ()
    links: tuple[Link, ...] = ()
    sysctls: tuple[Sysctl, ...] = ()
    virtual_services: tuple[VirtualService, ...] = ()
    timeouts: Timeouts | None = None
    sync: SyncDaemon | None = None
    firewall: Firewall | None = None
    routes: tuple[Route, ...] = ()
    addresses: tuple[Address, ...] = ()
    keepalived: Keepalived | None = None
    secrets: tuple[Secret, ...] = ()

    @property
    def is_director(self) -> bool:
        return "director" in self.roles

    @property
    def is_empty(self) -> bool:
        """Nothing is to be done on this host: it stands in no pool, or serves just as it is."""
        return not self.is_director and not (
            self.modules or self.links or self.sysctls or self.firewall or self.routes or self.addresses
        )
