"""lvsgen/plan/places.py: interfaces of a host, and the devices that hold and announce a VIP."""

from __future__ import annotations

import pytest

from lvsgen.plan.places import interface_in, own_address, vip_device, vip_speaker
from tests.plan.test_vrrp import NONE, PAIR, WEB, bound


def test_the_interface_of_a_host_in_a_network() -> None:
    cluster = bound(PAIR + NONE + "vips: {web: 192.0.2.100}\n" + WEB)
    inside, outside = cluster.networks
    one, two = cluster.directors
    assert [interface_in(one, inside), interface_in(two, outside)] == ["eth1", "ens3"]
    assert [interface_in(one, inside, "ipv4"), interface_in(one, inside, "ipv6")] == ["eth1", None]
    assert interface_in(cluster.realservers[0], inside) is None


@pytest.mark.parametrize(
    ("vip", "device", "speaker"),
    [
        ("192.0.2.100", "eth0", "eth0"),
        ("10.1.1.100", "eth1", "eth1"),
        ('"2001:db8:0:1::100"', "eth0", "eth0"),
        # In no network: the interface towards the gateway, in the same family.
        ("198.51.100.7", "eth0", "eth0"),
        ("{addresses: 10.1.1.100, device: eth0}", "eth0", "eth0"),
        ("{addresses: 10.1.1.100, device: eth7}", "eth7", "eth1"),
        ('{addresses: "2001:db8:0:1::100", device: eth1}', "eth1", "eth0"),
        ("{addresses: 198.51.100.7, device: lo}", "lo", None),
        ("{addresses: 198.51.100.7, device: none}", "none", None),
        ("{addresses: 192.0.2.100, managed: false}", "eth0", None),
    ],
)
def test_what_holds_and_what_announces_a_vip(vip: str, device: str, speaker: str | None) -> None:
    service = "services: {web: {vip: web, tcp: 80, mark: 7, method: tun, pool: [web1]}}\n"
    cluster = bound(PAIR + NONE + f"vips: {{web: {vip}}}\n" + service)
    (one,) = cluster.vips
    found = [f(cluster.directors[0], one, one.addresses[0]) for f in (vip_device, vip_speaker)]
    assert found == [device, speaker]


def test_what_lies_in_no_network_is_held_towards_the_gateway() -> None:
    text = PAIR.replace("eth1: 10.1.1.2", "aa1: 10.1.1.2") + NONE + "vips: {web: 198.51.100.7}\n" + WEB
    cluster = bound(text)
    (one,) = cluster.vips
    assert cluster.directors[0].addresses[0].interface == "aa1"
    assert vip_device(cluster.directors[0], one, one.addresses[0]) == "eth0"


def test_no_interface_fits() -> None:
    cluster = bound(PAIR.replace(', "2001:db8:0:1::2"', "") + NONE + "vips: {web: 192.0.2.100}\n" + WEB)
    six = bound(PAIR + NONE + 'vips: {web: "2001:db8:0:1::100"}\n' + WEB.replace("dr", "tun")).vips[0]
    assert vip_device(cluster.directors[0], six, six.addresses[0]) is None
    assert vip_speaker(cluster.directors[0], six, six.addresses[0]) is None


def test_the_own_address_is_the_one_in_the_network_if_there_is_one() -> None:
    text = PAIR.replace(
        "lvs1: {interfaces: {eth0: [192.0.2.2,", "lvs1: {interfaces: {eth0: [198.51.100.2/24, 192.0.2.2,"
    )
    cluster = bound(text + NONE + "vips: {web: 192.0.2.100}\n" + WEB)
    _, inside, outside = sorted(cluster.networks, key=lambda n: n.name)
    one = cluster.directors[0]
    found = [own_address(one, "eth0", "ipv4", network) for network in (None, outside, inside)]
    assert [str(a.ip) for a in found if a] == ["198.51.100.2", "192.0.2.2", "198.51.100.2"]
    assert own_address(one, "eth1", "ipv6") is None
