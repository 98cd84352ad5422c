"""How long IPVS remembers, and how long a dead realserver goes unnoticed."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding
from lvsgen.model import BfdProbe, FileProbe
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, HINT, WARNING, rule, written

IDLE = {
    22: "SSH",
    389: "LDAP",
    636: "LDAP",
    1433: "SQL",
    1521: "SQL",
    3306: "SQL",
    3389: "remote desktop",
    5222: "XMPP",
    5432: "SQL",
    5671: "AMQP",
    5672: "AMQP",
    6379: "Redis",
    8883: "MQTT",
    27017: "MongoDB",
}
"""TCP ports whose clients keep connections open without a word."""
SENDERS = {162: "SNMP traps", 514: "syslog", 2055: "NetFlow", 4739: "IPFIX", 6343: "sFlow"}
"""UDP ports whose clients send from one socket for ever."""
LONGEST = 31 * 86400
"""Seconds that IPVS remembers anything (ipvsadm's MAX_TIMEOUT)."""
LONG_DETECTION = 60
"""Seconds after which most people have called."""


@rule("LVS320", ERROR)
def longer_than_a_month(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A persistence or a timeout of connections of more than 31 days, or a persistence of 0.

    Why:
        ipvsadm and keepalived refuse the whole virtual service, or the timeouts.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, persistence: 40d}  # <- LVS320

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, persistence: 31d}

    Sources:
        ipvsadm(8), --persistent and --set; seen with ipvsadm 1.31
    """
    timeouts = facts.cluster.ipvs.timeouts
    for name in ("tcp", "tcpfin", "udp") if timeouts else ():
        if getattr(timeouts, name) > LONGEST:
            yield longer_than_a_month.at(
                facts.cluster.ipvs.place.at("timeouts", name), "IPVS takes at most 31 days", "write `31d`, or less"
            )
    for service in facts.cluster.services:
        if service.persistence and not 1 <= service.persistence.timeout <= LONGEST:
            yield longer_than_a_month.at(
                service.place.at("persistence"),
                "IPVS remembers a client for 1 second to 31 days",
                "write `31d`, or less",
            )


@rule("LVS325", WARNING)
def finished_connections_count(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        An upper threshold with LVS-DR or LVS-Tun, and no word on `ipvs.timeouts.tcpfin`.

    Why:
        A threshold counts finished connections too, and with these methods IPVS sees the client's half only and
        remembers each for two minutes. At ten requests a second a threshold of 1000 is reached with eight connections
        open: the realserver gets no more.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, upper_threshold: 1000}  # <- LVS325

    Instead:
        ipvs: {timeouts: {tcpfin: 10s}}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, upper_threshold: 1000}

    Sources:
        ip_vs_core.c, ip_vs_bind_dest; ip_vs_proto_tcp.c, tcp_timeouts; seen on 6.1
    """
    timeouts = facts.cluster.ipvs.timeouts
    if timeouts and timeouts.tcpfin:
        return
    for service, pool in facts.services:
        member = next((m for m in pool.limited if m.upper_threshold and m.method != "nat"), None)
        if member and any(p.protocol == "tcp" for p in service.ports):
            yield finished_connections_count.at(
                written(member.place, service.place, "upper_threshold"),
                f"finished connections count towards the threshold {member.upper_threshold} for two minutes each",
                "write `ipvs: {timeouts: {tcpfin: 10s}}`, or `120s` if the threshold allows for them",
                [(service.place.at("method"), "only the client's half is seen")],
            )


@rule("LVS327", HINT)
def idle_connections_forgotten(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A service on a port whose clients idle for long (databases, directories, SSH, message brokers), and no word on
        `ipvs.timeouts.tcp`.

    Why:
        IPVS forgets a connection that is silent for 15 minutes. The client's next packet is answered with a reset.
        TCP keepalives, where a program asks for them, come after two hours.

    Example:
        services:
          db: {vip: 192.0.2.100, tcp: 3306, method: dr}  # <- LVS327

    Instead:
        ipvs: {timeouts: {tcp: 3h}}
        services:
          db: {vip: 192.0.2.100, tcp: 3306, method: dr}

    Sources:
        ip_vs_proto_tcp.c, tcp_timeouts; tcp(7), tcp_keepalive_time
    """
    timeouts = facts.cluster.ipvs.timeouts
    if timeouts and timeouts.tcp:
        return
    for service in facts.cluster.services:
        port = next(
            (p.first for p in service.ports if p.protocol == "tcp" and p.first in IDLE and not p.is_range), None
        )
        if port:
            yield idle_connections_forgotten.at(
                service.place.at("tcp"),
                f"connections of {IDLE[port]} are often silent for longer than the 15 minutes after which IPVS forgets "
                "them",
                "write `ipvs: {timeouts: {tcp: 3h}}`, or `15m` if the clients send keepalives more often",
            )


@rule("LVS331", HINT)
def senders_stay(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A service for logs, traps or flows over UDP without `ops`.

    Why:
        Such clients send from one socket for ever. IPVS takes that for one connection and keeps it on one realserver:
        few senders are not spread at all, and a new realserver gets nothing.

    Example:
        services:
          log: {vip: 192.0.2.100, udp: 514, method: dr, scheduler: rr}  # <- LVS331

    Instead:
        services:
          log: {vip: 192.0.2.100, udp: 514, method: dr, scheduler: rr, ops: true}

    Sources:
        ipvsadm(8), --ops; ip_vs_proto_udp.c, udp_timeouts; seen on 6.1 and 6.12
    """
    for service, pool in facts.services:
        ports = (p.first for p in service.ports if p.protocol == "udp" and not p.is_range)
        port = next((p for p in ports if p in SENDERS), None)
        if port and not service.ops and not service.persistence and len(pool.live) > 1:
            yield senders_stay.at(
                service.place.at("udp"),
                f"senders of {SENDERS[port]} keep one socket, and so one realserver for ever",
                "write `ops: true` with `scheduler: rr` or `wrr`, or `persistence` if they shall stay",
            )


@rule("LVS705", WARNING)
def slow_detection(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Checks that need more than a minute to take out a realserver that hangs.

    Why:
        Interval, timeout, retries and their delays add up. Until then its share of the clients waits.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {tcp: , interval: 30s, timeout: 10s}}  # <- LVS705

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {tcp: , interval: 10s, timeout: 5s}}

    Sources:
        keepalived.conf(5), delay_loop, retry and delay_before_retry; check_tcp.c, tcp_epilog
    """
    if facts.cluster.ipvs.writer != "keepalived":
        return
    told = set()
    for _, pool in facts.pools:
        for check in pool.checks:
            worst = check.timing.worst_detection
            if isinstance(check.probe, BfdProbe | FileProbe) or worst <= LONG_DETECTION or check.place in told:
                continue
            told.add(check.place)
            yield slow_detection.at(
                check.place,
                f"a realserver that hangs is taken out after {worst:g} s at worst",
                f"shorten `interval`, `timeout`, `retries` or `retry_delay` to {LONG_DETECTION} s together: interval + "
                "timeout + retries x (retry_delay + timeout)",
            )
