"""Why some mutants are not caught: what the lab cannot see, and why the line is there all the same."""

from __future__ import annotations

import re

_DEFAULT = "superfluous: keepalived's own default is the same; it is written out for the reader"
_ON_LO = "Linux answers ARP for its addresses on all interfaces; which one has the VIP shows in gratuitous ARP alone"
_GIVEN = "the description's value; the lab does not measure how long a check takes, and its default is near enough"

REASONS: tuple[tuple[str, str, str, str], ...] = (
    ("host.conf", "^roles=", "", "superfluous: nothing reads it; it tells who looks into the folder"),
    ("host.conf", "^writer=", "", "read when keepalived takes over the IPVS table from lvs.sh, or gives it back"),
    ("host.conf", "^cluster=", "→", "names the state of lvs.sh: any name will do, as long as it stays the same"),
    (
        "routes.batch",
        "scope link$",
        "removed|replace|dev",
        "a default route that was lost could not be added again: its gateway would be on no network",
    ),
    ("routes.batch", "scope link$", "link → global", "what the kernel makes of a route without a gateway in any case"),
    ("addresses.batch", "dev DEV$", "→ lo$", _ON_LO),
    ("keepalived.conf", "_excluded / .* dev DEV$", "→ lo$", _ON_LO),
    (
        "iptables.rules",
        " -j SNAT ",
        "^-d ",
        "realservers reach their own network without a director: none of these packets comes to it",
    ),
    (
        "keepalived.conf",
        "/ unicast_src_ip ",
        "removed",
        "keepalived takes an address of the interface, which has one only",
    ),
    (
        "keepalived.conf",
        "/ unicast_peer / IPv6$",
        "→",
        "instances of a sync group become master together: the one that hears adverts holds back the one that does not",
    ),
    ("keepalived.conf", "/ type SOA$", "removed", _DEFAULT),
    ("keepalived.conf", "/ connect_port N$", "removed", "superfluous: keepalived's default is the realserver's port"),
    (
        "keepalived.conf",
        "/ mh-fallback$",
        "removed",
        "keepalived takes away what fails; it counts where a realserver is drained or full, and no example has that",
    ),
    ("keepalived.conf", "/ state BACKUP$", "removed", _DEFAULT),
    (
        "keepalived.conf",
        "/ router_id ",
        "",
        "superfluous: keepalived's default is the host's name as well",
    ),
    ("keepalived.conf", "/ protocol TCP$", "removed", _DEFAULT),
    ("keepalived.conf", "/ weight N$", "removed", _DEFAULT),
    ("keepalived.conf", "/ advert_int N$", "removed", _DEFAULT),
    (
        "keepalived.conf",
        "/ priority N$",
        "",
        "with `nopreempt` it decides only between directors that start at the same moment",
    ),
    ("keepalived.conf", "CHECK / connect_timeout N$", "", "the lab's realservers refuse a connection, none is silent"),
    ("keepalived.conf", "CHECK / (delay_loop|retry|delay_before_retry|warmup) N$", "removed", _GIVEN),
    (
        "keepalived.conf",
        "/ enable_script_security$",
        "removed",
        "a safety net: no program that others may change is run",
    ),
    (
        "keepalived.conf",
        "/ script_user root$",
        "removed",
        "root is the default where no user `keepalived_script` exists, and the lab has none",
    ),
)
"""A file, patterns of the shape and of the change, and the reason; the first that fits counts."""

NONE = "none known: the line is superfluous, or the lab should look for it"


def reason(file: str, shape: str, what: str) -> str:
    """Why this mutant is not caught."""
    for name, pattern, change, why in REASONS:
        if name == file and re.search(pattern, shape) and re.search(change, what):
            return why
    return NONE
