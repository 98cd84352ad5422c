"""FTP: two connections that belong together."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import ALL_PORTS, FTP_CONTROL
from lvsgen.rules.facts import Facts, Pool
from lvsgen.rules.rule import ERROR, WARNING, rule

MOST_PORTS = 8
"""Ports that a helper can have (ip_vs.h, IP_VS_APP_MAX_PORTS)."""


def _bypasses(pool: Pool) -> bool:
    return bool(pool.methods - {"nat"})


@rule("LVS218", ERROR)
def ftp_without_affinity(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        FTP by LVS-DR or LVS-Tun without persistence.

    Why:
        The data connection is a connection of its own. Only a persistent service takes it to the realserver of the
        control connection: otherwise passive transfers are refused and active ones time out.

    Example:
        services:
          ftp: {vip: 192.0.2.100, tcp: 21, method: dr}  # <- LVS218

    Instead:
        services:
          ftp: {vip: 192.0.2.100, tcp: 21, method: dr, persistence: 10m}

    Sources:
        ipvsadm(8), --persistent; ip_vs_core.c, ip_vs_service_find; seen on 6.1
    """
    for service, pool in facts.services:
        if service.persistence is None and _bypasses(pool) and service.ftp_ports:
            yield ftp_without_affinity.at(
                service.place.at("tcp"),
                "FTP without persistence: the data connection does not find the realserver of its control connection",
                "write `persistence: 10m`",
                [(service.place.at("method"), "not LVS-NAT, whose helper would know")],
            )


@rule("LVS251", ERROR)
def ftp_group_incomplete(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        FTP by LVS-DR or LVS-Tun as a service by mark that lacks the data ports, or on another control port than 21
        without a mark.

    Why:
        The kernel joins control and data connections by itself only for port 21. A group must hold them all: port 20
        for active transfers (one below the control port), and the passive range. What is missing times out or is
        refused, while the login works.

    Example:
        services:
          ftp: {vip: 192.0.2.100, tcp: [21, "50000-50100"], mark: auto, method: dr, persistence: 10m}  # <- LVS251

    Instead:
        services:
          ftp: {vip: 192.0.2.100, tcp: [20, 21, "50000-50100"], mark: auto, method: dr, persistence: 10m}

    Sources:
        ip_vs_core.c, ip_vs_service_find; RFC 959 section 5.2; seen on 6.1
    """
    for service, pool in facts.services:
        if not _bypasses(pool) or service.persistence is None:
            continue
        for control in service.ftp_ports:
            tcp = [p for p in service.ports if p.protocol == "tcp"]
            if any(p.first == ALL_PORTS for p in tcp):
                continue
            data = control - 1
            missing = [] if any(p.first <= data <= p.last for p in tcp) else [f"port {data} for active transfers"]
            if not any(p.is_range for p in tcp):
                missing.append("the realservers' passive range")
            if service.mark and missing:
                yield ftp_group_incomplete.at(
                    service.place.at("tcp"),
                    f"this group of FTP ports lacks {' and '.join(missing)}",
                    f'write `tcp: [{data}, {control}, "50000-50100"]`, with the range that the FTP daemons are given',
                )
                break
            if not service.mark and control != FTP_CONTROL:
                yield ftp_group_incomplete.at(
                    service.place.at("tcp"),
                    f"the kernel finds FTP's data connections by itself only for port {FTP_CONTROL}, not for {control}",
                    f'write `tcp: [{data}, {control}, "50000-50100"]` and `mark: auto`',
                )
                break


@rule("LVS252", ERROR)
def too_many_helper_ports(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        More control ports of FTP in all services together than the helper can have.

    Why:
        ip_vs_ftp takes eight ports. It is not loaded with more, and then no FTP works through LVS-NAT.

    Example:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.1/24}}}
        realservers: {rs1: 10.1.1.11}
        services:
          a: {vip: 192.0.2.100, tcp: [21, 2101, 2102, 2103], method: nat, helper: ftp}
          b: {vip: 192.0.2.100, tcp: [2104, 2105, 2106, 2107, 2108], method: nat, helper: ftp}  # <- LVS252

    Instead:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.1/24}}}
        realservers: {rs1: 10.1.1.11}
        services:
          a: {vip: 192.0.2.100, tcp: [21, 2101, 2102, 2103], method: nat, helper: ftp}
          b: {vip: 192.0.2.100, tcp: [2104, 2105], method: nat, helper: ftp}

    Sources:
        ip_vs.h, IP_VS_APP_MAX_PORTS; ip_vs_ftp.c, parameter ports
    """
    ports = {FTP_CONTROL}
    for service in facts.cluster.services:
        if service.helper and service.helper.kind == "ftp":
            ports |= set(service.helper.ports)
            if len(ports) > MOST_PORTS:
                yield too_many_helper_ports.at(
                    service.place.at("helper"),
                    f"with this service there are {len(ports)} FTP control ports, {FTP_CONTROL} included; the helper "
                    f"takes {MOST_PORTS}",
                    "let several services use the same control port on different VIPs",
                )
                return


@rule("LVS253", WARNING)
def helper_without_nat(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A protocol helper on a service without LVS-NAT.

    Why:
        The helper rewrites addresses within the connection, and only LVS-NAT lets the director see both directions.
        With LVS-DR and LVS-Tun it does nothing.

    Example:
        services:
          sip: {vip: 192.0.2.100, udp: 5060, method: dr, helper: sip}  # <- LVS253

    Instead:
        services:
          sip: {vip: 192.0.2.100, udp: 5060, method: dr}

    Sources:
        ip_vs_ftp.c, ip_vs_ftp_out
    """
    for service, pool in facts.whole_services:
        if service.helper and "nat" not in pool.methods and pool.members:
            yield helper_without_nat.at(
                service.place.at("helper"),
                f"the helper {quote(service.helper.kind)} does nothing without LVS-NAT",
                "remove `helper`",
            )


@rule("LVS257", ERROR)
def ftp_behind_snat(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        FTP by LVS-NAT whose packets towards the realservers get the director's address as source (`snat`).

    Why:
        The source is changed for connections to the control port alone. Data connections keep the client's address,
        and the realserver answers them past the director: the login works, every listing and transfer hangs.

    Example:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.1/24}}}
        realservers: {rs1: 10.1.1.11}
        services:
          ftp: {vip: 192.0.2.100, tcp: 21, method: nat, helper: ftp, snat: true}  # <- LVS257

    Instead:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.1/24}}}
        realservers: {rs1: 10.1.1.11}
        services:
          ftp: {vip: 192.0.2.100, tcp: 21, method: nat, helper: ftp}

    Sources:
        iptables-extensions(8), ipvs, --vportctl; RFC 959 section 5.2; seen on 6.1
    """
    for service, pool in facts.services:
        if service.snat and service.ftp_ports and "nat" in pool.methods:
            yield ftp_behind_snat.at(
                service.place.at("snat"),
                "FTP with `snat`: the login works, but data connections are answered past the director and hang",
                "remove `snat`, and let the directors be the gateway of the realservers",
            )
