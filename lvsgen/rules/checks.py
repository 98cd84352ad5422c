"""Health checks that are missing, or look at the wrong thing."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import ALL_PORTS, Member, Service
from lvsgen.rules.facts import Facts, Pool
from lvsgen.rules.following import followed_by
from lvsgen.rules.ports import has_one_port
from lvsgen.rules.rule import ERROR, WARNING, rule

_HELP = "write `check: tcp` at least, here or under `defaults`; or `check: false` if that is meant"
_HELP_WITHOUT_WRITER = f"remove `ipvs.writer`, and {_HELP}"
NEEDS_PORT = ("tcp", "http", "https", "dns", "smtp", "udp")
"""Kinds of checks that connect to a port."""


@rule("LVS701", WARNING)
def nobody_checks(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A service or a realserver without a check in a cluster that has keepalived, and no `check: false`.

    Why:
        There is no check by default. Such a realserver is taken for well for ever, and a pair of directors moves the
        VIP and not what is behind it: when a realserver dies, its share of the clients times out until a person
        notices.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {http: /healthz}}
          telnet: {vip: 192.0.2.100, tcp: 23, method: dr}  # <- LVS701

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {http: /healthz}}
          telnet: {vip: 192.0.2.100, tcp: 23, method: dr, check: tcp}

    Sources:
        keepalived.conf(5), real_server
    """
    cluster = facts.cluster
    if not facts.runs_keepalived:
        return
    bare = [(service, pool, members) for service, pool in facts.services if (members := _unwatched(pool))]
    # Without any check there is one cause, and one word under `defaults` mends it.
    if bare and not cluster.partial and not any(service.checked for service in cluster.services):
        service = bare[0][0]
        names = quote(service.name) + (f", nor of {len(bare) - 1} more" if len(bare) > 1 else "")
        yield nobody_checks.at(
            service.place.key,
            f"nothing checks the realservers of {names}: a dead one keeps its share of the clients",
            _HELP_WITHOUT_WRITER if cluster.ipvs.pinned and cluster.ipvs.writer == "script" else _HELP,
        )
        return
    told = set()
    followed = {id(service) for vip in cluster.vips if vip.managed for service in followed_by(facts, vip)}
    for service, pool, members in bare:
        if not service.checked:
            yield nobody_checks.at(
                service.place.key,
                f"nothing checks the realservers of {quote(service.name)}: a dead one keeps its share of the clients",
                _HELP,
            )
        elif id(pool) not in told and id(service) not in followed:
            told.add(id(pool))
            names = " and ".join(quote(member.host.name) for member in members[:2])
            names += f" and {len(members) - 2} more" if len(members) > 2 else ""
            yield nobody_checks.at(
                members[0].place.key,
                f"nothing checks {names} in {quote(service.name)}: when dead, it keeps its share of the clients",
                "write a `check` for the service, which its members share, or `check: false` here",
            )


def _unwatched(pool: Pool) -> tuple[Member, ...]:
    """Members in the table that nobody checks, without a word on it."""
    return tuple(m for m in pool.live if not m.checks and not m.unchecked)


@rule("LVS702", ERROR)
def check_of_vip(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A check whose address is a VIP.

    Why:
        What a director sends to a VIP passes its own table, too, and goes to any realserver. By LVS-DR the answer comes
        from outside with an address of the director's own, and is dropped as a martian: all realservers are down from
        the start. Where one is heard, it is taken for the answer of each of them.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {tcp: , address: 192.0.2.100}}  # <- LVS702

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {tcp: }}

    Sources:
        keepalived.conf(5), connect_ip; ip_vs_core.c, ip_vs_local_request4; seen on 6.1 and 6.12
    """
    vips = {a.ip: vip for vip in facts.cluster.vips for a in vip.addresses if a.prefix.num_addresses == 1}
    told = set()
    for _, pool in facts.pools:
        for check in pool.checks:
            if check.address in vips and check.place not in told:
                told.add(check.place)
                yield check_of_vip.at(
                    check.place.at("address"),
                    f"{check.address} is a VIP: what answers there, if anything, says nothing of a single realserver",
                    "remove `address`: each realserver is checked at its own",
                    [(vips[check.address].place, "the VIP")],
                )


@rule("LVS707", ERROR)
def check_without_port(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A check without a port in a service by mark over several ports, or in one of `all` ports.

    Why:
        There is no port of the realserver to take: keepalived would connect to port 0, and every realserver would be
        down from the start.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: [80, 443], mark: auto, method: dr, check: {http: /healthz}}  # <- LVS707

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: [80, 443], mark: auto, method: dr, check: {http: /healthz, port: 80}}

    Sources:
        keepalived.conf(5), connect_port
    """
    told = set()
    for service, pool in facts.services:
        if not _is_portless(service) or not pool.checks:
            continue
        for checks in {id(m.checks): m.checks for m in pool.live if m.port is None}.values():
            for check in checks:
                if check.kind in NEEDS_PORT and check.port is None and (check.place, service.name) not in told:
                    told.add((check.place, service.name))
                    yield check_without_port.at(
                        check.place,
                        f"service {quote(service.name)} has no single port, so this check has none to connect to",
                        "write `port:` beside " + quote(check.kind),
                        [(service.place.at("mark") if service.mark else service.place.key, "the service")],
                    )


def _is_portless(service: Service) -> bool:
    if service.mark:
        return not has_one_port(service)
    return any(p.first == ALL_PORTS for p in service.ports)


@rule("LVS711", WARNING)
def datagrams_checked_by_connection(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A service with UDP alone whose checks connect to the same port by TCP.

    Why:
        That a TCP port answers says nothing of the UDP port of the same number, and where nothing listens on TCP all
        realservers are down from the start.

    Example:
        services:
          vpn: {vip: 192.0.2.100, udp: 1194, method: dr, check: tcp}  # <- LVS711

    Instead:
        services:
          vpn: {vip: 192.0.2.100, udp: 1194, method: dr, check: ping}

    Sources:
        keepalived.conf(5), TCP_CHECK and UDP_CHECK
    """
    for service, pool in facts.services:
        if not service.ports or any(p.protocol != "udp" for p in service.ports) or not pool.checks:
            continue
        if all(c.kind in ("tcp", "http", "https", "smtp") and c.port is None for c in pool.checks):
            yield datagrams_checked_by_connection.at(
                service.place.at("check"),
                f"the check connects by TCP, and {quote(service.name)} has UDP only",
                "use `udp`, `dns`, `ping` or `script`, or write the `port` of something that shows the same daemon's "
                "health",
                [(service.place.at("udp"), "UDP")],
            )


@rule("LVS712", WARNING)
def only_pinged(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A service with TCP whose realservers are only pinged.

    Why:
        A host answers pings while its daemon is dead, and often while it hangs: its clients are refused or wait, and it
        stays in the table. Where a firewall drops pings, all realservers are down from the start.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: ping}  # <- LVS712

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {http: /healthz}}

    Sources:
        keepalived.conf(5), PING_CHECK
    """
    for service, pool in facts.services:
        if not pool.checks or not any(p.protocol == "tcp" for p in service.ports):
            continue
        for checks in {id(m.checks): m.checks for m in pool.live}.values():
            if checks and all(check.kind == "ping" for check in checks):
                yield only_pinged.at(
                    checks[0].place,
                    f"a ping says nothing of the TCP service {quote(service.name)}",
                    "write `tcp`, or `http` with a path",
                    [(service.place.at("tcp"), "TCP")],
                )
                break
