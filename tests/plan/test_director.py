"""lvsgen/plan/director.py: modules, sysctls, addresses, routes and the sync daemon of a director."""

from __future__ import annotations

import pytest

from lvsgen.plan import derive, director
from lvsgen.plan.host import SyncDaemon
from tests.plan.test_vrrp import NAT, NONE, ONE_VIP, PAIR, VRRP, WEB, bound


def sysctls(text: str, host: str = "lvs1") -> dict[str, str]:
    return {s.key: s.value for plan in derive(bound(text)) if plan.host.name == host for s in plan.sysctls}


def addresses(text: str, host: str = "lvs1") -> list[str]:
    found = [a for plan in derive(bound(text)) if plan.host.name == host for a in plan.addresses]
    return [f"{a.ip} {a.device}{' deprecated' if a.deprecated else ''}" for a in found]


def test_modules() -> None:
    text = PAIR + NONE + ONE_VIP + "ipvs: {table_bits: 16}\n"
    text += NAT.replace("tcp: 80", "tcp: 2121, helper: {ftp: {}}, scheduler: mh")
    found = {m.name: m.options for m in director.modules(bound(text))}
    assert found == {"ip_vs": ("conn_tab_bits=16",), "ip_vs_mh": (), "ip_vs_ftp": ("ports=21,2121",)}
    usual = {m.name: m.options for m in director.modules(bound(PAIR + NONE + ONE_VIP + NAT.replace("80", "21")))}
    assert usual == {"ip_vs": (), "ip_vs_wlc": (), "ip_vs_ftp": ()}
    ranged = NAT.replace("tcp: 80", 'tcp: [2121, "50000-50100"], mark: auto, helper: {ftp: {}}')
    found = {m.name: m.options for m in director.modules(bound(PAIR + NONE + ONE_VIP + ranged))}
    assert found["ip_vs_ftp"] == ("ports=21,2121",), "a range is for data"
    sip = WEB.replace("tcp: 80", "udp: 5060, persistence: {timeout: 60, engine: sip}")
    assert [m.name for m in director.modules(bound(PAIR + NONE + ONE_VIP + sip))][-1] == "ip_vs_pe_sip"


def test_only_nat_needs_forwarding() -> None:
    assert sysctls(PAIR + NONE + ONE_VIP + NAT)["net.ipv4.ip_forward"] == "1"
    assert "net.ipv4.ip_forward" not in sysctls(PAIR + NONE + ONE_VIP + WEB)
    assert "net.ipv6.conf.all.forwarding" not in sysctls(PAIR + NONE + ONE_VIP + NAT)


def test_no_redirects_where_clients_and_realservers_share_a_network() -> None:
    key = "net.ipv4.conf.eth0/7.send_redirects"
    text = PAIR.replace("eth0:", "eth0.7:") + NONE + ONE_VIP
    assert sysctls(text + NAT.replace("[in1]", "[web1]"))[key] == "0"
    assert key not in sysctls(text + NAT)


def test_settings_of_ipvs() -> None:
    found = sysctls(PAIR + NONE + ONE_VIP + NAT.replace("tcp: 80", "tcp: 80, snat: true, persistence: 5m"))
    assert found["net.ipv4.vs.conntrack"] == "1"
    assert found["net.ipv4.vs.expire_quiescent_template"] == "1"
    assert "net.ipv4.vs.conn_reuse_mode" not in found
    plain = sysctls(PAIR + NONE + ONE_VIP + WEB)
    assert {key: value for key, value in plain.items() if ".vs." in key} == {"net.ipv4.vs.conn_reuse_mode": "3"}
    tuned = VRRP.replace("vrid: 51", "vrid: 51, sync: {network: inside, id: 7, threads: 2, threshold: [3, 50]}")
    synced = sysctls(PAIR + tuned + ONE_VIP + WEB)
    assert (synced["net.ipv4.vs.sync_ports"], synced["net.ipv4.vs.sync_threshold"]) == ("2", "3 50")


@pytest.mark.parametrize(
    ("service", "expected"),
    [
        (WEB.replace("[web1]", "[lvs1, lvs2]"), "1"),
        (WEB.replace("[web1]", "[lvs1, lvs2]").replace("dr", "tun"), "1"),
        (NAT.replace("[in1]", "[lvs1, lvs2]"), None),
        (WEB, None),
    ],
)
def test_a_backup_must_not_schedule_again_what_reaches_it_as_a_realserver(service: str, expected: str | None) -> None:
    synced = VRRP.replace("vrid: 51", "vrid: 51, sync: {network: inside, id: 7}")
    assert sysctls(PAIR + synced + ONE_VIP + service).get("net.ipv4.vs.backup_only") == expected
    assert "net.ipv4.vs.backup_only" not in sysctls(PAIR + NONE + ONE_VIP + service)


def test_without_an_engine_the_director_holds_vips_and_dips_itself() -> None:
    text = PAIR + NONE + 'vips: {web: [192.0.2.100, "2001:db8:0:1::100"]}\n'
    text += NAT.replace("[in1]", "{in1: {families: [ipv4]}}")
    assert addresses(text) == ["192.0.2.100 eth0", "2001:db8:0:1::100 eth0 deprecated", "10.1.1.254 eth1"]
    assert addresses(text.replace(NONE, VRRP)) == []


def test_a_dip_that_is_the_directors_own_address_is_there_already() -> None:
    text = PAIR.replace("10.1.1.254", "10.1.1.2") + NONE + ONE_VIP + NAT
    assert addresses(text) == ["192.0.2.100 eth0"]
    assert addresses(text, "lvs2") == ["192.0.2.100 ens3", "10.1.1.2 ens4"]


@pytest.mark.parametrize(
    ("vip", "expected"),
    [
        ("device: lo", ["198.51.100.7 lo"]),
        ("device: eth0", []),
        ("device: none", []),
        ("device: lo, managed: false", []),
        # keepalived's quorum commands add and delete these.
        ("device: lo, follows: any", []),
        ("device: lo, follows: [web]", []),
    ],
)
def test_a_routed_vip_is_held_whoever_moves_the_others(vip: str, expected: list[str]) -> None:
    text = PAIR.replace(", dip: 10.1.1.254", "") + VRRP + "ipvs: {writer: keepalived}\n"
    text += f"vips: {{web: {{addresses: 198.51.100.7, {vip}}}}}\n" + WEB.replace("tcp: 80", "tcp: 80, mark: 7")
    assert addresses(text) == expected


def test_a_vip_on_an_interface_that_follows_is_held_all_the_same() -> None:
    text = PAIR.replace(", dip: 10.1.1.254", "") + NONE + "ipvs: {writer: keepalived}\n"
    assert addresses(text + "vips: {web: {addresses: 192.0.2.100, follows: any}}\n" + WEB) == ["192.0.2.100 eth0"]


def test_marked_packets_to_vips_that_nobody_holds_are_local() -> None:
    text = PAIR + NONE + 'vips: {web: {addresses: ["192.0.2.128/25", "2001:db8:9::/64"], device: none}}\n'
    text += WEB.replace("tcp: 80", "tcp: 80, mark: {value: {ipv4: 7, ipv6: 8}}").replace(
        "[web1]", "{web1: {families: [ipv4]}}"
    )
    assert [route.lines for route in director.routes(bound(text))] == [
        ("route replace local 0.0.0.0/0 dev lo table 7", "rule add from 0.0.0.0/0 fwmark 7 lookup 7 priority 100"),
        ("route replace local ::/0 dev lo table 8", "rule add from ::/0 fwmark 8 lookup 8 priority 100"),
    ]
    assert list(director.routes(bound(PAIR + NONE + ONE_VIP + WEB.replace("tcp: 80", "tcp: 80, mark: 7")))) == []


def test_the_sync_daemon_of_lvs_sh() -> None:
    synced = NONE.replace("}\n", ", sync: {network: inside, id: 7, maxlen: 1400}}\n")
    plans = derive(bound(PAIR + synced + ONE_VIP + WEB))
    assert [plan.sync for plan in plans[:2]] == [
        SyncDaemon(interface="eth1", id=7, role="master", maxlen=1400),
        SyncDaemon(interface="ens4", id=7, role="backup", maxlen=1400),
    ]
    assert [plan.sync for plan in derive(bound(PAIR + NONE + ONE_VIP + WEB))] == [None] * 4
