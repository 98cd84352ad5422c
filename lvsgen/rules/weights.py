"""Weights, and schedulers that make something special of them."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, HINT, WARNING, rule, written


@rule("LVS304", ERROR)
def weights_without_effect(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Different weights with rr, lc or dh.

    Why:
        These schedulers know a weight only as 0 or not 0. A small realserver gets as much as a large one.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: rr, pool: {rs1: {weight: 3}, rs2: }}  # <- LVS304

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: wrr, pool: {rs1: {weight: 3}, rs2: }}

    Sources:
        ip_vs_rr.c; ip_vs_lc.c; ip_vs_dh.c
    """
    for service, pool in facts.whole_services:
        if service.scheduler in ("rr", "lc", "dh") and len({m.weight for m in pool.members if m.weight}) > 1:
            weighted = {"rr": "wrr", "lc": "wlc", "dh": "mh"}[service.scheduler]
            yield weights_without_effect.at(
                service.place.at("scheduler"),
                f"{quote(service.scheduler)} ignores weights, and those of this pool differ",
                f"write `scheduler: {weighted}`, or make the weights equal",
                [(next(m.place for m in pool.members if m.weight > 1), "a weight")],
            )


@rule("LVS307", ERROR)
def no_weight_left(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A service all of whose members have weight 0; with keepalived as writer also one whose members are all drained.

    Why:
        No realserver gets new connections: clients are refused (ICMP port unreachable). keepalived also "repairs" a
        quorum that the weights cannot reach into a number that is never reached.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: {rs1: {weight: 0}, rs2: {weight: 0}}}  # <- LVS307

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: {rs1: {weight: 1}, rs2: {weight: 0}}}

    Sources:
        ip_vs_core.c, ip_vs_leave; keepalived.conf(5), quorum
    """
    keepalived = facts.cluster.ipvs.writer == "keepalived"
    for service, pool in facts.whole_services:
        unexplained = any(m.state == "active" for m in pool.live)
        if pool.serving or not pool.live or not (unexplained or keepalived):
            continue
        drained = next((m for m in pool.live if m.state == "drained"), None)
        if drained and not unexplained:
            yield no_weight_left.at(
                drained.place,
                "every member is drained, and keepalived cannot count a quorum of 0",
                "leave one member undrained, `disable` them all, or remove the service",
                [(service.place.key, "the service")],
            )
            continue
        yield no_weight_left.at(
            written(pool.idle[0].place, service.place, "weight"),
            "every member has weight 0, so new clients are refused",
            "give one of them a weight; `drain: REASON` and `disable: REASON` say why a member gets nothing",
            [(service.place.key, "the service")],
        )


@rule("LVS357", WARNING)
def nobody_serves(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A service all of whose members are drained or disabled.

    Why:
        New clients are refused. That may be meant during maintenance; then say so in a waiver.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: {rs1: {drain: move}, rs2: {drain: move}}}  # <- LVS357

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: {rs1: , rs2: {drain: move}}}

    Sources:
        ip_vs_core.c, ip_vs_leave
    """
    keepalived = facts.cluster.ipvs.writer == "keepalived"
    for service, pool in facts.whole_services:
        if pool.serving or any(m.state == "active" for m in pool.live) or (pool.live and keepalived):
            continue
        where = pool.members[0].place if pool.members else service.place.at("pool")
        reason = "drained or disabled" if pool.members else "missing"
        yield nobody_serves.at(
            where,
            f"every member is {reason}: new clients are refused",
            "leave one member active",
            [(service.place.key, "the service")],
        )


@rule("LVS311", ERROR)
def ovf_without_capacity(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Scheduler ovf with weight 1 on every member.

    Why:
        With ovf a weight is a capacity: a realserver takes weight + 1 active connections, and when all are full,
        clients are refused. With weight 1 a pool of three refuses the seventh client.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: ovf}  # <- LVS311

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: ovf, weight: 500}

    Sources:
        ip_vs_ovf.c, ip_vs_ovf_schedule; seen on 6.1
    """
    for service, pool in facts.whole_services:
        if service.scheduler == "ovf" and pool.serving and all(m.live_weight == 1 for m in pool.serving):
            yield ovf_without_capacity.at(
                service.place.at("scheduler"),
                f"`ovf` takes weights for capacities: these {len(pool.serving)} members together take "
                f"{2 * len(pool.serving)} connections and refuse the next",
                "write `weight:` with the connections that a realserver can hold, or `scheduler: wlc`",
            )


@rule("LVS312", HINT)
def fo_without_order(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Scheduler fo where several members share the highest weight.

    Why:
        fo sends everything to the highest weight. Among equals it takes the one that was added last, which no tool
        shows.

    Example:
        services:
          db: {vip: 192.0.2.100, tcp: 8080, method: dr, scheduler: fo}  # <- LVS312

    Instead:
        services:
          db: {vip: 192.0.2.100, tcp: 8080, method: dr, scheduler: fo, pool: {rs1: {weight: 20}, rs2: {weight: 10}}}

    Sources:
        ip_vs_fo.c, ip_vs_fo_schedule; seen on 6.1
    """
    for service, pool in facts.whole_services:
        if service.scheduler == "fo" and pool.serving:
            highest = max(m.live_weight for m in pool.serving)
            first = [m for m in pool.serving if m.live_weight == highest]
            if len(first) > 1:
                yield fo_without_order.at(
                    service.place.at("scheduler"),
                    f"`fo` serves from the highest weight alone, and {len(first)} members have it: nothing says "
                    "which is "
                    "first",
                    "give each member another weight, the first one the highest",
                )
