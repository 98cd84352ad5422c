"""lvsgen/plan/passage.py, probes.py and ftp.py: which packets a filter meets in which chain."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvsgen.model import Ports
from lvsgen.plan import derive
from lvsgen.plan.ftp import Data, data_connections
from lvsgen.plan.host import HostPlan
from lvsgen.plan.passage import EVERY_PORT, Passage, passages
from lvsgen.plan.probes import only_port
from lvsgen.render import render
from lvsgen.targets import keepalived
from tests.plan.test_vrrp import NAT, NONE, ONE_VIP, PAIR, VRRP, WEB, bound

CHECKED = "ipvs: {writer: keepalived}\n"
LONE = """
cluster: shop
networks: {outside: {prefixes: [192.0.2.0/24]}, inside: {prefixes: [10.1.1.0/24]}}
directors: {lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.1.1.2}}}
realservers: {web1: 192.0.2.11, in1: 10.1.1.11}
vips: {web: 192.0.2.100}
"""


def plan_of(text: str, host: str) -> HostPlan:
    return next(plan for plan in derive(bound(text)) if plan.host.name == host)


def shown(one: Passage) -> str:
    """`INPUT tcp clients > 192.0.2.100 80`, the ports of the source behind it."""
    text = f"{one.chain} {one.protocol} {one.source}"
    text += "" if one.source_ports == EVERY_PORT else ":{}-{}".format(*one.source_ports)
    text += f" > {one.target}"
    return text + ("" if one.ports == EVERY_PORT else ":{}-{}".format(*one.ports))


def rows(text: str, host: str, purpose: str = "service") -> list[str]:
    return [shown(one) for one in passages(plan_of(text, host)) if one.purpose == purpose]


def test_dr_sends_packets_on_with_the_vip_as_destination_and_forwards_nothing() -> None:
    text = PAIR + NONE + ONE_VIP + WEB
    assert rows(text, "lvs1") == ["INPUT tcp clients > 192.0.2.100:80-80", "OUTPUT tcp clients > 192.0.2.100:80-80"]
    assert rows(text, "lvs1", "reply") == []
    assert rows(text, "web1") == ["INPUT tcp clients > 192.0.2.100:80-80"]
    assert rows(text, "in1") == []


def test_nat_rewrites_address_and_port_and_its_replies_are_forwarded() -> None:
    text = PAIR + NONE + ONE_VIP + NAT.replace("tcp: 80", "tcp: {80: 8080}")
    assert rows(text, "lvs1") == ["INPUT tcp clients > 192.0.2.100:80-80", "OUTPUT tcp clients > 10.1.1.11:8080-8080"]
    assert rows(text, "lvs1", "reply") == ["FORWARD tcp 10.1.1.11:8080-8080 > clients"]
    assert rows(text, "in1") == ["INPUT tcp clients > 10.1.1.11:8080-8080"]
    own = text.replace("[in1]", "{in1: {port: 9090}}")
    assert rows(own, "in1") == ["INPUT tcp clients > 10.1.1.11:9090-9090"]
    assert rows(text.replace("method: nat", "method: nat, snat: true"), "in1") == [
        "INPUT tcp directors > 10.1.1.11:8080-8080"
    ]


def test_ports_that_are_many() -> None:
    text = PAIR + NONE + ONE_VIP + NAT.replace("tcp: 80", "tcp: 8000-8009, udp: all, mark: 7")
    assert rows(text, "in1") == ["INPUT tcp clients > 10.1.1.11:8000-8009", "INPUT udp clients > 10.1.1.11"]
    foreign = PAIR + NONE + ONE_VIP + WEB.replace("tcp: 80", "mark: {value: 7, rules: foreign}")
    assert rows(foreign, "web1") == ["INPUT any clients > 192.0.2.100"]


@pytest.mark.parametrize(
    ("tunnel", "packets"),
    [
        ("ipip", ["ipip {} > 198.51.100.11", "ipv6 {} > 198.51.100.11"]),
        ("gre", ["gre {} > 198.51.100.11"]),
        ("{type: gue, port: 6080}", ["udp {} > 198.51.100.11:6080-6080"]),
    ],
)
def test_what_a_tunnel_is_made_of(tunnel: str, packets: list[str]) -> None:
    text = PAIR.replace("web1: 192.0.2.11", "far: 198.51.100.11") + NONE
    text += 'vips: {web: [192.0.2.100, "2001:db8:0:1::100"]}\n'
    text += f"services: {{web: {{vip: web, tcp: 80, method: tun, tunnel: {tunnel}, pool: [far]}}}}\n"
    assert rows(text, "lvs1", "tunnel") == [f"OUTPUT {one.format('this host')}" for one in packets]
    assert rows(text, "far", "tunnel") == [f"INPUT {one.format('directors')}" for one in packets]
    assert rows(text, "far") == ["INPUT tcp clients > 192.0.2.100:80-80", "INPUT tcp clients > 2001:db8:0:1::100:80-80"]
    # A director that is a realserver too unwraps what the other one sends it, and wraps nothing for itself.
    both = text.replace("[far]", "[lvs1]").replace("  ipv", "ipv")
    assert all("198.51.100.11" not in row for row in rows(both, "lvs1", "tunnel"))
    assert {row.split()[0] for row in rows(both, "lvs1", "tunnel")} == {"INPUT"}
    assert {row.split()[0] for row in rows(both, "lvs2", "tunnel")} == {"OUTPUT"}


def test_a_director_that_serves_itself_hands_packets_on_without_another_chain() -> None:
    text = LONE + "services: {web: {vip: web, tcp: 80, method: nat, pool: [lvs1, in1]}}\n"
    assert rows(text, "lvs1", "reply") == ["FORWARD tcp 10.1.1.11:80-80 > clients"]
    assert "OUTPUT tcp clients > 192.0.2.2:80-80" not in rows(text, "lvs1")
    alone = LONE + "services: {web: {vip: web, tcp: 80, method: dr, pool: [lvs1]}}\n"
    assert rows(alone, "lvs1") == ["INPUT tcp clients > 192.0.2.100:80-80"]


def test_a_whole_network_is_taken_in_by_redirection() -> None:
    text = (
        PAIR + NONE + "vips: {web: {addresses: 0.0.0.0/0, device: none}}\n" + WEB.replace("tcp: 80", "tcp: 80, mark: 7")
    )
    assert rows(text, "lvs1")[0] == "INPUT tcp clients > 0.0.0.0/0:80-80"
    assert rows(text, "web1") == ["INPUT tcp clients > this host:80-80"]


def test_a_sorry_realserver_gets_packets_too() -> None:
    text = PAIR.replace("in1:", "sorry: 10.1.1.99, in1:") + NONE + ONE_VIP
    text += NAT.replace("tcp: 80", "tcp: {80: 8080}, sorry_server: {realserver: sorry, port: 81}")
    assert "FORWARD tcp 10.1.1.99:81-81 > clients" in rows(text, "lvs1", "reply")
    assert rows(text, "sorry") == ["INPUT tcp clients > 10.1.1.99:81-81"]
    # Without a port of its own it is asked on the VIP's.
    assert rows(text.replace(", port: 81", ""), "sorry") == ["INPUT tcp clients > 10.1.1.99:80-80"]


def checked(check: str, service: str = "tcp: 80") -> str:
    text = PAIR + NONE + CHECKED + ONE_VIP + WEB.replace("tcp: 80", service)
    return text.replace("[web1]", f"[web1], check: {check}")


@pytest.mark.parametrize(
    ("check", "packets"),
    [
        ("tcp", "tcp {} > 192.0.2.11:80-80"),
        ("{tcp: , port: 81}", "tcp {} > 192.0.2.11:81-81"),
        ("{https: /, port: 443}", "tcp {} > 192.0.2.11:443-443"),
        ("{tcp: , address: 192.0.2.77}", "tcp {} > 192.0.2.77:80-80"),
        ("{dns: example.org, port: 53}", "udp {} > 192.0.2.11:53-53"),
        ("{udp: , port: 5060}", "udp {} > 192.0.2.11:5060-5060"),
        ("ping", "icmp {} > 192.0.2.11"),
    ],
)
def test_where_a_check_goes(check: str, packets: str) -> None:
    assert rows(checked(check), "lvs1", "health check") == ["OUTPUT " + packets.format("this host")]
    assert rows(checked(check), "web1", "health check") == ["INPUT " + packets.format("directors")]


@pytest.mark.parametrize("check", ["{script: [/bin/true]}", "{file: /run/web}"])
def test_what_sends_no_packet_that_is_known(check: str) -> None:
    assert rows(checked(check), "lvs1", "health check") == []
    assert rows(checked(check), "web1", "health check") == []


def test_the_source_of_a_check() -> None:
    text = checked("{tcp: , source: 192.0.2.99}")
    assert rows(text, "lvs1", "health check") == ["OUTPUT tcp 192.0.2.99 > 192.0.2.11:80-80"]
    assert rows(text, "web1", "health check") == ["INPUT tcp 192.0.2.99 > 192.0.2.11:80-80"]


def test_a_check_of_another_host_is_met_there() -> None:
    text = checked("{tcp: , address: 10.1.1.11}")
    assert rows(text, "web1", "health check") == []
    assert rows(text, "in1", "health check") == ["INPUT tcp directors > 10.1.1.11:80-80"]


def test_bfd_speaks_both_ways() -> None:
    text = checked("{bfd: 192.0.2.11}")
    assert rows(text, "lvs1", "health check") == [
        "INPUT udp 192.0.2.11 > this host:3784-3784",
        "OUTPUT udp this host > 192.0.2.11:3784-3784",
    ]
    assert rows(text, "web1", "health check") == [
        "INPUT udp directors > 192.0.2.11:3784-3784",
        "OUTPUT udp 192.0.2.11 > directors:3784-3784",
    ]


def test_ping_of_ipv6_is_another_protocol() -> None:
    text = checked("ping").replace("192.0.2.11", '"2001:db8:0:1::11"').replace("192.0.2.100", '"2001:db8:0:1::100"')
    assert rows(text, "lvs1", "health check") == ["OUTPUT icmpv6 this host > 2001:db8:0:1::11"]


def test_without_keepalived_nobody_checks() -> None:
    assert rows(checked("tcp").replace("writer: keepalived", "writer: script"), "lvs1", "health check") == []


def test_a_director_checks_itself_without_a_filter() -> None:
    text = checked("tcp").replace("[web1]", "[lvs1, lvs2]")
    assert rows(text, "lvs1", "health check") == [
        "INPUT tcp directors > 192.0.2.2:80-80",
        "OUTPUT tcp this host > 192.0.2.3:80-80",
    ]
    alone = LONE + CHECKED + "services: {web: {vip: web, tcp: 80, method: dr, pool: [lvs1], check: tcp}}\n"
    assert rows(alone, "lvs1", "health check") == []


@pytest.mark.parametrize(
    ("service", "check"),
    [
        ("tcp: 80", "tcp"),
        ("tcp: 80", "{tcp: , port: 81}"),
        ("tcp: 80", "{tcp: , address: 192.0.2.77}"),
        ("tcp: 80, mark: 7", "tcp"),
        ("tcp: 80, mark: 7", "{tcp: , address: 192.0.2.77, port: 81}"),
    ],
)
def test_checks_are_where_keepalived_makes_them(service: str, check: str) -> None:
    plan = plan_of(checked(check, service), "lvs1")
    view = keepalived.view(plan)
    assert view is not None
    words = render("keepalived.conf.j2", {"header": "", **view}).split()
    after = {
        key: words[words.index(key) + 1 :][:2] for key in ("real_server", "connect_ip", "connect_port") if key in words
    }
    ip = after.get("connect_ip", after["real_server"])[0]
    port = after["connect_port"][0] if "connect_port" in after else after["real_server"][1]
    (one,) = (one for one in passages(plan) if one.purpose == "health check")
    assert (str(one.target), one.ports) == (ip, (int(port), int(port)))


def test_the_only_port_of_a_service() -> None:
    service = bound(PAIR + NONE + ONE_VIP + WEB).services[0]
    assert only_port(service) == 80
    assert only_port(replace(service, ports=(Ports("tcp", 80, 80, 80), Ports("udp", 80, 80, 80)))) == 80
    assert only_port(replace(service, ports=(Ports("tcp", 80, 80, 80), Ports("tcp", 81, 81, 81)))) == 0
    assert only_port(replace(service, ports=(Ports("tcp", 80, 90, 80),))) == 0


def test_vrrp_by_unicast() -> None:
    text = PAIR.replace(", dip: 10.1.1.254", "") + VRRP + ONE_VIP + WEB
    assert rows(text, "lvs1", "VRRP") == ["INPUT vrrp 192.0.2.3 > 192.0.2.2", "OUTPUT vrrp 192.0.2.2 > 192.0.2.3"]
    assert rows(text, "web1", "VRRP") == []


@pytest.mark.parametrize(
    ("transport", "group"), [("multicast", "224.0.0.18"), ("{multicast: 224.0.0.99}", "224.0.0.99")]
)
def test_vrrp_by_multicast(transport: str, group: str) -> None:
    text = PAIR.replace(", dip: 10.1.1.254", "") + VRRP.replace("vrid: 51", f"vrid: 51, transport: {transport}")
    text += 'vips: {web: [192.0.2.100, "2001:db8:0:1::100"]}\n' + WEB.replace("[web1]", "{web1: {families: [ipv4]}}")
    assert sorted(rows(text, "lvs1", "VRRP")) == sorted(
        [
            f"INPUT vrrp directors > {group}",
            "INPUT vrrp directors > ff02::12",
            f"OUTPUT vrrp 192.0.2.2 > {group}",
            "OUTPUT vrrp this host > ff02::12",
        ]
    )


@pytest.mark.parametrize(
    ("sync", "target"),
    [
        ("network: inside, id: 7", "224.0.0.81:8848-8848"),
        ("network: inside, id: 7, threads: 4", "224.0.0.81:8848-8851"),
        ("network: inside, id: 7, threads: 2, group: 224.0.0.90, port: 9000", "224.0.0.90:9000-9001"),
    ],
)
@pytest.mark.parametrize("engine", [VRRP, NONE])
def test_each_sync_thread_has_a_port(sync: str, target: str, engine: str) -> None:
    text = PAIR + engine.replace("}\n", f", sync: {{{sync}}}}}\n") + ONE_VIP + WEB
    found = [one for one in passages(plan_of(text, "lvs2")) if one.purpose == "connection sync"]
    assert [shown(one) for one in found] == [f"INPUT udp directors > {target}", f"OUTPUT udp this host > {target}"]
    assert {one.interface for one in found} == {"ens4"}


def test_realservers_traffic_that_is_translated_is_forwarded() -> None:
    text = PAIR.replace("dip: 10.1.1.254", "dip: 10.1.1.254, snat: 192.0.2.99") + NONE + ONE_VIP + NAT
    assert rows(text, "lvs1", "own traffic") == ["FORWARD any 10.1.1.0/24 > anywhere"]
    assert rows(PAIR + NONE + ONE_VIP + NAT, "lvs1", "own traffic") == []


FTP = "services: {ftp: {vip: web, tcp: 21, method: nat, pool: [in1]}}\n"


def test_ftp_by_nat_has_data_connections() -> None:
    text = PAIR + NONE + ONE_VIP + FTP.replace("tcp: 21", "tcp: 21, helper: {ftp: {passive: 30000-30099}}")
    assert rows(text, "lvs1", "FTP data") == [
        "FORWARD tcp 10.1.1.11:20-20 > clients",
        "FORWARD tcp 10.1.1.11:30000-30099 > clients",
        "INPUT tcp clients > 192.0.2.100:20-20",
        "INPUT tcp clients > 192.0.2.100:30000-30099",
        "OUTPUT tcp clients > 10.1.1.11:20-20",
        "OUTPUT tcp clients > 10.1.1.11:30000-30099",
    ]
    assert rows(text, "in1", "FTP data") == [
        "INPUT tcp clients > 10.1.1.11:30000-30099",
        "OUTPUT tcp 10.1.1.11:20-20 > clients",
    ]
    assert rows(PAIR + NONE + ONE_VIP + FTP, "in1", "FTP data")[0] == "INPUT tcp clients > 10.1.1.11:1024-65535"
    assert rows(PAIR + NONE + ONE_VIP + FTP.replace("nat, pool: [in1]", "dr, pool: [web1]"), "web1", "FTP data") == []


def test_ftp_on_another_port_of_the_realserver() -> None:
    service = bound(PAIR + NONE + ONE_VIP + FTP).services[0]
    assert next(data_connections(service, Ports("tcp", 21, 21, 2121), 2121)) == Data(True, (20, 20), (2120, 2120))
    assert next(data_connections(service, Ports("tcp", 1, 1023, 1), 1)) == Data(True, (20, 20), (20, 20))
    assert list(data_connections(service, Ports("tcp", 22, 22, 22), 22)) == []
    assert list(data_connections(replace(service, helper=None), Ports("tcp", 21, 21, 21), 21)) == []


def test_every_row_once_and_in_order() -> None:
    text = PAIR + VRRP + ONE_VIP + WEB.replace("[web1]", "[web1, in1]")
    found = passages(plan_of(text, "lvs1"))
    assert len(found) == len(set(found))
    assert [one.chain for one in found] == sorted(one.chain for one in found)
