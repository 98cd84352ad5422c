"""Failover: who moves the addresses, in which order, and how the directors tell one another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lvsgen.bind.context import Context
from lvsgen.bind.hosts import as_list
from lvsgen.bind.options import command
from lvsgen.bind.values import address, seconds
from lvsgen.diagnostics import Place, quote
from lvsgen.model import (
    Failover,
    Garp,
    Host,
    Instance,
    Network,
    Secret,
    Sync,
    Track,
    TrackFile,
    TrackProcess,
    TrackScript,
    Vip,
)

FIRST_PRIORITY, PRIORITY_STEP = 200, 10
"""Priorities by position in `order`: 200, 190, ... (255 would be the address owner, RFC 5798 section 5.2.4)."""


def bind_failover(
    context: Context,
    cluster: str,
    hosts: Mapping[str, Host],
    networks: Mapping[str, Network],
    vips: Mapping[str, Vip],
    used: tuple[Vip, ...],
    secrets: Mapping[str, Secret],
) -> Failover | None:
    """The failover of the cluster; None if it is broken. `used` are the VIPs of all services."""
    data: Mapping[str, Any] | None = context.root.get("failover")
    directors = tuple(h for h in hosts.values() if h.is_director)
    if data is None:
        if len(directors) > 1 and not context.broken["directors"]:
            context.error(
                "LVS040",
                "no-failover",
                f"{len(directors)} directors, and nothing says which of them holds the VIPs",
                context.root_place.at("directors").key,
                "write `failover: {engine: keepalived, order: [...], vrid: N}`, or `engine: none` if no address moves",
            )
            return None
        return Failover(engine="none", order=directors, place=context.root_place.at("directors"))
    place = context.root_place.at("failover")
    found = len(context.findings)
    order = _order(context, data.get("order"), place.at("order"), hosts)
    engine = data["engine"]
    missing = [d for d in directors if d not in order]
    if missing and order and len(context.findings) == found:
        context.error(
            "LVS041",
            "order-incomplete",
            f"director {quote(missing[0].name)} is missing from the order",
            place.at("order"),
            "name every director; the first one is preferred",
        )
    if not data.get("order"):
        order = directors
        if engine == "keepalived":
            context.error(
                "LVS041",
                "order-incomplete",
                "nothing says which director is preferred",
                place.key,
                f"write `order: [{', '.join(d.name for d in directors)}]`",
            )
    instances = _instances(context, data, place, cluster, order, hosts, vips, used) if engine == "keepalived" else ()
    name = data.get("secret")
    if name and name not in secrets and name not in context.broken["secrets"]:
        context.unknown("secret", name, secrets, place.at("secret"))
    sync = _sync(context, data.get("sync"), place.at("sync"), networks)
    multicast = _multicast(context, data.get("transport") or "unicast", place.at("transport"))
    if len(context.findings) > found:
        return None
    preempt = data.get("preempt", "never")
    secret = secrets.get(name) if name else None
    return Failover(
        engine=engine,
        order=order,
        instances=instances,
        preempt_delay=None if preempt == "never" else 0 if preempt == "always" else seconds(preempt),
        multicast=multicast,
        version=data.get("version") or (2 if secret else 3),
        version_pinned=data.get("version") is not None,
        garp=_garp(data.get("garp") or {}),
        secret=secret,
        track=_track(data.get("track") or {}, place.at("track")),
        sync=sync,
        place=place,
    )


def _order(context: Context, names: Any, place: Place, hosts: Mapping[str, Host]) -> tuple[Host, ...]:
    order: list[Host] = []
    for name, index in as_list(names):
        host = hosts.get(name)
        if name in context.broken["directors"]:
            continue
        if host is None or not host.is_director:
            context.unknown("director", name, [n for n, h in hosts.items() if h.is_director], place.at(*index))
        else:
            order.append(host)
    return tuple(order)


def _instances(
    context: Context,
    data: Mapping[str, Any],
    place: Place,
    cluster: str,
    order: tuple[Host, ...],
    hosts: Mapping[str, Host],
    vips: Mapping[str, Vip],
    used: tuple[Vip, ...],
) -> tuple[Instance, ...]:
    declared: Mapping[str, Any] = data.get("instances") or {}
    advert = seconds(data.get("advert", 1))
    if not declared:
        if data.get("vrid") is None:
            context.error(
                "LVS042",
                "no-vrid",
                "without a `vrid` the directors cannot tell their adverts from those of another cluster",
                place.key,
                "write `vrid:` with 1 to 255",
            )
            return ()
        return (
            Instance(
                name=cluster,
                vips=used,
                vrid=data["vrid"],
                order=order,
                priorities=_priorities(order, {}),
                advert=advert,
                place=place,
            ),
        )
    instances = []
    by_name = {vip.name: vip for vip in (*vips.values(), *used)}
    for name, given in sorted(declared.items()):
        at = place.at("instances", name)
        chosen = []
        for text, index in as_list(given["vips"]):
            if text in by_name:
                chosen.append(by_name[text])
            elif text not in context.broken["vips"]:
                context.unknown("VIP", text, by_name, at.at("vips", *index))
        own = _order(context, given["order"], at.at("order"), hosts) if given.get("order") else order
        for host in given.get("priority") or {}:
            if host not in {h.name for h in own} and host not in context.broken["directors"]:
                context.unknown("director", host, [h.name for h in own], at.at("priority", host).key)
        vrid = given.get("vrid", data.get("vrid"))
        if vrid is None:
            context.error(
                "LVS042",
                "no-vrid",
                "without a `vrid` the directors cannot tell their adverts from those of another cluster",
                at.key,
                "write `vrid:` with 1 to 255",
            )
            continue
        instances.append(
            Instance(
                name=name,
                vips=tuple(chosen),
                vrid=vrid,
                order=own,
                priorities=_priorities(own, given.get("priority") or {}),
                advert=seconds(given["advert"]) if given.get("advert") is not None else advert,
                place=at,
            )
        )
    return tuple(instances)


def _priorities(order: tuple[Host, ...], written: Mapping[str, int]) -> tuple[int, ...]:
    return tuple(written.get(h.name, FIRST_PRIORITY - PRIORITY_STEP * i) for i, h in enumerate(order))


def _multicast(context: Context, value: Any, place: Place) -> tuple[Any, ...] | None:
    if value == "unicast":
        return None
    if value == "multicast":
        return ()
    group = address(context, value["multicast"], place.at("multicast"))
    return (group,) if group else ()


def _garp(data: Mapping[str, Any]) -> Garp:
    def duration(key: str) -> float | None:
        return None if data.get(key) is None else seconds(data[key])

    return Garp(
        delay=duration("delay"),
        repeat=data.get("repeat"),
        refresh=duration("refresh"),
        refresh_repeat=data.get("refresh_repeat"),
        interval=duration("interval"),
    )


def _track(data: Mapping[str, Any], place: Place) -> Track:
    return Track(
        interfaces=tuple(sorted(data.get("interfaces") or ())),
        scripts=tuple(
            TrackScript(
                name=name,
                command=command(given["command"]),
                interval=seconds(given.get("interval", 1)),
                timeout=None if given.get("timeout") is None else seconds(given["timeout"]),
                fall=given.get("fall", 1),
                rise=given.get("rise", 1),
                weight=given.get("weight"),
                user=given.get("user") or "",
                place=place.at("scripts", name),
            )
            for name, given in sorted((data.get("scripts") or {}).items())
        ),
        files=tuple(
            TrackFile(
                name=name,
                path=given if isinstance(given, str) else given["file"],
                weight=None if isinstance(given, str) else given.get("weight"),
                place=place.at("files", name),
            )
            for name, given in sorted((data.get("files") or {}).items())
        ),
        processes=tuple(
            TrackProcess(
                name=name,
                process=given if isinstance(given, str) else given["process"],
                weight=None if isinstance(given, str) else given.get("weight"),
                place=place.at("processes", name),
            )
            for name, given in sorted((data.get("processes") or {}).items())
        ),
    )


def _sync(
    context: Context, data: Mapping[str, Any] | None, place: Place, networks: Mapping[str, Network]
) -> Sync | None:
    if not data:
        return None
    name = data["network"]
    if name not in networks:
        if name not in context.broken["networks"]:
            context.unknown("network", name, networks, place.at("network"))
        return None
    group = address(context, data["group"], place.at("group")) if data.get("group") else None
    threshold = data.get("threshold")
    return Sync(
        network=networks[name],
        id=data["id"],
        maxlen=data.get("maxlen"),
        group=group,
        port=data.get("port"),
        ttl=data.get("ttl"),
        threads=data.get("threads"),
        threshold=(int(threshold[0]), int(threshold[1])) if threshold else None,
        place=place,
    )
