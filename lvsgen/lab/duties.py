"""A host that nobody manages: takes its plan, returns shell lines by which a plain Linux host does its duties.

They do what `lvsgen report` tells the owner of such a host, in words of this module and with none of its files: VRRP by
a keepalived whose configuration is written here, and an IPVS table that no health check changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lvsgen.plan.host import Address, HostPlan, VrrpAddress, VrrpInstance
from lvsgen.targets import firewall, ipvs

_CONFIGURATION = "/etc/keepalived/keepalived.conf"


def duties(plans: Iterable[HostPlan]) -> Iterator[str]:
    """All that these hosts must do, each line once."""
    lines: dict[str, None] = {}
    for plan in plans:
        lines |= dict.fromkeys(_own(plan))
        if plan.is_director:
            lines |= dict.fromkeys(_director(plan))
    yield from lines


def _own(plan: HostPlan) -> Iterator[str]:
    yield from (f"ip {link.line}" for link in plan.links)
    yield from (f"echo {one.value} >/proc/sys/{_path(one.key)}" for one in plan.sysctls)
    for rule in plan.firewall.redirects if plan.firewall else ():
        tool = "iptables" if rule.family == "ipv4" else "ip6tables"
        for first, last in rule.ports or ((0, 65535),):
            match = f"-d {rule.destination} -p {rule.protocol} --dport {first}:{last}"
            yield f"{tool} -t nat -A PREROUTING {match} -j REDIRECT"
    yield from (f"ip address replace {_held(address)}" for address in plan.addresses)
    yield from (f"ip {line}" for route in plan.routes for line in route.lines)


def _path(key: str) -> str:
    """A sysctl key as a path: `/` stands for a dot within an interface name (sysctl(8))."""
    return key.replace("/", "\0").replace(".", "/").replace("\0", ".")


def _held(address: Address) -> str:
    quiet = " nodad preferred_lft 0" if address.deprecated else ""
    return f"{address.ip}/{address.ip.max_prefixlen} dev {address.device}{quiet}"


def _director(plan: HostPlan) -> Iterator[str]:
    yield from _filter(plan)
    lines = [line for entry in ipvs.entries(plan) for line in (entry["add"], *(d.add for d in entry["destinations"]))]
    yield _fed("ipvsadm -R", lines)
    if plan.timeouts:
        yield f"ipvsadm --set {plan.timeouts.tcp} {plan.timeouts.tcpfin} {plan.timeouts.udp}"
    if plan.sync and plan.sync.role:
        yield f"ipvsadm {ipvs.sync_daemon(plan.sync)}"
    if plan.keepalived and plan.keepalived.instances:
        yield _fed(f"cat >{_CONFIGURATION}", _vrrp(plan))
        for secret in plan.secrets:
            yield f'sed -i "s/{_word(secret.name)}/$(cut -c 1-8 {secret.file})/" {_CONFIGURATION}'
        yield f"keepalived --vrrp --use-file {_CONFIGURATION}"


def _fed(command: str, lines: Iterable[str]) -> str:
    return "\n".join([f"{command} <<'END'", *lines, "END"])


def _filter(plan: HostPlan) -> Iterator[str]:
    for tool, rules in (("iptables", firewall.iptables(plan)), ("ip6tables", firewall.ip6tables(plan))):
        for table in rules["tables"] if rules else ():
            name, chain = table["table"], table["chain"]
            leaves = name == "nat" and plan.firewall is not None and chain == plan.firewall.chain
            yield f"{tool} -t {name} -N {chain}"
            yield from (f"{tool} -t {name} {rule}" for rule in table["rules"])
            yield f"{tool} -t {name} -A {'POSTROUTING' if leaves else 'PREROUTING'} -j {chain}"
    found = firewall.nftables(plan)
    if found:
        chains = (f"chain {one['name']} {{ {one['hook']}; {'; '.join(one['rules'])}; }}" for one in found["chains"])
        yield _fed("nft -f -", [f"table inet {found['table']} {{", *chains, "}"])


def _word(secret: str) -> str:
    return f"@{secret}@"


def _vrrp(plan: HostPlan) -> Iterator[str]:
    """keepalived.conf(5), VRRP alone."""
    keepalived = plan.keepalived
    assert keepalived
    yield "global_defs {"
    yield f"    router_id {plan.host.name}"
    daemon = keepalived.sync
    if daemon:
        values = (("group", daemon.group), ("port", daemon.port), ("ttl", daemon.ttl), ("maxlen", daemon.maxlen))
        extra = "".join(f" {name} {value}" for name, value in values if value is not None)
        yield f"    lvs_sync_daemon {daemon.interface} {daemon.instance} id {daemon.id}{extra}"
    yield "}"
    for group in keepalived.groups:
        yield f"vrrp_sync_group {group.name} {{ "
        yield f"    group {{ {' '.join(group.instances)} }}"
        yield "}"
    for one in keepalived.instances:
        yield from _instance(plan, one)


def _instance(plan: HostPlan, one: VrrpInstance) -> Iterator[str]:
    failover = plan.cluster.failover
    yield f"vrrp_instance {one.name} {{"
    yield "    state BACKUP"
    yield f"    interface {one.interface}"
    yield f"    version {one.version}"
    yield f"    virtual_router_id {one.vrid}"
    yield f"    priority {one.priority}"
    yield f"    advert_int {one.advert:g}"
    if failover.preempt_delay is None:
        yield "    nopreempt"
    elif failover.preempt_delay:
        yield f"    preempt_delay {failover.preempt_delay:g}"
    if one.peers:
        yield f"    unicast_src_ip {one.source}"
        yield from _block("unicast_peer", map(str, one.peers))
    elif one.group:
        yield f"    mcast_dst_ip {one.group}"
    if failover.secret and one.version == 2:
        yield from _block("authentication", ["auth_type PASS", f"auth_pass {_word(failover.secret.name)}"])
    yield from _block("virtual_ipaddress", map(_moved, one.addresses))
    if one.excluded:
        yield from _block("virtual_ipaddress_excluded", map(_moved, one.excluded))
    yield "}"


def _block(keyword: str, lines: Iterable[str]) -> Iterator[str]:
    yield f"    {keyword} {{"
    yield from (f"        {line}" for line in lines)
    yield "    }"


def _moved(address: VrrpAddress) -> str:
    return f"{address.ip}/{address.ip.max_prefixlen} dev {address.device}"
