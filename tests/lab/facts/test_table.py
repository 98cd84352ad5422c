"""What ipvsadm and the kernel take and refuse, and what a change of the table does."""

from __future__ import annotations

from lvsgen.lab.guest.clients import ask
from lvsgen.lab.guest.namespaces import Host
from lvsgen.lab.guest.wire import Target
from tests.lab.facts.cluster import CLIENTS, RIPS, Cluster, hold
from tests.lab.facts.fact import fact
from tests.lab.facts.ground import Lab, table, until


def refused(cluster: Cluster, line: str) -> str:
    """What is said to a line that must not be taken."""
    ran = cluster.director.run(f"ipvsadm {line}")
    assert ran.code != 0, f"taken: {line}"
    return ran.said


@fact(shows=("LVS302",))
def test_a_flag_of_another_scheduler_is_refused(cluster: Cluster) -> None:
    """`-b sh-port` with rr or mh: the whole virtual service is refused (ipvsadm(8))."""
    for scheduler in ("rr", "mh"):
        said = refused(cluster, f"-A -t {cluster.vip()}:80 -s {scheduler} -b sh-port")
        assert "incompatible scheduler flag" in said


@fact(shows=("LVS213",))
def test_tunnel_options_that_do_not_fit_are_refused(cluster: Cluster) -> None:
    """GUE without a port; a port or `remcsum` with GRE; a checksum with IPIP (ipvsadm(8))."""
    key = f"-t {cluster.vip()}:80"
    table(cluster.director, f"-A {key} -s rr")
    for options in (
        "--tun-type gue",
        "--tun-type gre --tun-port 6080",
        "--tun-type gre --tun-remcsum",
        "--tun-type ipip --tun-csum",
    ):
        refused(cluster, f"-a {key} -r {RIPS['rs1']}:80 -i {options}")


@fact(shows=("LVS201",))
def test_dr_forgets_another_port(cluster: Cluster) -> None:
    """A realserver's port with LVS-DR or LVS-Tun becomes that of the virtual service, without a word: who listens on
    the other port is not asked.
    """
    key = f"-t {cluster.vip()}:80"
    lines = [
        f"-a {key} -r {RIPS[name]}:8080 {method}" for name, method in (("rs1", "-g"), ("rs2", "-i"), ("rs3", "-m"))
    ]
    table(cluster.director, f"-A {key} -s rr", *lines)
    saved = cluster.director.must("ipvsadm -Sn").splitlines()
    ports = [line.split()[4].split(":")[1] for line in saved if line.startswith(f"-a {key} ")]
    assert ports == ["80", "80", "8080"]
    deaf = cluster.at(cluster.vip(), 81)
    table(cluster.director, f"-A {deaf.key} -s rr", f"-a {deaf.key} -r {RIPS['rs1']}:8080 -g")
    assert deaf.ask(1) == ["refused"]


@fact(shows=("LVS313",))
def test_all_ports_want_persistence(cluster: Cluster) -> None:
    """Port 0 is refused without persistence (ipvsadm(8))."""
    refused(cluster, f"-A -t {cluster.vip()}:0 -s rr")
    table(cluster.director, f"-A -t {cluster.vip()}:0 -s rr -p 60")


@fact(shows=("LVS314",))
def test_single_packets_of_tcp_are_refused(cluster: Cluster) -> None:
    """One-packet scheduling is for UDP and marks (ipvsadm(8), --ops)."""
    refused(cluster, f"-A -t {cluster.vip()}:80 -s rr -o")
    table(cluster.director, f"-A -u {cluster.vip()}:53 -s rr -o")


@fact(shows=("LVS104", "LVS105"))
def test_realservers_are_unicast(cluster: Cluster) -> None:
    """Broadcast, multicast and unspecified addresses are refused, and link-local ones of IPv6.

    ip_vs_ctl.c, __ip_vs_update_dest and ip_vs_new_dest.
    """
    key, key6 = f"-t {cluster.vip()}:80", "-t [2001:db8:5::1]:80"
    table(cluster.director, f"-A {key} -s rr", f"-A {key6} -s rr")
    for rip in ("192.0.2.255", "224.0.0.1", "0.0.0.0"):
        assert "not unicast" in refused(cluster, f"-a {key} -r {rip}:80 -g")
    for rip in ("[fe80::12]", "[ff02::1]"):
        refused(cluster, f"-a {key6} -r {rip}:80 -g")
    cluster.director.must(f"ipvsadm -D {key6}")


@fact(shows=("LVS324",))
def test_thresholds_in_the_wrong_order_are_refused(cluster: Cluster) -> None:
    """A lower threshold above the upper one, or without one, is ERANGE; equal ones are taken (ip_vs_add_dest)."""
    key = f"-t {cluster.vip()}:80"
    table(cluster.director, f"-A {key} -s rr")
    for options in ("-y 5", "-x 5 -y 9"):
        assert "out of range" in refused(cluster, f"-a {key} -r {RIPS['rs1']}:80 -g {options}")
    table(cluster.director, f"-a {key} -r {RIPS['rs1']}:80 -g -x 5 -y 5")


@fact("templates/lvs.sh", shows=("LVS108", "LVS109"))
def test_what_exists_is_not_changed_by_adding(cluster: Cluster) -> None:
    """`-A` and `-a` of what is there fail and change nothing: a difference takes `-E` and `-e` (ipvsadm(8))."""
    service = cluster.service("rr", names=("rs1",))
    assert "already exists" in refused(cluster, f"-A {service.key} -s wlc")
    assert "already exists" in refused(cluster, f"-a {service.key} -r {RIPS['rs1']}:80 -g -w 9")
    lines = [line for line in cluster.director.must("ipvsadm -Sn").splitlines() if service.vip in line]
    assert lines == [f"-A {service.key} -s rr", f"-a {service.key} -r {RIPS['rs1']}:80 -g -w 1"]


@fact("schema/cluster.schema.json", shows=("LVS320",))
def test_the_largest_numbers(cluster: Cluster) -> None:
    """Marks 1 to 2147483647, persistence of 1 to 2678400 seconds, weights of 65535: what the schema allows is taken."""
    key = f"-t {cluster.vip()}:80"
    table(cluster.director, "-A -f 2147483647 -s rr", f"-A {key} -s rr -p 2678400")
    table(cluster.director, f"-a {key} -r {RIPS['rs1']}:80 -g -w 65535 -x 2147483647")
    saved = cluster.director.must("ipvsadm -Sn")
    assert "-f 2147483647 -s rr" in saved
    assert "-p 2678400" in saved
    assert "-w 65535" in saved
    for line in ("-A -f 0 -s rr", f"-A -t {cluster.vip()}:80 -s rr -p 2678401", f"-A -t {cluster.vip()}:80 -s rr -p 0"):
        refused(cluster, line)
    # It is taken, but what is saved cannot be loaded again.
    table(cluster.director, "-A -f 2147483648 -s rr")
    assert "-f -2147483648" in cluster.director.must("ipvsadm -Sn")
    cluster.director.must("ipvsadm -D -f 2147483648; ipvsadm -D -f 2147483647")


@fact("templates/lvs.sh")
def test_restoring_tells_of_the_last_line_alone(cluster: Cluster) -> None:
    """`ipvsadm -R`: the exit code is that of the last line; a comment ends it, and the rest is not applied."""
    service = cluster.service("rr", names=("rs1",))
    others = [f"-a {service.key} -r {RIPS[name]}:80 -g" for name in ("rs2", "rs3")]

    def restore(*lines: str) -> tuple[int, str]:
        ran = cluster.director.run("ipvsadm -R <<'END'\n" + "\n".join(lines) + "\nEND")
        return ran.code, cluster.director.must(f"ipvsadm -Ln {service.key}")

    code, listed = restore(f"-A {service.key} -s wlc", others[0])
    assert code == 0
    assert RIPS["rs2"] in listed
    code, listed = restore("# a comment", others[1])
    assert code != 0
    assert RIPS["rs3"] not in listed


@fact("templates/lvs.sh")
def test_saving_leaves_thresholds_out(cluster: Cluster) -> None:
    """`ipvsadm -Sn` has no thresholds, `-Ln --thresholds` has them."""
    service = cluster.service("rr", names=("rs1",), more="-x 77 -y 33")
    saved = [line for line in cluster.director.must("ipvsadm -Sn").splitlines() if service.vip in line]
    assert saved[1] == f"-a {service.key} -r {RIPS['rs1']}:80 -g -w 1"
    assert {"77", "33"} <= set(cluster.director.must(f"ipvsadm -Ln --thresholds {service.key}").split())


@fact("templates/lvs.sh")
def test_editing_forgets_what_is_not_said_again(cluster: Cluster) -> None:
    """`-e` without method and thresholds makes it LVS-DR without thresholds; `-E` without scheduler makes it wlc."""
    key = f"-t {cluster.vip()}:80"
    table(cluster.director, f"-A {key} -s rr -p 60", f"-a {key} -r {RIPS['rs1']}:80 -m -w 5 -x 77")
    table(cluster.director, f"-E {key}", f"-e {key} -r {RIPS['rs1']}:80")
    saved = [line for line in cluster.director.must("ipvsadm -Sn").splitlines() if key in line]
    assert saved == [f"-A {key} -s wlc", f"-a {key} -r {RIPS['rs1']}:80 -g -w 1"]
    assert "77" not in cluster.director.must(f"ipvsadm -Ln --thresholds {key}").split()


@fact("templates/lvs.sh")
def test_an_empty_table_resets_connections(lab: Lab) -> None:
    """When the last virtual service goes, connections are reset, even if it comes back; else they live on.

    The hooks of IPVS go with it (ip_vs_ctl.c, ip_vs_unregister_hooks; ip_vs_core.c).
    """
    cluster = Cluster(lab)
    service = cluster.service("rr", names=("rs1",))
    lines = [f"-A {service.key} -s rr", f"-a {service.key} -r {RIPS['rs1']}:80 -g"]
    other = cluster.service("rr")
    held = hold(cluster.client, service.vip, CLIENTS[0])
    assert held.first == "rs1"
    table(cluster.director, f"-D {service.key}", *lines)
    assert held.use() == "rs1"
    table(cluster.director, f"-D {other.key}", f"-D {service.key}")
    assert held.use() == "reset"


@fact("templates/lvs.sh")
def test_ip_adds_nothing_twice(cluster: Cluster) -> None:
    """`rule add`, `fou add` and `link add` fail when it is there; `route replace` and `address replace` do not."""
    host = cluster.realservers["rs3"]
    for line in ("rule add fwmark 99 lookup 99 priority 99", "fou add port 6099 gue", "link add d0 type dummy"):
        host.must(f"ip {line}")
        assert host.run(f"ip {line}").code != 0, line
    for line in ("route replace 203.0.113.99 via 192.0.2.2", "address replace 203.0.113.98/32 dev lo"):
        host.must(f"ip {line}; ip {line}")


@fact(shows=("LVS327",))
def test_a_silent_connection_is_forgotten(lab: Lab) -> None:
    """A connection that is silent for longer than the timeout of TCP, which is 900 s unless it is set, is reset."""
    cluster = Cluster(lab)
    assert "900 120 300" in cluster.director.must("ipvsadm -Ln --timeout")
    service = cluster.service("rr", names=("rs1",))
    cluster.director.must("ipvsadm --set 3 0 0")
    held = hold(cluster.client, service.vip, CLIENTS[0])
    assert held.first == "rs1"
    assert until(lambda: CLIENTS[0] not in cluster.director.must("ipvsadm -Lnc"))
    assert held.use() == "reset"


def asks(host: Host, vip: str, source: str) -> set[str]:
    target = Target(client=host.machine.name, ip=vip, port=80)
    return {one[0] for one in host.call(ask, target, [source], 3, [80], False, False)}


@fact(shows=("LVS702",))
def test_a_director_gets_no_answer_from_its_vip(cluster: Cluster) -> None:
    """LVS-DR: a director that asks its own VIP gets no answer, though all realservers are well.

    Its own connections are scheduled too, and the replies, from its own address, are martians (ip_vs_core.c, hooks of
    NF_INET_LOCAL_OUT; fib_frontend.c, __fib_validate_source).
    """
    service = cluster.service("rr")
    assert set(service.ask(3)) == set(RIPS)
    assert asks(cluster.director, service.vip, "192.0.2.2") == {"no answer"}


@fact("lvsgen/plan/realserver.py")
def test_a_realserver_meets_itself_at_the_vip(cluster: Cluster) -> None:
    """A realserver that asks for a VIP that it holds meets itself, never another one and never the director."""
    service = cluster.service("rr", weights=(0, 1, 1))
    assert asks(cluster.realservers["rs1"], service.vip, RIPS["rs1"]) == {"rs1"}
