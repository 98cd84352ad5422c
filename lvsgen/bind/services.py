"""Services: one entry of the description with every default applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lvsgen.bind.checks import bind_checks, bind_timing
from lvsgen.bind.context import Context, Entry
from lvsgen.bind.fields import Fields, layered
from lvsgen.bind.hosts import as_list
from lvsgen.bind.marks import bind_mark, refuse_equal_marks
from lvsgen.bind.members import Surroundings, bind_members, bind_tunnel, rips
from lvsgen.bind.options import command
from lvsgen.bind.ports import bind_helper, bind_persistence, bind_ports
from lvsgen.bind.values import address, metadata
from lvsgen.bind.vips import VipIndex, director_networks
from lvsgen.diagnostics import Place, quote
from lvsgen.model import (
    FAMILIES,
    Host,
    Member,
    Method,
    Network,
    Service,
    SorryServer,
    Vip,
    families,
)

METADATA = ("description", "owner", "expires")


class ServiceBinder:
    """Binds services one by one; pools that mean the same in two services are bound once."""

    def __init__(
        self,
        context: Context,
        hosts: Mapping[str, Host],
        networks: Mapping[str, Network],
        vips: Mapping[str, Vip],
        mark_range: tuple[int, int],
        cluster: str,
    ) -> None:
        self.context = context
        self.hosts = hosts
        self.networks = networks
        self.vips = vips
        self.mark_range = mark_range
        self.cluster = cluster
        self.directors = tuple(h for h in hosts.values() if h.is_director)
        self.director_networks = director_networks(self.directors)
        self._literal_vips = VipIndex(vips, self.director_networks)
        self._pools: dict[tuple[str, Surroundings], tuple[Member, ...]] = {}

    def bind(self) -> tuple[Service, ...]:
        """All services that are not broken, sorted by name."""
        services = []
        for entry in self.context.entries("services"):
            service = self._service(entry)
            if service is None:
                self.context.broken["services"].add(entry.name)
            else:
                services.append(service)
        refuse_equal_marks(self.context, services)
        return tuple(services)

    def _service(self, entry: Entry) -> Service | None:
        context = self.context
        fields, place = layered(context, entry)
        found = len(context.findings)

        vips = self._vips(fields, place)
        ports = bind_ports(context, fields, place)
        mark = bind_mark(self.cluster, entry.name, fields, self.mark_range, place)
        sources = self._sources(fields, place)
        sorry = self._sorry(fields, place, vips or ())
        if not ports and not (mark and mark.rules == "foreign"):
            context.error(
                "LVS033",
                "no-port",
                f"service {quote(entry.name)} has no port, so no packet would ever match it",
                entry.place.key,
                "write `tcp:` or `udp:` with a port, a list of ports, or `all`",
            )
        if mark and len({p.real for p in ports}) > 1 and any(p.real != p.first for p in ports):
            context.error(
                "LVS038",
                "mark-maps-to-one-port",
                f"service {quote(entry.name)} maps several ports, but a mark knows one port of the realserver for all",
                place.at("mark"),
                "map every port to the same one, or leave the mark out",
            )
        flawed = len(context.findings) > found
        # A member with a mistake is left out, and the rest of the service judged without it.
        members = self._members(fields, place, vips) if vips is not None else None
        if flawed or vips is None or not members:
            return None
        active = sum(m.weight for m in members if m.state == "active")
        return Service(
            name=entry.name,
            vips=vips,
            ports=ports,
            mark=mark,
            sources=sources,
            scheduler=fields.get("scheduler", "wlc"),
            flags=tuple(fields.get("flags", ())),
            persistence=bind_persistence(context, fields, place, families(vips)),
            ops=bool(fields.get("ops")),
            one_way=bool(fields.get("one_way")),
            members=members,
            checked=any(m.checks for m in members),
            quorum=_quorum(fields.get("quorum", 1), active),
            hysteresis=fields.get("hysteresis", 0),
            on_failure=fields.get("on_failure", "remove"),
            start="down" if any(v.follows or v.follows_mode for v in vips) else "up",
            sorry_server=sorry,
            snat=bool(fields.get("snat")),
            helper=bind_helper(fields.get("helper"), ports, members),
            notify=command(fields.get("notify")),
            keepalived=fields.get("keepalived", ""),
            partial=len(members) < _size(self._pool(fields, place)[0]),
            meta=metadata(context, {key: fields.get(key) for key in METADATA}, place),
            place=place,
        )

    def _vips(self, fields: Fields, place: Place) -> tuple[Vip, ...] | None:
        context = self.context
        found: list[Vip] = []
        written = as_list(fields.get("vip"))
        if not written:
            context.error(
                "LVS034",
                "no-vip",
                f"service {quote(place.path[-1])} has no VIP",
                place.key,
                "write `vip: ADDRESS`, or once for all services under `defaults`",
            )
            return None
        for text, index in written:
            at = place.at("vip", *index)
            if text in self.vips:
                found.append(self.vips[text])
            elif text in context.broken["vips"]:
                return None
            elif not text[:1].isdigit() and ":" not in text:
                context.unknown("VIP", text, self.vips, at)
                return None
            else:
                ip = address(context, text, at)
                if ip is None:
                    return None
                found.append(self._literal_vips.find(ip, at))
        return tuple(found)

    def _sources(self, fields: Fields, place: Place) -> tuple[Network, ...]:
        found = []
        for name, index in as_list(fields.get("from")):
            if name in self.networks:
                found.append(self.networks[name])
            elif name not in self.context.broken["networks"]:
                self.context.unknown("network", name, self.networks, place.at("from", *index))
        return tuple(found)

    def _members(self, fields: Fields, place: Place, vips: tuple[Vip, ...]) -> tuple[Member, ...] | None:
        context = self.context
        timing = bind_timing(fields.get("timing") or {})
        checks = bind_checks(context, fields.get("check") or None, place.at("check"), timing)
        pool, pool_place, key = self._pool(fields, place)
        if checks is None or pool is None:
            return None
        method = fields.get("method")
        if method is None and not _all_have_method(pool):
            context.error(
                "LVS035",
                "no-method",
                f"service {quote(place.path[-1])} has no forwarding method; tools disagree on the default "
                "(ipvsadm takes LVS-DR, keepalived LVS-NAT)",
                place.key,
                "write `method: dr`, `nat` or `tun` here or under `defaults`",
            )
            return None
        around = Surroundings(
            method=method,
            tunnel=bind_tunnel(fields.get("tunnel")),
            weight=fields.get("weight", 1),
            upper_threshold=fields.get("upper_threshold"),
            lower_threshold=fields.get("lower_threshold"),
            checks=checks,
            unchecked=fields.get("check") is False,
            timing=timing,
            families=families(vips),
            vip_networks=tuple(sorted({a.network.name for v in vips for a in v.addresses if a.network})),
        )
        members = None if key is None else self._pools.get((key, around))
        if members is None:
            members = bind_members(context, pool, pool_place, self.hosts, self.director_networks, around)
        if key is not None:
            self._pools[key, around] = members
        return members

    def _pool(self, fields: Fields, place: Place) -> tuple[Any, Place, str | None]:
        """The members as written, where, and the pool's name if it has one."""
        context = self.context
        value = fields.get("pool")
        pools = context.sections["pools"]
        if isinstance(value, str):
            if value in context.broken["pools"]:
                return None, place, None
            if value not in pools:
                context.unknown("pool", value, pools, place.at("pool"))
                return None, place, None
            return pools[value].data, pools[value].place, value
        if value is not None:
            return value, place.at("pool"), None
        if pools:
            context.error(
                "LVS036",
                "no-pool",
                f"service {quote(place.path[-1])} names no pool",
                place.key,
                "write `pool:`; only a cluster that declares no pools takes all realservers",
            )
            return None, place, None
        if context.broken["realservers"]:
            return None, place, None
        everyone = sorted(name for name, host in self.hosts.items() if not host.is_director)
        return everyone, place, ""

    def _sorry(self, fields: Fields, place: Place, vips: tuple[Vip, ...]) -> SorryServer | None:
        value = fields.get("sorry_server")
        if value is None or value is False:
            return None
        given = value if isinstance(value, Mapping) else {"realserver": value}
        name = given["realserver"]
        at = place.at("sorry_server", "realserver") if isinstance(value, Mapping) else place.at("sorry_server")
        host = self.hosts.get(name)
        if host is None:
            if name not in self.context.broken["realservers"] and name not in self.context.broken["directors"]:
                self.context.unknown("realserver", name, self.hosts, at)
            return None
        method: Method = given.get("method") or fields.get("method") or "dr"
        networks = tuple(sorted({a.network.name for v in vips for a in v.addresses if a.network}))
        addresses = [
            found[0] for family in FAMILIES if (found := rips(host, family, method, self.director_networks, networks))
        ]
        return SorryServer(host=host, addresses=tuple(addresses), port=given.get("port"), method=method, place=at)


def _size(pool: Any) -> int:
    """How many members were written."""
    return len(pool) if isinstance(pool, Mapping) else len(as_list(pool))


def _all_have_method(pool: Any) -> bool:
    return isinstance(pool, Mapping) and all((data or {}).get("method") for data in pool.values())


def _quorum(value: Any, active: int) -> int:
    """A quorum in units of weight: a number, or a share of the weight of all active members, rounded up."""
    if isinstance(value, str):
        return max(1, -(-active * int(value.rstrip("%")) // 100))
    return int(value)
