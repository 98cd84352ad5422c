"""lvsgen/plan/keepalived.py: when keepalived has a part at all, and which addresses follow services."""

from __future__ import annotations

import pytest

from tests.plan.test_vrrp import NONE, PAIR, VRRP, WEB, keepalived

WRITES = "ipvs: {writer: keepalived}\n"
DIPLESS = PAIR.replace(", dip: 10.1.1.254", "")


def follows(text: str) -> list[tuple[str, str, str | None]]:
    found = keepalived(text)
    return [(str(f.ip), f.device, f.instance) for f in found.follows] if found else []


@pytest.mark.parametrize(
    ("failover", "vip", "expected"),
    [
        (VRRP, "addresses: 192.0.2.100, follows: any", [("192.0.2.100", "eth0", "shop_eth0_ipv4")]),
        (VRRP, "addresses: 192.0.2.100, follows: all, device: eth7", [("192.0.2.100", "eth7", "shop_eth0_ipv4")]),
        (VRRP, "addresses: 192.0.2.100", []),
        (VRRP, "addresses: 192.0.2.100, follows: any, managed: false", []),
        (VRRP, "addresses: 192.0.2.100, follows: any, device: none", []),
        # Where lvs.sh holds the address on an interface it stays; on `lo` quorum commands add and delete it.
        (NONE, "addresses: 192.0.2.100, follows: any", []),
        (NONE, "addresses: 192.0.2.100, follows: any, device: lo", [("192.0.2.100", "lo", None)]),
        (VRRP, "addresses: 192.0.2.100, follows: any, device: lo", [("192.0.2.100", "lo", None)]),
    ],
)
def test_which_addresses_follow(failover: str, vip: str, expected: list[tuple[str, str, str | None]]) -> None:
    text = DIPLESS + failover + WRITES + f"vips: {{web: {{{vip}}}}}\n" + WEB
    assert follows(text) == expected


def test_an_address_without_virtual_services_of_its_family_follows_none() -> None:
    text = DIPLESS + VRRP + WRITES + 'vips: {web: 192.0.2.100, six: {addresses: "2001:db8:0:1::100", follows: [web]}}\n'
    text += """
services:
  web: {vip: web, tcp: 80, method: dr, pool: [web1]}
  other: {vip: six, tcp: 80, method: tun, pool: [web1]}
"""
    assert follows(text) == []
    assert follows(text.replace("[web]}", "any}")) == [("2001:db8:0:1::100", "eth0", "shop_eth0_ipv6")]


def test_where_the_script_writes_the_table_nothing_follows() -> None:
    text = DIPLESS + VRRP + "vips: {web: {addresses: 192.0.2.100, follows: any}}\n" + WEB + "ipvs: {writer: script}\n"
    assert follows(text) == []
