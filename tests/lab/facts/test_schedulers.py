"""Schedulers that count: connections, weights, datagrams."""

from __future__ import annotations

import socket

from tests.lab.facts.cluster import CLIENTS, RIPS, Cluster
from tests.lab.facts.fact import fact

REVERSED = tuple(reversed(RIPS))
EVEN = {"rs1": 4, "rs2": 4, "rs3": 4}
WEIGHED = {"rs1": 2, "rs2": 4, "rs3": 6}


@fact(shows=("LVS304",))
def test_rr_and_lc_know_no_weights(cluster: Cluster) -> None:
    """rr and lc give as much to weight 3 as to weight 1 (ip_vs_rr.c, ip_vs_lc.c)."""
    for scheduler in ("rr", "lc"):
        assert cluster.service(scheduler, weights=(1, 2, 3)).shares(12) == EVEN


@fact("lvsgen/lab/shares.py")
def test_wrr_and_wlc_deal_by_weight(cluster: Cluster) -> None:
    """wrr deals connections exactly by weight, wlc does so with short ones (ip_vs_wrr.c, ip_vs_wlc.c)."""
    for scheduler in ("wrr", "wlc"):
        assert cluster.service(scheduler, weights=(1, 2, 3)).shares(12) == WEIGHED


@fact("LVS309", "lvsgen/lab/shares.py")
def test_sed_and_nq_spread_only_connections_that_stay(cluster: Cluster) -> None:
    """sed and nq give all short connections to one realserver, as finished ones do not count (ip_vs_sed.c)."""
    for scheduler in ("sed", "nq"):
        assert cluster.service(scheduler, weights=(1, 2, 3)).shares(12) == {"rs3": 12}
        assert cluster.service(scheduler, weights=(1, 2, 3)).shares(12, CLIENTS, held=True) == WEIGHED


@fact("LVS309")
def test_udp_is_spread_by_those_that_count_all_entries(cluster: Cluster) -> None:
    """UDP of many sockets: rr, wrr, lc and wlc spread it (ip_vs_proto_udp.c: an entry is never active)."""
    for scheduler, shares in (("rr", EVEN), ("lc", EVEN), ("wlc", WEIGHED)):
        assert cluster.service(scheduler, weights=(1, 2, 3), port=53, protocol="udp").shares(12, held=True) == shares
    dealt = cluster.service("wrr", weights=(1, 2, 3), port=53, protocol="udp").shares(12, held=True)
    assert all(abs(dealt[name] - WEIGHED[name]) <= 1 for name in RIPS)


@fact(shows=("LVS309",))
def test_udp_looks_idle_to_nq_sed_and_ovf(cluster: Cluster) -> None:
    """UDP: sed and ovf give everything to the heaviest realserver, nq to the one that was added last.

    Among equals, it is the one that was added last with all three (ip_vs_sed.c, ip_vs_nq.c, ip_vs_ovf.c).
    """
    for scheduler in ("nq", "sed", "ovf"):
        for names in (tuple(RIPS), REVERSED):
            service = cluster.service(scheduler, names=names, port=53, protocol="udp")
            assert service.shares(8, CLIENTS, held=True) == {names[-1]: 8}
        heaviest = cluster.service(scheduler, weights=(1, 3, 2), port=53, protocol="udp")
        assert heaviest.shares(8, CLIENTS, held=True) == {"rs3" if scheduler == "nq" else "rs2": 8}


@fact(shows=("LVS359",))
def test_single_packets_are_spread_by_rr_and_wrr_alone(cluster: Cluster) -> None:
    """One-packet scheduling: datagrams of one socket are spread by rr and wrr; by others that count, not at all."""
    for scheduler, shares in (("rr", EVEN), ("wrr", WEIGHED)):
        service = cluster.service(scheduler, "-o", weights=(1, 2, 3), port=53, protocol="udp")
        assert service.shares(12, one_socket=True) == shares
    for scheduler in ("lc", "wlc", "sed", "nq", "fo", "ovf", "lblc", "lblcr", "dh", "sh", "mh"):
        service = cluster.service(scheduler, "-o", weights=(1, 2, 3), port=53, protocol="udp")
        assert len(service.shares(6, one_socket=True)) == 1, scheduler


@fact(shows=("LVS316",))
def test_single_packets_with_persistence_are_not_spread(cluster: Cluster) -> None:
    """One-packet scheduling of a persistent service: all datagrams of a client go to one realserver."""
    service = cluster.service("rr", "-o -p 60", port=53, protocol="udp")
    assert len(service.shares(6, one_socket=True)) == 1


@fact(shows=("LVS311",))
def test_ovf_takes_weight_plus_one(cluster: Cluster) -> None:
    """ovf: a realserver takes weight + 1 active connections; when all are full, clients are refused.

    ip_vs_ovf.c, ip_vs_ovf_schedule.
    """
    assert cluster.service("ovf").shares(8, CLIENTS, held=True) == {"refused": 2, "rs1": 2, "rs2": 2, "rs3": 2}
    assert cluster.service("ovf", weights=(1, 4, 2)).ask(7, held=True) == ["rs2"] * 5 + ["rs3"] * 2


@fact(shows=("LVS312",))
def test_fo_takes_the_last_added_of_the_heaviest(cluster: Cluster) -> None:
    """fo: all to the highest weight; among equals to the one that was added last (ip_vs_fo.c)."""
    for names in (tuple(RIPS), REVERSED):
        assert cluster.service("fo", names=names).shares(6) == {names[-1]: 6}
    service = cluster.service("fo", weights=(2, 3, 1))
    assert service.shares(4) == {"rs2": 4}
    service.weigh("rs2", 0)
    assert service.shares(4) == {"rs1": 4}


@fact(shows=("LVS307", "LVS357"))
def test_no_weight_means_refused(cluster: Cluster) -> None:
    """A virtual service without any weight refuses its clients at once (ip_vs_core.c, ip_vs_leave)."""
    assert set(cluster.service("rr", weights=(0, 0, 0)).ask(3)) == {"refused"}


@fact("LVS216", shows=("LVS329",))
def test_twos_is_missing_on_6_1(cluster: Cluster) -> None:
    """Scheduler twos: not built for Debian 12 (6.1), where the virtual service is refused; built for Debian 13."""
    vip = cluster.vip()
    ran = cluster.director.run(f"ipvsadm -A -t {vip}:80 -s twos")
    if cluster.lab.kernel < (6, 12):
        assert ran.code != 0
        assert "not found" in ran.said
        return
    assert ran.code == 0, ran.said
    assert set(cluster.service("twos").shares(24, CLIENTS, held=True)) >= {"rs1", "rs2"}


@fact("LVS324", "lvsgen/lab/shares.py", shows=("LVS325",))
def test_a_threshold_closes_and_opens_a_realserver(cluster: Cluster) -> None:
    """A realserver with as many connections as its upper threshold gets no more, finished ones included.

    ip_vs_conn.c, ip_vs_bind_dest and ip_vs_unbind_dest.
    """
    service = cluster.service("rr", names=("rs1", "rs2"), more="-x 4 -y 2")
    assert service.shares(8, CLIENTS) == {"rs1": 4, "rs2": 4}
    assert set(service.ask(3)) == {"refused"}
    service.weigh("rs1", 1)
    assert service.shares(4) == {"rs1": 4}


def talk(vip: str, source: str, port: int, count: int) -> list[str]:
    """Who answers the datagrams from one port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(10)
        sender.bind((source, port))
        sender.connect((vip, 53))
        names = []
        for _ in range(count):
            sender.send(b"PING\n")
            names.append(sender.recv(100).decode().split()[0])
    return names


@fact(shows=("LVS331",))
def test_a_sender_stays_where_it_is(cluster: Cluster) -> None:
    """Datagrams from one port go to one realserver with rr too, and a new realserver gets none of them."""
    service = cluster.service("rr", names=("rs1", "rs2"), port=53, protocol="udp")
    before = [set(cluster.client.call(talk, service.vip, CLIENTS[0], port, 4)) for port in (41053, 41054)]
    service.add("rs3")
    assert [set(cluster.client.call(talk, service.vip, CLIENTS[0], port, 4)) for port in (41053, 41054)] == before
    assert sorted(map(sorted, before)) == [["rs1"], ["rs2"]]
