"""lvsgen/plan/realserver.py: VIPs that nobody else hears of, tunnels, and the way back of LVS-NAT."""

from __future__ import annotations

import pytest

from lvsgen.plan import derive
from lvsgen.plan.host import HostPlan
from tests.plan.test_vrrp import NAT, NONE, ONE_VIP, PAIR, VRRP, WEB, bound

LONE = """
cluster: shop
directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}
realservers: {web1: 192.0.2.11}
vips: {web: 192.0.2.100}
"""


def plan_of(text: str, host: str) -> HostPlan:
    return next(plan for plan in derive(bound(text)) if plan.host.name == host)


def held(plan: HostPlan) -> list[str]:
    return [f"{a.ip} {a.device}: {a.reason}" for a in plan.addresses]


def arp(plan: HostPlan) -> dict[str, str]:
    return {s.key.rpartition(".")[2]: s.reason for s in plan.sysctls if ".arp_" in s.key}


def test_a_realserver_by_dr_holds_the_vip_in_silence() -> None:
    plan = plan_of(PAIR + NONE + ONE_VIP + WEB, "web1")
    assert held(plan) == ["192.0.2.100 lo: VIP web: accepted here, announced nowhere"]
    assert arp(plan) == {
        "arp_ignore": "else this realserver answers ARP for the VIP and bypasses the director",
        "arp_announce": "else its own ARP requests tell the VIP, and the router sends the VIP's packets here",
    }
    assert plan_of(PAIR + NONE + ONE_VIP + WEB, "in1").is_empty


def test_ipv6_is_silent_by_itself() -> None:
    text = PAIR.replace("web1: 192.0.2.11", 'web1: "2001:db8:0:1::11"') + NONE + 'vips: {web: "2001:db8:0:1::100"}\n'
    plan = plan_of(text + WEB, "web1")
    assert (len(plan.addresses), plan.sysctls) == (1, ())


def test_another_device_for_vips_is_made() -> None:
    plan = plan_of(
        PAIR.replace("web1: 192.0.2.11", "web1: {addresses: 192.0.2.11, loopback: lvs0}") + NONE + ONE_VIP + WEB, "web1"
    )
    assert [link.line for link in plan.links] == ["link add name lvs0 type dummy", "link set dev lvs0 up"]
    assert [a.device for a in plan.addresses] == ["lvs0"]


def test_a_director_that_is_a_realserver_too_accepts_while_another_one_is_master() -> None:
    text = PAIR.replace(", dip: 10.1.1.254", "") + VRRP + ONE_VIP + WEB.replace("[web1]", "[lvs1, lvs2]")
    plan = plan_of(text, "lvs2")
    assert plan.roles == ("director", "realserver")
    assert held(plan) == ["192.0.2.100 lo: VIP web: accepted while another director is the master"]
    assert arp(plan) == {
        "arp_ignore": "else this director answers ARP for the VIP while another one is the master",
        "arp_announce": "else its own ARP requests tell the VIP while another director is the master",
    }


def test_a_lone_director_holds_the_vip_on_its_interface_alone() -> None:
    plan = plan_of(LONE + WEB.replace("[web1]", "[lvs1]"), "lvs1")
    assert held(plan) == ["192.0.2.100 eth0: VIP web"]
    assert arp(plan) == {}


def test_a_tunnel_unwraps_and_holds_the_vip() -> None:
    plan = plan_of(PAIR + NONE + ONE_VIP + WEB.replace("dr", "tun"), "web1")
    assert [m.name for m in plan.modules] == ["ipip"]
    assert [link.line for link in plan.links] == ["link set tunl0 up"]
    assert [f"{a.ip} {a.device}" for a in plan.addresses] == ["192.0.2.100 tunl0"]
    assert [s.value for s in plan.sysctls if s.key == "net.ipv4.conf.tunl0.rp_filter"] == ["2"]


def test_vips_by_networks_are_not_held() -> None:
    text = PAIR + NONE + "vips: {web: {addresses: 192.0.2.128/25, device: none}}\n"
    plan = plan_of(text + WEB.replace("tcp: 80", "tcp: 80, mark: 7"), "web1")
    assert (plan.addresses, arp(plan)) == ((), {})


@pytest.mark.parametrize(
    ("service", "lines"),
    [
        (NAT, [("route replace default via 10.1.1.254",)]),
        (NAT.replace("method: nat", "method: nat, snat: true"), []),
    ],
)
def test_nat_answers_through_the_director(service: str, lines: list[tuple[str, ...]]) -> None:
    plan = plan_of(PAIR + NONE + ONE_VIP + service, "in1")
    assert [route.lines for route in plan.routes] == lines
    assert (plan.addresses, plan.sysctls) == ((), ())


def test_nat_on_the_clients_network_knows_no_neighbour_but_the_director() -> None:
    text = PAIR.replace("in1: 10.1.1.11", "in1: {interfaces: {eth0: 10.1.1.11}}") + NONE
    plan = plan_of(text + "vips: {web: 10.1.1.100}\n" + NAT, "in1")
    assert [route.lines for route in plan.routes] == [
        (
            "route replace 10.1.1.254/32 dev eth0 scope link",
            "route replace default via 10.1.1.254 dev eth0",
            "route del 10.1.1.0/24 dev eth0",
        )
    ]


def test_a_default_route_for_each_address_once() -> None:
    two = "defaults: {vip: web, method: nat, pool: [in1]}\nservices: {a: {tcp: 80}, b: {tcp: 81}}\n"
    assert len(plan_of(PAIR + NONE + ONE_VIP + two, "in1").routes) == 1
