"""lvsgen/plan/nat.py: gateways of LVS-NAT, and who needs one."""

from __future__ import annotations

import pytest

from lvsgen.plan.nat import dip, nat_families, source, ways_back
from tests.plan.test_vrrp import NAT, NONE, ONE_VIP, PAIR, WEB, bound

LONE = """
cluster: shop
networks: {outside: {prefixes: [192.0.2.0/24]}, inside: {prefixes: [10.1.1.0/24]}}
directors: {lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.1.1.2}}}
realservers: {in1: 10.1.1.11}
"""


def gateway(text: str) -> str:
    cluster = bound(text)
    (inside,) = (n for n in cluster.networks if n.name == "inside")
    return str(dip(cluster, inside, "ipv4"))


def test_the_dip_floats_where_it_is_declared() -> None:
    assert gateway(PAIR + NONE + ONE_VIP + NAT) == "10.1.1.254"
    assert gateway(LONE.replace("10.1.1.0/24]", "10.1.1.0/24], dip: 10.1.1.254") + ONE_VIP + NAT) == "10.1.1.254"


def test_a_lone_director_is_the_gateway_itself_and_one_of_two_is_not() -> None:
    assert gateway(LONE + ONE_VIP + NAT) == "10.1.1.2"
    assert gateway(PAIR.replace(", dip: 10.1.1.254", "") + NONE + ONE_VIP + NAT) == "None"


def test_the_source_of_translated_packets() -> None:
    for text, expected in ((PAIR, "10.1.1.254"), (PAIR.replace(", dip: 10.1.1.254", ""), "10.1.1.3")):
        cluster = bound(text + NONE + ONE_VIP + NAT)
        (inside,) = (n for n in cluster.networks if n.name == "inside")
        assert str(source(cluster, cluster.directors[1], inside, "ipv4")) == expected
        assert source(cluster, cluster.directors[1], inside, "ipv6") is None


@pytest.mark.parametrize(
    ("service", "ways"),
    [
        (NAT, [("10.1.1.11", "inside", "10.1.1.254")]),
        (NAT.replace("method: nat", "method: nat, snat: true"), []),
        (WEB, []),
        (NAT.replace("[in1]", "[lvs1]"), []),
        # There is no DIP of the other family.
        (NAT.replace("vip: web", 'vip: "2001:db8:0:1::100"').replace("[in1]", "{in1: {families: [ipv4]}}"), []),
    ],
)
def test_who_answers_through_the_director(service: str, ways: list[tuple[str, str, str]]) -> None:
    cluster = bound(PAIR.replace("dip: 10.1.1.254", "dip: [10.1.1.254]") + NONE + ONE_VIP + service)
    (one,) = cluster.services
    found = [(str(w.rip), w.network.name, str(w.gateway)) for w in ways_back(cluster, one, one.members[0])]
    assert found == ways


def test_families_of_nat_by_network() -> None:
    cluster = bound(PAIR + NONE + ONE_VIP + NAT)
    inside, outside = cluster.networks
    assert (nat_families(cluster), nat_families(cluster, inside), nat_families(cluster, outside)) == (
        ("ipv4",),
        ("ipv4",),
        (),
    )
    assert nat_families(bound(PAIR + NONE + ONE_VIP + WEB)) == ()
