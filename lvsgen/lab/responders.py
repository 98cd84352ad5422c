"""What each realserver listens on: takes services, returns responders by host, to please clients and checks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from lvsgen.lab.endpoints import endpoints, passive_ports, speech
from lvsgen.lab.guest.wire import Responder, Speech
from lvsgen.model import (
    BfdProbe,
    Check,
    DnsProbe,
    FileProbe,
    Host,
    HttpProbe,
    PingProbe,
    ScriptProbe,
    Service,
    SmtpProbe,
    UdpProbe,
)
from lvsgen.plan.probes import BFD_PORT

_ORDER: tuple[Speech, ...] = ("text", "dns", "smtp", "tls", "ftp", "sip")
"""Where one port is wanted for several, the last one of these wins: the others would not understand it."""

_DNS_TYPES = {"A": "1", "NS": "2", "CNAME": "5", "SOA": "6", "MX": "15", "TXT": "16", "AAAA": "28"}
"""Numbers of the types that a check asks for most (RFC 1035, 3.2.2; RFC 3596)."""

_SILENT = (PingProbe, ScriptProbe, FileProbe)
"""Checks that ask no responder."""


def responders(services: Iterable[Service]) -> Mapping[str, tuple[Responder, ...]]:
    """By the name of the host; members that are drained or disabled serve as well."""
    found: dict[str, dict[tuple[str, int, str], Responder]] = {}

    def add(host: str, one: Responder) -> None:
        ports = found.setdefault(host, {})
        old = ports.get(place(one))
        if old is not None and old.speech == one.speech == "ftp":
            # One daemon for several services waits where all of them allow it.
            ports[place(one)] = replace(old, data=(max(old.data[0], one.data[0]), min(old.data[1], one.data[1])))
        elif old is not None and old.speech == one.speech and old.known and one.known:
            # Several checks of one port: what each of them asks for is known.
            ports[place(one)] = replace(one, known={**old.known, **one.known}, sni=old.sni and one.sni)
        elif old is None or _ORDER.index(one.speech) >= _ORDER.index(old.speech):
            ports[place(one)] = one

    for endpoint in endpoints(services):
        spoken = speech(endpoint)
        for member, port in zip(endpoint.members, endpoint.real_ports, strict=True):
            data = passive_ports(endpoint.service)
            add(member.host.name, Responder(protocol=endpoint.protocol, port=port, speech=spoken, data=data))
            for check in member.checks:
                if not isinstance(check.probe, _SILENT) and not unplayable(check, member.host):
                    add(member.host.name, _for_check(check, port))
        sorry = endpoint.service.sorry_server
        if sorry is not None:
            port = sorry.port or endpoint.port
            data = passive_ports(endpoint.service)
            add(sorry.host.name, Responder(protocol=endpoint.protocol, port=port, speech=spoken, data=data))
    return {host: tuple(ports.values()) for host, ports in found.items()}


def place(one: Responder) -> tuple[str, int, str]:
    """What only one responder of a host can have: a port, or as a neighbour its address."""
    return one.protocol, one.port, one.body if one.protocol == "bfd" else ""


def unplayable_in(service: Service) -> str:
    """Why the lab cannot please the checks of a service; empty if it can."""
    checks = ((check, member.host) for member in service.members for check in member.checks)
    return next((reason for check, host in checks if (reason := unplayable(check, host))), "")


def _for_check(check: Check, port: int) -> Responder:
    probe = check.probe
    at = check.port or port
    match probe:
        case HttpProbe():
            url = probe.urls[0]
            status = int(url.status[0].partition("-")[0]) if url.status else 200
            return Responder(
                protocol="tcp",
                port=at,
                speech="tls" if probe.tls else "text",
                status=status,
                known={one.path: one.host.partition(":")[0] for one in probe.urls},
                sni=probe.tls and bool(probe.sni),
                body="\n".join(sorted({literal(one.body) for one in probe.urls if one.body})),
            )
        case BfdProbe():
            return Responder(protocol="bfd", port=BFD_PORT, body=str(probe.neighbour))
        case DnsProbe():
            known = {probe.query.lower(): number} if (number := _DNS_TYPES.get(probe.record)) else {}
            return Responder(protocol="udp", port=at, speech="dns", known=known)
        case SmtpProbe():
            return Responder(protocol="tcp", port=at, speech="smtp")
        case UdpProbe():
            return Responder(protocol="udp", port=at, replies={probe.payload.lower(): probe.reply.lower()})
        case _:
            return Responder(protocol="tcp", port=at)


def literal(pattern: str) -> str:
    """A text that a simple regular expression matches: itself without its special characters."""
    return re.sub(r"\\(.)|[\^$.*+?()\[\]{}|]", lambda found: found[1] or "", pattern)


def unplayable(check: Check, host: Host) -> str:
    """Why no responder of the lab on this host can please a check; empty if one can."""
    probe = check.probe
    own = {address.ip for address in host.addresses}
    if isinstance(probe, HttpProbe):
        for url in probe.urls:
            if url.digest:
                return f"the check of {url.path} compares a digest"
            if url.body and not re.search(url.body, literal(url.body)):
                return f"the check of {url.path} wants a body that the lab cannot make up"
            if len({one.status for one in probe.urls}) > 1:
                return "the check wants different codes of different paths"
    if check.address is not None and check.address not in own:
        return f"the check asks another host ({check.address})"
    if isinstance(probe, BfdProbe) and probe.neighbour not in own:
        return f"the BFD neighbour {probe.neighbour} is another host"
    return ""
