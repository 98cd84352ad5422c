"""The sync daemons of two directors, and directors that are each other's realservers."""

from __future__ import annotations

from lvsgen.lab.guest.clients import ask
from lvsgen.lab.guest.namespaces import Host
from lvsgen.lab.guest.wire import Machine, Target
from tests.lab.facts.cluster import CLIENTS, RIPS, Cluster, Held, hold
from tests.lab.facts.fact import fact
from tests.lab.facts.ground import WEB, Lab, nic, table, until

VIP = "192.0.2.100"
SILENT = {"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"}


def start(host: Host, role: str, number: int = 7) -> None:
    host.must(f"ipvsadm --start-daemon {role} --mcast-interface eth0 --syncid {number}")


def three_directors(lab: Lab) -> dict[str, Host]:
    """A master, a backup of its sync id, and one of another."""
    sources = [f"192.0.2.{number}/24" for number in range(101, 108)]
    hosts = lab.build(
        Machine(name="client", nics=(nic(0, 1, "192.0.2.1/24", *sources),)),
        Machine(name="master", nics=(nic(0, 2, "192.0.2.2/24", f"{VIP}/32"),)),
        Machine(name="backup", nics=(nic(0, 3, "192.0.2.3/24"),)),
        Machine(name="other", nics=(nic(0, 4, "192.0.2.4/24"),)),
        Machine(
            name="rs1",
            nics=(nic(0, 11, "192.0.2.11/24"),),
            sysctls=SILENT,
            setup=(f"ip address add {VIP}/32 dev lo",),
            responders=WEB,
        ),
    )
    table(hosts["master"], f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r 192.0.2.11:80 -g")
    start(hosts["master"], "master")
    start(hosts["backup"], "backup")
    start(hosts["other"], "backup", 8)
    return hosts


def known(host: Host) -> set[str]:
    """The clients of whose connections it knows."""
    lines = host.must("ipvsadm -Lnc").splitlines()
    return {line.split()[3].partition(":")[0] for line in lines if line.startswith("TCP")}


@fact("lvsgen/plan/director.py", "lvsgen/targets/ipvs.py", shows=("LVS556",))
def test_a_threshold_of_0_or_1_copies_no_live_connection(lab: Lab) -> None:
    """sync_threshold `0 50` and `1 50`: a connection with nine requests is not copied; `3 50` and `2 50`: it is.

    A backup with another syncid gets nothing (ip_vs_sync.c, ip_vs_sync_conn_needed). The order proves it: the last one
    is copied.
    """
    hosts = three_directors(lab)
    held: list[Held] = []
    for number, threshold in enumerate(("0 50", "1 50", "2 50", "3 50"), 101):
        hosts["master"].must(f"sysctl -qw net.ipv4.vs.sync_threshold='{threshold}'")
        held.append(hold(hosts["client"], VIP, f"192.0.2.{number}"))
    assert [one.first for one in held] == ["rs1"] * 4
    assert until(lambda: "192.0.2.104" in known(hosts["backup"]))
    assert known(hosts["backup"]) == {"192.0.2.103", "192.0.2.104"}
    assert known(hosts["other"]) == set()
    assert known(hosts["master"]) == {f"192.0.2.{number}" for number in range(101, 105)}


@fact(shows=("LVS556",))
def test_a_threshold_is_below_its_period(cluster: Cluster) -> None:
    """The kernel refuses a sync_threshold that is not below its period (ip_vs_ctl.c, proc_do_sync_threshold)."""
    key = "net.ipv4.vs.sync_threshold"
    before = cluster.director.must(f"sysctl -n {key}")
    assert before.split() == ["3", "50"]
    cluster.director.run(f"sysctl -qw {key}='50 50'")
    assert cluster.director.must(f"sysctl -n {key}") == before


@fact(shows=("LVS107",))
def test_two_families_and_sync_exclude_each_other(cluster: Cluster) -> None:
    """A realserver of the other family is refused while a sync daemon runs, and the daemon while there is one.

    ip_vs_ctl.c, ip_vs_genl_set_cmd and ip_vs_genl_new_daemon.
    """
    director, key = cluster.director, "-t [2001:db8:5::1]:80"
    add = f"ipvsadm -a {key} -r {RIPS['rs1']}:80 -i"
    table(director, f"-A {key} -s rr")
    start(director, "master")
    ran = director.run(add)
    assert ran.code != 0
    director.must(f"ipvsadm --stop-daemon master; {add}")
    assert director.run("ipvsadm --start-daemon master --mcast-interface eth0").code != 0
    director.must(f"ipvsadm -D {key}")


@fact("templates/lvs.sh")
def test_a_daemon_starts_once(cluster: Cluster) -> None:
    """Starting a sync daemon that runs fails, and so does stopping one that does not."""
    director = cluster.director
    start(director, "master")
    assert director.run("ipvsadm --start-daemon master --mcast-interface eth0").code != 0
    director.must("ipvsadm --stop-daemon master")
    assert director.run("ipvsadm --stop-daemon master").code != 0


@fact("lvsgen/plan/director.py", shows=("LVS521",))
def test_a_backup_alone_does_not_schedule(cluster: Cluster) -> None:
    """backup_only=1: IPVS is off while the backup daemon runs, also beside a master daemon; else it is on.

    ipvs-sysctl.rst, backup_only.
    """
    director, service = cluster.director, cluster.service("rr")
    director.must("sysctl -qw net.ipv4.vs.backup_only=1")

    def schedules() -> bool:
        who = set(service.ask(3))
        assert who in ({"refused"}, set(RIPS))
        return who == set(RIPS)

    seen = {"none": schedules()}
    start(director, "master")
    seen["master"] = schedules()
    start(director, "backup")
    seen["both"] = schedules()
    director.must("ipvsadm --stop-daemon master")
    seen["backup"] = schedules()
    director.must("sysctl -qw net.ipv4.vs.backup_only=0")
    seen["backup, backup_only=0"] = schedules()
    director.must("ipvsadm --stop-daemon backup")
    assert seen == {"none": True, "master": True, "both": False, "backup": False, "backup, backup_only=0": True}


def two_boxes(lab: Lab) -> dict[str, Host]:
    """Two directors that are both realservers; the first one has the VIP on its interface."""
    setup = {"lvs1": f"ip address add {VIP}/32 dev eth0", "lvs2": f"ip address add {VIP}/32 dev lo"}
    return lab.build(
        Machine(name="client", nics=(nic(0, 1, "192.0.2.1/24", *(f"{client}/24" for client in CLIENTS[:8])),)),
        *(
            Machine(
                name=name,
                nics=(nic(0, number, f"192.0.2.{number}/24"),),
                sysctls=SILENT,
                setup=(setup[name],),
                responders=WEB,
            )
            for number, name in enumerate(setup, 2)
        ),
    )


def fill(director: Host, key: str, port: int) -> None:
    members = [f"-a {key} -r 192.0.2.{number}:{port} -g" for number in (2, 3)]
    table(director, f"-A {key} -s rr", *members)


def served(client: Host) -> set[str]:
    target = Target(client="client", ip=VIP, port=80)
    return {one[0] for one in client.call(ask, target, CLIENTS[:8], 8, [80], True, False)}


@fact("lvsgen/plan/director.py", shows=("LVS522",))
def test_two_tables_make_a_loop(lab: Lab) -> None:
    """Two directors that are both realservers of LVS-DR, with the same table: packets go round, and connections hang.

    With a backup daemon and backup_only=1 on the second one they do not.
    """
    hosts = two_boxes(lab)
    for name in ("lvs1", "lvs2"):
        fill(hosts[name], f"-t {VIP}:80", 80)
    looping = served(hosts["client"])
    assert not looping <= {"lvs1", "lvs2"}
    hosts["lvs2"].must("sysctl -qw net.ipv4.vs.backup_only=1")
    start(hosts["lvs2"], "backup")
    assert served(hosts["client"]) == {"lvs1", "lvs2"}


@fact("LVS523", "lvsgen/targets/firewall.py")
def test_a_mark_by_mac_makes_no_loop(lab: Lab) -> None:
    """The same by mark: packets whose source MAC is that of the other director stay unmarked, and do not go round."""
    hosts = two_boxes(lab)
    for name, peer in (("lvs1", 3), ("lvs2", 2)):
        match = f"-d {VIP} -p tcp --dport 80 -m mac ! --mac-source 02:00:00:00:00:0{peer}"
        hosts[name].must(f"iptables -w -t mangle -A PREROUTING {match} -j MARK --set-mark 7")
        fill(hosts[name], "-f 7", 0)
    assert served(hosts["client"]) == {"lvs1", "lvs2"}


@fact(shows=("LVS523",))
def test_a_mark_without_mac_makes_a_loop(lab: Lab) -> None:
    """Without the MAC, the mark makes the same loop: connections hang."""
    hosts = two_boxes(lab)
    for name in ("lvs1", "lvs2"):
        hosts[name].must(f"iptables -w -t mangle -A PREROUTING -d {VIP} -p tcp --dport 80 -j MARK --set-mark 7")
        fill(hosts[name], "-f 7", 0)
    assert not served(hosts["client"]) <= {"lvs1", "lvs2"}


@fact(shows=("LVS524",))
def test_a_sync_id_is_all_that_parts_clusters(lab: Lab) -> None:
    """A director of another cluster whose backup daemon has the sync id gets connections that are not its own."""
    hosts = three_directors(lab)
    hosts["other"].must("ipvsadm --stop-daemon backup")
    start(hosts["other"], "backup")
    hosts["master"].must("sysctl -qw net.ipv4.vs.sync_threshold='3 50'")
    hold(hosts["client"], VIP, "192.0.2.101")
    assert until(lambda: known(hosts["other"]) == {"192.0.2.101"})
