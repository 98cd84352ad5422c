"""Sysctls that contradict a derived value need a reason; others do not."""

from __future__ import annotations

import pytest

from lvsgen import overrides
from tests.plan.test_vrrp import bound

TEXT = """
cluster: shop
directors: {{lvs1: {{interfaces: {{eth0: 192.0.2.2/24, eth1: 10.1.1.1/24}}}}}}
realservers: {{rs1: 192.0.2.11, in1: 10.1.1.11}}
services:
  web: {{vip: 192.0.2.100, tcp: 80, method: dr, persistence: 5m, pool: [rs1]}}
  mail: {{vip: 192.0.2.101, tcp: 25, method: nat, pool: [in1]}}
sysctl: {{{0}: {{{1}}}}}
"""


def messages(role: str, setting: str) -> list[str]:
    return [one.message for one in overrides.check(bound(TEXT.format(role, setting)))]


@pytest.mark.parametrize(
    ("role", "setting", "said"),
    [
        ("director", "net.ipv4.ip_forward: 0", "director `lvs1` needs the value 1: "),
        ("director", "net.ipv4.vs.expire_quiescent_template: 0", "director `lvs1` needs the value 1: "),
        ("realserver", "net.ipv4.conf.all.arp_ignore: 0", "realserver `rs1` needs the value 1: "),
    ],
)
def test_a_contradiction_needs_a_reason(role: str, setting: str, said: str) -> None:
    (message,) = messages(role, setting)
    assert message.startswith(said)
    key, _, value = setting.partition(": ")
    assert not messages(role, f"{key}: {{value: {value}, reason: seen to}}")


@pytest.mark.parametrize(
    ("role", "setting"),
    [
        ("director", "net.ipv4.ip_forward: 1"),
        ("director", "net.ipv4.vs.sloppy_tcp: 1"),
        ("realserver", "net.ipv4.ip_forward: 0"),
        ("director", "net.ipv4.conf.all.arp_ignore: 0"),
    ],
)
def test_anything_else_does_not(role: str, setting: str) -> None:
    assert not messages(role, setting)
