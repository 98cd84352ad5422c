"""Thresholds of connections."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule, written


@rule("LVS324", ERROR)
def thresholds_swapped(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A lower threshold above the upper one, or without one.

    Why:
        The kernel refuses the realserver ("Numerical result out of range"). `keepalived -t` does not notice.

    Example:
        services:
          dns: {vip: 192.0.2.100, udp: 53, method: dr, upper_threshold: 100, lower_threshold: 150}  # <- LVS324

    Instead:
        services:
          dns: {vip: 192.0.2.100, udp: 53, method: dr, upper_threshold: 150, lower_threshold: 100}

    Sources:
        ip_vs_ctl.c, ip_vs_add_dest; ipvsadm(8), --l-threshold
    """
    for service, pool in facts.pools:
        told = set()
        for member in pool.limited:
            lower, upper = member.lower_threshold or 0, member.upper_threshold or 0
            if lower > upper and (lower, upper) not in told:
                told.add((lower, upper))
                yield thresholds_swapped.at(
                    written(member.place, service.place, "lower_threshold"),
                    f"the lower threshold {lower} is above the upper one ({upper})"
                    if upper
                    else f"the lower threshold {lower} has no upper one to return from",
                    "swap them" if upper else "write `upper_threshold` as well, or remove it",
                )
