"""Values of checks that keepalived refuses or cannot express."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import Check, DnsProbe, HttpProbe, UdpProbe
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule


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
            host = next((url.host for url in probe.urls if url.host), "")
            if host and probe.sni != host:
                yield sni_of_another_host.at(
                    check.place.at("https"),
                    f"keepalived would greet with {quote(host)}, the host of the request, and never with "
                    f"{quote(probe.sni)}",
                    "leave `sni` out, or use `script`",
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
