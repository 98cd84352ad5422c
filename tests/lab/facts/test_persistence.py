"""Persistence: what a client's affinity is to, and what ends it. Firewall marks: what they make one."""

from __future__ import annotations

import socket

from tests.lab.facts.cluster import CLIENTS, RIPS, Cluster
from tests.lab.facts.fact import fact
from tests.lab.facts.ground import table

FEW = CLIENTS[:6]


def split(cluster: Cluster, vip: str, *lines: str) -> int:
    """How many of six clients meet another realserver on port 443 than on port 80, when one connection came between."""
    table(cluster.director, *lines)
    on = {port: ask(cluster, vip, port) for port in (80, 443)}
    return sum(one != other for one, other in zip(on[80], on[443], strict=True))


def ask(cluster: Cluster, vip: str, port: int) -> list[str]:
    # The one more moves the round robin of the first port on.
    sources = [CLIENTS[-1], *FEW] if port == 80 else FEW
    return cluster.at(vip, port).ask(len(sources), sources)[-len(FEW) :]


def members(key: str, port: int) -> list[str]:
    return [f"-a {key} -r {rip}:{port} -g" for rip in RIPS.values()]


def mark(cluster: Cluster, vip: str, number: int) -> None:
    match = f"-d {vip} -p tcp -m multiport --dports 80,443"
    cluster.director.must(f"iptables -w -t mangle -A PREROUTING {match} -j MARK --set-mark {number}")


@fact(shows=("LVS322",))
def test_two_ports_have_an_affinity_each(cluster: Cluster) -> None:
    """Two persistent services of one VIP: a client may be on one realserver for each (ip_vs_core.c)."""
    vip = cluster.vip()
    keys = {port: f"-t {vip}:{port}" for port in (80, 443)}
    lines = [line for port, key in keys.items() for line in (f"-A {key} -s rr -p 60", *members(key, port))]
    assert split(cluster, vip, *lines) == len(FEW)


@fact("LVS313", "LVS322")
def test_all_ports_have_one_affinity(cluster: Cluster) -> None:
    """A persistent service of port 0: a client meets one realserver on every port."""
    vip = cluster.vip()
    assert split(cluster, vip, f"-A -t {vip}:0 -s rr -p 60", *members(f"-t {vip}:0", 0)) == 0


@fact("LVS322", "LVS360")
def test_a_mark_has_one_affinity(cluster: Cluster) -> None:
    """A persistent service by mark: a client meets one realserver on every port that is marked."""
    vip = cluster.vip()
    mark(cluster, vip, 7)
    assert split(cluster, vip, "-A -f 7 -s rr -p 60", *members("-f 7", 0)) == 0


@fact(shows=("LVS405",))
def test_a_mark_comes_first(cluster: Cluster) -> None:
    """Marked packets never reach a service by address (ip_vs_ctl.c, ip_vs_service_find)."""
    vip = cluster.vip()
    mark(cluster, vip, 8)
    key = f"-t {vip}:80"
    table(
        cluster.director,
        *(f"-A {key} -s rr", f"-a {key} -r {RIPS['rs1']}:80 -g", "-A -f 8 -s rr", f"-a -f 8 -r {RIPS['rs2']}:0 -g"),
    )
    assert set(cluster.at(vip, 80).ask(4)) == {"rs2"}


@fact(shows=("LVS202",))
def test_a_port_behind_a_mark_is_ignored_but_named(cluster: Cluster) -> None:
    """LVS-DR by mark with a realserver's port: traffic goes to the client's port; deleting without the port fails.

    ip_vs_xmit.c, ip_vs_dr_xmit.
    """
    vip = cluster.vip()
    mark(cluster, vip, 9)
    table(cluster.director, "-A -f 9 -s rr", f"-a -f 9 -r {RIPS['rs1']}:81 -g")
    assert cluster.at(vip, 80).ask(1) == ["rs1"]
    ran = cluster.director.run(f"ipvsadm -d -f 9 -r {RIPS['rs1']}")
    assert ran.code != 0
    assert "No such destination" in ran.said
    table(cluster.director, f"-d -f 9 -r {RIPS['rs1']}:81")


@fact("lvsgen/plan/director.py", shows=("LVS409", "LVS410"))
def test_a_vip_that_nobody_holds_needs_a_mark(cluster: Cluster) -> None:
    """A packet to an address that is not local reaches IPVS only by a routing rule of its mark.

    With src_valid_mark it is dropped there (fib_frontend.c, __fib_validate_source).
    """
    vip = "203.0.113.5"
    cluster.client.must(f"ip route replace {vip} via 192.0.2.2")
    for host in cluster.realservers.values():
        host.must(f"ip route replace local {vip} dev lo")
    mark(cluster, vip, 10)
    table(cluster.director, "-A -f 10 -s rr", *members("-f 10", 0))
    service = cluster.at(vip, 80)
    assert not set(service.ask(1)) & set(RIPS)
    cluster.director.must(
        "ip rule add from 0.0.0.0/0 fwmark 10 lookup 10 priority 100; ip route add local 0.0.0.0/0 dev lo table 10"
    )
    assert set(service.ask(3)) == set(RIPS)
    cluster.director.must("sysctl -qw net.ipv4.conf.all.src_valid_mark=1")
    assert service.ask(1) == ["no answer"]
    cluster.director.must("sysctl -qw net.ipv4.conf.all.src_valid_mark=0; ip rule del fwmark 10")


@fact("lvsgen/lab/shares.py")
def test_a_netmask_makes_many_clients_one(cluster: Cluster) -> None:
    """`-M 255.255.255.240`: clients of one /28 meet one realserver, others another (ip_vs_core.c)."""
    service = cluster.service("rr", "-p 60 -M 255.255.255.240")
    owners = service.owners()
    blocks = {block: {owners[c] for c in CLIENTS if int(c.split(".")[3]) // 16 == block} for block in (6, 7, 8)}
    assert all(len(who) == 1 for who in blocks.values())
    assert set().union(*blocks.values()) == set(RIPS)


@fact("lvsgen/plan/director.py")
def test_a_drained_realserver_keeps_persistent_clients(cluster: Cluster) -> None:
    """Weight 0 does not end persistence; it does with expire_quiescent_template=1 (ipvs-sysctl.rst)."""
    service = cluster.service("rr", "-p 60")
    before = service.ask(6, FEW)
    service.weigh("rs1", 0)
    assert service.ask(6, FEW) == before
    cluster.director.must("sysctl -qw net.ipv4.vs.expire_quiescent_template=1")
    after = service.ask(6, FEW)
    cluster.director.must("sysctl -qw net.ipv4.vs.expire_quiescent_template=0")
    assert set(after) == {"rs2", "rs3"}
    assert [a for a, b in zip(after, before, strict=True) if b != "rs1"] == [b for b in before if b != "rs1"]


def from_port(vip: str, source: str, port: int) -> str:
    """Who answers a client that uses this port, even if it has just used it."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.settimeout(10)
        connection.bind((source, port))
        connection.connect((vip, 80))
        connection.sendall(b"PING\n")
        return connection.recv(100).decode().split()[0]


@fact("lvsgen/plan/director.py")
def test_a_port_that_is_used_again_is_an_old_connection(cluster: Cluster) -> None:
    """LVS-DR: a client that uses its port again meets the drained realserver; with conn_reuse_mode=3 it does not.

    The director never sees the realserver's FIN, so the entry stays for two minutes (ipvs-sysctl.rst).
    """
    # The client itself forgets its connections at once.
    cluster.client.must("sysctl -qw net.ipv4.tcp_max_tw_buckets=0")
    cluster.director.must("sysctl -qw net.ipv4.vs.conn_reuse_mode=1")
    service = cluster.service("rr", names=("rs1", "rs2"))
    seen = {}
    for port in (41001, 41002):
        seen[port] = cluster.client.call(from_port, service.vip, CLIENTS[0], port)
    assert sorted(seen.values()) == ["rs1", "rs2"]
    (drained,) = (port for port, who in seen.items() if who == "rs1")
    service.weigh("rs1", 0)
    assert cluster.client.call(from_port, service.vip, CLIENTS[0], drained) == "rs1"
    cluster.director.must("sysctl -qw net.ipv4.vs.conn_reuse_mode=3")
    again = cluster.client.call(from_port, service.vip, CLIENTS[0], drained)
    cluster.director.must("sysctl -qw net.ipv4.vs.conn_reuse_mode=1")
    assert again == "rs2"


@fact(shows=("LVS406",))
def test_the_last_mark_wins(cluster: Cluster) -> None:
    """Two rules that mark the same packets: the service of the first one never gets any."""
    vip = cluster.vip()
    mark(cluster, vip, 11)
    mark(cluster, vip, 12)
    table(
        cluster.director,
        *("-A -f 11 -s rr", f"-a -f 11 -r {RIPS['rs1']}:0 -g", "-A -f 12 -s rr", f"-a -f 12 -r {RIPS['rs2']}:0 -g"),
    )
    assert set(cluster.at(vip, 80).ask(4)) == {"rs2"}


@fact(shows=("LVS330",))
def test_one_port_beside_all_is_apart(cluster: Cluster) -> None:
    """A persistent service of port 0 and one of port 80: port 80 is the latter's, and has an affinity of its own."""
    vip = cluster.vip()
    lines = [
        line for port in (0, 80) for line in (f"-A -t {vip}:{port} -s rr -p 60", *members(f"-t {vip}:{port}", port))
    ]
    assert split(cluster, vip, *lines) == len(FEW)


@fact(shows=("LVS323",))
def test_affinity_comes_before_a_hash(cluster: Cluster) -> None:
    """Persistence with sh or mh: the clients of a drained realserver stay there; without it they go, with fallback."""
    for scheduler in ("sh", "mh"):
        stayed = {}
        for options in (f"-b {scheduler}-fallback", f"-b {scheduler}-fallback -p 60"):
            service = cluster.service(scheduler, options)
            owned = [client for client, who in service.owners().items() if who == "rs1"]
            service.weigh("rs1", 0)
            stayed[options] = {who == "rs1" for who in service.ask(len(owned), owned)}
        assert list(stayed.values()) == [{False}, {True}], scheduler
