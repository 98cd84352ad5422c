"""iptables.rules, ip6tables.rules and nftables.conf: marks, source translation and redirection in chains of our own.

The text is for `iptables-restore --noflush`: declaring a chain empties it, so loading twice is loading once. The jumps
into the chains are not in the file, for they would be added again each time: lvs.sh keeps them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, summarize_address_range
from typing import Any, cast

from lvsgen.model import Family, IPNetwork
from lvsgen.plan.host import Firewall, HostPlan, MarkRule, RedirectRule, SnatRule
from lvsgen.plan.naming import INBOUND

_SLOTS = 15
"""Ports that one multiport match takes; a range costs two (xt_multiport.h, XT_MULTI_PORTS)."""
_CONNTRACK = "ip_vs_ftp rewrites addresses only while connections are tracked"


def iptables(plan: HostPlan) -> dict[str, Any] | None:
    """The IPv4 rules."""
    return _iptables(plan.firewall, "ipv4")


def ip6tables(plan: HostPlan) -> dict[str, Any] | None:
    """The IPv6 rules."""
    return _iptables(plan.firewall, "ipv6")


def _iptables(firewall: Firewall | None, family: Family) -> dict[str, Any] | None:
    if firewall is None or firewall.tool != "iptables":
        return None
    chain, inbound = firewall.chain, firewall.chain + INBOUND
    marks = [line for rule in firewall.marks if rule.family == family for line in _mark(chain, rule)]
    if family in firewall.conntrack:
        marks.append(f'-A {chain} -m conntrack --ctstate INVALID -m comment --comment "{_CONNTRACK}" -j RETURN')
    tables = [
        ("mangle", chain, marks),
        ("nat", chain, [_snat(chain, rule) for rule in firewall.snats if rule.family == family]),
        (
            "nat",
            inbound,
            [line for rule in firewall.redirects if rule.family == family for line in _redirect(inbound, rule)],
        ),
    ]
    used = [{"table": table, "chain": name, "rules": rules} for table, name, rules in tables if rules]
    return {"tables": used} if used else None


def _mark(chain: str, rule: MarkRule) -> Iterator[str]:
    for interface in rule.interfaces or ("",):
        for ports in _port_matches(rule.ports):
            text = f"-A {chain}" + (f" -i {interface}" if interface else "")
            text += f" {_destination(rule)} -p {rule.protocol}{ports}"
            text += "".join(f" -m mac ! --mac-source {mac}" for mac in rule.peers)
            yield f"{text} -m comment --comment {rule.service} -j MARK --set-mark {rule.mark}"


def _destination(rule: MarkRule) -> str:
    """An address, a prefix, or a range that is neither."""
    prefixes = _prefixes(rule)
    return f"-d {prefixes[0]}" if len(prefixes) == 1 else f"-m iprange --dst-range {rule.first}-{rule.last}"


def _prefixes(rule: MarkRule) -> list[IPNetwork]:
    # Of one family both, which is all that summarize_address_range asks for.
    return list(summarize_address_range(cast("IPv4Address", rule.first), cast("IPv4Address", rule.last)))


def _redirect(chain: str, rule: RedirectRule) -> Iterator[str]:
    for ports in _port_matches(rule.ports):
        yield (
            f"-A {chain} -d {rule.destination} -p {rule.protocol}{ports}"
            f" -m comment --comment {rule.service} -j REDIRECT"
        )


def _snat(chain: str, rule: SnatRule) -> str:
    if rule.vip is None:
        # Not what this director sends itself: its adverts and checks keep their address.
        foreign = "-m addrtype ! --src-type LOCAL"
        return f"-A {chain} -s {rule.network} ! -d {rule.network} {foreign} -j SNAT --to-source {rule.to}"
    port = f" --vport {rule.port}" if rule.port is not None else ""
    return (
        f"-A {chain} -d {rule.network} -p {rule.protocol} -m ipvs --vaddr {rule.vip}{port} --vdir ORIGINAL"
        f" -m comment --comment {rule.service} -j SNAT --to-source {rule.to}"
    )


def _port_matches(ports: Iterable[tuple[int, int]]) -> list[str]:
    """Port matches of at most 15 slots each; one empty match where every port is meant."""
    chunks: list[list[str]] = []
    used = _SLOTS
    for first, last in ports:
        cost = 1 if first == last else 2
        if used + cost > _SLOTS:
            chunks.append([])
            used = 0
        chunks[-1].append(str(first) if first == last else f"{first}:{last}")
        used += cost
    if not chunks:
        return [""]
    return [
        f" --dport {chunk[0]}" if len(chunk) == 1 else f" -m multiport --dports {','.join(chunk)}" for chunk in chunks
    ]


def nftables(plan: HostPlan) -> dict[str, Any] | None:
    """One transaction that replaces the cluster's own table."""
    firewall = plan.firewall
    if firewall is None or firewall.tool != "nft":
        return None
    marks = [line for rule in firewall.marks for line in _nft_mark(rule)]
    marks += [f'meta nfproto {family} ct state invalid return comment "{_CONNTRACK}"' for family in firewall.conntrack]
    chains = [
        {"name": "mark-in", "hook": "type filter hook prerouting priority mangle", "rules": marks},
        {
            "name": "nat-in",
            "hook": "type nat hook prerouting priority dstnat",
            "rules": [_nft_redirect(rule) for rule in firewall.redirects],
        },
        {
            "name": "nat-out",
            "hook": "type nat hook postrouting priority srcnat",
            "rules": [_nft_snat(rule) for rule in firewall.snats],
        },
    ]
    return {"table": firewall.chain, "chains": [chain for chain in chains if chain["rules"]]}


def _ip(family: Family) -> str:
    return "ip" if family == "ipv4" else "ip6"


def _nft_ports(protocol: str, ports: tuple[tuple[int, int], ...]) -> str:
    if not ports:
        return f"meta l4proto {protocol}"
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in ports]
    return f"{protocol} dport " + (texts[0] if len(texts) == 1 else f"{{ {', '.join(texts)} }}")


def _nft_mark(rule: MarkRule) -> Iterator[str]:
    text = ""
    if rule.interfaces:
        names = ", ".join(f'"{name}"' for name in rule.interfaces)
        text += f"iifname {{ {names} }} "
    prefixes = _prefixes(rule)
    destination = str(prefixes[0]) if len(prefixes) == 1 else f"{rule.first}-{rule.last}"
    text += f"{_ip(rule.family)} daddr {destination} {_nft_ports(rule.protocol, rule.ports)}"
    if rule.peers:
        text += f" ether saddr != {{ {', '.join(rule.peers)} }}"
    yield f'{text} meta mark set {rule.mark} comment "{rule.service}"'


def _nft_redirect(rule: RedirectRule) -> str:
    return (
        f"{_ip(rule.family)} daddr {rule.destination} {_nft_ports(rule.protocol, rule.ports)}"
        f' redirect comment "{rule.service}"'
    )


def _nft_snat(rule: SnatRule) -> str:
    ip = _ip(rule.family)
    if rule.vip is None:
        foreign = "fib saddr type != local"
        return f"{ip} saddr {rule.network} {ip} daddr != {rule.network} {foreign} snat {ip} to {rule.to}"
    # There is no ipvs match in nft; IPVS keeps the VIP as the original destination of the tracked connection.
    port = f" ct original proto-dst {rule.port}" if rule.port is not None else ""
    return (
        f"{ip} daddr {rule.network} meta l4proto {rule.protocol} ct original {ip} daddr {rule.vip}{port}"
        f' snat {ip} to {rule.to} comment "{rule.service}"'
    )
