"""What of a large cluster is played: takes the cluster, returns the services asked and the realservers played.

A realserver costs seconds in an emulated processor. Those beyond the limit are played by one machine that holds all
their addresses, so that the table of the directors is complete; what is left out is said.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from lvsgen.model import Cluster, Service

MOST_SERVICES = 12
MOST_REALSERVERS = 12
_FEW = 6
"""Realservers that are played where there are more than the limit."""

CROWD = "others"
"""The one machine that plays all other realservers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """`services` are asked. `crowd` are the realservers that one machine plays together. `note` says so in a line."""

    services: tuple[Service, ...]
    crowd: frozenset[str] = frozenset()
    note: str = ""


def sample(cluster: Cluster) -> Sample:
    """All of a small cluster; of a large one, one service of each kind and a few realservers of these."""
    services = cluster.services
    if len(services) > MOST_SERVICES:
        kinds: dict[object, Service] = {}
        for service in services:
            pool = tuple(member.host.name for member in service.members)
            kinds.setdefault((pool, service.scheduler, service.methods, service.mark is None), service)
        services = tuple(kinds.values())[:MOST_SERVICES]
    hosts = [host.name for host in cluster.realservers]
    crowd: frozenset[str] = frozenset()
    if len(hosts) > MOST_REALSERVERS:
        crowd = frozenset(hosts) - _played(services)
    notes = []
    if len(services) < len(cluster.services):
        shown = ", ".join(service.name for service in services)
        notes.append(
            f"{len(services)} of {len(cluster.services)} services are played ({shown}), the files hold no other"
        )
    if crowd:
        notes.append(f"{len(crowd)} of {len(hosts)} realservers are played by one machine, `{CROWD}`")
    return Sample(services=services, crowd=crowd, note="; ".join(notes))


def _played(services: tuple[Service, ...]) -> frozenset[str]:
    """A few realservers, in turn from each service: its first ones, as its last ones stay in the crowd."""
    played: Counter[str] = Counter()
    depth = 0
    longest = max((len(service.members) for service in services), default=0)
    while len(played) < _FEW and depth < longest:
        for service in services:
            names = [member.host.name for member in service.members if not member.host.is_director]
            if depth < len(names) and len(played) < _FEW:
                played[names[depth]] += 1
        depth += 1
    return frozenset(played)
