"""lvsgen/targets/ipvs.py: the granularity of persistence."""

from __future__ import annotations

import pytest

from lvsgen.targets.ipvs import netmask
from tests.plan.test_vrrp import NONE, ONE_VIP, PAIR, WEB, bound


@pytest.mark.parametrize(
    ("mask", "four", "six"),
    [
        ("{ipv4: 24, ipv6: 64}", "255.255.255.0", "64"),
        # One client alone is what both tools take without a mask.
        ("{ipv4: 32, ipv6: 128}", "", ""),
        ("{ipv4: 31, ipv6: 127}", "255.255.255.254", "127"),
        ("{}", "", ""),
    ],
)
def test_netmasks_as_both_tools_write_them(mask: str, four: str, six: str) -> None:
    text = PAIR + NONE + ONE_VIP + WEB.replace("tcp: 80", f"tcp: 80, persistence: {{timeout: 60, netmask: {mask}}}")
    service = bound(text).services[0]
    assert (netmask(service, "ipv4"), netmask(service, "ipv6")) == (four, six)


def test_without_persistence_there_is_no_mask() -> None:
    assert netmask(bound(PAIR + NONE + ONE_VIP + WEB).services[0], "ipv4") == ""
