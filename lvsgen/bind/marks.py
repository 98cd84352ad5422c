"""Firewall marks of services."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from lvsgen.bind.context import Context
from lvsgen.bind.fields import Fields
from lvsgen.diagnostics import Place, Related, quote
from lvsgen.model import Mark, Service

DEFAULT_RANGE = (0x1000000, 0x1FFFFFF)
"""Where `mark: auto` allocates: above what people choose by hand, below what `ipvsadm -S` prints negative."""


def bind_mark_range(context: Context) -> tuple[int, int]:
    """The first and the last mark that may be allocated."""
    first, last = (context.root.get("marks") or {}).get("range") or DEFAULT_RANGE
    if last < first:
        context.error(
            "LVS028",
            "bad-range",
            f"the range of marks from {first} to {last} holds none",
            context.root_place.at("marks", "range"),
            "write `[LOW, HIGH]`",
        )
        return DEFAULT_RANGE
    return first, last


def bind_mark(cluster: str, name: str, fields: Fields, mark_range: tuple[int, int], place: Place) -> Mark | None:
    """The mark of a service: given, or allocated within the range."""
    value = fields.get("mark")
    if value is None or value is False:
        return None
    given = value if isinstance(value, Mapping) else {"value": value}
    number = given.get("value", "auto")
    allocated = number == "auto"
    if allocated:
        low, high = mark_range
        # A hash of the names and not the position: adding a service moves no other mark.
        digest = hashlib.sha256(f"{cluster}/{name}".encode()).digest()
        number = low + int.from_bytes(digest[:8], "big") % (high - low + 1)
    return Mark(
        ipv4=number["ipv4"] if isinstance(number, Mapping) else number,
        ipv6=number["ipv6"] if isinstance(number, Mapping) else number,
        allocated=allocated,
        rules=given.get("rules") or "generated",
        place=place.at("mark"),
    )


def refuse_equal_marks(context: Context, services: Iterable[Service]) -> None:
    """Two services that hash to one mark would be one service in the kernel."""
    seen: dict[int, Service] = {}
    for service in services:
        if service.mark is None or not service.mark.allocated:
            continue
        other = seen.setdefault(service.mark.ipv4, service)
        if other is not service:
            context.error(
                "LVS037",
                "mark-collision",
                f"the marks of {quote(service.name)} and {quote(other.name)} are both {service.mark.ipv4}",
                service.mark.place,
                "give one of them a number: `mark: 17`",
                [Related(other.place, "the other service")] if other.mark else (),
            )
