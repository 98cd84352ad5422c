"""Quorum and sorry server."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule


@rule("LVS539", ERROR)
def quorum_out_of_reach(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A quorum above the sum of the weights, or with its hysteresis above it, or a hysteresis that is not below the
        quorum.

    Why:
        The quorum counts weights, not realservers. keepalived lowers one that it cannot reach, and runs with another
        number than the one that was reviewed. A lost quorum returns only at quorum plus hysteresis: above the sum of
        the weights it never does, and the sorry server stays.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: tcp, quorum: 3}  # <- LVS539

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: tcp, quorum: 1}

    Sources:
        keepalived.conf(5), quorum and hysteresis; keepalived's ipwrapper.c, update_quorum_state
    """
    if facts.cluster.ipvs.writer != "keepalived":
        return
    for service, pool in facts.whole_services:
        if service.hysteresis >= service.quorum:
            yield quorum_out_of_reach.at(
                service.place.at("hysteresis"),
                f"the hysteresis {service.hysteresis} is not below the quorum {service.quorum}",
                f"write at most {service.quorum - 1}" if service.quorum > 1 else "remove it, or raise `quorum`",
                [(service.place.at("quorum"), "the quorum (default 1)")],
            )
            continue
        for family in facts.families(service):
            total = pool.weight(family)
            if 0 < total < service.quorum:
                spelt = "" if len(facts.families(service)) == 1 else f" for {'IPv4' if family == 'ipv4' else 'IPv6'}"
                yield quorum_out_of_reach.at(
                    service.place.at("quorum"),
                    f"the weights{spelt} add up to {total}, so a quorum of {service.quorum} is never reached",
                    f"write at most {total}, or a share such as `60%`; drained members count 0",
                )
                break
            if 0 < total < service.quorum + service.hysteresis:
                yield quorum_out_of_reach.at(
                    service.place.at("hysteresis"),
                    f"a lost quorum returns at {service.quorum + service.hysteresis} (quorum plus hysteresis), and all "
                    f"weights add up to {total}: it would never return",
                    f"write at most {total - service.quorum}"
                    if total > service.quorum
                    else "remove it, or lower `quorum`",
                    [(service.place.at("quorum"), "the quorum")],
                )
                break


@rule("LVS709", ERROR)
def sorry_server_port(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A sorry server on another port than the VIP, without LVS-NAT; or on a port that the service by mark cannot map.

    Why:
        LVS-DR and LVS-Tun never rewrite a packet. keepalived resets the port, and clients are refused just when the
        page that asks for patience should appear.

    Example:
        realservers: {rs1: 192.0.2.11, page: 192.0.2.21}
        services:
          web:
            vip: 192.0.2.100
            tcp: 80
            method: dr
            pool: [rs1]
            check: tcp
            sorry_server: {realserver: page, port: 8080}  # <- LVS709

    Instead:
        realservers: {rs1: 192.0.2.11, page: 192.0.2.21}
        services:
          web:
            vip: 192.0.2.100
            tcp: 80
            method: dr
            pool: [rs1]
            check: tcp
            sorry_server: page

    Sources:
        keepalived.conf(5), sorry_server; ip_vs_xmit.c, ip_vs_dr_xmit
    """
    for service in facts.cluster.services:
        sorry = service.sorry_server
        if sorry is None or sorry.port is None or sorry.method == "nat":
            continue
        if service.mark or any(p.first != sorry.port for p in service.ports):
            spelt = "LVS-DR" if sorry.method == "dr" else "LVS-Tun"
            yield sorry_server_port.at(
                service.place.at("sorry_server", "port"),
                f"{quote(sorry.host.name)} cannot be reached on port {sorry.port}: {spelt} never rewrites a packet",
                "remove `port`, or write `method: nat` for the sorry server",
            )
