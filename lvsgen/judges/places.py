"""Where the lines of a keepalived.conf come from: takes its text and the plan that it was made of, returns places.

Blocks stand in the order of the plan, so the third `virtual_server` is its third virtual service. Raw text stands
between comments, within the block that it was written for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from lvsgen.diagnostics import Place
from lvsgen.model import Destination, MarkKey, VirtualService
from lvsgen.plan.host import HostPlan

_RAW, _END_OF_RAW = "# raw text of ", "# end of raw text"
_FIELDS = {
    "lvs_sched": "scheduler",
    "lvs_method": "method",
    "persistence_timeout": "persistence",
    "persistence_granularity": "persistence",
    "quorum": "quorum",
    "hysteresis": "hysteresis",
    "sorry_server": "sorry_server",
    "weight": "weight",
    "uthreshold": "upper_threshold",
    "lthreshold": "lower_threshold",
}
"""Keywords of keepalived.conf(5), and the fields that they are made of."""
_VRRP_FIELDS = {"virtual_router_id": "vrid", "priority": "priority", "advert_int": "advert", "version": "version"}
_ADDRESSED = re.compile(r"\[([0-9A-Fa-f.:]+)\]:(tcp|udp|sctp):(\d+)", re.IGNORECASE)
_MARKED = re.compile(r"\bFWM (\d+)")

_Block: TypeAlias = tuple[Place, Place, dict[str, str]]
"""An open block: where it comes from, where raw text in it does, and the fields of its keywords."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a line comes from; `raw` is its text, if somebody wrote it like that."""

    place: Place
    raw: str = ""


class Origins:
    """The origins of the lines of one keepalived.conf."""

    def __init__(self, text: str, plan: HostPlan) -> None:
        self._plan = plan
        self._lines: list[Origin] = []
        self._read(text)

    def of(self, line: int, words: str) -> Origin:
        """The origin of what is said of a line (0: of none), or of what the words name."""
        if 1 <= line <= len(self._lines):
            return self._lines[line - 1]
        return self._named(words) or Origin(self._plan.host.place)

    def _read(self, text: str) -> None:
        """Follow the blocks; `inside` has those that are open."""
        plan, cluster = self._plan, self._plan.cluster
        inside: list[_Block] = [(plan.host.place, cluster.keepalived.place.at("global"), {})]
        services = iter(plan.virtual_services)
        instances = iter(plan.keepalived.instances if plan.keepalived else ())
        declared = {one.name: one.place for one in cluster.failover.instances}
        scripts = {one.name: one.place for one in cluster.failover.track.scripts}
        destinations: Iterator[Destination] = iter(())
        raw = False
        for line in text.splitlines():
            stripped = line.strip()
            words = stripped.split()
            place, raw_place, fields = inside[-1]
            if stripped.startswith((_RAW, _END_OF_RAW)):
                raw = stripped.startswith(_RAW)
            if raw:
                own = "" if stripped.startswith(_RAW) else stripped
                self._lines.append(Origin(raw_place, own))
            else:
                field = fields.get(words[0], "") if words else ""
                self._lines.append(Origin(place.at(field) if field else place))
            if raw and not stripped.startswith("#"):
                inside += [(place, raw_place, {})] * stripped.count("{")
                del inside[len(inside) - stripped.count("}") :]
            elif stripped.endswith("{") and not stripped.startswith("#"):
                opened = place, raw_place, fields if len(inside) > 1 else {}
                if words[0] == "virtual_server":
                    virtual = next(services)
                    destinations = iter(virtual.destinations)
                    opened = virtual.service.place, virtual.service.place.at("keepalived"), _FIELDS
                elif words[0] == "real_server":
                    opened = next(destinations).member.place, raw_place, _FIELDS
                elif words[0] == "vrrp_instance":
                    instance = next(instances).declared
                    opened = declared.get(instance, place), cluster.keepalived.place.at("instance"), _VRRP_FIELDS
                elif words[0] == "vrrp_script" and words[1] in scripts:
                    opened = scripts[words[1]], raw_place, {}
                self._lines[-1] = Origin(opened[0])
                inside.append(opened)
            elif stripped == "}":
                inside.pop()

    def _named(self, words: str) -> Origin | None:
        """The origin of what a message without a line names: a realserver, a virtual service, an instance of VRRP."""
        plan = self._plan
        addressed = [(ip.lower(), protocol.lower(), int(port)) for ip, protocol, port in _ADDRESSED.findall(words)]
        marked = _MARKED.search(words)
        for virtual in plan.virtual_services:
            if not _is_named(virtual, addressed, int(marked[1]) if marked else None):
                continue
            for destination in virtual.destinations:
                if any(ip == str(destination.ip) for ip, _, _ in addressed[0 if marked else 1 :]):
                    return Origin(destination.member.place)
            return Origin(virtual.service.place)
        declared = {one.name: one.place for one in plan.cluster.failover.instances}
        for instance in plan.keepalived.instances if plan.keepalived else ():
            if re.search(rf"(?<![\w.-]){re.escape(instance.name)}(?![\w.-])", words) and instance.declared in declared:
                return Origin(declared[instance.declared])
        return None


def _is_named(virtual: VirtualService, addressed: list[tuple[str, str, int]], mark: int | None) -> bool:
    key = virtual.key
    if isinstance(key, MarkKey):
        return key.mark == mark
    return addressed[:1] == [(str(key.ip), key.protocol, key.port)]
