"""UDP and one-packet scheduling, where most schedulers see nothing to count."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, WARNING, rule

COUNTING_ACTIVE = ("sed", "nq", "ovf")
"""Schedulers that look at active connections alone. UDP entries are never active."""
COUNTING = (*COUNTING_ACTIVE, "lc", "wlc", "lblc", "lblcr")
"""Schedulers that look at connections. With one-packet scheduling there are none."""


@rule("LVS309", ERROR)
def scheduler_blind_to_udp(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Scheduler nq, sed or ovf on a service with UDP.

    Why:
        They choose by active connections, and UDP entries are never active: every realserver always looks idle, so one
        gets every datagram (the heaviest, with nq the one that was added last), and ovf never overflows.

    Example:
        services:
          dns: {vip: 192.0.2.100, udp: 53, method: dr, scheduler: nq}  # <- LVS309

    Instead:
        services:
          dns: {vip: 192.0.2.100, udp: 53, method: dr, scheduler: wlc}

    Sources:
        ip_vs_nq.c; ip_vs_sed.c; ip_vs_ovf.c; ip_vs_proto_udp.c, udp_state_transition; seen on 6.1 and 6.12
    """
    for service, pool in facts.services:
        udp = any(p.protocol == "udp" for p in service.ports)
        if udp and service.scheduler in COUNTING_ACTIVE and len(pool.live) > 1 and not service.ops:
            yield scheduler_blind_to_udp.at(
                service.place.at("scheduler"),
                f"{quote(service.scheduler)} counts active connections, which UDP never has: one realserver gets "
                "every datagram",
                "write `scheduler: wlc`, `wrr` or `rr`",
                [(service.place.at("udp"), "UDP")],
            )


@rule("LVS359", ERROR)
def scheduler_blind_to_single_packets(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        One-packet scheduling with a scheduler that counts connections; wlc, the default, is one.

    Why:
        `ops` remembers no connection, so all counts are 0, and one realserver gets every datagram.

    Example:
        services:
          dns: {vip: 192.0.2.100, udp: 53, method: dr, ops: true}  # <- LVS359

    Instead:
        services:
          dns: {vip: 192.0.2.100, udp: 53, method: dr, ops: true, scheduler: wrr}

    Sources:
        ip_vs_core.c, ip_vs_schedule; ip_vs_conn.c, ip_vs_conn_hash; seen on 6.1 and 6.12
    """
    for service, pool in facts.services:
        if service.ops and service.scheduler in COUNTING and len(pool.live) > 1:
            yield scheduler_blind_to_single_packets.at(
                service.place.at("ops"),
                f"`ops` leaves {quote(service.scheduler)} no connections to count: one realserver gets every datagram",
                "write `scheduler: rr` or `wrr`",
                [(service.place.at("scheduler"), "the scheduler (default `wlc`)")],
            )


@rule("LVS314", ERROR)
def single_packets_of_streams(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        One-packet scheduling on a TCP or SCTP service.

    Why:
        Each packet of a connection would go to another realserver. ipvsadm refuses it, keepalived switches it off.

    Example:
        services:
          dns: {vip: 192.0.2.100, udp: 53, tcp: 53, method: dr, scheduler: rr, ops: true}  # <- LVS314

    Instead:
        services:
          dns-udp: {vip: 192.0.2.100, udp: 53, method: dr, scheduler: rr, ops: true}
          dns-tcp: {vip: 192.0.2.100, tcp: 53, method: dr, scheduler: rr}

    Sources:
        ipvsadm(8), --ops
    """
    for service in facts.cluster.services:
        if not service.ops or service.mark:
            continue
        stream = next((p.protocol for p in service.ports if p.protocol != "udp"), None)
        if stream:
            yield single_packets_of_streams.at(
                service.place.at("ops"),
                f"`ops` is for UDP, and this service has {stream.upper()} too",
                f"make the {stream.upper()} ports a service of their own, without `ops`",
                [(service.place.at(stream), stream.upper())],
            )


@rule("LVS315", ERROR)
def single_packets_by_nat(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        One-packet scheduling with LVS-NAT.

    Why:
        The director remembers nothing, so it cannot put the VIP back as the source of a reply. Clients get answers from
        an address that they never asked. Where no replies come (syslog, flow export), say so with `one_way: true`.

    Example:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.1/24}}}
        realservers: {rs1: 10.1.1.11}
        services:
          dns: {vip: 192.0.2.100, udp: 53, method: nat, scheduler: rr, ops: true}  # <- LVS315

    Instead:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.1/24}}}
        realservers: {rs1: 10.1.1.11}
        services:
          syslog: {vip: 192.0.2.100, udp: 514, method: nat, scheduler: rr, ops: true, one_way: true}

    Sources:
        ip_vs_conn.c, ip_vs_conn_hash; ip_vs_core.c, ip_vs_out_hook
    """
    for service, pool in facts.services:
        sip = service.persistence and service.persistence.engine == "sip"
        if service.ops and "nat" in pool.methods and not service.one_way and not sip:
            yield single_packets_by_nat.at(
                service.place.at("ops"),
                "`ops` remembers no connection, so LVS-NAT cannot translate the replies",
                "write `one_way: true` if no replies come, `method: dr`, or `ops: false`",
                [(pool.first_by_method["nat"].place, "reached by LVS-NAT")],
            )


@rule("LVS316", WARNING)
def single_packets_with_affinity(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        One-packet scheduling together with persistence.

    Why:
        Persistence keeps a client on one realserver, so its datagrams are not spread at all.

    Example:
        services:
          dns: {vip: 192.0.2.100, udp: 53, method: dr, scheduler: rr, ops: true, persistence: 5m}  # <- LVS316

    Instead:
        services:
          dns: {vip: 192.0.2.100, udp: 53, method: dr, scheduler: rr, ops: true}

    Sources:
        ip_vs_core.c, ip_vs_sched_persist
    """
    for service in facts.cluster.services:
        if service.ops and service.persistence and not service.persistence.engine:
            yield single_packets_with_affinity.at(
                service.place.at("persistence"),
                "persistence keeps a client on one realserver, and `ops` would spread its datagrams: they undo "
                "each other",
                "remove one of them",
                [(service.place.at("ops"), "one-packet scheduling")],
            )
