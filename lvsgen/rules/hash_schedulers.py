"""Schedulers that hash: dh, lblc, lblcr by destination, sh and mh by source."""

from __future__ import annotations

from collections.abc import Iterator
from math import gcd

from lvsgen.diagnostics import Finding, Place, quote
from lvsgen.model import Service
from lvsgen.rules.facts import Facts, Pool
from lvsgen.rules.rule import ERROR, WARNING, rule

FLAGS = {"sh": ("sh-fallback", "sh-port"), "mh": ("mh-fallback", "mh-port")}
BUCKETS = 256
"""Of sh (ip_vs_sh.c, IP_VS_SH_TAB_BITS)."""


@rule("LVS302", ERROR)
def flag_of_another_scheduler(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A scheduler flag that belongs to another scheduler.

    Why:
        ipvsadm refuses the whole virtual service ("incompatible scheduler flag").

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: rr, flags: [sh-port]}  # <- LVS302

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: sh, flags: [sh-port]}

    Sources:
        ipvsadm(8), --sched-flags
    """
    for service in facts.cluster.services:
        wrong = next((f for f in service.flags if f not in FLAGS.get(service.scheduler, ())), None)
        if wrong:
            yield flag_of_another_scheduler.at(
                service.place.at("flags"),
                f"{quote(wrong)} is no flag of scheduler {quote(service.scheduler)}",
                f"write `scheduler: {wrong[:2]}`, or remove the flag",
                [(service.place.at("scheduler"), "the scheduler")],
            )


@rule("LVS305", ERROR)
def dh_on_one_address(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Scheduler dh on a service with a single destination address.

    Why:
        dh hashes the destination, for caches behind many addresses. One VIP is one destination: every client gets the
        same realserver, and if that has weight 0 every client is refused.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: dh}  # <- LVS305

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: mh, flags: [mh-fallback]}

    Sources:
        ip_vs_dh.c, ip_vs_dh_schedule; seen on 6.1 and 6.12
    """
    for service, pool in facts.services:
        if service.scheduler == "dh" and len(pool.live) > 1 and not _has_many_addresses(service):
            yield dh_on_one_address.at(
                service.place.at("scheduler"),
                "`dh` chooses by destination address, and this service has one: all clients get the same realserver",
                "write `scheduler: sh` or `mh` to choose by client, or `wlc`",
            )


@rule("LVS355", WARNING)
def locality_on_one_address(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Scheduler lblc or lblcr on a service with a single destination address.

    Why:
        They keep each destination on one realserver until it is overloaded. With one VIP all short connections, and all
        of UDP, go to one realserver.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: lblc}  # <- LVS355

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: wlc}

    Sources:
        ip_vs_lblc.c, ip_vs_lblc_schedule; seen on 6.1 and 6.12
    """
    for service, pool in facts.services:
        if service.scheduler in ("lblc", "lblcr") and len(pool.live) > 1 and not _has_many_addresses(service):
            yield locality_on_one_address.at(
                service.place.at("scheduler"),
                f"{quote(service.scheduler)} keeps a destination on one realserver, and this service has one "
                "destination",
                "write `scheduler: wlc`",
            )


@rule("LVS306", ERROR)
def too_many_weights_for_sh(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Scheduler sh with weights whose sum is more than 256.

    Why:
        Its table has 256 buckets and is filled realserver by realserver, weight by weight. Those that come late get few
        or none: with weights of 300 each, one realserver gets every client.

    Example:
        services:
          web:
            vip: 192.0.2.100
            tcp: 80
            method: dr
            scheduler: sh
            pool: {rs1: {weight: 300}, rs2: {weight: 100}}  # <- LVS306

    Instead:
        services:
          web:
            vip: 192.0.2.100
            tcp: 80
            method: dr
            scheduler: sh
            pool: {rs1: {weight: 3}, rs2: {weight: 1}}

    Sources:
        ip_vs_sh.c, ip_vs_sh_reassign; seen on 6.1
    """
    for service, pool in facts.services:
        if service.scheduler != "sh":
            continue
        # A realserver of weight 0 has a bucket all the same.
        total = sum(max(1, m.live_weight) for m in pool.live)
        if total > BUCKETS and len(pool.live) > 1:
            largest = max(pool.live, key=lambda m: (m.live_weight, m.host.name))
            yield too_many_weights_for_sh.at(
                largest.place.at("weight"),
                f"the weights add up to {total}, but `sh` has {BUCKETS} buckets: some realservers get too few clients, "
                "or none",
                _smaller(pool, total),
                [(service.place.at("scheduler"), "the scheduler")],
            )


def _smaller(pool: Pool, total: int) -> str:
    weights = [m.weight for m in pool.live if m.weight]
    divisor = gcd(*weights)
    if sum(weights) // divisor <= BUCKETS and divisor > 1:
        return f"divide all weights by {divisor}"
    if len(pool.live) > BUCKETS:
        return "write `scheduler: mh`, whose table is larger"
    # Rounded up: a weight of 0 would be a drained realserver.
    divisor = next(
        n for n in range(-(-total // BUCKETS), max(weights) + 1) if sum(-(-w // n) for w in weights) <= BUCKETS
    )
    return f"divide all weights by {divisor} and round them up, or write `scheduler: mh`"


@rule("LVS308", ERROR)
def hash_without_fallback(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Scheduler sh, mh or dh without fallback, where a realserver can have weight 0 or be full: drained, weight 0,
        `on_failure: quiesce`, thresholds.

    Why:
        The hash still leads to that realserver, and its clients are refused: with three realservers a third of all
        clients, always the same ones. The fallback flag hashes them again; others stay where they are. dh has no such
        flag.

    Example:
        services:
          web:
            vip: 192.0.2.100
            tcp: 80
            method: dr
            scheduler: sh  # <- LVS308
            pool: {rs1: , rs2: {drain: disk swap}}

    Instead:
        services:
          web:
            vip: 192.0.2.100
            tcp: 80
            method: dr
            scheduler: sh
            flags: [sh-fallback]
            pool: {rs1: , rs2: {drain: disk swap}}

    Sources:
        ip_vs_sh.c, ip_vs_sh_get; ip_vs_mh.c, ip_vs_mh_get; seen on 6.1 and 6.12
    """
    for service, pool in facts.services:
        scheduler = service.scheduler
        if scheduler not in ("sh", "mh", "dh") or f"{scheduler}-fallback" in service.flags or len(pool.live) < 2:
            continue
        if scheduler == "dh" and not _has_many_addresses(service):
            continue
        found = _may_refuse(facts, service, pool)
        if found:
            place, what = found
            helping = f"write `flags: [{', '.join(sorted({*service.flags, f'{scheduler}-fallback'}))}]`"
            if scheduler == "dh":
                helping = "write `scheduler: mh` with `flags: [mh-fallback]`; `dh` has no fallback"
            yield hash_without_fallback.at(
                service.place.at("scheduler"),
                f"{quote(scheduler)} without fallback refuses the clients of a realserver that gets no new connections",
                helping,
                [(place, what)],
            )


def _may_refuse(facts: Facts, service: Service, pool: Pool) -> tuple[Place, str] | None:
    if pool.idle and len(pool.idle) < len(pool.live):
        member = pool.idle[0]
        return member.place, "drained" if member.state == "drained" else "weight 0"
    if service.on_failure == "quiesce" and service.checked and facts.cluster.ipvs.writer == "keepalived":
        return service.place.at("on_failure"), "a failed check makes the weight 0"
    limited = next((m for m in pool.limited if m.upper_threshold), None)
    return (limited.place, "a full realserver gets none either") if limited else None


def _has_many_addresses(service: Service) -> bool:
    """Whether one virtual service of it covers several destination addresses of a family."""
    if not service.mark:
        return False
    addresses = [a for vip in service.vips for a in vip.addresses]
    if any(a.prefix.num_addresses > 1 for a in addresses):
        return True
    return any(sum(a.family == family for a in addresses) > 1 for family in ("ipv4", "ipv6"))
