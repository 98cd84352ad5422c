"""lvsgen/plan: the plans of all hosts, and sysctls that the description overrides."""

from __future__ import annotations

from lvsgen.plan import derive
from tests.plan.test_vrrp import NONE, ONE_VIP, PAIR, WEB, bound

OVERRIDES = """
sysctl:
  director:
    net.ipv4.vs.conn_reuse_mode: {value: 1, reason: clients are few}
    net.ipv4.vs.sloppy_tcp: 1
  realserver:
    net.ipv4.conf.all.arp_announce: 1
"""


def test_a_plan_for_every_host_directors_first() -> None:
    plans = derive(bound(PAIR + NONE + ONE_VIP + WEB))
    assert [(plan.host.name, plan.roles) for plan in plans] == [
        ("lvs1", ("director",)),
        ("lvs2", ("director",)),
        ("in1", ("realserver",)),
        ("web1", ("realserver",)),
    ]


def test_an_override_replaces_the_value_and_keeps_the_reason_unless_it_gives_one() -> None:
    plans = {plan.host.name: plan for plan in derive(bound(PAIR + NONE + ONE_VIP + WEB + OVERRIDES))}
    assert [(s.key, s.value, s.reason) for s in plans["lvs1"].sysctls] == [
        ("net.ipv4.vs.conn_reuse_mode", "1", "clients are few"),
        ("net.ipv4.vs.sloppy_tcp", "1", "asked for"),
    ]
    assert [(s.key, s.value, s.reason[:29]) for s in plans["web1"].sysctls] == [
        ("net.ipv4.conf.all.arp_ignore", "1", "else this realserver answers "),
        ("net.ipv4.conf.all.arp_announce", "1", "else its own ARP requests tel"),
    ]


def test_a_director_that_serves_gets_the_overrides_of_both_roles() -> None:
    plans = derive(bound(PAIR + NONE + ONE_VIP + WEB.replace("[web1]", "[lvs1]") + OVERRIDES))
    assert [s.value for s in plans[0].sysctls if s.key.endswith("arp_announce")] == ["1"]
    assert [s.value for s in plans[1].sysctls if s.key.endswith("arp_announce")] == []
