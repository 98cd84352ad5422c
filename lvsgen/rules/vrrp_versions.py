"""What each version of VRRP cannot do, and what does nothing without VRRP."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding
from lvsgen.model import Garp, Track, Vip
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule


@rule("LVS513", ERROR)
def secret_without_effect(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A VRRP secret where the version is 3: asked for, or because a VIP is IPv6.

    Why:
        Version 3 has no authentication, so keepalived ignores the secret: anybody on the network could become master
        while everybody believes otherwise.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, version: 3, secret: vrrp}  # <- LVS513
        secrets: {vrrp: {file: /etc/lvs/vrrp.secret}}

    Instead:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, version: 2, secret: vrrp}
        secrets: {vrrp: {file: /etc/lvs/vrrp.secret}}

    Sources:
        RFC 5798 section 9; keepalived.conf(5), authentication
    """
    failover = facts.cluster.failover
    if failover.secret is None or failover.engine != "keepalived":
        return
    six = _ipv6_vip(facts)
    if failover.version == 3:
        yield secret_without_effect.at(
            failover.place.at("secret"),
            "VRRP version 3 has no authentication, so the secret would do nothing",
            "write `version: 2`, or remove `secret` and let a packet filter admit VRRP from the other directors only",
            [(failover.place.at("version"), "the version")],
        )
    elif six is not None:
        yield secret_without_effect.at(
            failover.place.at("secret"),
            "VRRP for IPv6 is version 3, which has no authentication, so the secret would do nothing there",
            "remove `secret`, and let a packet filter admit VRRP (protocol 112) from the other directors only",
            [(six.place, "a VIP with IPv6")],
        )


@rule("LVS552", ERROR)
def old_vrrp_for_ipv6(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        `version: 2` and a VIP with IPv6.

    Why:
        VRRP version 2 has no IPv6. keepalived would speak version 3 there, which the old peers that the version is
        meant for do not understand: two masters.

    Example:
        directors:
          lvs1: {interfaces: {eth0: "2001:db8::2/64"}}
          lvs2: {interfaces: {eth0: "2001:db8::3/64"}}
        realservers: {rs1: "2001:db8::11"}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, version: 2}  # <- LVS552
        services:
          web: {vip: "2001:db8::100", tcp: 80, method: dr}

    Instead:
        directors:
          lvs1: {interfaces: {eth0: "2001:db8::2/64"}}
          lvs2: {interfaces: {eth0: "2001:db8::3/64"}}
        realservers: {rs1: "2001:db8::11"}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        services:
          web: {vip: "2001:db8::100", tcp: 80, method: dr}

    Sources:
        RFC 3768; keepalived.conf(5), vrrp_version
    """
    failover = facts.cluster.failover
    six = _ipv6_vip(facts)
    if failover.version_pinned and failover.version == 2 and six and not failover.secret:
        yield old_vrrp_for_ipv6.at(
            failover.place.at("version"),
            "VRRP version 2 has no IPv6, and a VIP of this cluster is IPv6",
            "remove `version`",
            [(six.place, "a VIP with IPv6")],
        )


def _ipv6_vip(facts: Facts) -> Vip | None:
    moved = (
        v for i in facts.cluster.failover.instances for v in i.vips if v.managed and v.device not in ("lo", "none")
    )
    return next((v for v in moved if any(a.family == "ipv6" for a in v.addresses)), None)


@rule("LVS561", ERROR)
def vrrp_without_engine(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Settings of VRRP with `engine: none`.

    Why:
        Nothing reads them. Who wrote them believes that a failing script moves the VIP.

    Example:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}
        failover: {engine: none, track: {interfaces: [eth0]}}  # <- LVS561

    Instead:
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}
        failover: {engine: none}

    Sources:
        keepalived.conf(5), vrrp_instance
    """
    failover = facts.cluster.failover
    if failover.engine != "none":
        return
    for field, given in (
        ("track", failover.track != Track()),
        ("secret", failover.secret is not None),
        ("garp", failover.garp != Garp()),
        ("transport", failover.multicast is not None),
        ("preempt", failover.preempt_delay is not None),
        ("version", failover.version_pinned),
    ):
        if given:
            yield vrrp_without_engine.at(
                failover.place.at(field),
                f"`{field}` is for VRRP, and with `engine: none` nothing speaks VRRP",
                "remove it, or write `engine: keepalived`",
                [(failover.place.at("engine"), "no engine")],
            )
            return
