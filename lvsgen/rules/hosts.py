"""Hosts that cannot do what is asked of them."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule


@rule("LVS605", ERROR)
def vip_on_real_interface(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A realserver that shall hold the VIPs on one of its network interfaces.

    Why:
        A host answers ARP for the addresses of an interface on that interface, whatever arp_ignore says. The realserver
        takes the VIP over from the director, and with IPv6 it stops the director from using it.

    Example:
        realservers:
          rs1: {interfaces: {eth0: 192.0.2.11}, loopback: eth0}  # <- LVS605

    Instead:
        realservers:
          rs1: {interfaces: {eth0: 192.0.2.11}, loopback: dummy0}

    Sources:
        arp.c, arp_ignore; ndisc.c, ndisc_recv_ns
    """
    for host in facts.cluster.hosts:
        own = next((i for i in host.interfaces if i.name == host.loopback), None)
        if own:
            yield vip_on_real_interface.at(
                host.place.at("loopback"),
                f"{quote(host.loopback)} is a network interface of {quote(host.name)}: it would answer ARP for "
                "the VIPs",
                "write `lo` or `dummy0`",
                [(own.place, "the interface")],
            )


@rule("LVS618", ERROR)
def system_without_target(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A host whose files lvsgen shall generate, with a system other than Linux.

    Why:
        Everything that lvsgen generates is for Linux. An unmanaged host is checked all the same, and the report tells
        its owner what to do.

    Example:
        realservers:
          rs1: {addresses: 192.0.2.11, os: freebsd}  # <- LVS618

    Instead:
        realservers:
          rs1: {addresses: 192.0.2.11, os: freebsd, managed: false}

    Sources:
        ip-address(8); sysctl.d(5)
    """
    for host in facts.cluster.hosts:
        if host.os != "linux" and (host.managed or host.is_director):
            yield system_without_target.at(
                host.place.at("os"),
                f"{quote(host.name)} runs {host.os}, and lvsgen generates files for Linux only"
                if not host.is_director
                else f"a director runs IPVS, which {host.os} does not have",
                "write `managed: false`, and let its owner configure it" if not host.is_director else "remove `os`",
            )
