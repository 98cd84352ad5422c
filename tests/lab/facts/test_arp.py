"""Who answers ARP and ND for a VIP, and whose own requests tell it."""

from __future__ import annotations

import socket

from lvsgen.lab.guest.clients import TIMEOUT, ask, who_has
from lvsgen.lab.guest.namespaces import Host
from lvsgen.lab.guest.wire import Machine, Target
from tests.lab.facts.cluster import hold
from tests.lab.facts.fact import fact
from tests.lab.facts.ground import WEB, Lab, nic, table, until

VIP, VIP6 = "192.0.2.100", "2001:db8::100"


def pair(lab: Lab) -> tuple[Host, Host]:
    """A client, and a realserver with the VIPs on lo and no sysctl."""
    held = (f"ip address add {VIP}/32 dev lo", f"ip -6 address add {VIP6}/128 dev lo nodad")
    hosts = lab.build(
        Machine(name="client", nics=(nic(0, 1, "192.0.2.1/24", "2001:db8::1/64"),)),
        Machine(name="rs1", nics=(nic(0, 11, "192.0.2.11/24", "2001:db8::11/64"),), setup=held),
    )
    return hosts["client"], hosts["rs1"]


def answers(client: Host, address: str) -> bool:
    return bool(client.call(who_has, "eth0", address, 1.0))


@fact("lvsgen/plan/realserver.py")
def test_arp_ignore_is_that_of_all_or_of_the_interface(lab: Lab) -> None:
    """A VIP on lo is answered for, unless arp_ignore is 1 for `all` or for the interface that is asked, not for `lo`.

    arp.c, arp_ignore; inetdevice.h, IN_DEV_ARP_IGNORE.
    """
    client, realserver = pair(lab)
    for name, answered in (("lo", True), ("eth0", False), ("all", False)):
        key = f"net.ipv4.conf.{name}.arp_ignore"
        realserver.must(f"sysctl -qw {key}=1")
        assert answers(client, VIP) == answered, name
        realserver.must(f"sysctl -qw {key}=0")


@fact(shows=("LVS101", "LVS605"))
def test_an_interface_answers_for_its_own_addresses(lab: Lab) -> None:
    """A VIP on eth0 is answered for there, arp_ignore or not; so is one of IPv6."""
    client, realserver = pair(lab)
    realserver.must("sysctl -qw net.ipv4.conf.all.arp_ignore=1")
    realserver.must(f"ip address add {VIP}/32 dev eth0; ip -6 address add {VIP6}/128 dev eth0 nodad")
    assert answers(client, VIP)
    assert answers(client, VIP6)


@fact("lvsgen/plan/realserver.py")
def test_ipv6_is_silent_without_any_sysctl(lab: Lab) -> None:
    """A VIP of IPv6 on lo is never answered for: only addresses of the receiving interface are (ndisc.c)."""
    client, _ = pair(lab)
    assert answers(client, "2001:db8::11")
    assert not answers(client, VIP6)


def speak(source: str, to: str) -> None:
    """Send a datagram from one of a host's addresses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.bind((source, 0))
        out.sendto(b"x", (to, 9))


@fact("lvsgen/plan/realserver.py")
def test_own_requests_tell_the_vip_without_arp_announce(lab: Lab) -> None:
    """A realserver that answers as the VIP asks for its client as the VIP; with arp_announce=2 it asks as itself.

    The client, or the router, then has the realserver's MAC for the VIP (arp.c, arp_solicit).
    """
    client, realserver = pair(lab)
    realserver.must("sysctl -qw net.ipv4.conf.all.arp_ignore=1")
    learned = {}
    for announce in (0, 2):
        realserver.must(f"sysctl -qw net.ipv4.conf.all.arp_announce={announce}; ip neigh flush dev eth0")
        client.must("ip neigh flush dev eth0")
        realserver.call(speak, VIP, "192.0.2.1")
        until(lambda: bool(client.must("ip neigh show nud reachable nud stale nud delay nud probe")))
        learned[announce] = "lladdr 02:00:00:00:00:0b" in client.must(f"ip neigh show {VIP}")
    assert learned == {0: True, 2: False}


def two_holders(lab: Lab) -> dict[str, Host]:
    """Two directors with the VIP and the same table, a realserver and a client."""
    directors = [
        Machine(name=name, nics=(nic(0, number, f"192.0.2.{number}/24", f"{VIP}/32"),))
        for name, number in (("lvs1", 2), ("lvs2", 3))
    ]
    silent = {"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"}
    hosts = lab.build(
        Machine(name="client", nics=(nic(0, 1, "192.0.2.1/24"),)),
        *directors,
        Machine(
            name="rs1",
            nics=(nic(0, 11, "192.0.2.11/24"),),
            sysctls=silent,
            setup=(f"ip address add {VIP}/32 dev lo",),
            responders=WEB,
        ),
    )
    for name in ("lvs1", "lvs2"):
        table(hosts[name], f"-A -t {VIP}:80 -s rr", f"-a -t {VIP}:80 -r 192.0.2.11:80 -g")
    return hosts


@fact("lvsgen/lab/guest/steps/owner.py")
def test_two_holders_of_a_vip_serve_all_the_same(lab: Lab) -> None:
    """Two directors with the VIP: both answer ARP, and every client is served; so asking the service shows nothing."""
    hosts = two_holders(lab)
    assert hosts["client"].call(who_has, "eth0", VIP, TIMEOUT) == ["02:00:00:00:00:02", "02:00:00:00:00:03"]
    target = Target(client="client", ip=VIP, port=80)
    served = hosts["client"].call(ask, target, ["192.0.2.1"], 8, [80], False, False)
    assert [one[0] for one in served] == ["rs1"] * 8


@fact(shows=("LVS118", "LVS158", "LVS554"))
def test_another_holder_breaks_connections(lab: Lab) -> None:
    """Two directors with the VIP and without sync: a connection is reset when the client's packets go to the other."""
    hosts = two_holders(lab)
    held = hold(hosts["client"], VIP, "192.0.2.1")
    seen = [held.first]
    macs = {name: hosts[name].machine.nics[0].mac for name in ("lvs1", "lvs2")}
    taken = hosts["client"].must(f"ip neigh show {VIP}")
    (other,) = (mac for mac in macs.values() if mac not in taken)
    hosts["client"].must(f"ip neigh replace {VIP} lladdr {other} dev eth0")
    assert [*seen, held.use()] == ["rs1", "reset"]
