"""`check --as-of DATE`: takes a cluster and a day, returns findings about everything whose `expires` has passed.

Not a rule, for rules judge the same description the same way every day; and never part of a build, whose bytes must
not depend on the calendar.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from lvsgen.diagnostics import Finding, Place, Severity, quote
from lvsgen.model import Cluster, Metadata

NAMES = {"LVS910": "expired"}
"""Codes of this stage."""


def check(cluster: Cluster, day: date) -> tuple[Finding, ...]:
    """A warning for each thing that has expired on `day`. The last day of something is the one that is written."""
    return tuple(
        Finding(
            code="LVS910",
            name=NAMES["LVS910"],
            severity=Severity.WARNING,
            message=f"{what} expired on {meta.expires}" + (f"; its owner is {quote(meta.owner)}" if meta.owner else ""),
            place=place.at("expires"),
            help="remove it, or write a later day",
        )
        for what, meta, place in dict.fromkeys(_dated(cluster))
        if meta.expires is not None and meta.expires < day
    )


def _dated(cluster: Cluster) -> Iterator[tuple[str, Metadata, Place]]:
    """Everything that may carry a date; members of a pool come once for each service that uses it."""
    yield f"the cluster {quote(cluster.name)}", cluster.meta, cluster.place
    for host in cluster.hosts:
        yield f"the {host.role} {quote(host.name)}", host.meta, host.place
    for vip in cluster.vips:
        yield f"the VIP {quote(vip.name)}", vip.meta, vip.place
    for service in cluster.services:
        yield f"the service {quote(service.name)}", service.meta, service.place
        for member in service.members:
            if member.meta.expires is not None:
                yield f"the member {quote(member.host.name)}", member.meta, member.place
