"""What can be changed in a generated line: takes a `Line`, returns other texts of it, each with one value flipped."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.mutants.lines import DEVICE, NAME, V4, V6, Line

WORDS = {
    "rr": "sh",
    "wrr": "rr",
    "wlc": "rr",
    "dh": "rr",
    "mh": "rr",
    "-g": "-i",
    "-m": "-g",
    "-i": "-g",
    "DR": "NAT",
    "NAT": "DR",
    "TCP": "UDP",
    "UDP": "TCP",
    "tcp": "udp",
    "BACKUP": "MASTER",
    "SOA": "MX",
    "lo": "eth0",
    "tunl0": "lo",
    "up": "down",
    "link": "global",
    "LOCAL": "UNICAST",
    "REDIRECT": "ACCEPT",
    "root": "nobody",
    "keepalived": "none",
    "script": "none",
    "none": "script",
    "director": "realserver",
    "realserver": "director",
}
"""A word, and what stands there instead."""

NOT_HERE = {"iptables.rules": {"-i", "-m", "lo"}, "routes.batch": {"lo"}}
"""Words that mean something else in these files."""

LONGER = {"advert_int": 20, "connect_timeout": 100, "delay_loop": 100, "retry": 100, "delay_before_retry": 100}
LONGER |= {"warmup": 100}
"""Times and numbers of attempts, and how many times as long they get: the lab waits for no exact second."""

PRIORITIES = {"200": "1", "190": "254"}

_TOKEN = re.compile(
    rf'"(?P<quoted>[^"]*)"|(?P<name>{NAME}|^\S+_ipv[46]$)|(?P<address>(?:{V6}|{V4})(?:/\d+)?)|(?P<device>{DEVICE})'
    r"|(?<=-priority )\d+|(?P<number>(?<![\w.])\d+(?![\w.]))|(?P<word>(?<![\w.-])-?[A-Za-z]\w*(?![\w.-]))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`what` says it in words; `text` is the new line, None where it is gone."""

    what: str
    text: str | None


def changes(line: Line) -> Iterator[Change]:
    """Its removal, then each value of it flipped."""
    yield Change(what="removed", text=None)
    if line.text.startswith((":", "*", "COMMIT", "vrrp_instance", "vrrp_sync_group", "roles=")):
        return
    for found in _TOKEN.finditer(line.text):
        new = _flipped(line, found)
        if new is not None:
            text = line.text[: found.start()] + new + line.text[found.end() :]
            yield Change(what=f"{_shown(line, found)} → {new}", text=text)


def _shown(line: Line, found: re.Match[str]) -> str:
    """The value with the word before it, which tells what it is."""
    before = line.text[: found.start()].split()
    return f"{before[-1]} {found[0]}" if before and found.lastgroup != "word" else found[0]


def _flipped(line: Line, found: re.Match[str]) -> str | None:
    kind, old = found.lastgroup, found[0]
    match kind:
        case "quoted":
            return f'{old[:-1]}-not"'
        case "name":
            return f"{old}-not"
        case "address":
            return _beside(old)
        case "device":
            return "lo" if old != "eth1" else "eth0"
        case "number":
            return _number(line, line.text[: found.start()].split(), old)
        case "word" if old not in NOT_HERE.get(line.file, ()) and (found.start() > 0 or line.file == "host.conf"):
            return WORDS.get(old)
        case _:
            return None


def _beside(old: str) -> str:
    """The next address, or the next network."""
    if old == "0.0.0.0/0":
        return "192.0.2.254/32"
    if "/" not in old:
        return str(ipaddress.ip_address(old) + 1)
    network = ipaddress.ip_network(old)
    return f"{network.network_address + network.num_addresses}/{network.prefixlen}"


def _number(line: Line, before: list[str], old: str) -> str:
    word = before[-1] if before else ""
    if line.file == "sysctl.conf":
        return "1" if old == "0" else "0"
    if word in LONGER:
        return str(int(old) * LONGER[word])
    if word == "priority":
        return PRIORITIES.get(old, "40000")
    if word in ("preempt_delay", "-p"):
        return "1"
    return "2" if word == "version" else str(int(old) + 1)
