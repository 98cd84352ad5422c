"""FTP: what finds its data connections, with LVS-NAT and with LVS-DR."""

from __future__ import annotations

from collections.abc import Sequence

from lvsgen.lab.guest.clients import ask
from lvsgen.lab.guest.ftp import fetch
from lvsgen.lab.guest.namespaces import Host
from lvsgen.lab.guest.wire import Machine, Responder, Target
from tests.lab.facts.fact import fact
from tests.lab.facts.ground import Lab, nic, table

VIP, CLIENT = "192.0.2.100", "192.0.2.1"
CLIENTS = (CLIENT, "192.0.2.3", "192.0.2.4")
MODES = ("PASV", "EPSV", "PORT", "EPRT")
WORKS = dict.fromkeys(MODES, "")
DATA = (50000, 50100)
DAEMONS = tuple(Responder(protocol="tcp", port=port, speech="ftp", data=DATA) for port in (21, 2121, 2199))
HELPER = "modprobe ip_vs_ftp ports=21,2121"
"""Whichever fact comes first loads it, so there is one line for all of them."""

TRACKED = "iptables -t mangle -A PREROUTING -m conntrack --ctstate INVALID -j RETURN"


def translated(lab: Lab, *lines: str) -> dict[str, Host]:
    """LVS-NAT: rs1 and rs2 behind the director."""
    hosts = lab.build(
        Machine(name="client", nics=(nic(0, 1, *(f"{ip}/24" for ip in CLIENTS)),)),
        Machine(
            name="director",
            nics=(nic(0, 2, "192.0.2.2/24", f"{VIP}/32"), nic(1, 2, "10.1.1.1/24")),
            sysctls={"net.ipv4.ip_forward": "1"},
            setup=(HELPER,),
        ),
        *(
            Machine(
                name=f"rs{number}",
                nics=(nic(1, 10 + number, f"10.1.1.1{number}/24"),),
                routes=("default via 10.1.1.1",),
                responders=DAEMONS,
            )
            for number in (1, 2)
        ),
    )
    table(hosts["director"], *lines)
    return hosts


def direct(lab: Lab, *lines: str) -> dict[str, Host]:
    """LVS-DR: rs1 and rs2 beside the director."""
    hosts = lab.build(
        Machine(name="client", nics=(nic(0, 1, *(f"{ip}/24" for ip in CLIENTS)),)),
        Machine(
            name="director",
            nics=(nic(0, 2, "192.0.2.2/24", f"{VIP}/32"),),
            responders=(Responder(protocol="tcp", port=8080), Responder(protocol="tcp", port=900)),
        ),
        *(
            Machine(
                name=f"rs{number}",
                nics=(nic(0, 10 + number, f"192.0.2.1{number}/24"),),
                sysctls={"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"},
                setup=(f"ip address add {VIP}/32 dev lo",),
                responders=DAEMONS,
            )
            for number in (1, 2)
        ),
    )
    table(hosts["director"], *lines)
    return hosts


def service(key: str, options: str, *destinations: str) -> list[str]:
    return [f"-A {key} -s rr {options}".rstrip(), *(f"-a {key} -r {one}" for one in destinations)]


def nat(port: int, options: str = "", inside: int = 0) -> list[str]:
    at = [f"10.1.1.1{number}:{inside or port} -m" for number in (1, 2)]
    return service(f"-t {VIP}:{port}", options, *at)


def dr(port: int, options: str = "") -> list[str]:
    return service(f"-t {VIP}:{port}", options, *(f"192.0.2.1{number}:{port} -g" for number in (1, 2)))


def problems(client: Host, port: int, modes: Sequence[str] = MODES, source: str = CLIENT) -> dict[str, str]:
    """By mode: what is wrong with it."""
    target = Target(client="client", ip=VIP, port=port, speech="ftp")
    return {mode: problem for mode, _, _, problem in client.call(fetch, target, source, modes)}


@fact("lvsgen/plan/director.py")
def test_the_ftp_helper_rewrites_addresses(lab: Lab) -> None:
    """With ip_vs_ftp every mode of FTP works through LVS-NAT on port 21, also where it is another port inside."""
    hosts = translated(lab, *nat(21, inside=2121))
    assert hosts["director"].must("cat /proc/sys/net/ipv4/vs/conntrack") == "0"
    assert problems(hosts["client"], 21) == WORKS


@fact("lvsgen/plan/director.py")
def test_without_the_ftp_helper_clients_are_led_astray(lab: Lab) -> None:
    """On a control port that ip_vs_ftp does not have, no mode of FTP works through LVS-NAT."""
    hosts = translated(lab, *nat(2199))
    found = problems(hosts["client"], 2199)
    assert found.pop("PASV").startswith("the reply names 10.1.1.1")
    assert found == {"EPSV": "refused", "PORT": "no answer", "EPRT": "no answer"}


@fact("lvsgen/plan/firewall.py")
def test_another_ftp_port_needs_connection_tracking(lab: Lab) -> None:
    """On another port than 21 ip_vs_ftp rewrites a 227 reply only if a packet filter rule uses connection tracking;
    net.ipv4.vs.conntrack does not matter.
    """
    hosts = translated(lab, *nat(2121))
    for conntrack in (0, 1):
        hosts["director"].must(f"sysctl -qw net.ipv4.vs.conntrack={conntrack}")
        found = problems(hosts["client"], 2121)
        assert found.pop("PASV").startswith("the reply names 10.1.1.1"), conntrack
        assert set(found.values()) == {""}
    for conntrack in (1, 0):
        hosts["director"].must(f"sysctl -qw net.ipv4.vs.conntrack={conntrack}")
        hosts["director"].must(TRACKED)
        assert problems(hosts["client"], 2121) == WORKS, conntrack


@fact("lvsgen/plan/firewall.py")
def test_ftp_by_mark_needs_connection_tracking(lab: Lab) -> None:
    """The same is true of port 21 where the service is a firewall mark."""
    hosts = translated(lab, *service("-f 5", "", "10.1.1.11:0 -m", "10.1.1.12:0 -m"))
    hosts["director"].must(f"iptables -t mangle -A PREROUTING -d {VIP} -p tcp --dport 21 -j MARK --set-mark 5")
    assert problems(hosts["client"], 21)["PASV"].startswith("the reply names 10.1.1.1")
    hosts["director"].must(TRACKED)
    assert problems(hosts["client"], 21) == WORKS


@fact("lvsgen/plan/ftp.py")
def test_what_a_filter_must_forward_for_ftp(lab: Lab) -> None:
    """Where the director filters what it forwards, RELATED covers passive transfers and not active ones: those need the
    realserver's port 20.
    """
    hosts = translated(lab, *nat(21))
    hosts["director"].must(
        "iptables -P FORWARD DROP; iptables -A FORWARD -p tcp --sport 21 -j ACCEPT; "
        "iptables -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT"
    )
    assert problems(hosts["client"], 21) == {"PASV": "", "EPSV": "", "PORT": "no answer", "EPRT": "no answer"}
    hosts["director"].must("iptables -A FORWARD -p tcp --sport 20 -j ACCEPT")
    assert problems(hosts["client"], 21) == WORKS


@fact(shows=("LVS218",))
def test_ftp_by_direct_routing_needs_persistence(lab: Lab) -> None:
    """With LVS-DR passive FTP is refused and active FTP hangs unless the service is persistent; then all modes work."""
    hosts = direct(lab, *dr(21))
    assert problems(hosts["client"], 21, ("EPSV", "EPRT")) == {"EPSV": "refused", "EPRT": "no answer"}
    table(hosts["director"], f"-E -t {VIP}:21 -s rr -p 60")
    for source in CLIENTS:
        assert problems(hosts["client"], 21, source=source) == WORKS


@fact(shows=("LVS251",))
def test_only_port_21_is_known_for_ftp(lab: Lab) -> None:
    """A persistent service on another control port does not get its data connections."""
    hosts = direct(lab, *dr(2121, "-p 60"))
    assert problems(hosts["client"], 2121, ("EPSV", "EPRT")) == {"EPSV": "refused", "EPRT": "no answer"}


@fact(shows=("LVS251",))
def test_a_group_of_ftp_ports_needs_the_one_below(lab: Lab) -> None:
    """A persistent mark over control port and passive range carries passive transfers; active ones need the port below
    the control port as well.
    """
    hosts = direct(lab, *service("-f 5", "-p 60", "192.0.2.11:0 -g", "192.0.2.12:0 -g"))
    mark = f"iptables -t mangle -A PREROUTING -d {VIP} -p tcp -m multiport --dports %s -j MARK --set-mark 5"
    hosts["director"].must(mark % f"2121,{DATA[0]}:{DATA[1]}")
    assert problems(hosts["client"], 2121) == {"PASV": "", "EPSV": "", "PORT": "no answer", "EPRT": "no answer"}
    hosts["director"].must(mark % "2120")
    assert problems(hosts["client"], 2121) == WORKS


@fact("lvsgen/rules/packets.py")
def test_a_persistent_service_on_port_21_takes_other_ports(lab: Lab) -> None:
    """A persistent service on port 21 takes the unprivileged ports of its VIP from the director's own daemons."""
    hosts = direct(lab, *dr(21))

    def answers(port: int) -> str:
        target = Target(client="client", ip=VIP, port=port)
        return str(hosts["client"].call(ask, target, [CLIENT], 1, [port], False, False)[0][0])

    assert (answers(8080), answers(900)) == ("director", "director")
    table(hosts["director"], f"-E -t {VIP}:21 -s rr -p 60")
    assert (answers(8080), answers(900)) == ("refused", "director")
