"""Marks, source translation and redirection, as facts of a HostPlan."""

from __future__ import annotations

from textwrap import dedent

from lvsgen.bind import bind
from lvsgen.plan import derive
from lvsgen.plan.host import Firewall, HostPlan
from lvsgen.source import read_text

HEAD = """
cluster: c
networks:
  outside: {prefixes: [192.0.2.0/24, "2001:db8:0:1::/64"]}
  inside: {prefixes: [10.1.1.0/24]}
directors:
  lvs1: {interfaces: {eth0: {addresses: [192.0.2.2, "2001:db8:0:1::2"], mac: "02:00:00:00:00:01"}, eth1: 10.1.1.2}}
  lvs2: {interfaces: {eth0: {addresses: [192.0.2.3, "2001:db8:0:1::3"], mac: "02:00:00:00:00:02"}, eth1: 10.1.1.3}}
realservers:
  web: [192.0.2.11, "2001:db8:0:1::11"]
  app: 10.1.1.11
"""


def plans(
    text: str, failover: str = "failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 1}"
) -> dict[str, HostPlan]:
    description, unreadable = read_text(HEAD + failover + "\n" + dedent(text))
    assert not unreadable
    cluster, findings = bind([(d.name, d.data) for d in description.documents])
    assert cluster is not None
    assert not findings
    return {plan.host.name: plan for plan in derive(cluster)}


def firewall(text: str, host: str = "lvs1", **more: str) -> Firewall:
    found = plans(text, **more)[host].firewall
    assert found is not None
    return found


def spans(text: str) -> list[tuple[str, str]]:
    return [(str(rule.first), str(rule.last)) for rule in firewall(text).marks]


def test_what_is_written_together_is_one_rule() -> None:
    text = "services: {s: {vip: v, tcp: 80, mark: 1, method: dr, pool: [web]}}\nvips: {v: %s}"
    assert spans(text % "192.0.2.100-192.0.2.130") == [("192.0.2.100", "192.0.2.130")]
    assert spans(text % "192.0.2.64/27") == [("192.0.2.64", "192.0.2.95")]
    # Neighbours, but written one by one: taking one away leaves the other's rule as it is.
    assert spans(text % "[192.0.2.100, 192.0.2.101]") == [("192.0.2.100",) * 2, ("192.0.2.101",) * 2]


def test_a_part_of_a_range_is_no_more_than_that() -> None:
    text = """
        vips: {v: 192.0.2.100-192.0.2.110}
        services: {s: {vip: [192.0.2.101, 192.0.2.102, 192.0.2.105], tcp: 80, mark: 1, method: dr, pool: [web]}}
    """
    assert spans(text) == [("192.0.2.101", "192.0.2.102"), ("192.0.2.105", "192.0.2.105")]


def test_each_family_has_its_own_number() -> None:
    text = """
        vips: {v: [192.0.2.100, "2001:db8:0:1::100"]}
        services: {s: {vip: v, tcp: 80, mark: {value: {ipv4: 22, ipv6: 36}}, method: dr, pool: [web]}}
    """
    assert [(rule.family, rule.mark) for rule in firewall(text).marks] == [("ipv4", 22), ("ipv6", 36)]


def test_all_ports_are_none_in_particular() -> None:
    text = "services: {s: {vip: 192.0.2.100, tcp: all, udp: [53, '60-69'], mark: 1, method: dr, pool: [web]}}"
    assert [(r.protocol, r.ports) for r in firewall(text).marks] == [("tcp", ()), ("udp", ((53, 53), (60, 69)))]


def test_foreign_marks_are_left_to_others() -> None:
    text = "services: {s: {vip: 192.0.2.100, tcp: 80, mark: {value: 9, rules: foreign}, method: dr, pool: [web]}}"
    assert plans(text)["lvs1"].firewall is None


def test_sources_become_the_interfaces_of_each_director() -> None:
    text = "services: {s: {vip: 192.0.2.100, tcp: 80, from: [inside], mark: 1, method: dr, pool: [web]}}"
    assert [rule.interfaces for rule in firewall(text).marks] == [("eth1",)]


BOXES = "services: {s: {vip: 192.0.2.100, tcp: 80, mark: 1, method: %s, pool: [lvs1, lvs2]}}"


def test_without_sync_a_director_does_not_mark_what_its_peer_sent() -> None:
    assert [rule.peers for rule in firewall(BOXES % "dr").marks] == [("02:00:00:00:00:02",)]
    assert [rule.peers for rule in firewall(BOXES % "dr", "lvs2").marks] == [("02:00:00:00:00:01",)]


def test_with_sync_the_backup_does_not_schedule_so_marks_need_no_peers() -> None:
    failover = "failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 1, sync: {network: inside, id: 1}}"
    assert [rule.peers for rule in firewall(BOXES % "dr", failover=failover).marks] == [()]


def test_snat_of_a_service_is_for_the_network_of_its_realservers() -> None:
    text = """
        services:
          s: {vip: 192.0.2.100, tcp: {80: 8080}, udp: ["60-69"], method: nat, snat: true, pool: {app: {drain: old}}}
    """
    (tcp, udp) = firewall(text).snats
    assert (str(tcp.network), str(tcp.vip), tcp.protocol, tcp.port) == ("10.1.1.0/24", "192.0.2.100/32", "tcp", 80)
    assert (str(tcp.to), udp.port) == ("10.1.1.2", None)


def test_ftp_by_mark_or_on_another_port_needs_tracked_connections() -> None:
    ftp = "services: {ftp: {vip: 192.0.2.100, tcp: %s, method: nat, pool: [app]%s}}"
    assert plans(ftp % (21, ""))["lvs1"].firewall is None
    assert firewall(ftp % (21, ", mark: 5")).conntrack == ("ipv4",)
    assert firewall(ftp % (2121, ", helper: {ftp: {ports: [2121]}}")).conntrack == ("ipv4",)


def test_only_realservers_that_get_the_packet_unchanged_redirect_it() -> None:
    text = """
        vips: {any: {addresses: 0.0.0.0/0, device: none}}
        services: {s: {vip: any, tcp: 80, mark: 1, pool: {web: {method: dr}, app: {method: nat}}}}
    """
    assert [str(rule.destination) for rule in firewall(text, "web").redirects] == ["0.0.0.0/0"]
    assert plans(text)["app"].firewall is None
