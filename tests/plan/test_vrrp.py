"""lvsgen/plan/vrrp.py and plan/keepalived.py: which addresses move, with what, and how directors find each other."""

from __future__ import annotations

import pytest

from lvsgen.bind import bind
from lvsgen.model import Cluster
from lvsgen.plan.host import Keepalived, VrrpInstance
from lvsgen.plan.keepalived import keepalived_of, secrets_of
from lvsgen.source import read_text

PAIR = """
cluster: shop
networks:
  outside: {prefixes: [192.0.2.0/24, "2001:db8:0:1::/64"], gateway: [192.0.2.1, "2001:db8:0:1::1"]}
  inside: {prefixes: [10.1.1.0/24], dip: 10.1.1.254}
directors:
  lvs1: {interfaces: {eth0: [192.0.2.2, "2001:db8:0:1::2"], eth1: 10.1.1.2}}
  lvs2: {interfaces: {ens3: [192.0.2.3, "2001:db8:0:1::3"], ens4: 10.1.1.3}}
realservers: {web1: 192.0.2.11, in1: 10.1.1.11}
"""
VRRP = "failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}\n"
NONE = "failover: {engine: none, order: [lvs1, lvs2]}\n"
WEB = "services: {web: {vip: web, tcp: 80, method: dr, pool: [web1]}}\n"
NAT = "services: {web: {vip: web, tcp: 80, method: nat, pool: [in1]}}\n"
ONE_VIP = "vips: {web: 192.0.2.100}\n"


def bound(text: str) -> Cluster:
    """The cluster of a description without mistakes; the schema has no say here, so that anything can be tried."""
    description, problems = read_text(text)
    assert problems == ()
    cluster, findings = bind([(one.name, one.data) for one in description.documents])
    assert findings == ()
    assert cluster is not None
    return cluster


def keepalived(text: str, director: str = "lvs1") -> Keepalived | None:
    cluster = bound(text)
    return keepalived_of(cluster, next(d for d in cluster.directors if d.name == director))


def instances(text: str, director: str = "lvs1") -> dict[str, VrrpInstance]:
    found = keepalived(text, director)
    return {one.name: one for one in found.instances} if found else {}


def held(one: VrrpInstance) -> list[str]:
    return [f"{a.ip} {a.device}" for a in (*one.addresses, *one.excluded)]


def test_an_instance_for_each_interface_and_family() -> None:
    text = PAIR + VRRP + 'vips: {web: [192.0.2.100, "2001:db8:0:1::100"]}\n' + NAT.replace("nat", "dr")
    text = text.replace("pool: [in1]", "pool: {web1: {families: [ipv4]}}")
    found = instances(text)
    assert {name: held(one) for name, one in found.items()} == {
        "shop_eth0_ipv4": ["192.0.2.100 eth0"],
        "shop_eth0_ipv6": ["2001:db8:0:1::100 eth0"],
        "shop_eth1_ipv4": ["10.1.1.254 eth1"],
    }
    assert [group.instances for group in (keepalived(text) or Keepalived(router_id="")).groups] == [tuple(found)]
    # The other director has other interfaces, and the same addresses.
    assert list(instances(text, "lvs2")) == ["shop_ens3_ipv4", "shop_ens3_ipv6", "shop_ens4_ipv4"]


def test_one_instance_forms_no_group() -> None:
    found = keepalived(PAIR.replace(", dip: 10.1.1.254", "") + VRRP + ONE_VIP + WEB)
    assert found is not None
    assert ([one.name for one in found.instances], found.groups) == (["shop_eth0_ipv4"], ())


def test_unicast_is_a_full_mesh_within_the_network() -> None:
    text = PAIR + "  \n" + VRRP + ONE_VIP + WEB
    text = text.replace("realservers:", "  lvs3: {interfaces: {bond0: 192.0.2.4, eth1: 10.1.1.4}}\nrealservers:")
    text = text.replace("[lvs1, lvs2]", "[lvs2, lvs1, lvs3]")
    one, two = instances(text)["shop_eth0_ipv4"], instances(text, "lvs3")["shop_bond0_ipv4"]
    assert (str(one.source), [str(p) for p in one.peers], one.priority) == (
        "192.0.2.2",
        ["192.0.2.3", "192.0.2.4"],
        190,
    )
    assert (str(two.source), [str(p) for p in two.peers], two.priority) == (
        "192.0.2.4",
        ["192.0.2.3", "192.0.2.2"],
        180,
    )
    dip = instances(text)["shop_eth1_ipv4"]
    assert (str(dip.source), [str(p) for p in dip.peers]) == ("10.1.1.2", ["10.1.1.3", "10.1.1.4"])


@pytest.mark.parametrize(
    ("transport", "groups"),
    [
        ("multicast", {"shop_eth0_ipv4": None, "shop_eth0_ipv6": None}),
        ("{multicast: 224.0.0.99}", {"shop_eth0_ipv4": "224.0.0.99", "shop_eth0_ipv6": None}),
    ],
)
def test_multicast_has_no_peers(transport: str, groups: dict[str, str | None]) -> None:
    text = PAIR.replace(", dip: 10.1.1.254", "") + VRRP.replace("vrid: 51", f"vrid: 51, transport: {transport}")
    text += 'vips: {web: [192.0.2.100, "2001:db8:0:1::100"]}\n' + WEB.replace("[web1]", "{web1: {families: [ipv4]}}")
    found = instances(text)
    assert {name: str(one.group) if one.group else None for name, one in found.items()} == groups
    assert [(one.source, one.peers) for one in found.values()] == [(None, ()), (None, ())]


def test_version_2_is_for_ipv4_only() -> None:
    text = PAIR + VRRP.replace("vrid: 51", "vrid: 51, secret: vrrp") + "secrets: {vrrp: {file: /etc/vrrp}}\n"
    text += 'vips: {web: [192.0.2.100, "2001:db8:0:1::100"]}\n' + WEB.replace("[web1]", "{web1: {families: [ipv4]}}")
    assert {name: one.version for name, one in instances(text).items()} == {
        "shop_eth0_ipv4": 2,
        "shop_eth0_ipv6": 3,
        "shop_eth1_ipv4": 2,
    }


@pytest.mark.parametrize("vip", ["device: lo", "device: none", "managed: false"])
def test_what_vrrp_does_not_move(vip: str) -> None:
    text = PAIR.replace(", dip: 10.1.1.254", "") + VRRP + f"vips: {{web: {{addresses: 192.0.2.100, {vip}}}}}\n" + WEB
    assert keepalived(text) is None


def test_only_the_lowest_address_is_advertised() -> None:
    text = PAIR.replace(", dip: 10.1.1.254", "") + VRRP + "vips: {web: 192.0.2.100-192.0.2.122}\n" + WEB
    one = instances(text)["shop_eth0_ipv4"]
    assert [str(a.ip) for a in one.addresses] == ["192.0.2.100"]
    assert [str(a.ip) for a in one.excluded] == [f"192.0.2.{n}" for n in range(101, 123)]


@pytest.mark.parametrize("vips", ["{web: 192.0.2.100, z: 192.0.2.101}", "{a: 192.0.2.101, web: 192.0.2.100}"])
def test_a_vip_above_the_lowest_does_not_change_the_advertisements(vips: str) -> None:
    text = PAIR.replace(", dip: 10.1.1.254", "") + VRRP + WEB
    added = vips.strip("{}").replace("web: 192.0.2.100", "").strip(", ").split(":")[0]
    before = instances(text + ONE_VIP)["shop_eth0_ipv4"]
    after = instances(text.replace("vip: web", f"vip: [web, {added}]") + f"vips: {vips}\n")["shop_eth0_ipv4"]
    assert after.addresses == before.addresses
    assert [str(a.ip) for a in after.excluded] == ["192.0.2.101"]


def test_a_device_without_an_address_is_spoken_for_by_another_interface() -> None:
    text = PAIR.replace(", dip: 10.1.1.254", "") + VRRP
    text += "vips: {web: {addresses: 192.0.2.100, device: eth7}, far: 198.51.100.7}\n"
    text += WEB.replace("vip: web", "vip: [web, far]")
    assert {n: held(one) for n, one in instances(text).items()} == {
        "shop_eth0_ipv4": ["192.0.2.100 eth7", "198.51.100.7 eth0"]
    }


def test_an_address_of_a_director_is_no_floating_one() -> None:
    text = PAIR.replace("dip: 10.1.1.254", "dip: 10.1.1.2, snat: 10.1.1.3") + VRRP + ONE_VIP + NAT
    assert list(instances(text)) == ["shop_eth0_ipv4"]
    assert list(instances(text, "lvs2")) == ["shop_ens3_ipv4"]


INSTANCES = """
failover:
  engine: keepalived
  order: [lvs1, lvs2]
  instances:
    a: {vips: [one], vrid: 1, priority: {lvs2: 150}}
    b: {vips: [two], vrid: 2, order: [lvs2, lvs1], advert: 500ms}
vips: {one: 192.0.2.100, two: 192.0.2.101}
"""


def test_a_dip_moves_with_the_services_that_use_it() -> None:
    services = """
services:
  one: {vip: one, tcp: 80, method: dr, pool: [web1]}
  two: {vip: two, tcp: 80, method: nat, pool: [in1]}
"""
    found = instances(PAIR + INSTANCES + services)
    assert {n: (held(one), one.priority, one.advert) for n, one in found.items()} == {
        "a_eth0_ipv4": (["192.0.2.100 eth0"], 200, 1),
        "b_eth0_ipv4": (["192.0.2.101 eth0"], 190, 0.5),
        "b_eth1_ipv4": (["10.1.1.254 eth1"], 190, 0.5),
    }
    # LVS-DR needs no DIP, even in its network.
    assert instances(PAIR + INSTANCES + services.replace("[web1]", "[in1]")) == found
    unused = instances(PAIR + INSTANCES + services.replace("method: nat, pool: [in1]", "method: dr, pool: [web1]"))
    assert list(unused) == ["a_eth0_ipv4", "a_eth1_ipv4", "b_eth0_ipv4"]
    assert instances(PAIR + INSTANCES + services, "lvs2")["a_ens3_ipv4"].priority == 150


def test_the_source_of_realservers_traffic_moves_too_unless_it_is_a_vip() -> None:
    text = PAIR.replace("dip: 10.1.1.254", "dip: 10.1.1.254, snat: 192.0.2.99") + VRRP + ONE_VIP + NAT
    assert held(instances(text)["shop_eth0_ipv4"]) == ["192.0.2.99 eth0", "192.0.2.100 eth0"]
    text = text.replace("snat: 192.0.2.99", "snat: 192.0.2.100")
    assert held(instances(text)["shop_eth0_ipv4"]) == ["192.0.2.100 eth0"]


def test_the_sync_daemon_follows_the_first_instance() -> None:
    synced = VRRP.replace("vrid: 51", "vrid: 51, sync: {network: inside, id: 7, maxlen: 1400}")
    found = keepalived(PAIR + synced + ONE_VIP + NAT)
    assert found is not None
    assert found.sync is not None
    assert (found.sync.interface, found.sync.instance, found.sync.role) == ("eth1", "shop_eth0_ipv4", None)
    routed = "vips: {web: {addresses: 198.51.100.7, device: lo}}\nipvs: {writer: keepalived}\n"
    alone = keepalived(PAIR.replace(", dip: 10.1.1.254", "") + synced + routed + WEB)
    assert alone is not None
    assert (alone.instances, alone.sync, alone.writes_table) == ((), None, True)


def test_addresses_follow_the_virtual_services_on_them() -> None:
    text = PAIR.replace(", dip: 10.1.1.254", "") + VRRP + "ipvs: {writer: keepalived}\n"
    text += """
vips:
  web: {addresses: [192.0.2.100, 192.0.2.101], follows: all}
  far: {addresses: 198.51.100.7, device: lo, follows: [web, other]}
services:
  web: {vip: web, tcp: [80, 443], method: dr, pool: [web1], check: {tcp: }}
  other: {vip: far, tcp: 25, mark: 9, method: dr, pool: [web1], check: {tcp: }}
"""
    found = keepalived(text)
    assert found is not None
    follows = {str(f.ip): (f.mode, f.device, f.instance, len(f.keys)) for f in found.follows}
    assert follows == {
        "192.0.2.100": ("all", "eth0", "shop_eth0_ipv4", 2),
        "192.0.2.101": ("all", "eth0", "shop_eth0_ipv4", 2),
        "198.51.100.7": ("any", "lo", None, 5),
    }


def test_only_the_secrets_that_a_host_needs() -> None:
    text = PAIR + VRRP + ONE_VIP + "secrets: {vrrp: {file: /a}, db: {file: /b}, other: {file: /c}}\n"
    text += WEB.replace("[web1]", '[web1], check: {script: [/bin/true, "-p{secret.db}", "{{secret.other}"]}')
    cluster = bound(text)
    assert [s.name for s in secrets_of(cluster, keepalived_of(cluster, cluster.directors[0]))] == ["db"]
    cluster = bound(text.replace("vrid: 51", "vrid: 51, secret: vrrp"))
    assert [s.name for s in secrets_of(cluster, keepalived_of(cluster, cluster.directors[0]))] == ["db", "vrrp"]
    assert secrets_of(cluster, None) == ()


def test_nothing_to_do_for_keepalived() -> None:
    text = PAIR + NONE + ONE_VIP + WEB
    assert keepalived(text) is None
    assert keepalived(text.replace("[web1]}", "[web1], check: {tcp: }}")) is not None
