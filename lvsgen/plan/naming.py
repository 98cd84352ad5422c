"""Names of what lvsgen creates on a host. They depend on names in the YAML alone, never on positions."""

from __future__ import annotations

import hashlib

INBOUND = "-in"
"""Suffix of the chain that is hooked into PREROUTING of the nat table."""
_LONGEST = 28 - len("lvsgen-") - len(INBOUND)
"""iptables takes chain names of at most 28 characters (XT_EXTENSION_MAXNAMELEN)."""


def owned(cluster: str) -> str:
    """The name of the cluster's chain, nft table and unit on a host: `lvsgen-shop`.

    It never ends in the suffix: the chain of a cluster `shop-in` would be the inbound one of a cluster `shop`.
    """
    if len(cluster) > _LONGEST or cluster.endswith(INBOUND):
        cluster = f"{cluster[: _LONGEST - 9]}-{hashlib.sha256(cluster.encode()).hexdigest()[:8]}"
    return f"lvsgen-{cluster}"


def vrrp_name(declared: str, interface: str, family: str) -> str:
    """The name of a derived VRRP instance: `shop_eth0_ipv4`.

    With an underscore in the interface another character parts the two, which is in neither: `a` on `b_c` is not `a_b`
    on `c`.
    """
    return f"{declared}{':' if '_' in interface else '_'}{interface}_{family}"
