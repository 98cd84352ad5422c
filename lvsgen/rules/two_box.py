"""Directors that are realservers too: what one hands to the other must not come back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import Interface, Member, Service
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule


def _boxes(facts: Facts) -> Iterator[tuple[Service, Member]]:
    """Services of several directors that serve themselves by LVS-DR or LVS-Tun, each with such a member."""
    # Where a network is broken, `sync` may have been left out with it.
    if not facts.is_pair or not facts.knows_networks:
        return
    for service, pool in facts.services:
        member = next((m for m in pool.local if m.method != "nat" and m.state != "disabled"), None)
        if member:
            yield service, member


def _backup_only(facts: Facts) -> bool:
    """Whether a director knows that it is the backup: a sync daemon that follows the only instance."""
    failover = facts.cluster.failover
    return failover.engine == "keepalived" and failover.sync is not None and len(failover.instances) == 1


@rule("LVS521", ERROR)
def loop_of_two_masters(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Directors that serve themselves, synced, with several instances or without an engine.

    Why:
        `sync` makes a backup serve only and not schedule (backup_only). A director that is master of one instance and
        backup of another is neither: its IPVS is off while it should schedule, or on while it should not.

    Example:
        networks:
          outside: {prefixes: [192.0.2.0/24]}
          heartbeat: {prefixes: [10.10.0.0/24]}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.10.0.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3, eth1: 10.10.0.3}}
        realservers: {}
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          sync: {network: heartbeat, id: 51}
          instances:
            one: {vips: [192.0.2.100], vrid: 51}
            two: {vips: [192.0.2.101], vrid: 52, order: [lvs2, lvs1]}
        services:
          web: {vip: [192.0.2.100, 192.0.2.101], tcp: 80, method: dr, pool: [lvs1, lvs2]}  # <- LVS521

    Instead:
        networks:
          outside: {prefixes: [192.0.2.0/24]}
          heartbeat: {prefixes: [10.10.0.0/24]}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.10.0.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3, eth1: 10.10.0.3}}
        realservers: {}
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          sync: {network: heartbeat, id: 51}
        services:
          web: {vip: [192.0.2.100, 192.0.2.101], tcp: 80, method: dr, pool: [lvs1, lvs2]}

    Sources:
        ipvs-sysctl.rst, backup_only; ip_vs.h, sysctl_backup_only; seen on 6.1 and 6.12
    """
    failover = facts.cluster.failover
    if failover.sync is None or _backup_only(facts):
        return
    several = len(failover.instances) > 1
    for service, member in _boxes(facts):
        yield loop_of_two_masters.at(
            member.place,
            f"director {quote(member.host.name)} serves itself, and with "
            + ("several instances" if several else "`engine: none`")
            + " `sync` cannot tell which director may schedule",
            ("use one instance for all VIPs" if several else "write `engine: keepalived`")
            + ", or remove `sync` and write `mark: auto` on the service and `mac` on the directors' interfaces",
            [(failover.sync.place, "sync"), (service.place.key, "the service")],
        )
        return


@rule("LVS522", ERROR)
def loop_of_two_boxes(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Several directors that serve themselves by LVS-DR or LVS-Tun, with nothing that keeps the second one from
        scheduling what the first one gave it.

    Why:
        Both have the same table and the VIP. The second one schedules the packet again, perhaps back to the first one,
        and it bounces between them until its TTL is used up. Connections hang, and load rises on both.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        realservers: {}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [lvs1, lvs2]}  # <- LVS522

    Instead:
        networks:
          outside: {prefixes: [192.0.2.0/24]}
          heartbeat: {prefixes: [10.10.0.0/24]}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.10.0.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3, eth1: 10.10.0.3}}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, sync: {network: heartbeat, id: 51}}
        realservers: {}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [lvs1, lvs2]}

    Sources:
        ip_vs_core.c, ip_vs_in_hook and decrement_ttl; LVS-HOWTO, LocalNode
    """
    if facts.cluster.failover.sync is not None:
        return
    for service, member in _boxes(facts):
        if service.mark is None or service.mark.rules == "foreign":
            yield loop_of_two_boxes.at(
                member.place,
                f"director {quote(member.host.name)} would schedule once more what another director sends it, and the "
                "packet loops",
                "write `failover.sync`: a backup then only serves; or `mark: auto` on the service and `mac` on the "
                "directors' interfaces",
                [(service.place.key, "the service")],
            )


@rule("LVS523", ERROR)
def loop_without_mac(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Directors that serve themselves in a service by mark, without the MAC address of each other's interface.

    Why:
        The mark stops the loop only if packets from the other director are left unmarked, and they are known by their
        source MAC alone.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        realservers: {}
        services:
          web: {vip: 192.0.2.100, tcp: 80, mark: auto, method: dr, pool: [lvs1, lvs2]}  # <- LVS523

    Instead:
        directors:
          lvs1: {interfaces: {eth0: {addresses: 192.0.2.2/24, mac: "52:54:00:00:00:02"}}}
          lvs2: {interfaces: {eth0: {addresses: 192.0.2.3/24, mac: "52:54:00:00:00:03"}}}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        realservers: {}
        services:
          web: {vip: 192.0.2.100, tcp: 80, mark: auto, method: dr, pool: [lvs1, lvs2]}

    Sources:
        iptables-extensions(8), mac; LVS-HOWTO, LocalNode
    """
    if facts.cluster.failover.sync is not None:
        return
    for service, member in _boxes(facts):
        if service.mark is None or service.mark.rules == "foreign":
            continue
        networks = [a.network for vip in service.vips for a in vip.addresses if a.network]
        bare = [
            (director, interface)
            for director in facts.cluster.directors
            for interface in director.interfaces
            if not interface.mac and _faces(interface, networks)
        ]
        if bare:
            director, interface = bare[0]
            yield loop_without_mac.at(
                member.place,
                f"packets that director {quote(director.name)} hands on are known by its MAC address alone, and "
                f"{quote(interface.name)} has none here",
                f'write `{interface.name}: {{addresses: ..., mac: "52:54:00:12:34:56"}}` with the address of that '
                "interface, on every director; or `failover.sync`",
                [(interface.place, "the interface"), (service.place.key, "the service")],
            )


def _faces(interface: Interface, networks: Sequence[object]) -> bool:
    return any(a.network is not None and any(a.network is n for n in networks) for a in interface.addresses)
