"""Values that reach keepalived.conf and would not stay what they are on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from lvsgen import keepalived_text
from lvsgen.diagnostics import Finding, Place, quote
from lvsgen.model import Check, DnsProbe, FileProbe, HttpProbe, ScriptProbe, SmtpProbe, UdpProbe
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule, written

_LOOKS_FILLED = re.compile(r"@(?:[0-9a-f]{6}|[0-9a-f]*\{(?:name|service|port)\}[0-9a-f]*)@")
"""lvsgen's placeholders, and what a name or a port could make one of."""
_SECRET = re.compile(r"\{secret\.[^{}]*\}")
_LONGEST_TOLD = 350
"""Bytes that lvsgen adds to a command at most: state, service and realserver, with their longest names."""
_KEYWORD = 24
"""Bytes of the longest keyword, and what else stands on its line."""
_LONGEST_FILLED = 64
"""Bytes of the longest text that a placeholder of a check stands for: a name, or an address."""


class _Value(NamedTuple):
    """A text of the description, its place, and the line that it makes; empty where it cannot be too long."""

    text: str
    place: Place
    line: str = ""
    is_script: bool = False


@lru_cache(maxsize=1)
def _values(facts: Facts) -> tuple[_Value, ...]:
    """All texts of people that reach keepalived.conf: three rules read them, one after the other."""
    return tuple(_all_values(facts))


def _all_values(facts: Facts) -> Iterator[_Value]:
    cluster = facts.cluster
    root = cluster.place
    notify, track, raw = cluster.notify, cluster.failover.track, cluster.keepalived
    for field, told in (("failover", ""), ("quorum", "x" * _LONGEST_TOLD), ("realserver", "x" * _LONGEST_TOLD)):
        yield from _command(getattr(notify, field), root.at("notify", field), told)
    if notify.email:
        at = root.at("notify", "email")
        yield from (_Value(one, at.at("to")) for one in notify.email.to)
        yield from (_Value(notify.email.sender, at.at("from")), _Value(notify.email.server, at.at("server")))
    for script in track.scripts:
        yield from _command(script.command, script.place.at("command"))
    yield from (_Value(one.path, one.place, one.path) for one in track.files)
    yield from (_Value(one.process, one.place) for one in track.processes)
    yield from _raw(raw.global_text, raw.place.at("global"))
    yield from _raw(raw.instance_text, raw.place.at("instance"))
    yield from (_Value(vip.meta.description, vip.place.at("description")) for vip in cluster.vips)
    for service in cluster.services:
        yield _Value(service.meta.description, service.place.at("description"))
        yield from _command(service.notify, service.place.at("notify"), "x" * _LONGEST_TOLD)
        yield from _raw(service.keepalived, service.place.at("keepalived"))
    seen = set()
    for service, pool in facts.pools:
        for member in pool.members:
            # Most say nothing, and there are many of them.
            if member.meta.description:
                yield _Value(member.meta.description, written(member.place, service.place, "description"))
            if member.reason:
                yield _Value(member.reason, member.place.at("drain" if member.state == "drained" else "disable"))
        for check in pool.checks:
            if check.place not in seen:
                seen.add(check.place)
                yield from _check(check)


def _command(command: tuple[str, ...], place: Place, told: str = "") -> Iterator[_Value]:
    if command:
        yield _Value("\n".join(command), place, f"{keepalived_text.command(command)}{told}")


def _raw(text: str, place: Place) -> Iterator[_Value]:
    if text:
        yield _Value(text, place, max((line.strip() for line in text.splitlines()), key=lambda one: len(one.encode())))


def _check(check: Check) -> Iterator[_Value]:
    place, probe = check.place.at(check.kind), check.probe
    match probe:
        case HttpProbe():
            for url in probe.urls:
                yield _Value(url.path, place, keepalived_text.url_path(_filled(url.path)))
                yield _Value("", url.place.at("status"), " ".join(url.status))
                yield from (_Value(one, place) for one in (url.host, url.digest))
                yield from (_Value(one, place, keepalived_text.regex(one)) for one in (url.body, url.body_not))
            yield _Value(probe.sni, place)
        case ScriptProbe():
            filled = [_filled(one) for one in probe.command]
            yield _Value("\n".join(probe.command), place, keepalived_text.command(filled), is_script=True)
        case UdpProbe():
            yield from (_Value(one, place, f'"{one}"') for one in (probe.payload, probe.reply))
        case DnsProbe():
            yield _Value(probe.query, place)
        case SmtpProbe():
            yield _Value(probe.helo, place)
        case FileProbe():
            yield _Value(probe.path, place, _filled(probe.path))
        case _:
            return


def _filled(text: str) -> str:
    """A text with the longest that its placeholders may stand for."""
    return re.sub(r"\{[^{}]+\}", "x" * _LONGEST_FILLED, text)


@rule("LVS758", ERROR)
def too_long_for_keepalived(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A value that makes a line of keepalived.conf longer than 1000 bytes: a command with its arguments, the text of a
        check, a line of raw text. What is no ASCII letter counts several times where keepalived wants it escaped.

    Why:
        keepalived reads 1023 bytes at once and takes the rest of the line for a setting of its own.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        notify:
          failover: [/usr/local/lib/lvs/alert,  # <- LVS758
            "éééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"]

    Instead:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        notify:
          failover: [/usr/local/lib/lvs/alert, "é"]

    Sources:
        keepalived's lib/parser.c, read_line
    """
    for value in _values(facts):
        size = len(value.line.encode())
        if size + _KEYWORD > keepalived_text.LONGEST_LINE:
            yield too_long_for_keepalived.at(
                value.place,
                f"this would make a line of {size + _KEYWORD} bytes in keepalived.conf, which takes at most "
                f"{keepalived_text.LONGEST_LINE}",
                "write less; a command can read the rest from a file",
            )


@rule("LVS759", ERROR)
def secret_outside_of_script(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        `{secret.NAME}` in a value other than the arguments of a script check.

    Why:
        It is filled in nowhere else: the program would get the text itself, and no secret.

    Example:
        secrets: {alert: {file: /etc/lvs/alert}}
        notify: {quorum: [/usr/local/lib/lvs/alert, "{secret.alert}"]}  # <- LVS759
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: tcp}

    Instead:
        secrets: {alert: {file: /etc/lvs/alert}}
        notify: {quorum: [/usr/local/lib/lvs/alert, /etc/lvs/alert]}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: tcp}

    Sources:
        keepalived.conf(5), quorum_up
    """
    for value in _values(facts):
        found = _SECRET.search(value.text) if "{secret." in value.text and not value.is_script else None
        # In the path, host and file of a check it is LVS753's.
        if found and not ({"http", "https", "file"} & set(map(str, value.place.path[-1:]))):
            yield secret_outside_of_script.at(
                value.place,
                f"{quote(found[0])} is filled in only in the arguments of a script check",
                "give the program the path of the file, or write it without",
            )


@rule("LVS853", ERROR)
def looks_like_a_secret(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A text that looks like lvsgen's own placeholder of a secret: six hexadecimal digits between two `@`.

    Why:
        lvs.sh fills placeholders in on the host. Such a text could turn into a secret: in a comment, in a request to a
        realserver, in the arguments of a program.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, description: "ask @3fa9c1@", check: tcp}  # <- LVS853

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, description: "ask 3fa9c1", check: tcp}

    Sources:
        lvs.sh, which fills keepalived.conf on the host
    """
    for value in _values(facts):
        found = _LOOKS_FILLED.search(value.text) if "@" in value.text else None
        if found:
            yield looks_like_a_secret.at(
                value.place,
                f"{quote(found[0])} looks like the placeholder of a secret, which lvs.sh would fill in",
                "write it without one of the `@`",
            )
