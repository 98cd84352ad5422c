"""What a mutant can affect: takes a `Line`, returns the properties of the lab that are tried, or why it is exempt."""

from __future__ import annotations

import re

from tests.mutants.lines import Line

EXEMPT = {
    "modules.conf": "modules are loaded beforehand, as they belong to the whole kernel and not to a namespace",
    "modprobe.conf": "module parameters are global and take effect when a module is loaded",
    "NAME.service": "a systemd unit: the order at boot; namespaces have no systemd",
    "lvs.sh": "code, tested by the tests of lvs.sh, not data",
    "lvsgen.sum": "checksums: a mutant changes them along, as if it had been generated so",
}
"""Files no line of which counts, and why."""

AFFECTED: tuple[tuple[str, str, str], ...] = (
    ("host.conf", "", "table again traffic"),
    ("links.batch", "", "traffic upload"),
    ("sysctl.conf", r"arp_(ignore|announce)", "arp traffic"),
    ("sysctl.conf", r"rp_filter", "traffic upload"),
    ("sysctl.conf", r"ip_forward", "traffic snat"),
    ("sysctl.conf", r"backup_only", "traffic loops failover"),
    ("sysctl.conf", r"conn_reuse_mode", "traffic drain health"),
    ("sysctl.conf", r"", "traffic drain affinity"),
    ("ipvs.rules", "", "table traffic drain ftp affinity upload"),
    ("iptables.rules", "", "traffic affinity snat again"),
    ("routes.batch", "", "traffic snat"),
    ("addresses.batch", "", "arp traffic upload health"),
    ("keepalived.conf", r"^global_defs.* / lvs_sync_daemon", "failover"),
    ("keepalived.conf", r"^(global_defs|vrrp_)", "arp traffic failover"),
    ("keepalived.conf", r"(_GET|_CHECK)|sorry_server|quorum", "table traffic health"),
    ("keepalived.conf", r"^virtual_server", "table traffic affinity health"),
)
"""A file, a pattern of the shape, and the properties that may suffer; the first that fits counts."""


def properties(line: Line) -> frozenset[str]:
    """What is tried after `apply`."""
    for file, pattern, words in AFFECTED:
        if line.file == file and re.search(pattern, line.shape):
            return frozenset(words.split())
    raise AssertionError(f"nothing says what {line.file} affects: {line.shape}")
