"""Persistence: who stays where, and who does not although it looks so."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, HINT, WARNING, rule


@rule("LVS317", ERROR)
def sip_engine_without_udp(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Persistence by SIP Call-ID on a service with TCP or SCTP.

    Why:
        The engine reads UDP only. The kernel takes the service, and then drops every packet of TCP; connections time
        out without a word.

    Example:
        services:
          sip:
            vip: 192.0.2.100
            tcp: 5060
            method: dr
            persistence: {timeout: 60, engine: sip, netmask: 8}  # <- LVS317

    Instead:
        services:
          sip: {vip: 192.0.2.100, udp: 5060, method: dr, persistence: {timeout: 60, engine: sip, netmask: 8}}

    Sources:
        ip_vs_pe_sip.c, ip_vs_sip_fill_param; seen on 6.1 and 6.12
    """
    for service in facts.cluster.services:
        if not service.persistence or service.persistence.engine != "sip":
            continue
        stream = next((p.protocol for p in service.ports if p.protocol != "udp"), None)
        if stream:
            yield sip_engine_without_udp.at(
                service.place.at("persistence", "engine"),
                f"persistence by Call-ID reads UDP only, and drops every packet of {stream.upper()}",
                f"write `udp`, or make the {stream.upper()} ports a service of their own without `engine`",
                [(service.place.at(stream), stream.upper())],
            )


@rule("LVS322", WARNING)
def affinity_by_port(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Persistence on several ports without a mark.

    Why:
        Each port is a virtual service with an affinity of its own. A client may be on one realserver for port 80 and on
        another one for 443: its basket is empty there.

    Example:
        services:
          shop: {vip: 192.0.2.100, tcp: [80, 443], method: dr, persistence: 15m}  # <- LVS322

    Instead:
        services:
          shop: {vip: 192.0.2.100, tcp: [80, 443], method: dr, persistence: 15m, mark: auto}

    Sources:
        ip_vs_core.c, ip_vs_sched_persist; LVS-HOWTO, persistence; seen on 6.1 and 6.12
    """
    for service, pool in facts.services:
        if service.persistence and not service.mark and len(service.ports) > 1 and len(pool.live) > 1:
            yield affinity_by_port.at(
                service.place.at("persistence"),
                f"{len(service.ports)} ports have an affinity each, so a client may get another realserver on each",
                "write `mark: auto` for one affinity over all of them, or make each port a service of its own",
                [(service.place.at(service.ports[0].protocol), "the ports")],
            )


@rule("LVS323", HINT)
def affinity_twice(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Persistence on a service whose scheduler, sh or mh, already chooses by client.

    Why:
        The remembered affinity wins over the hash, so the hash only places new clients. It costs an entry a client,
        and keeps drained realservers busy, for what the scheduler does without memory. With `sh-port` or `mh-port` the
        port has no part in it for as long as the client is remembered.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: mh, persistence: 15m}  # <- LVS323

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: mh, flags: [mh-fallback]}

    Sources:
        ip_vs_core.c, ip_vs_sched_persist; seen on 6.1 and 6.12
    """
    for service in facts.cluster.services:
        if service.persistence and service.scheduler in ("sh", "mh"):
            yield affinity_twice.at(
                service.place.at("persistence"),
                f"{quote(service.scheduler)} chooses by client, and persistence remembers the same again",
                "leave one of the two; persistence with `wlc` spreads clients by load, `mh` needs no memory",
                [(service.place.at("scheduler"), "the scheduler")],
            )


@rule("LVS361", WARNING)
def calls_by_client(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Persistence by SIP Call-ID without a netmask.

    Why:
        The client's address stays part of what is remembered: packets of one call that come from two addresses, from
        two proxies for example, go to two realservers, and the call fails.

    Example:
        services:
          sip: {vip: 192.0.2.100, udp: 5060, method: dr, persistence: {timeout: 60, engine: sip}}  # <- LVS361

    Instead:
        services:
          sip: {vip: 192.0.2.100, udp: 5060, method: dr, persistence: {timeout: 60, engine: sip, netmask: 8}}

    Sources:
        ip_vs_pe_sip.c, ip_vs_sip_ct_match; seen on 6.1 and 6.12
    """
    for service in facts.cluster.services:
        kept = service.persistence
        if kept and kept.engine == "sip" and kept.netmask_ipv4 is None and kept.netmask_ipv6 is None:
            yield calls_by_client.at(
                service.place.at("persistence", "engine"),
                "packets of one call from two addresses go to two realservers",
                "write a `netmask` as wide as the proxies' network: `netmask: 8`",
            )
