"""The expectations of the section `tests`: which service a packet meets, and where it may go.

The kernel looks for a mark first, then for the exact address, then (TCP) for a service of port 21 if the port is one
that FTP data may have, then for one of all ports (ip_vs_ctl.c, ip_vs_service_find).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from lvsgen.diagnostics import Finding, Place, quote
from lvsgen.model import (
    ALL_PORTS,
    AddressKey,
    Cluster,
    IPAddress,
    MarkKey,
    PacketTest,
    Service,
    VirtualService,
    family_of,
)
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule

_Table: TypeAlias = Mapping[AddressKey | MarkKey, VirtualService]
_Marked: TypeAlias = dict[IPAddress | None, list[Service]]

_FTP, _FTP_DATA, _FIRST_FREE = 21, 20, 1024


@rule("LVS854", ERROR)
def packet_test_fails(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        An expectation of `tests` that does not hold, or that names what is not declared.

    Why:
        It was written down so that a later change cannot break it unseen; this one has.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: [80, 443], method: dr}
          api: {vip: 192.0.2.100, tcp: 8080, method: dr}
        tests:
          - {from: 198.51.100.7, to: "tcp:192.0.2.100:443", expect: {service: api}}  # <- LVS854

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: [80, 443], method: dr}
          api: {vip: 192.0.2.100, tcp: 8080, method: dr}
        tests:
          - {from: 198.51.100.7, to: "tcp:192.0.2.100:443", expect: {service: web}}

    Sources:
        ip_vs_ctl.c, ip_vs_service_find
    """
    cluster = facts.cluster
    # What was left out may be what the packet meets.
    if cluster.partial:
        return
    table = {virtual.key: virtual for virtual in cluster.virtual_services} if cluster.tests else {}
    marked = _marked(cluster)
    for test in cluster.tests:
        problem = _unknown(facts, test) or _of_its_own(facts, test) or _judge(cluster, marked, table, test)
        if problem:
            yield packet_test_fails.at(*problem)


def _unknown(facts: Facts, test: PacketTest) -> tuple[Place, str, str] | None:
    """A name that is not declared, or two families."""
    expect = test.place.at("expect")
    if family_of(test.source) != test.target.family:
        return (
            test.place.at("from"),
            f"a packet from {test.source} cannot go to {test.target.ip}: they are of two families",
            "write addresses of one family",
        )
    if test.service and test.service not in facts.by_name:
        known = ", ".join(quote(name) for name in list(facts.by_name)[:8])
        return expect.at("service"), f"there is no service called {quote(test.service)}", f"known here: {known}"
    for name in test.realservers:
        if name not in facts.hosts:
            return expect.at("realservers"), f"there is no realserver called {quote(name)}", "correct the name"
    return None


def _of_its_own(facts: Facts, test: PacketTest) -> tuple[Place, str, str] | None:
    """A realserver that asks for a VIP which it holds itself."""
    for host, _ in facts.owners.get(test.source, ()):
        for service in facts.cluster.services if not host.is_director else ():
            holds = any(m.host is host and m.method != "nat" for m in facts.pool(service).members)
            if holds and any(a.ip == test.target.ip for vip in service.vips for a in vip.addresses):
                what = f"{quote(host.name)} holds the VIP {test.target.ip} itself, so it never asks a director for it"
                return test.place.at("from"), what, "serve it by LVS-NAT, or let it use an address of another service"
    return None


def _judge(cluster: Cluster, marked: _Marked, table: _Table, test: PacketTest) -> tuple[Place, str, str] | None:
    """How what happens differs from what is expected."""
    expect = test.place.at("expect")
    helping = "correct the service, or the expectation if it has changed"
    virtual = _meets(cluster, marked, table, test)
    if virtual is None:
        return test.place.at("to"), "no service takes this packet", helping
    name = virtual.service.name
    if test.service and name != test.service:
        return expect.at("service"), f"this packet meets the service {quote(name)}", helping
    live = [d.member for d in virtual.destinations if d.member.live_weight > 0]
    reached = sorted({m.host.name for m in live})
    if test.realservers and reached != sorted(set(test.realservers)):
        told = ", ".join(quote(one) for one in reached) or "no realserver at all"
        return expect.at("realservers"), f"service {quote(name)} sends this packet to {told}", helping
    other = next((m for m in live if test.method and m.method != test.method), None)
    if other:
        return (
            expect.at("method"),
            f"service {quote(name)} sends this packet to {quote(other.host.name)} by `{other.method}`",
            helping,
        )
    return None


def _marked(cluster: Cluster) -> _Marked:
    """The services by mark under each of their addresses; under None those of wider prefixes."""
    found: _Marked = {}
    for service in cluster.services if cluster.tests else ():
        if service.mark:
            addresses = (a for vip in service.vips for a in vip.addresses)
            for ip in dict.fromkeys(a.ip if a.prefix.num_addresses == 1 else None for a in addresses):
                found.setdefault(ip, []).append(service)
    return found


def _meets(cluster: Cluster, marked: _Marked, table: _Table, test: PacketTest) -> VirtualService | None:
    """The entry of the table that takes a packet."""
    target = test.target
    for service in (*marked.get(target.ip, ()), *marked.get(None, ())):
        if service.mark and _is_marked(cluster, service, test):
            return table.get(MarkKey(service.mark.value(target.family), target.family))
    found = table.get(target)
    if found is None and target.protocol == "tcp" and (target.port == _FTP_DATA or target.port >= _FIRST_FREE):
        found = table.get(AddressKey("tcp", target.ip, _FTP))
        # A connection from elsewhere is no data connection: only persistence tells whose it is (ip_vs_schedule).
        found = found if found and found.service.persistence else None
    return found or table.get(AddressKey(target.protocol, target.ip, ALL_PORTS))


def _is_marked(cluster: Cluster, service: Service, test: PacketTest) -> bool:
    """Whether a packet gets the mark of a service. Foreign rules are taken to mark what the service says."""
    target = test.target
    if not any(target.ip in a.prefix for vip in service.vips for a in vip.addresses if a.family == target.family):
        return False
    if service.sources and not {n.name for n in service.sources} & _enters(cluster, test):
        return False
    if not service.ports:
        return True
    return any(
        p.protocol == target.protocol and (p.first == ALL_PORTS or p.first <= target.port <= p.last)
        for p in service.ports
    )


def _enters(cluster: Cluster, test: PacketTest) -> set[str]:
    """The networks through which a packet comes: the client's own, else those with a gateway of its family."""
    near = {n.name for n in cluster.networks if n.prefix_of(test.source)}
    family = family_of(test.source)
    return near or {n.name for n in cluster.networks if any(family_of(g) == family for g in n.gateways)}
