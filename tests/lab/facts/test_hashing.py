"""Schedulers that hash: sh and mh the client's address, dh, lblc and lblcr that of the destination."""

from __future__ import annotations

from tests.lab.facts.cluster import CLIENTS, RIPS, Cluster
from tests.lab.facts.fact import fact

REVERSED = tuple(reversed(RIPS))


@fact("lvsgen/bind/virtual.py")
def test_sh_follows_the_order_of_insertion(cluster: Cluster) -> None:
    """With sh, who gets which client depends on the order in which realservers are added.

    So they are generated in one canonical order, the same on every director (ip_vs_sh.c, ip_vs_sh_reassign).
    """
    once, again, reverse = (
        cluster.service("sh", names=names).owners() for names in (tuple(RIPS), tuple(RIPS), REVERSED)
    )
    assert set(once.values()) == set(RIPS)
    assert again == once
    kept = [client for client in CLIENTS if reverse[client] == once[client]]
    assert len(kept) < len(CLIENTS) * 2 / 3


@fact("lvsgen/bind/virtual.py")
def test_no_listing_shows_the_order_of_insertion(cluster: Cluster) -> None:
    """`ipvsadm -Sn` prints the same text for either order, so save and restore may change it."""
    one, other = cluster.service("sh"), cluster.service("sh", names=REVERSED)
    lines = cluster.director.must("ipvsadm -Sn").splitlines()
    mine, its = ([line.replace(s.vip, "VIP") for line in lines if f" {s.vip}:" in line] for s in (one, other))
    assert len(mine) == 4
    assert mine == its


@fact("lvsgen/bind/virtual.py", "LVS308")
def test_mh_does_not_follow_the_order_of_insertion(cluster: Cluster) -> None:
    """With mh, the order does not matter, and a realserver that returns gets its own clients back (ip_vs_mh.c)."""
    service = cluster.service("mh")
    before = service.owners()
    assert set(before.values()) == set(RIPS)
    assert cluster.service("mh", names=REVERSED).owners() == before
    service.remove("rs1")
    others = {client: who for client, who in before.items() if who != "rs1"}
    assert others.items() <= service.owners().items()
    service.add("rs1")
    assert service.owners() == before


@fact("templates/lvs.sh")
def test_sh_does_not_give_clients_back(cluster: Cluster) -> None:
    """With sh, deleting a realserver and adding it again moves clients of all: weights are edited in place instead."""
    service = cluster.service("sh")
    before = service.owners()
    service.weigh("rs2", 3)
    service.weigh("rs2", 1)
    assert service.owners() == before
    service.remove("rs1")
    service.add("rs1")
    after = service.owners()
    moved = {before[client] for client in CLIENTS if after[client] != before[client]}
    assert moved == set(RIPS)


def lost_and_moved(cluster: Cluster, scheduler: str, options: str, weight: int) -> tuple[set[str], set[str]]:
    """Whose clients are refused, and whose are elsewhere, after rs1 got this weight."""
    service = cluster.service(scheduler, options)
    before = service.owners()
    assert set(before.values()) == set(RIPS)
    service.weigh("rs1", weight)
    after = service.owners()
    refused = {before[client] for client in CLIENTS if after[client] == "refused"}
    assert [c for c in CLIENTS if before[c] in refused] == [c for c in CLIENTS if after[c] == "refused"]
    return refused, {before[client] for client in CLIENTS if after[client] not in ("refused", before[client])}


@fact(shows=("LVS308",))
def test_sh_and_mh_refuse_the_clients_of_weight_0(cluster: Cluster) -> None:
    """Without fallback, every client of a realserver with weight 0 is refused, and no other moves.

    ip_vs_sh.c, ip_vs_sh_get; ip_vs_mh.c, ip_vs_mh_get.
    """
    assert lost_and_moved(cluster, "sh", "", 0) == ({"rs1"}, set())
    assert lost_and_moved(cluster, "mh", "", 0) == ({"rs1"}, set())


@fact("LVS308")
def test_fallback_keeps_the_clients_of_weight_0(cluster: Cluster) -> None:
    """With the fallback flag they are hashed again: nobody is refused, and clients of others stay."""
    assert lost_and_moved(cluster, "sh", "-b sh-fallback", 0) == (set(), {"rs1"})
    assert lost_and_moved(cluster, "mh", "-b mh-fallback", 0) == (set(), {"rs1"})


@fact(shows=("LVS308",))
def test_sh_refuses_the_clients_of_a_full_realserver(cluster: Cluster) -> None:
    """A realserver above its upper threshold counts as one without weight (ip_vs_sh.c, is_unavailable)."""
    for scheduler in ("sh", "mh"):
        service = cluster.service(scheduler)
        owned = [client for client, who in service.owners().items() if who == "rs1"][:5]
        full = cluster.service(scheduler)
        full.weigh("rs1", 1, "-x 2")
        assert full.ask(5, owned, held=True) == ["rs1"] * 2 + ["refused"] * 3
        spare = cluster.service(scheduler, f"-b {scheduler}-fallback")
        spare.weigh("rs1", 1, "-x 2")
        answers = spare.ask(5, owned, held=True)
        assert answers[:2] == ["rs1"] * 2
        assert set(answers[2:]) <= {"rs2", "rs3"}


@fact(shows=("LVS306",))
def test_sh_has_256_buckets(cluster: Cluster) -> None:
    """Weights of 300 each: the realserver that was added last gets every client of sh; mh uses all.

    ip_vs_sh.c, IP_VS_SH_TAB_SIZE and ip_vs_sh_reassign.
    """
    assert set(cluster.service("sh", weights=(300, 300, 300)).owners().values()) == {"rs3"}
    assert set(cluster.service("sh", weights=(300, 300, 300), names=REVERSED).owners().values()) == {"rs1"}
    assert set(cluster.service("sh", weights=(85, 85, 85)).owners().values()) == set(RIPS)
    assert set(cluster.service("mh", weights=(300, 300, 300)).owners().values()) == set(RIPS)


@fact(shows=("LVS305", "LVS308"))
def test_dh_makes_one_vip_one_realserver(cluster: Cluster) -> None:
    """dh: all clients of a VIP meet one realserver; when that has weight 0, all are refused (ip_vs_dh.c)."""
    service = cluster.service("dh")
    (owner,) = set(service.owners().values())
    service.weigh(owner, 0)
    assert set(service.ask(4)) == {"refused"}


@fact(shows=("LVS355",))
def test_locality_makes_one_vip_one_realserver(cluster: Cluster) -> None:
    """lblc and lblcr: short connections, and all datagrams, of one VIP meet one realserver (ip_vs_lblc.c)."""
    for scheduler in ("lblc", "lblcr"):
        assert len(cluster.service(scheduler).shares(12, CLIENTS)) == 1
        assert len(cluster.service(scheduler, port=53, protocol="udp").shares(12, CLIENTS)) == 1
