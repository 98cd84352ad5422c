"""What a scheduler must show: takes an endpoint, returns how often to ask and who must answer how often.

The figures are those of the kernel's schedulers (net/netfilter/ipvs/ip_vs_*.c), seen on 6.1 and 6.12: rr and wrr deal
exactly, hashes keep a client with its realserver, and sed and nq spread connections that stay open but not short ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from math import gcd

from lvsgen.lab.endpoints import Endpoint

_ENOUGH = 16
"""Times to ask at least, where shares are exact."""

_EVEN = 20.0
"""Seconds until connections are even again where they are counted: a realserver that health checks let in last gets all
new ones until it has as many as the others, and what was refused counts for a while.
"""

_BY_CLIENT = ("sh", "mh")
_BY_TARGET = ("dh", "lblc", "lblcr")
_BY_LOAD = ("sed", "nq")
_NO_SPREAD = ("fo", "ovf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Fields of an `Ask`, as they are called there."""

    count: int
    share: Mapping[str, int] = field(default_factory=dict)
    tolerance: int = 0
    one: bool = False
    subset: bool = False
    affinity: bool = False
    groups: tuple[str, ...] = ()
    held: bool = False
    one_socket: bool = False
    seconds: float = 0


def share(endpoint: Endpoint, weights: Mapping[str, int], members: Mapping[str, int], sources: Sequence[str]) -> Share:
    """What is to be seen. `weights` are those of the machines that play its active members, by name; `members` is how
    many each plays.
    """
    service = endpoint.service
    scheduler = service.scheduler
    by_port = any(flag.endswith("-port") for flag in service.flags)
    many = len(weights) > 8
    # With the engine for SIP each call is a client, and each time asked is another call.
    if service.persistence and not service.persistence.engine:
        groups = groups_of(endpoint, sources)
        few = many or len(set(groups)) < 4 * len(weights)
        return Share(count=2 * len(sources), affinity=True, groups=groups, subset=few)
    if service.ops and scheduler not in ("rr", "wrr"):
        return Share(count=_ENOUGH, subset=True, one_socket=True)
    if scheduler in ("rr", "wrr"):
        return _dealt(endpoint, weights if scheduler == "wrr" else members)
    if scheduler in _BY_CLIENT and not by_port:
        return Share(count=2 * len(sources), affinity=True, subset=many or len(sources) < 6 * len(weights))
    if scheduler in _BY_CLIENT:
        return Share(count=12 * len(weights), subset=many)
    if scheduler in _BY_TARGET:
        return Share(count=6, one=True)
    if scheduler in _NO_SPREAD or (endpoint.protocol == "udp" and scheduler in _BY_LOAD):
        return Share(count=6, subset=True)
    cycle = sum(weights.values()) // gcd(*weights.values())
    return Share(count=max(_ENOUGH, 2 * cycle), held=scheduler in _BY_LOAD, seconds=_EVEN)


def _dealt(endpoint: Endpoint, turns: Mapping[str, int]) -> Share:
    """Round robin: in one round each member gets one turn, or its weight over the greatest common divisor."""
    plain = endpoint.service.scheduler == "rr"
    divisor = 1 if plain else gcd(*(m.weight for m in endpoint.active))
    members = {name: number // divisor for name, number in turns.items()}
    total = sum(members.values())
    rounds = -(-_ENOUGH // total)
    # Now and then a round of wrr begins between two of the kernel's own (seen with UDP).
    loose = 1 if not plain and endpoint.protocol == "udp" else 0
    return Share(
        count=total * rounds,
        share={name: number * rounds for name, number in members.items()},
        tolerance=loose,
        one_socket=endpoint.service.ops,
    )


def groups_of(endpoint: Endpoint, sources: Sequence[str]) -> tuple[str, ...]:
    """The clients that persistence takes for one: those of one netmask."""
    persistence = endpoint.service.persistence
    assert persistence
    four = endpoint.family == "ipv4"
    length = (persistence.netmask_ipv4 or 32) if four else (persistence.netmask_ipv6 or 128)
    return tuple(str(ip_network(f"{source}/{length}", strict=False)) for source in sources)
