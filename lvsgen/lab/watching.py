"""What health checks watch beside responders: takes a cluster, returns stand-ins for programs and files.

A program that a check runs is stood in for by one that asks the realserver; it knows which one by its arguments. A file
that an agent on the director writes holds 0 until its realserver dies, when the lab does what the agent would.
"""

from __future__ import annotations

import secrets as random
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lvsgen.model import Check, Cluster, FileProbe, Host, IPAddress, Member, ScriptProbe, VirtualService
from lvsgen.plan.keepalived import SECRET_REFERENCE
from lvsgen.plan.probes import only_port
from lvsgen.targets.placeholders import filling, values_of

_NOTHING = "#!/bin/sh\nexit 0\n"

_NOTING = '#!/bin/sh\necho "$0 $*" >>/run/notified\n'

_ASKING = """#!/bin/bash
ask() {
    exec 3<>"/dev/$1/$2/$3" || exit 1
    [ "$1" = tcp ] || { printf 'PING\\n' >&3 && read -r -N 1 -t 2 -u 3 _; }
}
case "$*" in
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What one check of one member watches. `what` is a program with its arguments, or a file; `path` is that alone.

    `pattern` are the arguments as a pattern of sh(1), as nobody knows the value of a secret.
    """

    service: str
    host: Host
    path: str
    is_program: bool
    what: str
    pattern: str
    protocol: str
    ip: IPAddress
    port: int


def watched(cluster: Cluster) -> Iterator[Watched]:
    """All programs and files of health checks."""
    for virtual in cluster.virtual_services:
        for destination in virtual.destinations:
            for check in destination.member.checks:
                if _texts(check):
                    yield _watched(virtual, destination.member, destination.ip, destination.port, check)


def _watched(virtual: VirtualService, member: Member, ip: IPAddress, port: int, check: Check) -> Watched:
    at = port or only_port(virtual.service)
    fill = filling(values_of(virtual, member.host, ip, at), check)
    texts = _texts(check)
    words = ["*" if SECRET_REFERENCE.search(text) else shlex.quote(fill(text)) for text in texts[1:]]
    return Watched(
        service=virtual.service.name,
        host=member.host,
        path=fill(texts[0]),
        is_program=isinstance(check.probe, ScriptProbe),
        what=" ".join(map(fill, texts)),
        pattern="' '".join(words) or "''",
        protocol=next((p.protocol for p in virtual.service.ports), "tcp"),
        ip=ip,
        port=check.port or at,
    )


def _texts(check: Check) -> tuple[str, ...]:
    match check.probe:
        case ScriptProbe():
            return check.probe.command
        case FileProbe():
            return (check.probe.path,)
        case _:
            return ()


def unclear(cluster: Cluster, service: str) -> str:
    """Why nobody can tell which realserver of a service died; empty if that is clear."""
    hosts: dict[str, set[str]] = {}
    own: list[Watched] = []
    for one in watched(cluster):
        hosts.setdefault(one.what, set()).add(one.host.name)
        if one.service == service:
            own.append(one)
    for one in own:
        if one.is_program and one.protocol == "sctp":
            return "no program of the lab asks by SCTP"
        if len(hosts[one.what]) > 1:
            kind = f"program {one.path} is not told" if one.is_program else f"file {one.path} does not tell"
            return f"the {kind} which realserver is meant"
    return ""


def files_of(cluster: Cluster, host: str) -> tuple[str, ...]:
    """The files that tell of one host."""
    return tuple(dict.fromkeys(w.path for w in watched(cluster) if w.host.name == host and not w.is_program))


def stand_ins(cluster: Cluster) -> Mapping[str, str]:
    """Files of the directors that the lab lacks: programs, watched files, and secrets of no value."""
    commands = [cluster.notify.failover, cluster.notify.quorum, cluster.notify.realserver]
    commands += [service.notify for service in cluster.services]
    commands += [tracked.command for tracked in cluster.failover.track.scripts]
    found = {command[0]: _NOTHING for command in commands if command}
    if cluster.notify.failover:
        found[cluster.notify.failover[0]] = _NOTING
    cases: dict[str, dict[str, str]] = {}
    for one in watched(cluster):
        if one.is_program:
            cases.setdefault(one.path, {})[one.pattern] = f"ask {one.protocol} {one.ip} {one.port}"
        else:
            found[one.path] = "0\n"
    for path, asks in cases.items():
        found[path] = _ASKING + "".join(f"{pattern}) {ask} ;;\n" for pattern, ask in asks.items()) + "esac\n"
    found |= {tracked.path: "0\n" for tracked in cluster.failover.track.files}
    found |= {secret.file: random.token_hex(4) + "\n" for secret in cluster.secrets}
    return found
