"""VIPs that are given up with their services, and durations that keepalived rounds."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen import keepalived_text
from lvsgen.diagnostics import Finding, Place, quote
from lvsgen.model import Family, ScriptProbe, Service, Vip, VipAddress
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, WARNING, rule

MOST_FOLLOWED = 12
"""Virtual services that fit into one command of keepalived.conf, for the longest name of a cluster."""
_FLAG = 62
"""Bytes of a test for a flag of a service, with the longest name of a cluster."""
_COMMAND_BESIDE = 200
"""Bytes of what else stands in such a line: the keyword, the shell, what a command is told beside its arguments."""


@rule("LVS757", ERROR)
def follows_unchecked(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A VIP that follows a service of which a realserver is not checked, or more virtual services than fit in a line.

    Why:
        keepalived takes a realserver without a check for well for ever, so the service never loses its quorum and the
        VIP is never given up.

    Example:
        vips:
          shop: {addresses: 198.51.100.10, device: lo, follows: [web]}  # <- LVS757
        services:
          web: {vip: shop, tcp: 80, method: dr, pool: {rs1: {check: tcp}, rs2: }}

    Instead:
        vips:
          shop: {addresses: 198.51.100.10, device: lo, follows: [web]}
        services:
          web: {vip: shop, tcp: 80, method: dr, pool: {rs1: , rs2: }, check: tcp}

    Sources:
        keepalived.conf(5), alpha and quorum_down
    """
    if facts.cluster.ipvs.writer != "keepalived":
        return
    for vip in facts.cluster.vips:
        if not vip.managed or not (vip.follows or vip.follows_mode):
            continue
        followed = list(followed_by(facts, vip))
        for service in followed:
            member = next((m for m in facts.pool(service).live if not m.checks), None)
            # A service that nothing checks at all is LVS701's, if that is not said.
            if member and (service.checked or member.unchecked):
                yield follows_unchecked.at(
                    vip.place.at("follows"),
                    f"service {quote(service.name)} never loses its quorum: nothing checks {quote(member.host.name)}",
                    "write a `check` for the whole service",
                    [(member.place, "without a check")],
                )
                break
        count = max(sum(_entries(facts, service, vip, ip.ip.version) for service in followed) for ip in vip.addresses)
        if count > MOST_FOLLOWED:
            yield follows_unchecked.at(
                vip.place.at("follows"),
                f"this address would follow {count} virtual services, and keepalived takes at most {MOST_FOLLOWED}",
                "name the services that matter, or give services a `mark`: then all their ports are one",
            )


def followed_by(facts: Facts, vip: Vip) -> Iterator[Service]:
    """The services whose quorum a VIP needs."""
    if vip.follows_mode:
        yield from facts.by_vip.get(vip.name, ())
    else:
        yield from (facts.by_name[name] for name in sorted(set(vip.follows)) if name in facts.by_name)


def _entries(facts: Facts, service: Service, vip: Vip, version: int) -> int:
    """The virtual services of a service that one address follows."""
    if service.mark:
        return 1
    on_it = any(v.name == vip.name for v in service.vips)
    others = sum(1 for v in service.vips for a in v.addresses if a.ip.version == version)
    return len(service.ports) * (1 if on_it else others)


@rule("LVS763", ERROR)
def followed_by_too_many(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        More addresses on `lo` that follow one virtual service than fit into the command that moves them.

    Why:
        keepalived runs one command when a service gets or loses its quorum, and cuts its line after 1023 bytes: some of
        the addresses would stay, and routers go on sending their packets here.

    Example:
        vips:
          shop: {addresses: 198.51.100.1-198.51.100.40, device: lo, follows: [web]}  # <- LVS763
        services:
          web: {vip: shop, tcp: 80, mark: auto, method: dr, check: tcp}

    Instead:
        vips:
          shop: {addresses: 198.51.100.1-198.51.100.40, device: lo, follows: [web]}
        services:
          web: {vip: shop, tcp: 80, method: dr, check: tcp}

    Sources:
        keepalived.conf(5), quorum_up; keepalived's lib/parser.c, read_line
    """
    if facts.cluster.ipvs.writer != "keepalived":
        return
    lines: dict[tuple[str, Family], int] = {}
    told = set()
    for vip in facts.cluster.vips:
        if not vip.managed or vip.device != "lo" or not (vip.follows or vip.follows_mode):
            continue
        followed = list(followed_by(facts, vip))
        for one in vip.addresses:
            keys = sum(_entries(facts, service, vip, one.ip.version) for service in followed)
            for service in followed:
                # Without a mark, each address has virtual services of its own.
                if service.mark is None and any(v.name == vip.name for v in service.vips):
                    continue
                key = (service.name, one.family)
                lines[key] = lines.get(key, _beside(facts, service)) + _size(one, keys)
                if lines[key] > keepalived_text.LONGEST_LINE and service.name not in told:
                    told.add(service.name)
                    yield followed_by_too_many.at(
                        vip.place.at("follows"),
                        f"more addresses follow service {quote(service.name)} than fit into one command of keepalived",
                        "let fewer follow it, or use a service without `mark` on these addresses: then each follows "
                        "its own ports",
                        [(service.place.key, "the service")],
                    )


def _size(one: VipAddress, keys: int) -> int:
    return len(f"ip address replace {one.ip}/{one.ip.max_prefixlen} dev lo; ") + (keys - 1) * _FLAG


def _beside(facts: Facts, service: Service) -> int:
    asked = service.notify or facts.cluster.notify.quorum
    return _COMMAND_BESIDE + (len(keepalived_text.command(asked).encode()) + len(service.name) if asked else 0)


@rule("LVS563", WARNING)
def fraction_of_a_second(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A fraction of a second where keepalived takes whole ones: interval and timeout of a tracked script, delay and
        refresh of gratuitous ARP, the timeout of a script check.

    Why:
        It is rounded up, so a failure is noticed later than the description says. `--fix` writes what is generated.

    Example:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          track: {scripts: {uplink: {command: /usr/local/bin/uplink, interval: 500ms}}}  # <- LVS563

    Instead:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          track: {scripts: {uplink: {command: /usr/local/bin/uplink, interval: 1s}}}

    Sources:
        keepalived.conf(5), vrrp_script, vrrp_garp_master_delay and MISC_CHECK
    """
    for value, place in _whole(facts):
        if value is not None and value != int(value):
            rounded = f"{int(value) + 1}s"
            yield fraction_of_a_second.at(
                place,
                f"keepalived takes whole seconds here, and {value} s become {int(value) + 1}",
                f"write `{rounded}`",
                fix=[(place, rounded)],
            )


def _whole(facts: Facts) -> Iterator[tuple[float | None, Place]]:
    failover = facts.cluster.failover
    for script in failover.track.scripts:
        yield script.interval, script.place.at("interval")
        yield script.timeout, script.place.at("timeout")
    yield failover.garp.delay, failover.place.at("garp", "delay")
    yield failover.garp.refresh, failover.place.at("garp", "refresh")
    seen = set()
    for _, pool in facts.pools:
        for check in pool.checks:
            if isinstance(check.probe, ScriptProbe) and check.place not in seen:
                seen.add(check.place)
                own = check.probe.timeout
                yield (
                    (own, check.place.at("script", "timeout"))
                    if own is not None
                    else (
                        check.timing.timeout,
                        check.place.at("timeout"),
                    )
                )
