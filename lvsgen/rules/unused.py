"""What is declared and not used."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import HINT, rule


@rule("LVS156", HINT)
def unused_vip(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A VIP that no service uses.

    Why:
        The directors hold it, and clients that send to it are refused.

    Example:
        vips:
          shop: 192.0.2.100
          old: 192.0.2.101  # <- LVS156
        services:
          web: {vip: shop, tcp: 80, method: dr}

    Instead:
        vips:
          shop: 192.0.2.100
        services:
          web: {vip: shop, tcp: 80, method: dr}

    Sources:
        ip_vs_core.c, ip_vs_leave
    """
    if facts.cluster.partial:
        return
    used = {vip.name for service in facts.cluster.services for vip in service.vips}
    for vip in facts.cluster.vips:
        if vip.name not in used:
            yield unused_vip.at(vip.place.key, f"no service uses the VIP {quote(vip.name)}", "remove it, or use it")


@rule("LVS157", HINT)
def unused_realserver(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A realserver in no pool of a service.

    Why:
        Nothing is sent to it, and nothing is generated for it but an empty folder.

    Example:
        realservers:
          rs1: 192.0.2.11
          rs2: 192.0.2.12  # <- LVS157
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [rs1]}

    Instead:
        realservers:
          rs1: 192.0.2.11
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [rs1]}

    Sources:
        ipvsadm(8), --add-server
    """
    if facts.cluster.partial:
        return
    used = {member.host.name for _, pool in facts.pools for member in pool.members}
    used |= {s.sorry_server.host.name for s in facts.cluster.services if s.sorry_server}
    for host in facts.cluster.realservers:
        if host.name not in used:
            yield unused_realserver.at(
                host.place.key,
                f"no service sends anything to realserver {quote(host.name)}",
                "name it in a pool that a service uses, or remove it",
            )
