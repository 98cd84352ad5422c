"""Addresses that follow the quorum of services, by means of keepalived's quorum commands.

A virtual service without quorum has a flag file in /run. Where VRRP moves the address, a tracked script looks for the
flags and its failure puts the instance in FAULT; elsewhere the quorum commands add and delete the address themselves.
keepalived starts with every followed service down (`alpha`) and says nothing about that, so its start-up script raises
all flags; at its end it loses every quorum aloud (`omega`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from lvsgen.keepalived_text import command, setting
from lvsgen.model import AddressKey, MarkKey
from lvsgen.plan.host import Follow
from lvsgen.plan.naming import owned
from lvsgen.targets.ipvs import socket

Key: TypeAlias = AddressKey | MarkKey


def key_name(key: Key) -> str:
    """What commands are told of a virtual service: `tcp:192.0.2.100:80`, `fwmark:7:ipv4`."""
    if isinstance(key, MarkKey):
        return f"fwmark:{key.mark}:{key.family}"
    return f"{key.protocol}:{socket(key.ip, key.port)}"


def by_key(follows: Iterable[Follow]) -> dict[Key, list[Follow]]:
    """The addresses that follow each virtual service."""
    found: dict[Key, list[Follow]] = {}
    for follow in follows:
        for key in follow.keys:
            found.setdefault(key, []).append(follow)
    return found


def script_name(follow: Follow) -> str:
    """The tracked script of an address: with a colon, which no name of the description has."""
    return f"follow:{follow.ip}"


def script(cluster: str, follow: Follow) -> str:
    """A tracked script that succeeds while the address may be held."""
    together = " && " if follow.mode == "any" else " || "
    tests = together.join(f"test ! -e {_flag(cluster, key)}" for key in follow.keys)
    return setting("script", command(("/bin/sh", "-c", tests)))


def startup(cluster: str, follows: Sequence[Follow]) -> str:
    """Raises the flags of all services before the first check; empty if there are none."""
    flagged = sorted({_short(key) for follow in follows if _needs_flags(follow) for key in follow.keys})
    if not flagged:
        return ""
    loop = f'for f in {" ".join(flagged)}; do : > "{_flags(cluster)}$f"; done'
    return setting("startup_script", command(("/bin/sh", "-c", loop)) + " root")


def commands(cluster: str, key: Key, follows: Sequence[Follow], state: str) -> list[str]:
    """What a change of quorum means for addresses, as shell commands of which each stands on its own."""
    found = []
    if any(_needs_flags(follow) for follow in follows):
        found.append(f"rm -f {_flag(cluster, key)}" if state == "up" else f": > {_flag(cluster, key)}")
    return found + [_address_command(cluster, key, follow, state) for follow in follows if follow.instance is None]


def _address_command(cluster: str, key: Key, follow: Follow, state: str) -> str:
    others = [_flag(cluster, other) for other in follow.keys if other != key]
    address = f"{follow.ip}/{follow.ip.max_prefixlen} dev {follow.device}"
    if state == "up":
        tests = [f"test ! -e {flag}" for flag in others] if follow.mode == "any" else []
        return " && ".join((*tests, f"ip address replace {address}"))
    tests = [f"test -e {flag}" for flag in others] if follow.mode == "all" else []
    return " && ".join((*tests, f"ip address del {address}"))


def _needs_flags(follow: Follow) -> bool:
    return follow.instance is not None or len(follow.keys) > 1


def _flag(cluster: str, key: Key) -> str:
    return _flags(cluster) + _short(key)


def _flags(cluster: str) -> str:
    return f"/run/{owned(cluster)}.no-quorum."


def _short(key: Key) -> str:
    return hashlib.sha256(key_name(key).encode()).hexdigest()[:8]
