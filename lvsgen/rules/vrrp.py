"""VRRP instances that would not find their peers, or would not agree with them."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import Family, Instance, Vip, VipAddress
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, WARNING, rule

LEAST_PRIORITY = 1
LONGEST_ADVERT = 40.95
"""Seconds between advertisements of version 3, a 12-bit field of centiseconds (RFC 5798 section 5.2.7)."""


@rule("LVS501", ERROR)
def too_many_directors(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        More directors in an order than there are priorities for.

    Why:
        Priorities are 200, 190, and so on; VRRP has none below 1, and keepalived would start such an instance with
        another one.

    Example:
        directors:
          {d01: {interfaces: {eth0: 192.0.2.2/24}}, d02: {interfaces: {eth0: 192.0.2.3/24}},
           d03: {interfaces: {eth0: 192.0.2.4/24}}, d04: {interfaces: {eth0: 192.0.2.5/24}},
           d05: {interfaces: {eth0: 192.0.2.6/24}}, d06: {interfaces: {eth0: 192.0.2.7/24}},
           d07: {interfaces: {eth0: 192.0.2.8/24}}, d08: {interfaces: {eth0: 192.0.2.9/24}},
           d09: {interfaces: {eth0: 192.0.2.20/24}}, d10: {interfaces: {eth0: 192.0.2.21/24}},
           d11: {interfaces: {eth0: 192.0.2.22/24}}, d12: {interfaces: {eth0: 192.0.2.23/24}},
           d13: {interfaces: {eth0: 192.0.2.24/24}}, d14: {interfaces: {eth0: 192.0.2.25/24}},
           d15: {interfaces: {eth0: 192.0.2.26/24}}, d16: {interfaces: {eth0: 192.0.2.27/24}},
           d17: {interfaces: {eth0: 192.0.2.28/24}}, d18: {interfaces: {eth0: 192.0.2.29/24}},
           d19: {interfaces: {eth0: 192.0.2.30/24}}, d20: {interfaces: {eth0: 192.0.2.31/24}},
           d21: {interfaces: {eth0: 192.0.2.32/24}}}
        failover:
          engine: keepalived
          order: [d01, d02, d03, d04, d05, d06, d07, d08, d09, d10, d11,  # <- LVS501
            d12, d13, d14, d15, d16, d17, d18, d19, d20, d21]
          vrid: 51

    Instead:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51

    Sources:
        RFC 5798 section 5.2.4; keepalived.conf(5), priority
    """
    for instance in facts.cluster.failover.instances:
        lowest = min(instance.priorities, default=LEAST_PRIORITY)
        if lowest < LEAST_PRIORITY:
            yield too_many_directors.at(
                instance.place.at("order"),
                f"the last of {len(instance.order)} directors would have the priority {lowest}, and VRRP has none "
                "below 1",
                "use `priority` of an instance for those at the end, or fewer directors",
            )


@rule("LVS502", ERROR)
def vrid_used_twice(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Two instances with one VRID on the same network and in the same family.

    Why:
        keepalived refuses its configuration ("duplicate VRID conflict") and ends, on every director: nobody holds any
        VIP.

    Example:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          instances:
            one: {vips: [192.0.2.100]}
            two: {vips: [192.0.2.101]}  # <- LVS502
        services:
          web: {vip: [192.0.2.100, 192.0.2.101], tcp: 80, method: dr}

    Instead:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          instances:
            one: {vips: [192.0.2.100]}
            two: {vips: [192.0.2.101], vrid: 52}
        services:
          web: {vip: [192.0.2.100, 192.0.2.101], tcp: 80, method: dr}

    Sources:
        RFC 5798 section 5.2.3; keepalived.conf(5), virtual_router_id; seen with keepalived 2.2.7
    """
    seen: dict[tuple[int, str, Family], Instance] = {}
    for instance in facts.cluster.failover.instances:
        for segment, family in sorted(facts.segments(instance)):
            first = seen.setdefault((instance.vrid, segment, family), instance)
            if first is not instance:
                used = {one.vrid for one in facts.cluster.failover.instances}
                free = next(n for n in range(1, 256) if n not in used)
                yield vrid_used_twice.at(
                    instance.place.at("vrid"),
                    f"instances {quote(first.name)} and {quote(instance.name)} both have the VRID {instance.vrid} on "
                    f"{quote(segment)}",
                    f"write another one, `vrid: {free}` for example",
                    [(first.place.at("vrid"), "the other instance")],
                )
                break


@rule("LVS504", WARNING)
def equal_priorities(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Two directors with the same priority in one instance.

    Why:
        The tie is broken by address; without preemption it depends on who started first. `order` then says something
        else than what happens.

    Example:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          instances:
            one: {vips: [192.0.2.100], vrid: 51, priority: {lvs1: 150, lvs2: 150}}  # <- LVS504

    Instead:
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          instances:
            one: {vips: [192.0.2.100], vrid: 51, priority: {lvs1: 150, lvs2: 140}}

    Sources:
        RFC 5798 section 6.4.3; keepalived.conf(5), priority
    """
    for instance in facts.cluster.failover.instances:
        first: dict[int, str] = {}
        for host, priority in zip(instance.order, instance.priorities, strict=True):
            other = first.setdefault(priority, host.name)
            if other != host.name:
                yield equal_priorities.at(
                    instance.place.at("priority"),
                    f"directors {quote(other)} and {quote(host.name)} both have the priority {priority}",
                    "give them different ones, or remove `priority`: the order gives each its own",
                )
                break


@rule("LVS506", ERROR)
def director_without_address(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A director without an address of a VIP's family in the VIP's network, where VRRP must speak from one.

    Why:
        Its peers do not know it, and it does not hear them: two masters hold the VIP at once.

    Example:
        networks:
          outside: {prefixes: [192.0.2.0/24, "2001:db8::/64"]}
        directors:
          lvs1: {interfaces: {eth0: [192.0.2.2, "2001:db8::2"]}}
          lvs2: {interfaces: {eth0: 192.0.2.3}}  # <- LVS506
        realservers: {rs1: [192.0.2.11, "2001:db8::11"]}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        services:
          web: {vip: "2001:db8::100", tcp: 80, method: dr}

    Instead:
        networks:
          outside: {prefixes: [192.0.2.0/24, "2001:db8::/64"]}
        directors:
          lvs1: {interfaces: {eth0: [192.0.2.2, "2001:db8::2"]}}
          lvs2: {interfaces: {eth0: [192.0.2.3, "2001:db8::3"]}}
        realservers: {rs1: [192.0.2.11, "2001:db8::11"]}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        services:
          web: {vip: "2001:db8::100", tcp: 80, method: dr}

    Sources:
        keepalived.conf(5), unicast_src_ip and unicast_peer
    """
    failover = facts.cluster.failover
    told: set[tuple[str, str, Family]] = set()
    for instance in failover.instances:
        for vip in instance.vips:
            if not vip.managed or vip.device in ("lo", "none"):
                continue
            for one in vip.addresses:
                # A multicast instance of IPv6 speaks from the link-local address, which every interface has.
                if failover.multicast is not None and one.family == "ipv6":
                    continue
                if one.network is None:
                    yield from _speechless(instance, vip, one, told)
                    continue
                for director in instance.order:
                    attached = [a for a in director.addresses if a.network is one.network]
                    key = (director.name, one.network.name, one.family)
                    if not attached or any(a.family == one.family for a in attached) or key in told:
                        continue
                    told.add(key)
                    spelt = "IPv4" if one.family == "ipv4" else "IPv6"
                    yield director_without_address.at(
                        director.place.at("interfaces", attached[0].interface or ""),
                        f"director {quote(director.name)} has no {spelt} address in {quote(one.network.name)} to speak "
                        f"VRRP from, for the VIP {one.ip}",
                        f"give its interface {quote(attached[0].interface)} an {spelt} address",
                        [(one.place, "the VIP")],
                    )


def _speechless(instance: Instance, vip: Vip, one: VipAddress, told: set[tuple[str, str, Family]]) -> Iterator[Finding]:
    """Directors without any address of the family of a VIP that lies on a device and in no network."""
    for director in instance.order if vip.device else ():
        key = (director.name, "", one.family)
        if key not in told and not any(a.interface and a.family == one.family for a in director.addresses):
            told.add(key)
            spelt = "IPv4" if one.family == "ipv4" else "IPv6"
            yield director_without_address.at(
                director.place.at("interfaces"),
                f"director {quote(director.name)} has no {spelt} address to speak VRRP from, for the VIP {one.ip}",
                f"give one of its interfaces an {spelt} address",
                [(one.place, "the VIP")],
            )


@rule("LVS512", ERROR)
def advert_out_of_range(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        An interval of advertisements that the version of VRRP cannot express.

    Why:
        Version 2 counts whole seconds from 1 to 255, version 3 hundredths of a second up to 40.95 s. keepalived would
        round it, and so fail over sooner or later than was asked for.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, version: 2, advert: 500ms}  # <- LVS512

    Instead:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, version: 2, advert: 1s}

    Sources:
        RFC 3768 section 5.3.7; RFC 5798 section 5.2.7; keepalived.conf(5), advert_int
    """
    failover = facts.cluster.failover
    told = set()
    for instance in failover.instances:
        versions = {3 if family == "ipv6" else failover.version for _, family in facts.segments(instance)}
        for version in sorted(versions or {failover.version}):
            if version == 2 and (instance.advert != int(instance.advert) or not 1 <= instance.advert <= 255):
                limits = "whole seconds from 1 to 255"
            elif version == 3 and not 0.01 <= instance.advert <= LONGEST_ADVERT:
                limits = "10 ms to 40.95 s"
            else:
                continue
            place = instance.place.at("advert")
            if instance.place != failover.place:
                place = type(place)(place.file, place.path, place.part, failover.place.at("advert"))
            if (version, instance.advert) not in told:
                told.add((version, instance.advert))
                yield advert_out_of_range.at(
                    place, f"VRRP version {version} has no interval of {instance.advert} s", f"write {limits}"
                )
            break


@rule("LVS538", WARNING)
def failover_of_one(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        The engine keepalived with a single director.

    Why:
        There is nobody to take over. The VIPs are there a few seconds later than without VRRP, and leave whenever the
        instance fails.

    Example:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}
        failover: {engine: keepalived, order: [lvs1], vrid: 51}  # <- LVS538

    Instead:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}
        failover: {engine: none}

    Sources:
        RFC 5798 section 6.4.1; keepalived.conf(5), vrrp_instance
    """
    cluster = facts.cluster
    if cluster.failover.engine == "keepalived" and len(cluster.directors) == 1 and not cluster.partial:
        yield failover_of_one.at(
            cluster.failover.place.at("order"),
            f"{quote(cluster.directors[0].name)} is the only director, so nobody takes over",
            "add a second director, or write `engine: none`",
        )
