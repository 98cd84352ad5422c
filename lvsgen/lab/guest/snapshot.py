"""All that `lvs.sh stop` must leave as it was, as lines of text; also which files of /proc/sys count."""

from __future__ import annotations

from pathlib import Path

from lvsgen.lab.guest.namespaces import Host

_COMMANDS = r"""
ip -o address show | sed -e 's/valid_lft .*//' -e 's/ tentative//' -e 's/ deprecated//'
ip -o link show | cut -d' ' -f 2,3,5 | sort
ip -4 route show table all; ip -6 route show table all | grep -v fe80; ip -4 rule; ip -6 rule
ipvsadm -Sn; ipvsadm -Ln --timeout; ipvsadm -Ln --daemon
for save in iptables-save ip6tables-save; do $save 2>/dev/null; done |
    grep -v -e '^#' -e '^:[A-Z]* ACCEPT' -e '^[*]' -e '^COMMIT'
nft list tables 2>/dev/null | grep -v -E ' (mangle|nat|filter|raw|security)$'
ls -A /etc/keepalived; ls -A /run/lvsgen 2>/dev/null
true
"""
_FOLDERS = ("net/ipv4/conf", "net/ipv6/conf", "net/ipv4/vs")
_OTHERS = ("net/ipv4/ip_forward",)
_NOISE = ("stable_secret", "nf_conntrack_count")


def snapshot(host: Host) -> set[str]:
    """The state of a machine that matters to whoever else uses it."""
    return {*host.must(_COMMANDS).splitlines(), *host.call(_settings)}


def difference(before: set[str], now: set[str]) -> list[str]:
    """What has gone and what has been left, in words.

    IPv6 settings of a device appear when it is first up, and nobody can take them away again (addrconf.c).
    """
    had = {line.rpartition("/")[0] for line in before if line.startswith("net/ipv6/conf/")}
    left = {line for line in now - before if not line.startswith("net/ipv6/conf/") or line.rpartition("/")[0] in had}
    return [*(f"gone: {line}" for line in sorted(before - now)), *(f"left: {line}" for line in sorted(left))]


def _settings() -> list[str]:
    base = Path("/proc/sys")
    paths = [path for folder in _FOLDERS for path in base.joinpath(folder).rglob("*") if path.is_file()]
    found = []
    for path in (*paths, *(base / name for name in _OTHERS)):
        if path.name not in _NOISE:
            try:
                found.append(f"{path.relative_to(base)} = {path.read_text().strip()}")
            except OSError:
                continue
    return found
