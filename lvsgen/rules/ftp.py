"""FTP and TFTP: conversations on several ports that belong together."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import ALL_PORTS, FTP_CONTROL, Helper
from lvsgen.rules.facts import Facts, Pool
from lvsgen.rules.rule import ERROR, WARNING, rule

FTPS = 990
"""Port of FTP within TLS from the first byte (IANA, ftps)."""
TFTP = 69
"""RFC 1350, section 4."""
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
        refused, while the login works. Where transfers are passive only, `helper: {ftp: {active: false}}` says so.

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
            helper = service.helper
            active, passive = (helper.active, helper.passive) if helper else (True, None)
            data = control - 1
            lacks_data = active and not any(p.first <= data <= p.last for p in tcp)
            missing = [f"port {data} for active transfers"] if lacks_data else []
            if not any(p.is_range and (not passive or p.first <= passive[0] <= passive[1] <= p.last) for p in tcp):
                missing.append("the realservers' passive range")
            wanted = f"{data}, {control}" if active else f"{control}"
            written = "{}-{}".format(*passive) if passive else "50000-50100"
            if service.mark and missing:
                yield ftp_group_incomplete.at(
                    service.place.at("tcp"),
                    f"this group of FTP ports lacks {' and '.join(missing)}",
                    f'write `tcp: [{wanted}, "{written}"]`, with the range that the FTP daemons are given'
                    + ("; or `helper: {ftp: {active: false}}` if all transfers are passive" if lacks_data else ""),
                )
                break
            if not service.mark and control != FTP_CONTROL:
                yield ftp_group_incomplete.at(
                    service.place.at("tcp"),
                    f"the kernel finds FTP's data connections by itself only for port {FTP_CONTROL}, not for {control}",
                    f'write `tcp: [{wanted}, "{written}"]` and `mark: auto`',
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
        `helper: sip`; or `helper: ftp` on a service without LVS-NAT, where it tells nothing that port 21 does not.

    Why:
        IPVS has a helper for FTP alone: `sip` generates nothing, and it is persistence with `engine: sip` that keeps
        the packets of a call together. The helper for FTP rewrites addresses within the connection, and only LVS-NAT
        lets the director see both directions. With LVS-DR and LVS-Tun `helper` tells which ports are those of FTP, and
        which transfers there are.

    Example:
        services:
          sip: {vip: 192.0.2.100, udp: 5060, method: dr, helper: sip}  # <- LVS253

    Instead:
        services:
          sip: {vip: 192.0.2.100, udp: 5060, method: dr}

    Sources:
        ip_vs_ftp.c, ip_vs_ftp_out; ip_vs_pe_sip.c
    """
    for service, pool in facts.whole_services:
        helper = service.helper
        if helper and helper.kind == "sip":
            yield helper_without_nat.at(
                service.place.at("helper"),
                "the helper `sip` does nothing: IPVS has none for it",
                "remove `helper`"
                if service.persistence and service.persistence.engine
                else "remove `helper`; what keeps calls together is `persistence` with `engine: sip` and `netmask: 0`",
            )
        elif helper and "nat" not in pool.methods and pool.members and _says_nothing(helper):
            yield helper_without_nat.at(
                service.place.at("helper"),
                f"the helper {quote(helper.kind)} does nothing without LVS-NAT",
                "remove `helper`",
            )


def _says_nothing(helper: Helper) -> bool:
    """Whether a helper is what port 21 tells anyway."""
    return helper.ports == (FTP_CONTROL,) and helper.active and helper.passive is None


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


@rule("LVS258", WARNING)
def transfers_of_tftp(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        TFTP (UDP port 69) without a group of ports and persistence, or by LVS-NAT.

    Why:
        A daemon answers each transfer from a port of its own, and the client goes on with that one. With LVS-DR and
        LVS-Tun the client's acknowledgement comes to a port of the VIP that has no service: the director refuses it,
        and the transfer ends after its first block. With LVS-NAT IPVS does not know the answer, for its port is not 69:
        it reaches the client from the RIP, and is dropped. Daemons that answer from port 69 itself are no such case
        (dnsmasq's `tftp-single-port`).

    Example:
        services:
          boot: {vip: 192.0.2.100, udp: 69, method: dr}  # <- LVS258

    Instead:
        services:
          boot: {vip: 192.0.2.100, udp: [69, "50000-50100"], mark: auto, method: dr, persistence: 5m}

    Sources:
        RFC 1350 section 4; ip_vs_core.c, ip_vs_in_hook and ip_vs_out_hook
    """
    for service, pool in facts.services:
        udp = [p for p in service.ports if p.protocol == "udp"]
        if not any(p.first == TFTP == p.last for p in udp) or not pool.members:
            continue
        joined = service.persistence and service.mark and any(p.is_range for p in udp)
        by_nat = "nat" in pool.methods
        if by_nat or not joined:
            yield transfers_of_tftp.at(
                service.place.at("udp"),
                "TFTP answers from another port than 69, "
                + (
                    "and LVS-NAT does not translate that" if by_nat else "and the client's next packet finds no service"
                ),
                ("write `method: dr`, and " if by_nat else "write ")
                + '`udp: [69, "50000-50100"]` with the range that the daemons are given, `mark: auto` and '
                "`persistence: 5m`; or waive this if they answer from port 69",
                [(service.place.at("method"), "LVS-NAT")] if by_nat else (),
            )


@rule("LVS219", WARNING)
def ftp_within_tls(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        FTP over TLS (TCP port 990) by LVS-NAT without a group of ports and persistence, or with the helper for it.

    Why:
        The control connection is encrypted, so the helper cannot read which port the realserver opens for data. The
        login works; then the client connects to a port of the VIP that no service has, or to the RIP.

    Example:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.1/24}}}
        realservers: {rs1: 10.1.1.11}
        services:
          ftps: {vip: 192.0.2.100, tcp: 990, method: nat}  # <- LVS219

    Instead:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24, eth1: 10.1.1.1/24}}}
        realservers: {rs1: 10.1.1.11}
        services:
          ftps: {vip: 192.0.2.100, tcp: [990, "50000-50100"], mark: auto, method: nat, persistence: 10m}

    Sources:
        RFC 4217 section 7; ip_vs_ftp.c, ip_vs_ftp_out
    """
    for service, pool in facts.services:
        tcp = [p for p in service.ports if p.protocol == "tcp"]
        if "nat" not in pool.methods or not any(p.first == FTPS == p.last for p in tcp):
            continue
        helped = service.helper is not None and FTPS in service.helper.ports
        joined = service.persistence and service.mark and any(p.is_range for p in tcp)
        if helped or not joined:
            yield ftp_within_tls.at(
                service.place.at("helper") if helped else service.place.at("tcp"),
                f"port {FTPS} is FTP over TLS: its helper cannot read what is encrypted, so data connections fail",
                f'write `tcp: [{FTPS}, "50000-50100"]` with the passive range of the daemons, `mark: auto` and '
                "`persistence: 10m`, without a helper; and give the daemons the VIP as their passive address",
            )
