"""Health checks as keepalived's checker blocks, each with all of its timing (keepalived.conf(5), real_server).

Most checks are equal for thousands of realservers, so a block is made once and shared; only one whose text holds a
placeholder is made for every realserver.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from lvsgen.keepalived_text import command, is_refused, regex, setting, url_path, word
from lvsgen.model import (
    BfdProbe,
    Check,
    Destination,
    DnsProbe,
    FileProbe,
    HttpProbe,
    IPAddress,
    PingProbe,
    Probe,
    ScriptProbe,
    SmtpProbe,
    TcpProbe,
    UdpProbe,
    Url,
    VirtualService,
)
from lvsgen.plan.probes import only_port
from lvsgen.targets.placeholders import Fill, filling, has_placeholder, values_of

_LONGEST_BFD_NAME = 31
_LONGEST_BFD_INTERVAL = 10.0

Start: TypeAlias = Literal["up", "down", "followed"]
"""What the realservers of a virtual service are taken for at first; `followed` is down whatever their checks say."""


def seconds(value: float) -> str:
    """A duration as keepalived reads it: `5`, `0.25`."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def whole_seconds(value: float) -> int:
    """A duration where keepalived takes whole seconds only."""
    return max(1, math.ceil(value))


@dataclass(frozen=True, slots=True)
class BfdSession:
    """A BFD session with a neighbour, in milliseconds."""

    name: str
    neighbour: IPAddress
    source: IPAddress | None
    interval: int
    multiplier: int


@dataclass(frozen=True, slots=True)
class _Target:
    """What a check connects to by itself: `own_port` is the realserver's in the table, `port` the one that is meant."""

    ip: IPAddress
    own_port: int
    port: int


class Checks:
    """The checker blocks of all realservers; `files` and `sessions` gather what must be declared before them."""

    def __init__(self) -> None:
        self.files: dict[str, None] = {}
        self.sessions: dict[str, BfdSession] = {}
        self._shared: dict[tuple[int, int, int, int, str], str] = {}
        self._varies: dict[int, bool] = {}

    def block(self, virtual: VirtualService, destination: Destination, start: Start) -> str:
        """The checkers of one realserver, one below the other; empty if it has none."""
        checks = destination.member.checks
        if not checks:
            return ""
        # Members of one pool share one tuple, which lives as long as the cluster: its identity is a cheap key.
        if id(checks) not in self._varies:
            self._varies[id(checks)] = any(has_placeholder(check.probe) for check in checks)
        target = _Target(destination.ip, destination.port, destination.port or only_port(virtual.service))
        if self._varies[id(checks)]:
            values = values_of(virtual, destination.member.host, target.ip, target.port)
            return "".join(self._checker(c, target, start, filling(values, c)) for c in checks)
        key = (id(checks), target.ip.version, target.own_port, target.port, start)
        if key not in self._shared:
            fill = filling({})
            self._shared[key] = "".join(self._checker(c, target, start, fill) for c in checks)
        return self._shared[key]

    def _checker(self, check: Check, target: _Target, start: Start, fill: Fill) -> str:
        probe = check.probe
        if isinstance(probe, FileProbe):
            path = word(fill(probe.path))
            tracked = setting("track_file", path)
            if not is_refused(tracked):
                self.files[path] = None
            return _block("FILE_CHECK", [tracked])
        if isinstance(probe, BfdProbe):
            return _block("BFD_CHECK", [f"name {self._session(check, probe)}"])
        timing = check.timing
        kind, lines = _probe(check, probe, fill)
        if not isinstance(probe, ScriptProbe):
            lines = [*_connection(check, probe, target), *lines, f"connect_timeout {seconds(timing.timeout)}"]
        lines += [
            f"delay_loop {seconds(timing.interval)}",
            f"retry {timing.retries}",
            f"delay_before_retry {seconds(timing.retry_delay)}",
            f"warmup {seconds(timing.warmup)}",
        ]
        if check.start is not None and start != "followed" and check.start != start:
            lines.append("alpha" if check.start == "down" else "alpha no")
        return _block(kind, lines)

    def _session(self, check: Check, probe: BfdProbe) -> str:
        """There is one session with a neighbour; where checks differ in their timing, the quickest one sets it."""
        name = f"bfd_{probe.neighbour}"
        if len(name) > _LONGEST_BFD_NAME:
            name = f"bfd_{hashlib.sha256(name.encode()).hexdigest()[:16]}"
        session = BfdSession(
            name=name,
            neighbour=probe.neighbour,
            source=check.source,
            interval=round(min(check.timing.interval, _LONGEST_BFD_INTERVAL) * 1000) or 1,
            multiplier=min(check.timing.retries + 1, 255),
        )
        known = self.sessions.get(name)
        if known is None or (session.interval, session.multiplier) < (known.interval, known.multiplier):
            self.sessions[name] = session
        return name


def _block(kind: str, lines: list[str]) -> str:
    refused = [line for line in lines if is_refused(line)]
    if refused:
        return f"        {refused[0].strip()}\n"
    inner = "".join(f"            {line}\n" for line in lines)
    return f"        {kind} {{\n{inner}        }}\n"


def _connection(check: Check, probe: Probe, target: _Target) -> list[str]:
    lines = []
    if check.address is not None:
        lines.append(f"connect_ip {check.address}")
    port = check.port or target.port
    # The realserver's port is keepalived's default; with a mark it has none.
    asked = check.port or check.address is not None or target.own_port == 0
    if port and asked and not isinstance(probe, PingProbe):
        lines.append(f"connect_port {port}")
    if check.source is not None and check.source.version == (check.address or target.ip).version:
        lines.append(f"bindto {check.source}")
    return lines


def _probe(check: Check, probe: Probe, fill: Fill) -> tuple[str, list[str]]:
    match probe:
        case TcpProbe():
            return "TCP_CHECK", []
        case PingProbe():
            return "PING_CHECK", []
        case HttpProbe():
            return "SSL_GET" if probe.tls else "HTTP_GET", _http(probe, fill)
        case DnsProbe():
            return "DNS_CHECK", [f"type {word(probe.record)}", setting("name", word(probe.query))]
        case SmtpProbe():
            return "SMTP_CHECK", [setting("helo_name", word(probe.helo))] if probe.helo else []
        case UdpProbe():
            payload = [setting("payload", word(probe.payload))] if probe.payload else []
            return "UDP_CHECK", payload + ([setting("require_reply", word(probe.reply))] if probe.reply else [])
        case ScriptProbe():
            return "MISC_CHECK", _script(check, probe, fill)
    raise AssertionError(probe)


def _http(probe: HttpProbe, fill: Fill) -> list[str]:
    lines = [f"http_protocol {word(probe.version)}"] if probe.version else []
    if probe.sni:
        # The host of all requests, and the name sent, but for a URL of another host (check_ssl.c, ssl_connect).
        lines += ["enable_sni", setting("virtualhost", word(fill(probe.sni)))]
    for url in probe.urls:
        # A url block searches for one expression: two requests where one text must be there and another must not.
        expressions = [(url.body, False)] if url.body or not url.body_not else []
        if url.body_not:
            expressions.append((url.body_not, True))
        for expression, reverse in expressions:
            host = url.host if url.host != probe.sni else ""
            lines += ["url {", *(f"    {line}" for line in _url(url, host, expression, reverse, fill)), "}"]
    return lines


def _url(url: Url, host: str, expression: str, reverse: bool, fill: Fill) -> list[str]:
    lines = [
        setting("path", url_path(fill(url.path))),
        setting("status_code", " ".join(word(status) for status in url.status)),
    ]
    if host:
        lines.append(setting("virtualhost", word(fill(host))))
    if url.digest:
        lines.append(f"digest {word(url.digest)}")
    if expression:
        lines.append(setting("regex", regex(expression)))
    if reverse:
        lines.append("regex_no_match")
    return lines


def _script(check: Check, probe: ScriptProbe, fill: Fill) -> list[str]:
    timeout = check.timing.timeout if probe.timeout is None else probe.timeout
    lines = [
        setting("misc_path", command([fill(argument) for argument in probe.command])),
        f"misc_timeout {whole_seconds(timeout)}",
    ]
    if probe.sets_weight:
        lines.append("misc_dynamic")
    if probe.user:
        lines.append(f"user {word(probe.user)}")
    return lines
