"""The sync daemon."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, WARNING, rule


@rule("LVS525", WARNING)
def sync_beside_clients(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Connections synced over a network that holds a VIP, although the directors share another one.

    Why:
        Sync messages are plain UDP multicast. Anybody on that network can read who talks to whom, and inject
        connections.

    Example:
        networks:
          outside: {prefixes: [192.0.2.0/24]}
          heartbeat: {prefixes: [10.10.0.0/24]}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.10.0.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3, eth1: 10.10.0.3}}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, sync: {network: outside, id: 51}}  # <- LVS525

    Instead:
        networks:
          outside: {prefixes: [192.0.2.0/24]}
          heartbeat: {prefixes: [10.10.0.0/24]}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.10.0.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3, eth1: 10.10.0.3}}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, sync: {network: heartbeat, id: 51}}

    Sources:
        ip_vs_sync.c; ipvsadm(8), --start-daemon
    """
    sync = facts.cluster.failover.sync
    if sync is None or not facts.is_pair:
        return
    facing = {a.network.name for vip in facts.cluster.vips for a in vip.addresses if a.network}
    shared = set.intersection(*({a.network.name for a in d.addresses if a.network} for d in facts.cluster.directors))
    better = sorted(shared - facing)
    if sync.network.name in facing and better:
        yield sync_beside_clients.at(
            sync.place.at("network"),
            f"connections are synced over {quote(sync.network.name)}, where clients send to VIPs: anybody there "
            "can read "
            "and inject them",
            f"write `network: {better[0]}`",
        )


@rule("LVS553", ERROR)
def sync_group_not_multicast(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A sync group that is no multicast address.

    Why:
        The kernel refuses to start the daemon, so no connection survives a failover.

    Example:
        networks: {outside: {prefixes: [192.0.2.0/24]}, heartbeat: {prefixes: [10.10.0.0/24]}}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.10.0.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3, eth1: 10.10.0.3}}
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          sync: {network: heartbeat, id: 51, group: 10.10.0.3}  # <- LVS553

    Instead:
        networks: {outside: {prefixes: [192.0.2.0/24]}, heartbeat: {prefixes: [10.10.0.0/24]}}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.10.0.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3, eth1: 10.10.0.3}}
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          sync: {network: heartbeat, id: 51, group: 224.0.0.82}

    Sources:
        ip_vs_ctl.c, ip_vs_genl_new_daemon; ipvsadm(8), --mcast-group
    """
    failover = facts.cluster.failover
    if failover.sync and failover.sync.group and not failover.sync.group.is_multicast:
        yield sync_group_not_multicast.at(
            failover.sync.place.at("group"),
            f"{failover.sync.group} is no multicast address, and the sync daemon would not start",
            "remove `group` (224.0.0.81), or write another multicast address",
        )
    for group in failover.multicast or ():
        if not group.is_multicast:
            yield sync_group_not_multicast.at(
                failover.place.at("transport", "multicast"),
                f"{group} is no multicast address",
                "write `transport: multicast` for VRRP's own group, or a multicast address",
            )


@rule("LVS555", ERROR)
def sync_network_unattached(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A sync network to which a director is not attached.

    Why:
        The daemon does not start there ("No such device"), and that director knows no connections when it takes over.

    Example:
        networks:
          outside: {prefixes: [192.0.2.0/24]}
          heartbeat: {prefixes: [10.10.0.0/24]}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.10.0.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3}}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, sync: {network: heartbeat, id: 51}}  # <- LVS555

    Instead:
        networks:
          outside: {prefixes: [192.0.2.0/24]}
          heartbeat: {prefixes: [10.10.0.0/24]}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.10.0.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3, eth1: 10.10.0.3}}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, sync: {network: heartbeat, id: 51}}

    Sources:
        ip_vs_sync.c, start_sync_thread; ipvsadm(8), --mcast-interface
    """
    sync = facts.cluster.failover.sync
    if sync is None or not facts.knows_networks:
        return
    for director in facts.cluster.directors:
        if all(a.network is not sync.network for a in director.addresses):
            yield sync_network_unattached.at(
                sync.place.at("network"),
                f"director {quote(director.name)} is not attached to network {quote(sync.network.name)}, so it "
                "would sync "
                "no connections",
                "give it an interface there, or name a network that all directors share",
                [(director.place.at("interfaces"), "its interfaces")],
            )


@rule("LVS556", ERROR)
def sync_threshold_too_low(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A sync threshold of 0 or 1 packets, or one that is not below its period.

    Why:
        A TCP connection is copied when it becomes established, at its second or third packet. A threshold below that is
        already past: live connections are copied only after a whole period, or never. The kernel refuses a threshold
        that is not below the period.

    Example:
        networks: {outside: {prefixes: [192.0.2.0/24]}, heartbeat: {prefixes: [10.10.0.0/24]}}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.10.0.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3, eth1: 10.10.0.3}}
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          sync: {network: heartbeat, id: 51, threshold: [1, 50]}  # <- LVS556

    Instead:
        networks: {outside: {prefixes: [192.0.2.0/24]}, heartbeat: {prefixes: [10.10.0.0/24]}}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.10.0.2}}
          lvs2: {interfaces: {eth0: 192.0.2.3, eth1: 10.10.0.3}}
        failover:
          engine: keepalived
          order: [lvs1, lvs2]
          vrid: 51
          sync: {network: heartbeat, id: 51, threshold: [3, 50]}

    Sources:
        ipvs-sysctl.rst, sync_threshold; ip_vs_ctl.c, proc_do_sync_threshold; seen on 6.1 and 6.12
    """
    sync = facts.cluster.failover.sync
    if sync is None or sync.threshold is None:
        return
    first, period = sync.threshold
    place = sync.place.at("threshold")
    if first < 2:
        yield sync_threshold_too_low.at(
            place,
            f"with a threshold of {first} live TCP connections are copied only after {period or 'endless'} packets",
            "write `threshold: [3, 50]`, the kernel's default, or leave it out",
        )
    elif period and first >= period:
        yield sync_threshold_too_low.at(
            place,
            f"the kernel refuses a threshold of {first} packets that is not below its period of {period}",
            f"write `threshold: [{first}, {first * 10}]`",
        )
