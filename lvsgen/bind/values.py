"""Scalars of the language as Python values: durations, ports, versions, addresses.

The schema has checked the shape of each text; what only arithmetic can tell (an octet of 300) is a finding here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from lvsgen.bind.context import Context
from lvsgen.diagnostics import Place, quote
from lvsgen.model import ALL_PORTS, IPAddress, IPNetwork, Metadata, Version

_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")


def seconds(value: Any) -> float:
    """A duration in seconds: `15m`, `500ms`, or a bare number of seconds. Whole numbers come back as int."""
    if isinstance(value, str):
        match = _DURATION.fullmatch(value)
        number = float(match[1]) * _UNITS[match[2]] if match else float(value)
    else:
        number = float(value)
    number = round(number, 6)
    return int(number) if number == int(number) else number


def port_range(value: Any) -> tuple[int, int]:
    """The first and the last port of `80`, `"50000-50100"` or `all`."""
    if value == "all":
        return ALL_PORTS, ALL_PORTS
    first, _, last = str(value).partition("-")
    return int(first), int(last or first)


def version(value: str) -> Version:
    """`"1.31"` as (1, 31)."""
    return tuple(int(part) for part in value.split("."))


def metadata(context: Context, data: Mapping[str, Any], place: Place) -> Metadata:
    """Description, owner and date of expiry. The schema has refused what is no text, which counts as not written."""
    description, owner, written = (
        value if isinstance(value, str) else "" for value in map(data.get, ("description", "owner", "expires"))
    )
    expires = None
    if written:
        try:
            expires = date.fromisoformat(written)
        except ValueError:
            context.error(
                "LVS029",
                "no-such-date",
                f"{quote(written)} is no day of the calendar",
                place.at("expires"),
                "write a date as `YYYY-MM-DD`",
            )
    return Metadata(description=description, owner=owner, expires=expires)


def address(context: Context, text: str, place: Place) -> IPAddress | None:
    """A literal address, or None with a finding."""
    try:
        found = ip_address(text)
    except ValueError as error:
        context.error(
            "LVS021", "bad-address", f"{quote(text)} is not an address: {_reason(text, error)}", place, _ADDRESS_HELP
        )
        return None
    if isinstance(found, IPv6Address) and (found.scope_id or found.ipv4_mapped):
        context.error(
            "LVS021",
            "bad-address",
            f"{quote(text)} has a zone or is an IPv4 address in IPv6 clothes",
            place,
            "write the global IPv6 address, or the IPv4 address itself",
        )
        return None
    return found


def network(context: Context, text: str, place: Place) -> IPNetwork | None:
    """A prefix, or None with a finding."""
    try:
        return ip_network(text)
    except ValueError as error:
        helping = _ADDRESS_HELP
        if "host bits" in str(error):
            helping = f"write the network itself: `{ip_network(text, strict=False)}`"
        context.error("LVS021", "bad-address", f"{quote(text)} is not a prefix: {_reason(text, error)}", place, helping)
        return None


_ADDRESS_HELP = "write a literal IPv4 or IPv6 address; names are never resolved, so that a build needs no DNS"


def _reason(text: str, error: ValueError) -> str:
    """What Python's ipaddress found wrong, without the text that it repeats."""
    reason = str(error).replace(repr(text), "").strip(" :")
    if not reason or reason.startswith("does not appear"):
        return "no literal IPv4 or IPv6 form"
    return quote(reason).strip("`").replace("`", "'")
