"""Values of checks that keepalived refuses or cannot express."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import BfdProbe, Check, DnsProbe, HttpProbe, IPAddress, Service, UdpProbe
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, HINT, WARNING, rule

TLS_PORTS = {443: "HTTPS", 465: "SMTP over TLS", 636: "LDAP over TLS", 993: "IMAP over TLS", 995: "POP3 over TLS"}
"""Ports whose clients begin with a TLS greeting, and on which nothing else is spoken by custom."""
PLAIN_PORTS = {80: "plain HTTP"}
"""Ports on which nobody answers a TLS greeting that comes first."""
NEITHER = {22: "SSH", 25: "SMTP", 389: "LDAP", 1433: "SQL", 3306: "SQL", 5432: "SQL", 6379: "Redis"}
"""Ports on which nobody speaks HTTP."""


def _checks(facts: Facts) -> Iterator[Check]:
    """Every check once, wherever it is used."""
    seen = set()
    for _, pool in facts.pools:
        for check in pool.checks:
            if check.place not in seen:
                seen.add(check.place)
                yield check


@rule("LVS752", ERROR)
def dns_name_with_short_label(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A DNS check for a name with a label of one letter before its last one.

    Why:
        keepalived 2.2 takes such a label for an empty one ("has empty label"), drops the check, and every realserver
        stays in the table whatever happens to it.

    Example:
        services:
          dns: {vip: 192.0.2.100, udp: 53, method: dr, check: {dns: x.example.com}}  # <- LVS752

    Instead:
        services:
          dns: {vip: 192.0.2.100, udp: 53, method: dr, check: {dns: www.example.com}}

    Sources:
        keepalived's check_dns.c; seen with 2.2.7
    """
    for check in _checks(facts):
        if isinstance(check.probe, DnsProbe):
            short = next((one for one in check.probe.query.split(".")[:-1] if len(one) < 2), None)
            if short is not None and check.probe.query != ".":
                yield dns_name_with_short_label.at(
                    check.place.at("dns"),
                    f"keepalived refuses the name {quote(check.probe.query)} for its label {quote(short)}, and would "
                    "check nothing",
                    "ask for another name of the zone, or use `script`",
                )


@rule("LVS754", ERROR)
def sni_of_another_host(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        An HTTPS check with an `sni` that is not its `host`.

    Why:
        keepalived sends the host of the request in the TLS greeting, whatever else is written. The realserver would
        choose another certificate, or refuse, and be taken for dead.

    Example:
        services:
          web:
            vip: 192.0.2.100
            tcp: 443
            method: dr
            check: {https: {path: /, host: shop.example.com, sni: www.example.com}}  # <- LVS754

    Instead:
        services:
          web:
            vip: 192.0.2.100
            tcp: 443
            method: dr
            check: {https: {path: /, host: shop.example.com}}

    Sources:
        keepalived's check_ssl.c, ssl_connect; keepalived.conf(5), enable_sni
    """
    for check in _checks(facts):
        probe = check.probe
        if isinstance(probe, HttpProbe) and probe.tls:
            for url in probe.urls:
                greeting = url.host or probe.sni
                if url.sni and url.sni != greeting:
                    first = url if url.host else next(u for u in probe.urls if greeting in (u.sni, u.host))
                    what = "the host of the request" if url.host else "the first name of this check"
                    yield sni_of_another_host.at(
                        url.place.at("sni"),
                        f"keepalived would greet with {quote(greeting)}, {what}, and never with {quote(url.sni)}",
                        "leave `sni` out, make it a check of its own, or use `script`",
                        [(first.place.at("host" if first.host else "sni"), "what it sends")],
                    )


@rule("LVS755", ERROR)
def datagram_ends_in_ff(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A UDP check whose `payload` or `reply` ends with the byte ff.

    Why:
        keepalived 2.2 takes that last byte for a mistake ("Invalid hex string") and ignores the line: it sends random
        bytes, or takes any answer.

    Example:
        services:
          game: {vip: 192.0.2.100, udp: 2302, method: dr, check: {udp: {payload: "00 ff"}}}  # <- LVS755

    Instead:
        services:
          game: {vip: 192.0.2.100, udp: 2302, method: dr, check: {udp: {payload: "00 ff 00"}}}

    Sources:
        keepalived's lib/parser.c, read_hex_str; seen with 2.2.7
    """
    for check in _checks(facts):
        if isinstance(check.probe, UdpProbe):
            for field, text in (("payload", check.probe.payload), ("reply", check.probe.reply)):
                if text.strip().lower().endswith("ff"):
                    yield datagram_ends_in_ff.at(
                        check.place.at("udp", field),
                        f"keepalived refuses a {field} whose last byte is ff",
                        "write `fx` for that byte: `x` matches any four bits"
                        if field == "reply"
                        else "send another datagram that the realserver answers, or use `script`",
                    )


@rule("LVS760", ERROR)
def status_range_backwards(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A range of HTTP statuses whose end comes before its start.

    Why:
        keepalived refuses the range ("Invalid HTTP_GET status code"). With no status left it takes 200 to 299, and a
        realserver that redirects as it should is taken for dead.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {http: {path: /, status: "399-200"}}}  # <- LVS760

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {http: {path: /, status: "200-399"}}}

    Sources:
        keepalived.conf(5), status_code; check_http.c, status_code_handler; seen with 2.2.7
    """
    for check in _checks(facts):
        for url in check.probe.urls if isinstance(check.probe, HttpProbe) else ():
            for status in url.status:
                first, _, last = status.partition("-")
                if last and int(last) < int(first):
                    yield status_range_backwards.at(
                        url.place.at("status"),
                        f"keepalived refuses the range {quote(status)}, which ends before it starts",
                        f'write `"{last}-{first}"`',
                    )


@rule("LVS762", ERROR)
def neighbour_followed_twice(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Two BFD checks of one realserver with the same neighbour.

    Why:
        There is one session with a neighbour. keepalived refuses the second check ("RS already monitoring") and drops
        it.

    Example:
        realservers: {rs1: 192.0.2.11}
        services:
          web:
            vip: 192.0.2.100
            tcp: 80
            method: dr
            check: [{bfd: 192.0.2.11}, {bfd: 192.0.2.11, interval: 1s}]  # <- LVS762

    Instead:
        realservers: {rs1: 192.0.2.11}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {bfd: 192.0.2.11, interval: 1s}}

    Sources:
        keepalived.conf(5), BFD_CHECK; check_bfd.c, bfd_name_handler; seen with 2.2.7
    """
    for _, pool in facts.pools:
        for checks in {id(m.checks): m.checks for m in pool.members}.values():
            seen: dict[IPAddress, Check] = {}
            for check in checks:
                if isinstance(check.probe, BfdProbe):
                    first = seen.setdefault(check.probe.neighbour, check)
                    if first is not check:
                        yield neighbour_followed_twice.at(
                            check.place.at("bfd"),
                            f"the realserver follows the session with {check.probe.neighbour} already",
                            "leave one of the two; the quicker timing sets the session",
                            [(first.place.at("bfd"), "the other one")],
                        )


@rule("LVS708", HINT)
def greeting_without_name(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        An HTTPS check without `host` and `sni`.

    Why:
        No name is sent in the TLS greeting. A realserver with several certificates answers with its default one, or
        refuses, and then is taken for dead while browsers, which send a name, are served.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 443, method: dr, check: {https: /healthz}}  # <- LVS708

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 443, method: dr, check: {https: {path: /healthz, host: www.example.com}}}

    Sources:
        keepalived.conf(5), enable_sni; RFC 6066 section 3
    """
    for check in _checks(facts):
        probe = check.probe
        if isinstance(probe, HttpProbe) and probe.tls and not probe.sni:
            yield greeting_without_name.at(
                check.place.at("https"),
                "the check greets without a name, as no browser does",
                "write `https: {path: ..., host: www.example.com}`",
            )


@rule("LVS765", WARNING)
def check_speaks_otherwise(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        An `http` or `smtp` check of a port for TLS, such as 443, an `https` check of port 80, or either where something
        else than the web is spoken, such as 3306.

    Why:
        A daemon that waits for a TLS greeting answers a plain request with 400 Bad Request, or hangs up; one that does
        not speak TLS takes the greeting for garbage. Every realserver is down from the start, and the VIP serves
        nobody.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 443, method: dr, check: {http: /healthz}}  # <- LVS765

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 443, method: dr, check: {https: {path: /healthz, host: shop.example.com}}}

    Sources:
        keepalived.conf(5), HTTP_GET and SSL_GET; RFC 9110 section 4.2.2
    """
    told = set()
    for service, pool in facts.services:
        for member in pool.live if pool.checks else ():
            for check in member.checks:
                port = check.port or member.port or _only_port(service)
                known = _unlike(check, port) if check.place not in told else ""
                if known:
                    told.add(check.place)
                    yield check_speaks_otherwise.at(
                        check.place.at("port") if check.port else check.place,
                        f"this check speaks {_NAMES[check.kind]} to port {port}, where {known} is spoken",
                        f"write `{_OTHERS[check.kind]}`, or the `port` on which {_NAMES[check.kind]} is answered",
                    )


_NAMES = {"http": "plain HTTP", "https": "TLS", "smtp": "plain SMTP"}
_OTHERS = {"http": "https", "https": "http", "smtp": "tcp"}


def _unlike(check: Check, port: int | None) -> str:
    """What is spoken on a port, where a check speaks something else."""
    if port is None or check.kind not in _NAMES:
        return ""
    known = (PLAIN_PORTS if check.kind == "https" else TLS_PORTS).get(port, "")
    return known or (NEITHER.get(port, "") if check.kind != "smtp" else "")


def _only_port(service: Service) -> int | None:
    """The realserver's port of a service that has one."""
    ports = {p.real for p in service.ports}
    return ports.pop() if len(ports) == 1 and not service.ports[0].is_range else None
