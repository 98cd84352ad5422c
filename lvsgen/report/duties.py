"""What lvsgen does not do itself: plans -> the report for owners of unmanaged hosts and of packet filters."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Any, NamedTuple

from lvsgen.model import IPAddress
from lvsgen.plan.host import HostPlan, Module, SyncDaemon, VrrpInstance
from lvsgen.plan.nat import ways_back
from lvsgen.plan.passage import EVERY_PORT, Party, Passage, PortRange, passages
from lvsgen.targets import firewall, ipvs

_PROTOCOLS = {
    "any": "everything",
    "icmp": "ICMP echo requests",
    "icmpv6": "ICMPv6 echo requests",
    "vrrp": "VRRP (protocol 112)",
    "ipip": "IPv4 in IP (protocol 4)",
    "ipv6": "IPv6 in IP (protocol 41)",
    "gre": "GRE (protocol 47)",
}
_PURPOSES = {
    "service": "",
    "own traffic": "realservers on their own account",
    "VRRP": "",
    "reply": "replies of LVS-NAT",
    "tunnel": "LVS-Tun",
}


class Duty(NamedTuple):
    """What an owner must do, and lines to do it with."""

    text: str
    lines: tuple[str, ...] = ()


def view(plans: Iterable[HostPlan]) -> dict[str, Any]:
    """Unmanaged hosts with their duties, then every host with what its packet filter must let through."""
    found = list(plans)
    names = {a.ip: host.name for plan in found[:1] for host in plan.cluster.hosts for a in host.addresses}
    return {
        "cluster": found[0].cluster.name if found else "",
        "hosts": [_host(plan) for plan in found if not plan.host.managed],
        "filters": [
            {"host": plan.host.name, "rows": [_row(one, names) for one in rows]}
            for plan in found
            if (rows := passages(plan))
        ],
    }


def _row(one: Passage, names: Mapping[IPAddress, str]) -> dict[str, str]:
    what = _PROTOCOLS.get(one.protocol, one.protocol)
    if one.protocol in ("tcp", "udp", "sctp"):
        of_source = one.source_ports != EVERY_PORT
        what += " source" * of_source + _ports(one.source_ports if of_source else one.ports)
    if one.protocol == "any" and one.purpose == "service":
        what += " that bears the mark"
    purpose = _PURPOSES.get(one.purpose, one.purpose)
    place = f" on {one.interface}" if one.interface else ""
    return {
        "chain": one.chain,
        "text": f"{what} from {_party(one.source, names)} to {_party(one.target, names)}{place}"
        + (f" ({purpose})" if purpose else ""),
    }


def _ports(ports: PortRange) -> str:
    if ports == EVERY_PORT:
        return " every port"
    return f" port {ports[0]}" if ports[0] == ports[1] else f" ports {ports[0]}-{ports[1]}"


def _party(party: Party, names: Mapping[IPAddress, str]) -> str:
    if isinstance(party, str):
        return {"directors": "every director"}.get(party, party)
    name = names.get(party, "") if isinstance(party, IPv4Address | IPv6Address) else ""
    return f"{party} ({name})" if name else str(party)


def _host(plan: HostPlan) -> dict[str, Any]:
    duties = [*_addresses(plan), *_gateways(plan)]
    if plan.is_director:
        duties = [*_failover(plan), *_table(plan), *_filter(plan), *duties]
    if plan.host.os == "linux":
        duties += _linux(plan)
    return {
        "name": plan.host.name,
        "os": plan.host.os,
        "addresses": ", ".join(str(a.ip) for a in plan.host.addresses),
        "owner": plan.host.meta.owner,
        "duties": duties or [Duty("nothing but to serve")],
    }


def _addresses(plan: HostPlan) -> Iterator[Duty]:
    for a in plan.addresses:
        where = a.device if plan.host.os == "linux" else "its loopback device"
        yield Duty(f"hold {a.ip}/{a.ip.max_prefixlen} on {where}: {a.reason}")
    if "realserver" in plan.roles and any(a.ip.version == 4 for a in plan.addresses):
        yield Duty("answer no ARP request for these addresses, and never name them in an own ARP request")


def _gateways(plan: HostPlan) -> Iterator[Duty]:
    members = ((s, m) for s in plan.cluster.services for m in s.serving if m.host is plan.host)
    for gateway in sorted({str(way.gateway) for pair in members for way in ways_back(plan.cluster, *pair)}):
        yield Duty(f"use {gateway} as the default gateway, and have no other way to the clients")


def _failover(plan: HostPlan) -> Iterator[Duty]:
    keepalived = plan.keepalived
    for one in keepalived.instances if keepalived else ():
        yield Duty(_instance(plan, one), tuple(_moved(one)))
    for group in keepalived.groups if keepalived else ():
        yield Duty(f"move these together: {', '.join(group.instances)}")
    daemon = plan.sync or (keepalived.sync if keepalived else None)
    if daemon:
        yield Duty(_sync(daemon))


def _instance(plan: HostPlan, one: VrrpInstance) -> str:
    failover = plan.cluster.failover
    parts = [
        f"VRRP on {one.interface} for {'IPv4' if one.family == 'ipv4' else 'IPv6'}: version {one.version}",
        f"VRID {one.vrid}",
        f"priority {one.priority}",
        f"an advertisement every {one.advert:g} s",
    ]
    if one.peers:
        parts.append(f"from {one.source} to the peers {', '.join(str(peer) for peer in one.peers)}")
    else:
        parts.append(f"to the multicast group {one.group}" if one.group else "to VRRP's own multicast group")
    if failover.preempt_delay is None:
        parts.append("never taking over from a master that works")
    elif failover.preempt_delay:
        parts.append(f"taking over after {failover.preempt_delay:g} s")
    if failover.secret and one.version == 2:
        parts.append(f"with the password that is secret {failover.secret.name} on managed directors")
    return ", ".join(parts)


def _moved(one: VrrpInstance) -> Iterator[str]:
    for verb, addresses in (("announce", one.addresses), ("move without announcing", one.excluded)):
        for a in addresses:
            yield f"{verb} {a.ip}/{a.ip.max_prefixlen} on {a.device}: {a.reason}"


def _sync(daemon: SyncDaemon) -> str:
    role = f"as {daemon.role}" if daemon.role else f"as master or backup with {daemon.instance}"
    values = (("group", daemon.group), ("port", daemon.port), ("ttl", daemon.ttl), ("maxlen", daemon.maxlen))
    extra = "".join(f", {name} {value}" for name, value in values if value is not None)
    return f"connection sync {role}: interface {daemon.interface}, sync id {daemon.id}{extra}"


def _table(plan: HostPlan) -> Iterator[Duty]:
    lines = (line for entry in ipvs.entries(plan) for line in (entry["add"], *(d.add for d in entry["destinations"])))
    yield Duty("hold this IPVS table, as `ipvsadm -R` reads it", tuple(lines))
    if plan.timeouts:
        times = plan.timeouts
        yield Duty("set these timeouts", (f"ipvsadm --set {times.tcp} {times.tcpfin} {times.udp}",))


def _filter(plan: HostPlan) -> Iterator[Duty]:
    for tool, rules in (("iptables", firewall.iptables(plan)), ("ip6tables", firewall.ip6tables(plan))):
        for table in rules["tables"] if rules else ():
            hook = "PREROUTING"
            if table["table"] == "nat" and table["chain"] == (plan.firewall.chain if plan.firewall else ""):
                hook = "POSTROUTING"
            yield Duty(
                f"have a chain {table['chain']} of {tool} in table {table['table']}, called from {hook}",
                tuple(table["rules"]),
            )
    rules = firewall.nftables(plan)
    for chain in rules["chains"] if rules else ():
        yield Duty(f"have a chain of nft with `{chain['hook']}`", tuple(chain["rules"]))


def _linux(plan: HostPlan) -> Iterator[Duty]:
    for module in plan.modules:
        yield Duty(f"load module {_module(module)}: {module.reason}")
    for link in plan.links:
        yield Duty(f"ip {link.line}: {link.reason}")
    for sysctl in plan.sysctls:
        yield Duty(f"sysctl {sysctl.key} = {sysctl.value}: {sysctl.reason}")
    for route in plan.routes:
        if plan.is_director:
            yield Duty(route.reason, tuple(f"ip {line}" for line in route.lines))


def _module(module: Module) -> str:
    return " ".join((module.name, *module.options))
