"""Help for words and values that people bring along from other tools and from YAML 1.1.

Each function takes what was written and returns what to write instead, or an empty text where that is not known.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from lvsgen.diagnostics import quote

_WORDS = {
    "dr": ("g", "gate", "gateway", "gatewaying", "direct", "direct_routing", "droute", "route", "routing", "lvs_dr"),
    "nat": ("m", "masq", "masquerade", "masquerading", "lvs_nat"),
    "tun": ("i", "ipip", "tunnel", "tunneling", "tunnelling", "ip_tunneling", "lvs_tun"),
    "rr": ("round_robin", "roundrobin"),
    "wrr": ("weighted_round_robin", "weighted_roundrobin"),
    "lc": ("least_conn", "leastconn", "least_connection", "least_connections"),
    "wlc": ("weighted_least_conn", "weighted_leastconn", "weighted_least_connection", "weighted_least_connections"),
    "sh": ("source", "source_hash", "source_hashing"),
    "dh": ("destination_hash", "destination_hashing"),
    "sed": ("shortest_expected_delay",),
    "nq": ("never_queue",),
    "fo": ("failover", "weighted_failover"),
    "ovf": ("overflow", "weighted_overflow"),
    "mh": ("maglev", "maglev_hash", "maglev_hashing"),
    "twos": ("random", "two_choices", "power_of_two"),
    "scheduler": ("lb_algo", "lvs_sched", "algorithm", "sched"),
    "method": ("lb_kind", "lvs_method", "forwarding_method"),
    "pool": ("realservers", "real_servers", "real", "members"),
    "vip": ("virtual", "virtual_ip", "virtual_ipaddress"),
    "tcp": ("port", "ports"),
    "vrid": ("virtual_router_id",),
    "advert": ("advert_int",),
    "id": ("syncid", "sync_id"),
    "network": ("interface",),
    "address": ("ip",),
    "addresses": ("ip", "ips"),
    "path": ("url", "uri"),
    "persistence": ("persistence_timeout", "persistent"),
    "sorry_server": ("fallback",),
    "interval": ("delay_loop", "delay"),
    "timeout": ("connect_timeout",),
    "upper_threshold": ("uthreshold",),
    "lower_threshold": ("lthreshold",),
}
"""What the language says, and how ipvsadm(8), keepalived.conf(5), ldirectord(8) and people call it."""
_BOOLEANS = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}
_ADDRESS = re.compile(r"\[?([0-9A-Fa-f:.]+?)\]?(/[0-9]{1,3}|(?<![0-9A-Fa-f:]:):[0-9]{1,5}|)")
_WEIGHT = range(65536)


def boolean(value: str) -> str:
    """What YAML 1.1 took this word for."""
    return _BOOLEANS.get(value.lower(), "")


def meant(word: str, choices: Sequence[str]) -> str:
    """The choice that a word means: in another case, called so elsewhere, or misspelt."""
    import difflib  # only mistakes need it

    plain = word[:64].lower()
    same = plain.replace("-", "_").replace(" ", "_")
    if exact := [choice for choice in choices if same == choice.replace("-", "_")]:
        return exact[0]
    if known := [choice for choice in choices if same in _WORDS.get(choice, ())]:
        return known[0]
    beginnings = [choice for choice in choices if len(choice) > 2 and plain.startswith(choice)]
    return max(beginnings, key=len, default="") or next(iter(difflib.get_close_matches(plain, choices, n=1)), "")


def bare_address(value: object) -> str:
    """Help for an address with a prefix length, brackets or a port, where it stands alone."""
    found = _ADDRESS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return ""
    try:
        ipaddress.ip_address(found.group(1))
    except ValueError:
        return ""
    shown = f'"{found.group(1)}"' if ":" in found.group(1) else found.group(1)
    return "" if found.group(1) == value else f"write {quote(shown)}, only the address"


def form(value: object, types: Sequence[str], schema: Mapping[str, Any]) -> str:
    """Help for a value of a wrong type."""
    known = schema.get("properties", {})
    match value:
        case bool():
            return ""
        case int() if "boolean" in types and value in (0, 1):
            return f"write {quote('true' if value else 'false')}"
        case int() if "weight" in known and value in _WEIGHT:
            return f"write {quote(f'{{weight: {value}}}')}"
        case str() if "boolean" in types and value in ("true", "false"):
            return "remove the quotes"
        case list() if "object" in types:
            return "write a mapping, `NAME: VALUE` for each, not a list"
        case dict() if "array" in types:
            return f"write a list: {quote('[' + ', '.join(value) + ']')}"
        case _ if "object" in types and known:
            return "write a mapping; keys known here: " + ", ".join(map(quote, list(known)[:8]))
    return ""
