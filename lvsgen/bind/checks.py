"""Health checks: named, bare or inline, with the timing of the service that they stand in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lvsgen.bind.context import Context
from lvsgen.bind.hosts import as_list
from lvsgen.bind.values import address, seconds
from lvsgen.diagnostics import Place, quote
from lvsgen.model import (
    BfdProbe,
    Check,
    DnsProbe,
    FileProbe,
    HttpProbe,
    PingProbe,
    Probe,
    ScriptProbe,
    SmtpProbe,
    TcpProbe,
    Timing,
    UdpProbe,
    Url,
)

BARE = ("tcp", "ping")
"""Checks that need no more than their name."""
KINDS = ("tcp", "ping", "http", "https", "dns", "smtp", "udp", "script", "file", "bfd")
_TIMING = ("interval", "timeout", "retries", "retry_delay", "warmup")


DEFAULT_TIMING = Timing()


def bind_timing(written: Mapping[str, Any], base: Timing = DEFAULT_TIMING) -> Timing:
    """Timing as written, over `base`. `warmup` follows the interval where it is not written."""
    values = {key: seconds(written[key]) for key in _TIMING if written.get(key) is not None}
    interval = values.get("interval", base.interval)
    follows = interval if base.warmup == base.interval else base.warmup
    return Timing(
        interval=interval,
        timeout=values.get("timeout", base.timeout),
        retries=int(values.get("retries", base.retries)),
        retry_delay=values.get("retry_delay", base.retry_delay),
        warmup=values.get("warmup", follows),
    )


def bind_checks(
    context: Context, value: Any, place: Place, timing: Timing, *, names: bool = True
) -> tuple[Check, ...] | None:
    """The checks of one field `check`, all of which must pass; None if they are broken.

    `names` tells whether declared checks may be named; within `checks` they may not, so there are no circles.
    """
    checks: list[Check] = []
    for item, index in as_list(value):
        found = _named(context, item, place.at(*index), timing, names) if isinstance(item, str) else None
        if found is None and not isinstance(item, str):
            check = _one(context, item, place.at(*index), timing)
            found = (check,) if check else None
        if found is None:
            return None
        checks.extend(found)
    return tuple(checks)


def _named(context: Context, name: str, place: Place, timing: Timing, names: bool) -> tuple[Check, ...] | None:
    """A check declared under `checks` (which may be a list there), or a bare type."""
    entry = context.sections["checks"].get(name) if names else None
    if entry is not None:
        if name in context.broken["checks"]:
            return None
        return bind_checks(context, entry.data, entry.place, timing, names=False)
    if name in BARE:
        probe: Probe = TcpProbe() if name == "tcp" else PingProbe()
        return (Check(kind=name, probe=probe, timing=timing, place=place),)
    context.unknown("check", name, [*(context.sections["checks"] if names else ()), *BARE], place)
    return None


def _one(context: Context, value: Mapping[str, Any], place: Place, timing: Timing) -> Check | None:
    kinds = [key for key in KINDS if key in value]
    if len(kinds) != 1:
        context.error(
            "LVS030",
            "one-check-type",
            f"a check has one type, this one has {len(kinds)}",
            place,
            f"write one of {', '.join(quote(k) for k in KINDS)}; several checks are a list",
        )
        return None
    kind = kinds[0]
    found = len(context.findings)
    probe = _probe(context, kind, value[kind], place.at(kind))
    addresses = {
        key: address(context, value[key], place.at(key)) for key in ("address", "source") if value.get(key) is not None
    }
    if probe is None or len(context.findings) > found:
        return None
    return Check(
        kind=kind,
        probe=probe,
        port=value.get("port"),
        address=addresses.get("address"),
        source=addresses.get("source"),
        timing=bind_timing(value, timing),
        start=value.get("start"),
        place=place,
    )


def _probe(context: Context, kind: str, value: Any, place: Place) -> Probe | None:
    given: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    match kind:
        case "tcp":
            return TcpProbe()
        case "ping":
            return PingProbe()
        case "http" | "https":
            return _http(kind == "https", value, place)
        case "dns":
            return DnsProbe(query=given.get("name", "") if given else str(value), record=given.get("type") or "SOA")
        case "smtp":
            return SmtpProbe(helo=given.get("helo") or "")
        case "udp":
            return UdpProbe(payload=given.get("payload") or "", reply=given.get("reply") or "")
        case "script":
            command = given.get("command", []) if given else value
            timeout = given.get("timeout")
            return ScriptProbe(
                command=tuple(str(argument) for argument in command),
                timeout=None if timeout is None else seconds(timeout),
                user=given.get("user") or "",
                sets_weight=bool(given.get("sets_weight")),
            )
        case "file":
            return FileProbe(path=value)
        case _:
            neighbour = address(context, value, place)
            return BfdProbe(neighbour=neighbour) if neighbour else None


def _http(tls: bool, value: Any, place: Place) -> HttpProbe:
    urls, sni, version = [], "", ""
    for item, index in as_list(value):
        given: Mapping[str, Any] = item if isinstance(item, Mapping) else {"path": item}
        statuses = tuple(str(s) for s, _ in as_list(given.get("status"))) or ("200",)
        urls.append(
            Url(
                path=given["path"],
                host=given.get("host") or "",
                sni=given.get("sni") or "",
                status=statuses,
                body=given.get("body") or "",
                body_not=given.get("body_not") or "",
                digest=given.get("digest") or "",
                place=place.at(*index),
            )
        )
        sni = sni or given.get("sni") or ""
        version = version or str(given.get("version") or "")
    if tls and not sni:
        sni = next((url.host for url in urls if url.host), "")
    return HttpProbe(tls=tls, urls=tuple(urls), sni=sni, version=version)
