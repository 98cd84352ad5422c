"""ipvs.rules and ipvs.conf: the IPVS table, and what ipvsadm sets beside it.

The table is written as `ipvsadm -Sn` writes it, with two things that it leaves out: thresholds, and comments (`ipvsadm
-R` stops at a comment; lvs.sh strips them).
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network
from typing import Any, NamedTuple

from lvsgen.model import Family, IPAddress, MarkKey, Member, Method, Service, Tunnel, VirtualService
from lvsgen.plan.host import HostPlan, SyncDaemon


class Line(NamedTuple):
    """A destination of the table; a template reads a tuple's fields twice as fast as a mapping's keys."""

    comment: str
    add: str


def table(plan: HostPlan) -> dict[str, Any] | None:
    """Virtual services and their destinations, where the script is the table's writer."""
    if not plan.is_director or plan.cluster.ipvs.writer != "script":
        return None
    return {"services": entries(plan)}


def entries(plan: HostPlan) -> list[dict[str, Any]]:
    """The virtual services of a director in ipvsadm's words, whoever writes them."""
    return [_service(virtual) for virtual in plan.virtual_services]


def settings(plan: HostPlan) -> dict[str, Any] | None:
    """Timeouts and the sync daemon, where lvs.sh sets them."""
    commands = []
    if plan.timeouts and plan.cluster.ipvs.writer == "script":
        times = plan.timeouts
        commands.append(
            {
                "reason": "seconds that idle TCP, closed TCP and UDP connections are remembered (0: unchanged)",
                "line": f"--set {times.tcp} {times.tcpfin} {times.udp}",
            }
        )
    if plan.sync and plan.sync.role:
        commands.append({"reason": "copies connections between the directors", "line": sync_daemon(plan.sync)})
    return {"commands": commands} if commands else None


def sync_daemon(sync: SyncDaemon) -> str:
    """ipvsadm(8), --start-daemon."""
    line = f"--start-daemon {sync.role} --mcast-interface {sync.interface} --syncid {sync.id}"
    for option, value in (
        ("--sync-maxlen", sync.maxlen),
        ("--mcast-group", sync.group),
        ("--mcast-port", sync.port),
        ("--mcast-ttl", sync.ttl),
    ):
        if value is not None:
            line += f" {option} {value}"
    return line


def _service(virtual: VirtualService) -> dict[str, Any]:
    name = service_name(virtual)
    return {
        "comment": f"service {virtual.service.name}" + described(virtual.service.meta.description),
        "add": f"-A {name}{_options(virtual.service, virtual.family)}",
        "disabled": [f"{m.host.name} disabled: {m.reason}" for m in virtual.disabled],
        "destinations": [
            Line(
                comment=_comment(destination.member),
                add=f"-a {name} -r {socket(destination.ip, destination.port)} {_forwarding(destination.member)}",
            )
            for destination in virtual.destinations
        ],
    }


def described(description: str) -> str:
    """A description to append to a name."""
    return f": {description}" if description else ""


def service_name(virtual: VirtualService) -> str:
    """`-t VIP:PORT`, `-f MARK` and so on; `-6` comes after the mark or ipvsadm refuses it."""
    key = virtual.key
    if isinstance(key, MarkKey):
        return f"-f {key.mark}" + (" -6" if key.family == "ipv6" else "")
    option = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}[key.protocol]
    return f"{option} {socket(key.ip, key.port)}"


@lru_cache(maxsize=4096)
def socket(ip: IPAddress, port: int) -> str:
    """`192.0.2.1:80`, `[2001:db8::1]:80`: brackets and port are both mandatory for IPv6 (ipvsadm.c, parse_service)."""
    return f"{ip}:{port}" if ip.version == 4 else f"[{ip}]:{port}"


def _options(service: Service, family: Family) -> str:
    text = f" -s {service.scheduler}"
    if service.persistence:
        text += f" -p {service.persistence.timeout}"
        if mask := netmask(service, family):
            text += f" -M {mask}"
        if service.persistence.engine:
            text += f" --pe {service.persistence.engine}"
    if service.ops:
        text += " --ops"
    if service.flags:
        text += f" -b {','.join(service.flags)}"
    return text


def netmask(service: Service, family: Family) -> str:
    """The persistence granularity as both tools write it: a dotted mask for IPv4, a length for IPv6."""
    if service.persistence is None:
        return ""
    if family == "ipv4":
        length = service.persistence.netmask_ipv4
        return "" if length in (None, 32) else str(IPv4Network(f"0.0.0.0/{length}").netmask)
    length = service.persistence.netmask_ipv6
    return "" if length in (None, 128) else str(length)


def _forwarding(member: Member) -> str:
    return _destination_options(
        member.method, member.live_weight, member.tunnel, member.upper_threshold, member.lower_threshold
    )


@lru_cache(maxsize=4096)
def _destination_options(
    method: Method, weight: int, tunnel: Tunnel, upper_threshold: int | None, lower_threshold: int | None
) -> str:
    text = {"dr": "-g", "nat": "-m", "tun": "-i"}[method] + f" -w {weight}"
    if method == "tun":
        text += tunnel_options(tunnel)
    if upper_threshold:
        text += f" -x {upper_threshold}"
    if lower_threshold:
        text += f" -y {lower_threshold}"
    return text


def tunnel_options(tunnel: Tunnel) -> str:
    """ipvsadm(8), --tun-type."""
    if tunnel.type == "ipip":
        return ""
    text = f" --tun-type {tunnel.type}"
    if tunnel.port is not None:
        text += f" --tun-port {tunnel.port}"
    return text + {"none": "", "csum": " --tun-csum", "remcsum": " --tun-remcsum"}[tunnel.checksum]


def _comment(member: Member) -> str:
    state = f"drained: {member.reason}" if member.state == "drained" else ""
    text = "; ".join(part for part in (state, member.meta.description) if part)
    return f"{member.host.name} {text}" if text else ""
