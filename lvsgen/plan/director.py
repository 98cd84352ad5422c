"""What a host needs as a director, keepalived's part left out."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.model import Cluster, Family, Host, Service, families, family_of
from lvsgen.plan import nat
from lvsgen.plan.host import Address, Module, Route, SyncDaemon, Sysctl
from lvsgen.plan.places import interface_in, vip_device

RULE_PRIORITY = 100
"""Of the routing rules for VIPs on `device: none`: after `local` (0), before `main` (32766)."""


def modules(cluster: Cluster) -> Iterator[Module]:
    """Modules of a director. Schedulers load by themselves; here a kernel without one fails before anything changed."""
    bits = (f"conn_tab_bits={cluster.ipvs.table_bits}",) if cluster.ipvs.table_bits else ()
    yield Module(name="ip_vs", options=bits, reason="the load balancer; net.ipv4.vs.* exists only once it is loaded")
    for scheduler in sorted({s.scheduler for s in cluster.services}):
        yield Module(name=f"ip_vs_{scheduler}", reason=f"scheduler {scheduler}")
    ftp = {port for s in cluster.services if s.helper and s.helper.kind == "ftp" for port in s.helper.ports}
    if ftp:
        ports = ",".join(str(port) for port in sorted(ftp | {21}))
        yield Module(
            name="ip_vs_ftp",
            options=(f"ports={ports}",) if ftp != {21} else (),
            reason="FTP through LVS-NAT: rewrites the addresses inside PORT and PASV",
        )
    if any(s.persistence and s.persistence.engine == "sip" for s in cluster.services):
        yield Module(name="ip_vs_pe_sip", reason="persistence by SIP Call-ID")


def sysctls(cluster: Cluster, director: Host) -> Iterator[Sysctl]:
    """Kernel settings of a director. LVS-DR and LVS-Tun need no forwarding: their packets leave by the output path."""
    nat_families = nat.nat_families(cluster)
    if "ipv4" in nat_families:
        yield Sysctl(key="net.ipv4.ip_forward", value="1", reason="replies of LVS-NAT realservers are forwarded here")
    if "ipv6" in nat_families:
        yield Sysctl(
            key="net.ipv6.conf.all.forwarding", value="1", reason="replies of LVS-NAT realservers are forwarded here"
        )
    interfaces = _one_network_interfaces(cluster, director)
    if interfaces:
        reason = "clients and realservers share this network: a redirect would show realservers the way past us"
        for name in ("all", *interfaces):
            # A redirect is sent if either says so (inetdevice.h, IN_DEV_TX_REDIRECTS).
            yield Sysctl(key=f"net.ipv4.conf.{_path(name)}.send_redirects", value="0", reason=reason)
    yield from _ipvs_sysctls(cluster)


def _ipvs_sysctls(cluster: Cluster) -> Iterator[Sysctl]:
    services = cluster.services
    sync = cluster.failover.sync
    if any(s.snat for s in services):
        yield Sysctl(
            key="net.ipv4.vs.conntrack", value="1", reason="source translation of IPVS packets needs their tracking"
        )
    if any(s.persistence for s in services):
        yield Sysctl(
            key="net.ipv4.vs.expire_quiescent_template",
            value="1",
            reason="weight 0 ends persistence too: else a drained realserver keeps its clients",
        )
    if any(p.protocol == "tcp" for s in services if s.methods & {"dr", "tun"} for p in s.ports):
        yield Sysctl(
            key="net.ipv4.vs.conn_reuse_mode",
            value="3",
            reason="a client that reuses its port is a new client: else a drained realserver gets it again",
        )
    if sync and any(m.host.is_director and m.method in ("dr", "tun") for s in services for m in s.members):
        yield Sysctl(
            key="net.ipv4.vs.backup_only",
            value="1",
            reason="directors are realservers too: a backup must not schedule again what the master sent it",
        )
    if sync and sync.threads:
        yield Sysctl(
            key="net.ipv4.vs.sync_ports", value=str(sync.threads), reason="sync threads, equal on all directors"
        )
    if sync and sync.threshold:
        yield Sysctl(
            key="net.ipv4.vs.sync_threshold",
            value=f"{sync.threshold[0]} {sync.threshold[1]}",
            reason="packets after which a connection is sent to the backup, and how often again",
        )


def _one_network_interfaces(cluster: Cluster, director: Host) -> tuple[str, ...]:
    """Interfaces on networks that hold IPv4 LVS-NAT realservers and clients alike."""
    return tuple(
        sorted(
            {
                a.interface
                for a in director.addresses
                if a.interface and a.network and a.family == "ipv4"
                if cluster.has_clients(a.network) and "ipv4" in nat.nat_families(cluster, a.network)
            }
        )
    )


def addresses(cluster: Cluster, director: Host) -> Iterator[Address]:
    """VIPs and DIPs that this host itself holds: all where no engine moves them, else only those on `lo`."""
    for vip in cluster.vips:
        for address in sorted(vip.addresses, key=lambda a: (a.ip.version, a.ip)):
            device = vip_device(director, vip, address)
            if not vip.managed or device is None or device == "none":
                continue
            if device == "lo" or cluster.failover.engine == "none":
                follows = bool(vip.follows or vip.follows_mode)
                if follows and device == "lo":
                    continue
                yield Address(
                    ip=address.ip,
                    device=device,
                    deprecated=address.family == "ipv6" and device != "lo",
                    reason=f"VIP {vip.name}" + (", routed to this director" if device == "lo" else ""),
                )
    if cluster.failover.engine == "none":
        yield from _own_dips(cluster, director)


def _own_dips(cluster: Cluster, director: Host) -> Iterator[Address]:
    for network in cluster.networks:
        for ip in network.dips:
            interface = interface_in(director, network, family_of(ip))
            if interface and all(a.ip != ip for a in director.addresses):
                yield Address(
                    ip=ip,
                    device=interface,
                    deprecated=ip.version == 6,
                    reason=f"DIP: gateway of the LVS-NAT realservers on {network.name}",
                )


def routes(cluster: Cluster) -> Iterator[Route]:
    """Marked packets to VIPs that no host holds are taken in as local ones, each mark by a table of its own number."""
    for service in cluster.services:
        if service.mark is None or not any(vip.device == "none" for vip in service.vips):
            continue
        for family in families(vip for vip in service.vips if vip.device == "none"):
            yield _local_route(service, family)


def _local_route(service: Service, family: Family) -> Route:
    mark = service.mark.value(family) if service.mark else 0
    anywhere = "0.0.0.0/0" if family == "ipv4" else "::/0"
    return Route(
        lines=(
            f"route replace local {anywhere} dev lo table {mark}",
            f"rule add from {anywhere} fwmark {mark} lookup {mark} priority {RULE_PRIORITY}",
        ),
        reason=f"{service.name}: packets with this mark are ours, although nobody holds their address",
    )


def sync_daemon(cluster: Cluster, director: Host, instance: str | None = None) -> SyncDaemon | None:
    """The sync daemon of a director; None where the description has none.

    It follows a VRRP instance, or lvs.sh starts it: then the first director in the order is the master.
    """
    sync = cluster.failover.sync
    interface = interface_in(director, sync.network) if sync else None
    if sync is None or interface is None:
        return None
    return SyncDaemon(
        interface=interface,
        id=sync.id,
        role=None if instance else "master" if cluster.failover.order[0] is director else "backup",
        instance=instance,
        maxlen=sync.maxlen,
        group=sync.group,
        port=sync.port,
        ttl=sync.ttl,
    )


def _path(interface: str) -> str:
    """An interface within a dotted sysctl key: its own dots become slashes (sysctl(8))."""
    return interface.replace(".", "/")
