"""lvsgen/plan/tunnels.py: what unwraps which packet."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from lvsgen.model import Family, Tunnel
from lvsgen.plan.tunnels import decapsulation

FOUR, SIX = "198.51.100.11", "2001:db8:2::11"


@pytest.mark.parametrize(
    ("tunnel", "vip", "rip", "modules", "lines", "device"),
    [
        (Tunnel(), "ipv4", FOUR, ["ipip"], ["link set tunl0 up"], "tunl0"),
        (Tunnel(), "ipv6", SIX, ["ip6_tunnel"], ["link set ip6tnl0 up"], "ip6tnl0"),
        (Tunnel(), "ipv6", FOUR, ["sit"], ["link set sit0 up"], "sit0"),
        (
            Tunnel(),
            "ipv4",
            SIX,
            ["ip6_tunnel"],
            [f"link add lvs4in6 type ip6tnl mode ipip6 local {SIX} remote ::", "link set lvs4in6 up"],
            "lvs4in6",
        ),
        (Tunnel(type="gre"), "ipv4", FOUR, ["ip_gre"], ["link set gre0 up"], "gre0"),
        (Tunnel(type="gre"), "ipv4", SIX, ["ip6_gre"], ["link set ip6gre0 up"], "ip6gre0"),
        (
            Tunnel(type="gre", checksum="csum"),
            "ipv4",
            FOUR,
            ["ip_gre"],
            [f"link add lvsgre type gre local {FOUR} icsum", "link set lvsgre up"],
            "lvsgre",
        ),
        (
            Tunnel(type="gue", port=6080),
            "ipv4",
            FOUR,
            ["fou", "ipip"],
            ["fou add port 6080 gue", "link set tunl0 up"],
            "tunl0",
        ),
        (
            Tunnel(type="gue", port=6080),
            "ipv6",
            SIX,
            ["fou6", "ip6_tunnel"],
            ["fou add port 6080 gue -6", "link set ip6tnl0 up"],
            "ip6tnl0",
        ),
    ],
)
def test_modules_lines_and_the_device_of_the_vip(
    tunnel: Tunnel, vip: Family, rip: str, modules: list[str], lines: list[str], device: str
) -> None:
    found = decapsulation(tunnel, vip, ip_address(rip))
    assert (list(found.modules), list(found.lines), found.device) == (modules, lines, device)
