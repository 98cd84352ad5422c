"""The cluster as the description means it: every default applied, every name resolved, every address canonical.

`lvsgen.bind` makes these values from a description; rules, plan and report read them. All of them are frozen; what is a
list in the YAML is a tuple here, and what is a mapping there is a tuple sorted by name (the order of a mapping never
means anything). Durations are seconds. Each object knows its `place` in the description.

Words are those of the LVS-HOWTO: director, realserver, VIP, DIP, RIP, LVS-DR, LVS-NAT, LVS-Tun, LocalNode.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Literal, TypeAlias

from lvsgen.diagnostics import Place

IPAddress: TypeAlias = IPv4Address | IPv6Address
IPNetwork: TypeAlias = IPv4Network | IPv6Network
Family: TypeAlias = Literal["ipv4", "ipv6"]
Protocol: TypeAlias = Literal["tcp", "udp", "sctp"]
Method: TypeAlias = Literal["dr", "nat", "tun"]
Version: TypeAlias = tuple[int, ...]
Role: TypeAlias = Literal["director", "realserver"]

FAMILIES: tuple[Family, ...] = ("ipv4", "ipv6")
ALL_PORTS = 0
"""IPVS's own word for `all` ports of a VIP: port 0 (ipvsadm(8), --tcp-service)."""
FTP_CONTROL = 21
"""RFC 959, section 8; the port that the kernel takes for FTP (net/ip_vs.h, FTPPORT)."""


def family_of(address: IPAddress | IPNetwork) -> Family:
    """The family as the description spells it."""
    return "ipv4" if address.version == 4 else "ipv6"


def _of_family(addresses: tuple[IPAddress, ...], family: Family) -> IPAddress | None:
    """The address of a family: asked for each member of each service, so it is written to be quick."""
    version = 4 if family == "ipv4" else 6
    for address in addresses:
        if address.version == version:
            return address
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """What people write for people; never changes what a host does."""

    description: str = ""
    owner: str = ""
    expires: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """Oldest versions that the generated files must suit."""

    kernel: Version = (6, 1)
    ipvsadm: Version = (1, 31)
    keepalived: Version = (2, 2, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A layer-2 segment. `dips` are floating: they move with the VIPs and are the NAT realservers' gateway."""

    name: str
    prefixes: tuple[IPNetwork, ...]
    gateways: tuple[IPAddress, ...] = ()
    dips: tuple[IPAddress, ...] = ()
    snat: tuple[IPAddress, ...] = ()
    clients: bool | None = None
    place: Place

    def prefix_of(self, address: IPAddress) -> IPNetwork | None:
        """The prefix that holds `address`, if one does."""
        return next((p for p in self.prefixes if p.version == address.version and address in p), None)

    def dip(self, family: Family) -> IPAddress | None:
        """The floating DIP of a family."""
        return next((d for d in self.dips if family_of(d) == family), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostAddress:
    """An address of a host: on `interface` where the description says so, in `network` where one holds it."""

    ip: IPAddress
    interface: str | None = None
    network: Network | None = None
    place: Place

    @property
    def family(self) -> Family:
        return family_of(self.ip)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interface:
    """An existing interface of a host. lvsgen configures addresses on it and never creates it."""

    name: str
    addresses: tuple[HostAddress, ...]
    mtu: int | None = None
    mac: str | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A director or a realserver. `addresses` holds all addresses, those of its interfaces included."""

    name: str
    role: Role
    addresses: tuple[HostAddress, ...]
    interfaces: tuple[Interface, ...] = ()
    managed: bool = True
    loopback: str = "lo"
    os: str = "linux"
    versions: Versions
    meta: Metadata = Metadata()
    place: Place

    @property
    def is_director(self) -> bool:
        return self.role == "director"

    def address_in(self, network: Network, family: Family) -> HostAddress | None:
        """The host's first address of a family in a network."""
        return next((a for a in self.addresses if a.network is network and a.family == family), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class VipAddress:
    """One address of a VIP; `network` is the network of the directors that holds it (None: routed to them).

    `prefix` is the address as a prefix; only a VIP on `device: none` may be wider than one address.
    """

    ip: IPAddress
    prefix: IPNetwork
    network: Network | None = None
    place: Place

    @property
    def family(self) -> Family:
        return family_of(self.ip)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vip:
    """A virtual address, or several that belong together.

    `device` is an interface name, `lo` (routed to the director), `none` (not held at all), or None: the director's
    interface in the network that holds the address. It is given up while services without quorum say so: those named in
    `follows`, or `any` or `all` that use it.
    """

    name: str
    addresses: tuple[VipAddress, ...]
    device: str | None = None
    follows: tuple[str, ...] = ()
    follows_mode: Literal["any", "all"] | None = None
    managed: bool = True
    meta: Metadata = Metadata()
    place: Place


def families(vips: Iterable[Vip]) -> tuple[Family, ...]:
    """The families of all addresses, IPv4 first."""
    found = {family_of(a.ip) for vip in vips for a in vip.addresses}
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """When a check runs. `warmup` is the longest random delay before the first one."""

    interval: float = 5
    timeout: float = 3
    retries: int = 2
    retry_delay: float = 1
    warmup: float = 5

    @property
    def worst_detection(self) -> float:
        """Seconds until a realserver that hangs has been taken out, at worst."""
        return self.interval + self.timeout + self.retries * (self.retry_delay + self.timeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpProbe:
    """Connects (TCP_CHECK)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PingProbe:
    """Sends an ICMP echo request (PING_CHECK)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Url:
    """One request of an HTTP check. `status` holds codes and ranges of codes, as text: `200`, `200-299`.

    `sni` is the name that was written beside it; what keepalived sends is the probe's, or `host`.
    """

    path: str
    host: str = ""
    sni: str = ""
    status: tuple[str, ...] = ("200",)
    body: str = ""
    body_not: str = ""
    digest: str = ""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProbe:
    """Requests URLs (HTTP_GET, or SSL_GET with `tls`). `sni` is empty where no name is sent."""

    tls: bool
    urls: tuple[Url, ...]
    sni: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsProbe:
    """Asks for a record (DNS_CHECK). keepalived judges the answer's code and not its content."""

    query: str
    record: str = "SOA"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpProbe:
    """Greets a mail relay (SMTP_CHECK)."""

    helo: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UdpProbe:
    """Sends a datagram (UDP_CHECK); both texts are hexadecimal. An empty reply: none is required."""

    payload: str = ""
    reply: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptProbe:
    """Runs a program (MISC_CHECK). Arguments may hold placeholders; never a shell line."""

    command: tuple[str, ...]
    timeout: float | None = None
    user: str = ""
    sets_weight: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProbe:
    """Watches a file that an agent on the director writes (FILE_CHECK)."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BfdProbe:
    """Follows a BFD session with a neighbour (BFD_CHECK)."""

    neighbour: IPAddress


Probe: TypeAlias = (
    TcpProbe | PingProbe | HttpProbe | DnsProbe | SmtpProbe | UdpProbe | ScriptProbe | FileProbe | BfdProbe
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One health check. `port`, `address` and `source` are None where the realserver's own are meant.

    `start` is what a realserver is taken for before its first check (`down` is keepalived's alpha mode).
    """

    kind: str
    probe: Probe
    port: int | None = None
    address: IPAddress | None = None
    source: IPAddress | None = None
    timing: Timing
    start: Literal["up", "down"] | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunnel:
    """How LVS-Tun packets are wrapped (ipvsadm(8), --tun-type). `port` is GUE's UDP port."""

    type: Literal["ipip", "gre", "gue"] = "ipip"
    port: int | None = None
    checksum: Literal["none", "csum", "remcsum"] = "none"


MemberState: TypeAlias = Literal["active", "drained", "disabled"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A realserver (or a director: LocalNode) in the pool of one service.

    `weight` is the weight to return to: a drained member is written with weight 0, a disabled one not at all. `reason`
    says why it is drained or disabled. `addresses` holds at most one address of each family. `unchecked` tells that
    the description says `check: false`.
    """

    host: Host
    addresses: tuple[IPAddress, ...]
    families: tuple[Family, ...] = FAMILIES
    port: int | None = None
    weight: int = 1
    upper_threshold: int | None = None
    lower_threshold: int | None = None
    method: Method
    tunnel: Tunnel = Tunnel()
    checks: tuple[Check, ...] = ()
    unchecked: bool = False
    state: MemberState = "active"
    reason: str = ""
    meta: Metadata = Metadata()
    place: Place

    def address(self, family: Family) -> IPAddress | None:
        """The RIP of a family."""
        return _of_family(self.addresses, family)

    def real_address(self, family: Family) -> IPAddress | None:
        """The RIP for VIPs of a family: with LVS-Tun the other family's serves as well. None: no destination there."""
        if family not in self.families:
            return None
        own = self.address(family)
        if own is None and self.method == "tun" and self.addresses:
            return self.addresses[0]
        return own

    @property
    def live_weight(self) -> int:
        """The weight in the table."""
        return 0 if self.state == "drained" else self.weight


@dataclass(frozen=True, slots=True, kw_only=True)
class SorryServer:
    """Who answers when the quorum is lost. A director stands for the local page of whichever director is active."""

    host: Host
    addresses: tuple[IPAddress, ...]
    port: int | None = None
    method: Method
    place: Place

    def address(self, family: Family) -> IPAddress | None:
        """Its address of a family."""
        return _of_family(self.addresses, family)


@dataclass(frozen=True, slots=True)
class Ports:
    """A port or a range of a VIP (`first` to `last`; `ALL_PORTS` alone is `all`), and the realserver's port."""

    protocol: Protocol
    first: int
    last: int
    real: int

    @property
    def is_range(self) -> bool:
        return self.first != self.last


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The firewall mark of a service, by family. `rules` tells who marks the packets: lvsgen or somebody else."""

    ipv4: int
    ipv6: int
    allocated: bool
    rules: Literal["generated", "foreign"] = "generated"
    place: Place

    def value(self, family: Family) -> int:
        """The mark of a family."""
        return self.ipv4 if family == "ipv4" else self.ipv6


@dataclass(frozen=True, slots=True, kw_only=True)
class Persistence:
    """Client affinity. Netmasks are prefix lengths; None is one client (32, 128)."""

    timeout: int
    netmask_ipv4: int | None = None
    netmask_ipv6: int | None = None
    engine: Literal["sip"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """A protocol helper of LVS-NAT: FTP control ports and the passive range, or SIP.

    `active` is false where no client asks for active transfers.
    """

    kind: Literal["ftp", "sip"]
    ports: tuple[int, ...] = ()
    passive: tuple[int, int] | None = None
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service as the description has it; `VirtualService` is what the kernel gets for it.

    `partial` tells that members with mistakes were left out.
    """

    name: str
    vips: tuple[Vip, ...]
    ports: tuple[Ports, ...]
    mark: Mark | None = None
    sources: tuple[Network, ...] = ()
    scheduler: str = "wlc"
    flags: tuple[str, ...] = ()
    persistence: Persistence | None = None
    ops: bool = False
    one_way: bool = False
    members: tuple[Member, ...]
    checked: bool
    quorum: int = 1
    hysteresis: int = 0
    on_failure: Literal["remove", "quiesce"] = "remove"
    start: Literal["up", "down"] = "up"
    sorry_server: SorryServer | None = None
    snat: bool = False
    helper: Helper | None = None
    notify: tuple[str, ...] = ()
    keepalived: str = ""
    partial: bool = False
    meta: Metadata = Metadata()
    place: Place

    @property
    def methods(self) -> frozenset[Method]:
        """The forwarding methods that its members use."""
        return frozenset(m.method for m in self.members)

    @property
    def ftp_ports(self) -> tuple[int, ...]:
        """Control ports of FTP; port 21 within a range may be anything."""
        if self.helper and self.helper.kind == "ftp":
            return self.helper.ports
        return (
            (FTP_CONTROL,) if any(p.protocol == "tcp" and p.first == FTP_CONTROL == p.last for p in self.ports) else ()
        )

    @property
    def serving(self) -> tuple[Member, ...]:
        """Every host that packets may be sent to: the members, and a sorry server that is no director's local page."""
        sorry = self.sorry_server
        if sorry is None or sorry.host.is_director:
            return self.members
        member = Member(host=sorry.host, addresses=sorry.addresses, method=sorry.method, place=sorry.place)
        return (*self.members, member)


@dataclass(frozen=True, slots=True, order=True)
class AddressKey:
    """What names a virtual service in the kernel (ip_vs_ctl.c, ip_vs_genl_parse_service): protocol, VIP and port."""

    protocol: Protocol
    ip: IPAddress
    port: int

    @property
    def family(self) -> Family:
        return family_of(self.ip)


@dataclass(frozen=True, slots=True, order=True)
class MarkKey:
    """What names a firewall-mark service in the kernel: the mark and the family."""

    mark: int
    family: Family


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """A realserver of one virtual service. `port` is 0 where the kernel must not rewrite it (mark with DR or Tun)."""

    member: Member
    ip: IPAddress
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualService:
    """One entry of the IPVS table, and its destinations in canonical order, disabled members left out."""

    service: Service
    key: AddressKey | MarkKey
    destinations: tuple[Destination, ...]
    disabled: tuple[Member, ...] = ()

    @property
    def family(self) -> Family:
        return self.key.family


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret is a file on the host. Its value never enters this program."""

    name: str
    file: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackScript:
    """A script whose failure costs VRRP priority (`weight`), or the instance (None: FAULT)."""

    name: str
    command: tuple[str, ...]
    interval: float = 1
    timeout: float | None = None
    fall: int = 1
    rise: int = 1
    weight: int | None = None
    user: str = ""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackFile:
    """A file whose number is added to the priority, times `weight` (None: non-zero is FAULT)."""

    name: str
    path: str
    weight: int | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackProcess:
    """A process that must run."""

    name: str
    process: str
    weight: int | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """What an instance of VRRP depends on beside its own interfaces."""

    interfaces: tuple[str, ...] = ()
    scripts: tuple[TrackScript, ...] = ()
    files: tuple[TrackFile, ...] = ()
    processes: tuple[TrackProcess, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Garp:
    """Gratuitous ARP of a new master (keepalived.conf(5), vrrp_garp_*). None: keepalived's own default."""

    delay: float | None = None
    repeat: int | None = None
    refresh: float | None = None
    refresh_repeat: int | None = None
    interval: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """The connection sync daemon (ipvsadm(8), --start-daemon)."""

    network: Network
    id: int
    maxlen: int | None = None
    group: IPAddress | None = None
    port: int | None = None
    ttl: int | None = None
    threads: int | None = None
    threshold: tuple[int, int] | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """VIPs that have one master. `priorities` are by director, in the order of `order`."""

    name: str
    vips: tuple[Vip, ...]
    vrid: int
    order: tuple[Host, ...]
    priorities: tuple[int, ...]
    advert: float
    place: Place

    def priority(self, host: Host) -> int:
        """The VRRP priority of a director."""
        return self.priorities[self.order.index(host)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """Who moves the addresses. `preempt_delay` is None for `never`. `multicast` is None for unicast.

    `multicast` holds the group where one is given, and is empty for VRRP's own groups.
    """

    engine: Literal["keepalived", "none"]
    order: tuple[Host, ...]
    instances: tuple[Instance, ...] = ()
    preempt_delay: float | None = None
    multicast: tuple[IPAddress, ...] | None = None
    version: Literal[2, 3] = 3
    version_pinned: bool = False
    garp: Garp = Garp()
    secret: Secret | None = None
    track: Track = Track()
    sync: Sync | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds of `ipvsadm --set`; 0 leaves the kernel's own."""

    tcp: int = 0
    tcpfin: int = 0
    udp: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ipvs:
    """The IPVS table as a whole. `writer` is the one program that changes it; `pinned` tells that the YAML names it."""

    writer: Literal["script", "keepalived"]
    pinned: bool = False
    timeouts: Timeouts | None = None
    table_bits: int | None = None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """Where keepalived sends mail."""

    to: tuple[str, ...]
    sender: str = ""
    server: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """Commands that keepalived runs when something changes; each is an argument list, empty where none is asked for."""

    failover: tuple[str, ...] = ()
    quorum: tuple[str, ...] = ()
    realserver: tuple[str, ...] = ()
    user: str = ""
    email: Email | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SysctlOverride:
    """A sysctl that the description sets. `reason` is required where it contradicts a derived value."""

    role: Role
    key: str
    value: str
    reason: str = ""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class RawKeepalived:
    """Text for keepalived.conf that the language has no word for."""

    global_text: str = ""
    instance_text: str = ""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketTest:
    """An expectation: a packet from an address to a service of a VIP reaches these realservers."""

    source: IPAddress
    target: AddressKey
    service: str = ""
    realservers: tuple[str, ...] = ()
    method: str = ""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A whole cluster. `virtual_services` is the IPVS table that all its directors share.

    `site` is where it stands: clusters of two sites have no network and no host in common.

    `partial` tells that objects with mistakes were left out: what is missing may have been written.
    """

    name: str
    networks: tuple[Network, ...]
    client_networks: frozenset[str]
    directors: tuple[Host, ...]
    realservers: tuple[Host, ...]
    failover: Failover
    vips: tuple[Vip, ...]
    services: tuple[Service, ...]
    virtual_services: tuple[VirtualService, ...]
    ipvs: Ipvs
    firewall: Literal["iptables", "nft"] = "iptables"
    notify: Notify = Notify()
    sysctls: tuple[SysctlOverride, ...] = ()
    secrets: tuple[Secret, ...] = ()
    keepalived: RawKeepalived
    tests: tuple[PacketTest, ...] = ()
    site: str = ""
    partial: bool = False
    meta: Metadata = Metadata()
    place: Place

    @property
    def hosts(self) -> tuple[Host, ...]:
        """Directors, then realservers."""
        return self.directors + self.realservers

    def has_clients(self, network: Network) -> bool:
        """Whether clients sit on a network: declared, or a VIP of a LVS-NAT service lies in it."""
        return network.name in self.client_networks
