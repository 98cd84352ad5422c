"""What is tracked so that a director gives up: weights that never do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TypeAlias

from lvsgen.diagnostics import Finding, Place, quote
from lvsgen.model import Instance
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, WARNING, rule

LEAST_EFFECTIVE, MOST_EFFECTIVE = 1, 254
"""Of a director that does not own the addresses (RFC 5798 section 5.2.4)."""
MOST_COMBINED = 12
"""Tracked things of which all combinations are tried."""

_Weighted: TypeAlias = tuple[str, int, Place, bool]
"""Name, weight, place, and whether the weight is multiplied by what a file says."""


def _weighted(facts: Facts) -> list[_Weighted]:
    """What is tracked with a weight."""
    track = facts.cluster.failover.track
    found = [(s.name, s.weight, s.place, False) for s in track.scripts]
    found += [(f.name, f.weight, f.place, True) for f in track.files]
    found += [(p.name, p.weight, p.place, False) for p in track.processes]
    return [(name, weight, place, factor) for name, weight, place, factor in found if weight]


@rule("LVS510", ERROR)
def weight_in_sync_group(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A tracked weight where VIPs of two families or networks move together.

    Why:
        Such instances form a sync group, and keepalived ignores weights there ("ignoring weights due to SYNC group"). A
        failing script would change nothing.

    Example:
        directors:
          lvs1: {interfaces: {eth0: [192.0.2.2/24, "2001:db8::2/64"]}}
          lvs2: {interfaces: {eth0: [192.0.2.3/24, "2001:db8::3/64"]}}
        realservers: {rs1: [192.0.2.11, "2001:db8::11"]}
        vips: {shop: [192.0.2.100, "2001:db8::100"]}
        services:
          web: {vip: shop, tcp: 80, method: dr}
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          preempt: always
          track: {scripts: {uplink: {command: /usr/local/bin/uplink, weight: -20}}}  # <- LVS510

    Instead:
        directors:
          lvs1: {interfaces: {eth0: [192.0.2.2/24, "2001:db8::2/64"]}}
          lvs2: {interfaces: {eth0: [192.0.2.3/24, "2001:db8::3/64"]}}
        realservers: {rs1: [192.0.2.11, "2001:db8::11"]}
        vips: {shop: [192.0.2.100, "2001:db8::100"]}
        services:
          web: {vip: shop, tcp: 80, method: dr}
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          preempt: always
          track: {scripts: {uplink: {command: /usr/local/bin/uplink}}}

    Sources:
        keepalived.conf(5), vrrp_sync_group
    """
    group = _group(facts)
    if group is None:
        return
    for name, weight, place, _ in _weighted(facts):
        yield weight_in_sync_group.at(
            place.at("weight"),
            f"the weight {weight} of {quote(name)} has no effect: the VIPs of instance {quote(group.name)} are "
            "several VRRP "
            "instances in a sync group, where keepalived ignores weights",
            "remove `weight`: then a failure gives all of them up",
            [(group.place, "the instance")],
        )


@rule("LVS511", ERROR)
def weight_never_flips(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A tracked weight that cannot make another director the master, whatever else fails: with all others it is no
        larger than the gap between the priorities, or nobody preempts.

    Why:
        A weight only changes a priority. The master stays master while it is still ahead, and with `preempt: never` in
        any case. A failing script would never move the VIP; `keepalived -t` does not notice.

    Example:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          preempt: always
          track: {scripts: {uplink: {command: /usr/local/bin/uplink, weight: -5}}}  # <- LVS511

    Instead:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          preempt: always
          track: {scripts: {uplink: {command: /usr/local/bin/uplink, weight: -20}}}

    Sources:
        keepalived.conf(5), vrrp_script and nopreempt; RFC 5798 section 6.4.2
    """
    failover = facts.cluster.failover
    # What was left out may be what makes a sync group of the instance.
    if facts.cluster.partial or _group(facts) is not None or not facts.is_pair or failover.engine != "keepalived":
        return
    gap, instance = max(
        ((_gap(i), i) for i in failover.instances if len(i.order) > 1), key=lambda one: one[0], default=(0, None)
    )
    weighted = _weighted(facts)
    for index, (name, weight, place, _) in enumerate(weighted):
        others = [one[1] for number, one in enumerate(weighted) if number != index]
        if failover.preempt_delay is None:
            yield weight_never_flips.at(
                place.at("weight"),
                f"with `preempt: never` no director takes over while the master still advertises, so the weight of "
                f"{quote(name)} never moves a VIP",
                "remove `weight`: then a failure gives the VIPs up; or write `preempt: always`",
                [(failover.place.at("preempt"), "nobody preempts (the default)")],
            )
        elif instance is not None and not any(one[3] for one in weighted) and not _matters(weight, others, gap):
            yield weight_never_flips.at(
                place.at("weight"),
                f"the weight {weight} of {quote(name)} never moves a VIP: the first director is {gap} ahead",
                f"write `weight: {'-' if weight < 0 else ''}{gap + 10}`, or remove it: then a failure gives the "
                "VIPs up",
                [(instance.place.at("order"), "the priorities follow from this order")],
            )


def _leads(weights: Iterable[int], gap: int) -> set[int]:
    """By how much a director may be ahead of one that is `gap` behind it: each thing may fail on one of them."""
    leads = {gap}
    for weight in weights:
        leads |= {lead + weight for lead in leads} | {lead - weight for lead in leads}
    return leads


def _matters(weight: int, others: Iterable[int], gap: int) -> bool:
    """Whether a weight makes another director the master, in some combination of failures."""
    return any(lead > 0 > lead - abs(weight) or lead < 0 < lead + abs(weight) for lead in _leads(others, gap))


def _group(facts: Facts) -> Instance | None:
    """The first instance that becomes a sync group."""
    return next((i for i in facts.cluster.failover.instances if len(facts.segments(i)) > 1), None)


def _gap(instance: Instance) -> int:
    highest, second = sorted(instance.priorities, reverse=True)[:2]
    return highest - second


@rule("LVS560", ERROR)
def tracked_interface_missing(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A tracked interface that a director does not have.

    Why:
        keepalived puts the instance into the state FAULT for ever: that director never takes over.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, track: {interfaces: [eth7]}}  # <- LVS560

    Instead:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, track: {interfaces: [eth0]}}

    Sources:
        keepalived.conf(5), track_interface
    """
    failover = facts.cluster.failover
    if failover.engine != "keepalived":
        return
    for name in failover.track.interfaces:
        for director in failover.order:
            if all(i.name != name for i in director.interfaces):
                yield tracked_interface_missing.at(
                    failover.place.at("track", "interfaces"),
                    f"director {quote(director.name)} has no interface {quote(name)}, so it would never take over",
                    f"declare it under `directors.{director.name}.interfaces`, or do not track it",
                    [(director.place.at("interfaces"), "its interfaces")],
                )
                break


@rule("LVS568", WARNING)
def weights_that_tie(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Tracked weights with which two directors have the same priority, in some combination of failures.

    Why:
        Who is master is then decided by their addresses, and not by the order. Sums of weights may be just what the
        directors are apart; and a priority stays between 1 and 254, so weights that go beyond make directors equal that
        were not, with every failure that both see.

    Example:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          preempt: always
          track:
            scripts: {uplink: {command: /usr/local/bin/uplink, weight: 70}}  # <- LVS568

    Instead:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          preempt: always
          track:
            scripts: {uplink: {command: /usr/local/bin/uplink, weight: -70}}

    Sources:
        keepalived.conf(5), vrrp_script; keepalived's vrrp_track.c, vrrp_set_effective_priority; RFC 5798 section 6.4.3
    """
    failover = facts.cluster.failover
    weighted = [one for one in _weighted(facts) if not one[3]]
    if facts.cluster.partial or _group(facts) is not None or not weighted or failover.preempt_delay is None:
        return
    for instance in failover.instances:
        if len(set(instance.priorities)) < len(instance.priorities):
            continue  # LVS504's
        for failing in _failures(weighted):
            names = {name for name, *_ in failing}
            change = sum(w for name, w, _, _ in weighted if (w < 0) == (name in names))
            now = [min(max(p + change, LEAST_EFFECTIVE), MOST_EFFECTIVE) for p in instance.priorities]
            if len(set(now)) < len(now):
                when = f"when {' and '.join(map(quote, sorted(names)))} fail on all" if names else "while nothing fails"
                yield weights_that_tie.at(
                    max(weighted, key=lambda one: abs(one[1]))[2].at("weight"),
                    f"{when}, two directors have the priority {next(p for p in now if now.count(p) > 1)}",
                    f"choose weights that keep all priorities between {LEAST_EFFECTIVE} and {MOST_EFFECTIVE}; those of "
                    f"the directors are {', '.join(map(str, instance.priorities))}",
                    [(instance.place.at("order"), "the priorities follow from this order")],
                )
                return
        tie = _tie(instance, weighted)
        if tie:
            one, other = tie
            yield weights_that_tie.at(
                max(weighted, key=lambda one: abs(one[1]))[2].at("weight"),
                f"when some of it fails on {quote(one)} and the rest on {quote(other)}, or nothing, both can have the "
                "same priority",
                f"choose multiples of {_apart(instance)}, so that no sum of them is what the directors are apart; "
                f"their priorities are {', '.join(map(str, instance.priorities))}",
                [(instance.place.at("order"), "the priorities follow from this order")],
            )
            return


def _tie(instance: Instance, weighted: list[_Weighted]) -> tuple[str, str] | None:
    """Two directors that different failures make equal; a weight that alone never moves anything is LVS511's."""
    weights = [weight for _, weight, _, _ in weighted]
    ranked = sorted(zip(instance.priorities, (host.name for host in instance.order), strict=True), reverse=True)
    if any(not _matters(w, weights[:n] + weights[n + 1 :], _gap(instance)) for n, w in enumerate(weights)):
        return None
    for (higher, one), (lower, other) in combinations(ranked, 2):
        if 0 in _leads(weights, higher - lower):
            return one, other
    return None


def _apart(instance: Instance) -> int:
    """More than any two directors are apart, and no divisor of that."""
    return max(instance.priorities) - min(instance.priorities) + _gap(instance)


def _failures(weighted: list[_Weighted]) -> Iterator[tuple[_Weighted, ...]]:
    """All combinations of failing things; of very many, those of at most two and all of them."""
    most = len(weighted) if len(weighted) <= MOST_COMBINED else 2
    for count in range(most + 1):
        yield from combinations(weighted, count)
    yield tuple(weighted)
