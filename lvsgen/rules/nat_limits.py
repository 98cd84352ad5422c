"""What LVS-NAT and source translation cannot do."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule


@rule("LVS207", ERROR)
def nat_to_loopback(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A director that serves itself by LVS-NAT at a loopback address.

    Why:
        The kernel drops packets that come from elsewhere and are rewritten to a loopback address ("stopping DNAT to
        loopback address"). Clients time out; a test on the director itself succeeds.

    Example:
        realservers: {}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: nat, pool: {lvs1: {address: 127.0.0.1}}}  # <- LVS207

    Instead:
        realservers: {}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: nat, pool: {lvs1: {address: 192.0.2.2}}}

    Sources:
        ip_vs_xmit.c, ip_vs_nat_xmit
    """
    for _, pool in facts.pools:
        for member in pool.local:
            ip = next((a for a in member.addresses if a.is_loopback), None)
            if member.method == "nat" and ip:
                yield nat_to_loopback.at(
                    member.place.at("address"),
                    f"the kernel drops packets of remote clients that LVS-NAT would rewrite to {ip}",
                    f"write an address of an interface of {quote(member.host.name)}, or `method: dr` for this member",
                )


@rule("LVS254", ERROR)
def snat_without_nat(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        `snat` on a service with members that are not reached by LVS-NAT.

    Why:
        Such a member answers the client itself. With the director's address as source it would answer the director,
        which knows nothing of the connection; the client waits for ever.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, snat: true}  # <- LVS254

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: nat, snat: true}

    Sources:
        ipvs-sysctl.rst, conntrack; iptables-extensions(8), ipvs
    """
    for service, pool in facts.services:
        if service.snat and pool.methods - {"nat"}:
            member = next(m for method, m in sorted(pool.first_by_method.items()) if method != "nat")
            yield snat_without_nat.at(
                service.place.at("snat"),
                f"`snat` is for LVS-NAT, but {quote(member.host.name)} answers the client directly",
                "write `method: nat`, or remove `snat`",
                [(service.place.at("method"), "the method")],
            )
