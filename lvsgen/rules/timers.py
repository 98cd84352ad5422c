"""Durations that keepalived does not take, reads as another one, or takes although they are too short."""

from __future__ import annotations

import math
from collections.abc import Iterator

from lvsgen.diagnostics import Finding, Place
from lvsgen.model import BfdProbe, Check, FileProbe, ScriptProbe, Service
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, WARNING, rule

LONGEST_TIMER = 4294
"""Seconds in 32 bits of microseconds (keepalived's lib/timer.h, TIMER_HZ)."""
LONGEST_COUNT = 2**32 - 1
"""Seconds in 32 bits."""
LONGEST_INTERVAL = (2**64 - 2) // 1_000_000
"""Seconds in 64 bits of microseconds (keepalived's lib/parser.h, TIMER_MAXIMUM)."""
LONGEST_DELAY = 1000
"""Seconds before a better director takes over (keepalived's lib/timer.h, TIMER_MAX_SEC)."""

SHORTEST_ADVERT = 0.1
"""Seconds between advertisements below which a pause of the kernel's scheduler looks like a dead master."""
SHORTEST_INTERVAL = 0.2
"""Seconds between two checks of one realserver by one director."""
SHORTEST_TIMEOUT = 0.05
"""Seconds that are no sign of a dead realserver."""


@rule("LVS564", ERROR)
def timer_out_of_range(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A delay of `preempt`, an interval or timeout of a tracked script, or a time of `garp` that keepalived does not
        take: 0 where something must pass, or more than its timers hold.

    Why:
        keepalived complains, ignores the line and goes on with its own default: a script that was to run once a day
        runs every second, and a delay of an hour is none.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, preempt: 1h}  # <- LVS564

    Instead:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, preempt: 15m}

    Sources:
        keepalived.conf(5), preempt_delay, vrrp_script and vrrp_garp_master_delay; vrrp_parser.c; seen with 2.2.7
    """
    failover = facts.cluster.failover
    if failover.engine != "keepalived":
        return
    garp = failover.garp
    timers: list[tuple[float | None, Place, int, bool]] = [
        (failover.preempt_delay, failover.place.at("preempt"), LONGEST_DELAY, True),
        (garp.delay, failover.place.at("garp", "delay"), LONGEST_TIMER, True),
        (garp.refresh, failover.place.at("garp", "refresh"), LONGEST_COUNT, True),
        (garp.interval, failover.place.at("garp", "interval"), LONGEST_TIMER, True),
    ]
    for script in failover.track.scripts:
        timers.append((script.interval, script.place.at("interval"), LONGEST_TIMER, False))
        timers.append((script.timeout, script.place.at("timeout"), LONGEST_TIMER, False))
    for value, place, longest, may_be_zero in timers:
        if value is not None and not (may_be_zero and value == 0) and not 0 < math.ceil(value) <= longest:
            yield timer_out_of_range.at(place, _message(value, longest), _help(longest))


@rule("LVS761", ERROR)
def check_timer_out_of_range(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        An interval or timeout of a check that is 0, or longer than keepalived's timers hold.

    Why:
        keepalived complains, ignores the line and uses its own: 60 seconds between two checks, 5 seconds for an answer.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {tcp: , timeout: 0}}  # <- LVS761

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {tcp: , timeout: 3s}}

    Sources:
        keepalived.conf(5), delay_loop and connect_timeout; check_api.c; seen with 2.2.7
    """
    told = set()
    for service, pool in facts.pools:
        for check in pool.checks:
            for field, value, longest in _timers(check):
                shortest = 0 if field in ("retry_delay", "warmup") else 1e-6
                if shortest <= value <= longest:
                    continue
                where = _written(check, field, service)
                if (where.path, where.file) not in told:
                    told.add((where.path, where.file))
                    yield check_timer_out_of_range.at(where, _message(value, longest), _help(longest))


def _timers(check: Check) -> Iterator[tuple[str, float, int]]:
    """Field, seconds, and the most of each time of a check that keepalived gets to read."""
    timing, probe = check.timing, check.probe
    if isinstance(probe, BfdProbe | FileProbe):
        return
    yield "interval", timing.interval, LONGEST_INTERVAL
    yield "retry_delay", timing.retry_delay, LONGEST_INTERVAL
    yield "warmup", timing.warmup, LONGEST_INTERVAL
    own = probe.timeout if isinstance(probe, ScriptProbe) else None
    yield "timeout", timing.timeout if own is None else own, LONGEST_TIMER


def _message(value: float, longest: int) -> str:
    if not value:
        return "0 is no time for this, and keepalived would use its own default"
    return f"keepalived takes at most {longest} s here, and would use its own default instead of {value} s"


def _help(longest: int) -> str:
    return f"write a duration from 1s to {longest}s" if longest < LONGEST_INTERVAL else "write a shorter duration"


@rule("LVS569", WARNING)
def adverts_too_often(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Advertisements more often than ten times a second.

    Why:
        A backup takes over when three of them are missing. At 10 ms that is a pause of 40 ms at most: a busy processor,
        a virtual machine that is moved, or keepalived while it reads its file is enough. Both directors then hold the
        VIP for a moment, and connections are lost in a failover that nothing called for.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, advert: 10ms}  # <- LVS569

    Instead:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, advert: 200ms}

    Sources:
        RFC 5798 section 6.1; keepalived.conf(5), advert_int
    """
    failover, told = facts.cluster.failover, set()
    for instance in failover.instances:
        if not 0.01 <= instance.advert < SHORTEST_ADVERT or instance.advert in told:
            continue
        told.add(instance.advert)
        inner = instance.place.at("advert")
        # Three intervals, and the skew of up to one more (RFC 5798 section 6.1).
        least, most = 3000 * instance.advert, 4000 * instance.advert
        yield adverts_too_often.at(
            Place(inner.file, inner.path, inner.part, failover.place.at("advert")),
            f"a backup takes over after a pause of {least:g} to {most:g} ms, which happens without any failure",
            f"write `advert: {SHORTEST_ADVERT * 1000:g}ms`, or more",
        )


@rule("LVS766", WARNING)
def checks_too_often(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Checks more often than five times a second, or that wait less than 50 ms for an answer.

    Why:
        Every director asks every realserver in every service so often: the checks become a load of their own, and fill
        logs. An answer that takes 50 ms is not late, and each one that does takes a well realserver out of the table
        together with its clients.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {tcp: , interval: 10ms}}  # <- LVS766

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {tcp: , interval: 500ms}}

    Sources:
        keepalived.conf(5), delay_loop and connect_timeout
    """
    told = set()
    directors = len(facts.cluster.directors)
    for service, pool in facts.pools:
        for check in pool.checks:
            for field, value, _ in _timers(check):
                shortest = {"interval": SHORTEST_INTERVAL, "timeout": SHORTEST_TIMEOUT}.get(field, 0)
                if not 0 < value < shortest:
                    continue
                where = _written(check, field, service)
                if (where.path, where.file) in told:
                    continue
                told.add((where.path, where.file))
                yield checks_too_often.at(
                    where,
                    f"each realserver is asked up to {directors / value:g} times a second"
                    if field == "interval"
                    else f"a realserver that answers after {value * 1000:g} ms is taken for dead",
                    f"write `{field}: {shortest * 1000:g}ms`, or more",
                )


def _written(check: Check, field: str, service: Service) -> Place:
    """The place of a time: in the check, else in the service."""
    of_script = isinstance(check.probe, ScriptProbe) and check.probe.timeout is not None
    inner = check.place.at("script", field) if of_script and field == "timeout" else check.place.at(field)
    return Place(inner.file, inner.path, inner.part, service.place.at("timing", field))
