"""Packets that two services would claim."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import IPNetwork, Ports, Service
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule

_EVERY = (0, 65535)


@dataclass(frozen=True, slots=True)
class _Claim:
    """Ports of a VIP that a service claims, by mark or by its address."""

    service: Service
    ports: Ports
    first: int
    last: int

    @property
    def text(self) -> str:
        if (self.first, self.last) == _EVERY:
            return f"every {self.ports.protocol} port"
        span = f"{self.first}" if self.first == self.last else f"{self.first}-{self.last}"
        return f"{self.ports.protocol} port {span}"


@rule("LVS405", ERROR)
def mark_shadows_address(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        The same VIP and port by mark in one service and by address in another.

    Why:
        The kernel looks for the mark first, so the service by address never gets a packet.

    Example:
        services:
          shop: {vip: 192.0.2.100, tcp: [80, 443], mark: auto, method: dr}
          web: {vip: 192.0.2.100, tcp: 80, method: dr}  # <- LVS405

    Instead:
        services:
          shop: {vip: 192.0.2.100, tcp: [80, 443], mark: auto, method: dr}
          web: {vip: 192.0.2.101, tcp: 80, method: dr}

    Sources:
        ip_vs_ctl.c, ip_vs_service_find
    """
    for marked, plain in _collisions(facts):
        if plain.service.mark is None and not marked.service.sources:
            # `all` ports are what is left over: that is its use beside a mark for some of them.
            if (plain.first, plain.last) == _EVERY and (marked.first, marked.last) != _EVERY:
                continue
            yield mark_shadows_address.at(
                plain.service.place.at(plain.ports.protocol),
                f"{quote(marked.service.name)} marks {marked.text} of this VIP, so {quote(plain.service.name)} "
                "never gets "
                "a packet of it",
                "remove the port from one of them, or write another VIP",
                [(marked.service.place.at("mark"), "the mark")],
            )


@rule("LVS406", ERROR)
def marks_overlap(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Two services that mark the same packets.

    Why:
        A packet has one mark, and the last rule wins. Which rule is last depends on names: one service never gets a
        packet.

    Example:
        services:
          shop: {vip: 192.0.2.100, tcp: [80, 443], mark: auto, method: dr}
          web: {vip: 192.0.2.100, tcp: "80-90", mark: auto, method: dr}  # <- LVS406

    Instead:
        services:
          shop: {vip: 192.0.2.100, tcp: [80, 443], mark: auto, method: dr}
          web: {vip: 192.0.2.100, tcp: "81-90", mark: auto, method: dr}

    Sources:
        iptables-extensions(8), MARK
    """
    for first, second in _collisions(facts):
        if second.service.mark is None:
            continue
        one, two = ({n.name for n in claim.service.sources} for claim in (first, second))
        if one and two and not one & two:
            continue
        yield marks_overlap.at(
            second.service.place.at(second.ports.protocol),
            f"{quote(first.service.name)} marks {first.text} of this VIP as well",
            "remove the port from one of them, write another VIP, or tell them apart by `from`",
            [(first.service.place.at(first.ports.protocol), "also here")],
        )


def _collisions(facts: Facts) -> list[tuple[_Claim, _Claim]]:
    """Pairs of services that claim the same packets, the first one by mark; each pair of services once."""
    exact: dict[tuple[str, IPNetwork], list[_Claim]] = defaultdict(list)
    wide: dict[tuple[str, IPNetwork], list[_Claim]] = defaultdict(list)
    # Where a network is broken, a service may lack what it says of `from`.
    if not facts.knows_networks or not any(s.mark for s in facts.cluster.services):
        return []
    for service in facts.cluster.services:
        if service.mark and service.mark.rules == "foreign":
            continue
        for ports in service.ports:
            span = (ports.first, ports.last) if ports.first else _EVERY
            claim = _Claim(service, ports, *span)
            for prefix in {a.prefix for vip in service.vips for a in vip.addresses}:
                place = wide if prefix.num_addresses > 1 else exact
                place[ports.protocol, prefix].append(claim)
    found: dict[tuple[str, str], tuple[_Claim, _Claim]] = {}
    for group in (*exact.values(), *wide.values()):
        _overlaps(sorted(group, key=_order), found)
    for (protocol, network), claims in wide.items():
        for (other_protocol, prefix), others in (*exact.items(), *wide.items()):
            if protocol == other_protocol and prefix != network and _within(prefix, network):
                _overlaps(sorted((*claims, *others), key=_order), found)
    return [found[names] for names in sorted(found)]


def _overlaps(claims: list[_Claim], found: dict[tuple[str, str], tuple[_Claim, _Claim]]) -> None:
    """Notes overlapping claims of a list that is sorted by ports."""
    open_claims: list[_Claim] = []
    for claim in claims:
        open_claims = [other for other in open_claims if other.last >= claim.first]
        for other in open_claims:
            if other.service is claim.service or not (other.service.mark or claim.service.mark):
                continue
            pair = sorted((other, claim), key=lambda c: (c.service.mark is None, c.service.name))
            found.setdefault((pair[0].service.name, pair[1].service.name), (pair[0], pair[1]))
        open_claims.append(claim)


def _order(claim: _Claim) -> tuple[int, int, str]:
    return claim.first, claim.last, claim.service.name


def _within(prefix: IPNetwork, network: IPNetwork) -> bool:
    return prefix.version == network.version and prefix.network_address in network
