"""The virtual services of keepalived.conf, where keepalived writes the IPVS table."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from lvsgen.diagnostics import Place
from lvsgen.keepalived_text import command, comment, setting
from lvsgen.model import (
    AddressKey,
    Destination,
    Family,
    Host,
    IPAddress,
    MarkKey,
    Member,
    Service,
    Tunnel,
    VirtualService,
)
from lvsgen.plan.host import Follow, HostPlan
from lvsgen.targets.ipvs import netmask
from lvsgen.targets.keepalived_checks import Checks, Start
from lvsgen.targets.keepalived_follow import by_key, commands, key_name


class RealServer(NamedTuple):
    """One real_server block; a template reads a tuple's fields twice as fast as a mapping's keys."""

    name: str
    comment: str
    weight: int
    drained: str
    settings: Sequence[str]
    notify: Sequence[str]
    checks: str


def virtual_services(plan: HostPlan, checks: Checks, follows: tuple[Follow, ...]) -> list[dict[str, Any]]:
    """The view of every virtual service, in the order of the table."""
    followed = by_key(follows)
    return [_virtual(plan, virtual, checks, followed.get(virtual.key, [])) for virtual in plan.virtual_services]


def raw_lines(text: str) -> list[str]:
    """Raw text as lines; empty if there is none."""
    return [setting(line.rstrip()) for line in text.strip("\n").split("\n")] if text.strip() else []


def raw_origin(place: Place, *keys: str) -> str:
    """Where raw text stands in the description, for the comments around it."""
    return comment(".".join(str(key) for key in (*place.path, *keys)))


def _virtual(plan: HostPlan, virtual: VirtualService, checks: Checks, follows: list[Follow]) -> dict[str, Any]:
    service, key = virtual.service, virtual.key
    methods = sorted({_method(d.member) for d in virtual.destinations})
    # Never the commonest one: then a change of one member would turn the lines of all others.
    method = methods[0] if methods else ""
    # A service that starts up has its quorum without a word: the addresses that follow it would wait for ever.
    start: Start = "followed" if follows else service.start
    described = f": {service.meta.description}" if service.meta.description else ""
    return {
        "comment": comment(f"service {service.name}{described}"),
        "name": _name(key),
        "family": key.family if isinstance(key, MarkKey) else "",
        "scheduler": service.scheduler,
        "flags": [*service.flags, *(["ops"] if service.ops else [])],
        "method": method,
        "protocol": key.protocol.upper() if isinstance(key, AddressKey) else "",
        "persistence": service.persistence,
        "netmask": netmask(service, virtual.family),
        "alpha": start != "up",
        "omega": bool(follows),
        "quorum": service.quorum,
        "hysteresis": service.hysteresis,
        "inhibit": service.on_failure == "quiesce",
        "notify": _quorum_notify(plan, virtual, follows),
        "sorry": _sorry(plan.host, virtual, method),
        "raw": raw_lines(service.keepalived),
        "raw_origin": raw_origin(service.place, "keepalived"),
        "disabled": [comment(f"{m.host.name} disabled: {m.reason}") for m in virtual.disabled],
        "destinations": [
            RealServer(
                name=f"{d.ip} {d.port}" if d.port else str(d.ip),
                comment=_comment(d.member),
                weight=d.member.live_weight,
                drained=comment(d.member.reason) if d.member.state == "drained" else "",
                settings=_settings(d.member, method),
                notify=_realserver_notify(plan, virtual, d) if plan.cluster.notify.realserver else (),
                checks=checks.block(virtual, d, start),
            )
            for d in virtual.destinations
        ],
    }


def _name(key: AddressKey | MarkKey) -> str:
    if isinstance(key, MarkKey):
        return f"fwmark {key.mark}"
    return f"{key.ip} {key.port}" if key.port else str(key.ip)


def _comment(member: Member) -> str:
    return comment(member.host.name + (f": {member.meta.description}" if member.meta.description else ""))


def _settings(member: Member, usual: str) -> list[str]:
    lines = []
    method = _method(member)
    if method != usual:
        lines.append(f"lvs_method {method}")
    if member.upper_threshold:
        lines.append(f"uthreshold {member.upper_threshold}")
    if member.lower_threshold:
        lines.append(f"lthreshold {member.lower_threshold}")
    return lines


def _method(member: Member) -> str:
    return "TUN" + _tunnel(member.tunnel) if member.method == "tun" else member.method.upper()


def _tunnel(tunnel: Tunnel) -> str:
    if tunnel.type == "ipip":
        return ""
    port = f" port {tunnel.port}" if tunnel.port is not None else ""
    return f" type {tunnel.type}{port}" + ("" if tunnel.checksum == "none" else f" {tunnel.checksum}")


def _sorry(director: Host, virtual: VirtualService, usual: str) -> dict[str, Any] | None:
    """The sorry server, where it has an address that fits; one that is a member too must be inhibited like it."""
    sorry, key = virtual.service.sorry_server, virtual.key
    if sorry is None:
        return None
    ip = sorry.address(virtual.family)
    if sorry.host.is_director and ip is not None:
        ip = _own_address(director, sorry.host, ip, virtual.family)
    if ip is None:
        return None
    port = (sorry.port if sorry.method == "nat" else None) or (key.port if isinstance(key, AddressKey) else 0)
    method = sorry.method.upper()
    return {
        "name": f"{ip} {port}" if port else str(ip),
        "method": "" if method == usual else method,
        "inhibit": virtual.service.on_failure == "quiesce"
        and any(d.ip == ip and d.port == port for d in virtual.destinations),
    }


def _own_address(director: Host, named: Host, ip: IPAddress, family: Family) -> IPAddress | None:
    """The local page of this director: its own address in the network of the named director's."""
    if director is named:
        return ip
    network = next((a.network for a in named.addresses if a.ip == ip), None)
    own = director.address_in(network, family) if network else None
    return own.ip if own else None


def _quorum_notify(plan: HostPlan, virtual: VirtualService, follows: list[Follow]) -> list[str]:
    service, notify = virtual.service, plan.cluster.notify
    asked = service.notify or notify.quorum
    lines = []
    for state in ("up", "down"):
        arguments = (*asked, state, service.name, key_name(virtual.key)) if asked else ()
        parts = commands(plan.cluster.name, virtual.key, follows, state)
        if parts and arguments:
            # keepalived runs one command: the addresses first, then what the description asks for, as its own user.
            user = ("runuser", "-u", notify.user, "--") if notify.user not in ("", "root") else ()
            parts.append(shlex.join((*user, *arguments)))
        if len(parts) == 1 and "/run/" not in parts[0]:
            lines.append(setting(f"quorum_{state}", command(parts[0].split()) + " root"))
        elif parts:
            lines.append(setting(f"quorum_{state}", command(("/bin/sh", "-c", "; ".join(parts))) + " root"))
        elif arguments:
            lines.append(setting(f"quorum_{state}", command(arguments)))
    return lines


def _realserver_notify(plan: HostPlan, virtual: VirtualService, destination: Destination) -> list[str]:
    told = (virtual.service.name, key_name(virtual.key), destination.member.host.name, str(destination.ip))
    asked = plan.cluster.notify.realserver
    return [setting(f"notify_{state}", command((*asked, state, *told))) for state in ("up", "down")]


def runs_commands(plan: HostPlan, services: Iterable[Service]) -> bool:
    """Whether a virtual service of this host makes keepalived run a program."""
    notify = plan.cluster.notify
    return bool(notify.quorum or notify.realserver) or any(
        service.notify or any(check.kind == "script" for m in service.members for check in m.checks)
        for service in services
    )
