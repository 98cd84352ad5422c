"""What is left when one realserver fails."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import HINT, WARNING, rule

BY_WEIGHT = frozenset({"wrr", "wlc", "sed", "nq", "sh", "mh", "lblc", "lblcr", "twos"})
"""Schedulers that take a weight for a share of the clients."""
MOST_OF_ALL = 4
"""Times their load that the others may have to take when the heaviest realserver fails."""
FEW = 3
"""Members from which a pool was surely meant to have more than one at work."""


@rule("LVS358", HINT)
def one_left(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A pool of three or more of which only one realserver gets new connections.

    Why:
        Its next failure is an outage, and until then it carries the load of all. Drained and disabled members are
        easily forgotten.

    Example:
        realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12, rs3: 192.0.2.13}
        services:
          web:
            vip: 192.0.2.100
            tcp: 80
            method: dr
            pool: {rs1: , rs2: {drain: disk}, rs3: {disable: disk}}  # <- LVS358

    Instead:
        realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12, rs3: 192.0.2.13}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: {rs1: , rs2: , rs3: {disable: disk}}}

    Sources:
        ip_vs_core.c, ip_vs_leave
    """
    for service, pool in facts.whole_services:
        if len(pool.members) >= FEW and len(pool.serving) == 1:
            left = pool.serving[0]
            idle = next(m for m in pool.members if m is not left)
            yield one_left.at(
                left.place,
                f"{quote(left.host.name)} is the only one of {len(pool.members)} members that gets new connections",
                "bring one of the others back",
                [(idle.place, "gets none"), (service.place.key, "the service")],
            )


@rule("LVS717", WARNING)
def sorry_server_fails_too(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A sorry server that is a realserver of the same service, and alone enough for the quorum.

    Why:
        It answers when the quorum is lost, and as long as this host lives the quorum is not: clients are refused
        instead of told. With a daemon for the page on another port, or a quorum that one cannot reach, it is none.

    Example:
        realservers: {rs1: 192.0.2.11}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: tcp, sorry_server: rs1}  # <- LVS717

    Instead:
        realservers: {rs1: 192.0.2.11}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: tcp, sorry_server: lvs1}

    Sources:
        keepalived.conf(5), sorry_server
    """
    for service, pool in facts.whole_services:
        sorry = service.sorry_server
        if sorry is None:
            continue
        member = next((m for m in pool.serving if m.host is sorry.host and sorry.port in (None, m.port)), None)
        if member and member.live_weight >= service.quorum:
            yield sorry_server_fails_too.at(
                service.place.at("sorry_server"),
                f"{quote(sorry.host.name)} is a realserver of {quote(service.name)}, and the quorum is lost only when "
                "it is dead: it cannot apologise then",
                "name another host, or the director for a local page",
                [(member.place, "the realserver")],
            )


@rule("LVS764", WARNING)
def quorum_lost_with_one(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A quorum that is lost as soon as one realserver fails, although others are left; or one that, once lost, does
        not return as long as one is missing.

    Why:
        keepalived then takes all of them out at once: the sorry server answers, or clients are refused, while well
        realservers idle. A VIP that follows the service is given up. A hysteresis counts twice: the quorum is lost
        below quorum minus hysteresis, and returns at quorum plus hysteresis.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: tcp, quorum: 2}  # <- LVS764

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: tcp, quorum: 1}

    Sources:
        keepalived.conf(5), quorum and hysteresis; keepalived's ipwrapper.c, update_quorum_state
    """
    if facts.cluster.ipvs.writer != "keepalived":
        return
    for service, pool in facts.whole_services:
        # A quorum that is never reached, or never reached again, is LVS539's.
        if service.quorum < 2 or len(pool.serving) < 2 or service.hysteresis >= service.quorum:
            continue
        heaviest = max(pool.serving, key=lambda m: (m.live_weight, m.host.name))
        total = sum(m.live_weight for m in pool.serving)
        least = min((pool.weight(family) for family in facts.families(service)), default=total)
        rest, back = total - heaviest.live_weight, service.quorum + service.hysteresis
        if back > least:
            continue
        if service.quorum - service.hysteresis <= rest < back and service.hysteresis:
            yield quorum_lost_with_one.at(
                service.place.at("hysteresis"),
                f"a lost quorum returns at {back} (quorum plus hysteresis): not while {quote(heaviest.host.name)} is "
                f"missing, for the others add up to {rest}",
                f"write at most {rest - service.quorum}" if rest > service.quorum else "remove it, or lower `quorum`",
                [(heaviest.place, "the heaviest"), (service.place.at("quorum"), "the quorum")],
            )
        elif rest < service.quorum - service.hysteresis:
            yield quorum_lost_with_one.at(
                service.place.at("quorum"),
                f"without {quote(heaviest.host.name)} the weights add up to {total - heaviest.live_weight}, and a "
                f"quorum of {service.quorum} is lost while {len(pool.serving) - 1} realservers are left",
                f"write at most {total - heaviest.live_weight}, or say in a waiver why one must not be missing",
                [(heaviest.place, "the heaviest")],
            )


@rule("LVS362", HINT)
def most_on_one(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A realserver with more than three quarters of the weight of its pool.

    Why:
        Weights are capacities. When it fails, its clients come to the others, which then have more than four times the
        load that they are weighted for, and are likely to fail one after another.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: {rs1: {weight: 10}, rs2: {weight: 1}}}  # <- LVS362

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: {rs1: {weight: 2}, rs2: {weight: 1}}}

    Sources:
        ip_vs_wlc.c and ip_vs_wrr.c, weight
    """
    for service, pool in facts.whole_services:
        if len(pool.serving) < 2 or service.scheduler not in BY_WEIGHT:
            continue
        total = sum(m.live_weight for m in pool.serving)
        heaviest = max(pool.serving, key=lambda m: m.live_weight)
        rest = total - heaviest.live_weight
        if total > MOST_OF_ALL * rest:
            yield most_on_one.at(
                heaviest.place.at("weight"),
                f"when {quote(heaviest.host.name)} fails, the others have {total / rest:.3g} times the load that they "
                "are weighted for",
                "give the others more weight, or the pool another realserver of its size",
                [(service.place.key, "the service")],
            )
