"""All that `lvs.sh stop` must leave as it was, as lines of text; also which files of /proc/sys count."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from lvsgen.lab.guest.namespaces import Host

_COMMANDS = """
ip -o -batch - <<'END'
address show
link show
route show table all
rule show
END
ip -6 -o -batch - <<'END'
route show table all
rule show
END
ipvsadm -Sn; ipvsadm -Ln --timeout; ipvsadm -Ln --daemon
iptables-save 2>/dev/null; ip6tables-save 2>/dev/null; nft list tables 2>/dev/null
true
"""
"""As few programs as can be: each costs much in an emulated processor."""

_VARIES = re.compile(r" tentative| deprecated|\\? *valid_lft .*")
_LINK = re.compile(r"\d+: (\S+: <\S*> mtu \d+)")
_ALWAYS = re.compile(r"#|\*|COMMIT|:[A-Z]+ ACCEPT|(?!\d+: ).*\bfe80:|table \S+ (mangle|nat|filter|raw|security)$")
"""What a look at the packet filters makes by itself, and routes of link-local addresses."""

_LISTED = ("/etc/keepalived", "/run/lvsgen")
_FOLDERS = ("net/ipv4/conf", "net/ipv6/conf", "net/ipv4/vs")
_OTHERS = ("net/ipv4/ip_forward",)
_NOISE = ("stable_secret", "nf_conntrack_count")


def snapshot(host: Host) -> set[str]:
    """The state of a machine that matters to whoever else uses it."""
    return {*_lines(host.must(_COMMANDS).splitlines()), *host.call(_settings)}


def _lines(said: Iterable[str]) -> Iterator[str]:
    """Without what varies by itself."""
    for line in said:
        link = _LINK.match(line)
        if link:
            yield link[1]
        elif not _ALWAYS.match(line):
            yield _VARIES.sub("", line)


def difference(before: set[str], now: set[str]) -> list[str]:
    """What has gone and what has been left, in words.

    IPv6 settings of a device appear when it is first up, and nobody can take them away again (addrconf.c).
    """
    had = {line.rpartition("/")[0] for line in before if line.startswith("net/ipv6/conf/")}
    left = {line for line in now - before if not line.startswith("net/ipv6/conf/") or line.rpartition("/")[0] in had}
    return [*(f"gone: {line}" for line in sorted(before - now)), *(f"left: {line}" for line in sorted(left))]


def _settings() -> list[str]:
    """Settings, and files that lvs.sh makes."""
    base = Path("/proc/sys")
    paths = [path for folder in _FOLDERS for path in base.joinpath(folder).rglob("*") if path.is_file()]
    found = [f"{folder}/{name}" for folder in _LISTED if os.path.isdir(folder) for name in os.listdir(folder)]
    for path in (*paths, *(base / name for name in _OTHERS)):
        if path.name not in _NOISE:
            try:
                found.append(f"{path.relative_to(base)} = {path.read_text().strip()}")
            except OSError:
                continue
    return found
