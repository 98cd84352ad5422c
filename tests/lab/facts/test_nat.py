"""The way of packets: what LVS-NAT needs for the way back, and where LVS-DR does not get through."""

from __future__ import annotations

from lvsgen.lab.guest.clients import ask
from lvsgen.lab.guest.namespaces import Host
from lvsgen.lab.guest.wire import Machine, Responder, Target
from tests.lab.facts.fact import fact
from tests.lab.facts.ground import Lab, nic, table

VIP, CLIENT = "192.0.2.100", "192.0.2.1"
VIP6, CLIENT6 = "2001:db8::100", "2001:db8::1"
WEB = (Responder(protocol="tcp", port=8080), Responder(protocol="udp", port=5353))
GATEWAY = ("default via 10.1.1.1", "default via 2001:db8:1::1")


def two_networks(lab: Lab) -> dict[str, Host]:
    """Clients outside, rs1 inside with the director as its gateway, rs2 without one."""
    return lab.build(
        Machine(name="client", nics=(nic(0, 1, f"{CLIENT}/24", f"{CLIENT6}/64"),)),
        Machine(
            name="director",
            nics=(
                nic(0, 2, "192.0.2.2/24", f"{VIP}/32", "2001:db8::2/64", f"{VIP6}/128"),
                nic(1, 2, "10.1.1.1/24", "2001:db8:1::1/64"),
            ),
        ),
        Machine(name="rs1", nics=(nic(1, 11, "10.1.1.11/24", "2001:db8:1::11/64"),), routes=GATEWAY, responders=WEB),
        Machine(name="rs2", nics=(nic(1, 12, "10.1.1.12/24"),), responders=WEB),
    )


def one_network(lab: Lab) -> dict[str, Host]:
    """Client, director and realserver beside each other; the director is the realserver's gateway."""
    return lab.build(
        Machine(name="client", nics=(nic(0, 1, f"{CLIENT}/24"),)),
        Machine(
            name="director",
            nics=(nic(0, 2, "192.0.2.2/24", f"{VIP}/32"),),
            sysctls={"net.ipv4.ip_forward": "1"},
        ),
        Machine(name="rs1", nics=(nic(0, 11, "192.0.2.11/24"),), routes=("default via 192.0.2.2",), responders=WEB),
    )


def serve(director: Host, rip: str, port: int = 80, method: str = "-m", inside: int = 8080) -> None:
    key = f"-t {VIP}:{port}"
    table(director, f"-A {key} -s rr", f"-a {key} -r {rip}:{inside} {method}")


def answer(client: Host, port: int = 80, protocol: str = "tcp", count: int = 1) -> list[list[str]]:
    """Who answers, and whom it sees."""
    target = Target(client="client", ip=VIP, port=port, protocol=protocol)
    return [one[:2] for one in client.call(ask, target, [CLIENT], count, [port], False, False)]


@fact("lvsgen/plan/director.py")
def test_replies_are_forwarded(lab: Lab) -> None:
    """LVS-NAT needs ip_forward, as replies pass the director's forwarding path (ip_vs_core.c, ip_vs_reply)."""
    hosts = two_networks(lab)
    serve(hosts["director"], "10.1.1.11")
    hosts["director"].must("sysctl -qw net.ipv4.ip_forward=0")
    assert answer(hosts["client"]) == [["no answer", ""]]
    hosts["director"].must("sysctl -qw net.ipv4.ip_forward=1")
    assert answer(hosts["client"]) == [["rs1", CLIENT]]


@fact("lvsgen/plan/director.py")
def test_replies_are_forwarded_with_ipv6(lab: Lab) -> None:
    """LVS-NAT of IPv6 needs net.ipv6.conf.all.forwarding."""
    hosts = two_networks(lab)
    director = hosts["director"]
    key = f"-t [{VIP6}]:80"
    table(director, f"-A {key} -s rr", f"-a {key} -r [2001:db8:1::11]:8080 -m")
    target = Target(client="client", ip=VIP6, port=80)
    seen = []
    for forwarding in (0, 1):
        director.must(f"sysctl -qw net.ipv6.conf.all.forwarding={forwarding}")
        seen.append(hosts["client"].call(ask, target, [CLIENT6], 1, [80], False, False)[0][0])
    assert seen == ["no answer", "rs1"]


@fact("lvsgen/plan/realserver.py", shows=("LVS203",))
def test_the_director_is_the_gateway(lab: Lab) -> None:
    """A realserver of LVS-NAT whose gateway is not the director never answers its clients."""
    hosts = two_networks(lab)
    hosts["director"].must("sysctl -qw net.ipv4.ip_forward=1")
    serve(hosts["director"], "10.1.1.12")
    assert answer(hosts["client"]) == [["no answer", ""]]
    hosts["rs2"].must("ip route add default via 10.1.1.1")
    assert answer(hosts["client"]) == [["rs2", CLIENT]]


@fact("lvsgen/plan/realserver.py", "lvsgen/plan/director.py", shows=("LVS205",))
def test_one_network_needs_the_realserver_to_forget_it(lab: Lab) -> None:
    """LVS-NAT with clients in the realserver's network: it answers them past the director, until it has a route to the
    director alone; which the director's redirects would tell it to leave (send_redirects of `all` or the interface).
    """
    hosts = one_network(lab)
    director, realserver = hosts["director"], hosts["rs1"]
    serve(director, "192.0.2.11")
    assert answer(hosts["client"])[0][0] in ("no answer", "reset", "refused")
    realserver.must(
        "ip route replace 192.0.2.2/32 dev eth0 scope link; ip route replace default via 192.0.2.2 dev eth0; "
        "ip route del 192.0.2.0/24 dev eth0"
    )
    director.must("sysctl -qw net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.eth0.send_redirects=0")
    assert answer(hosts["client"], count=6) == [["rs1", CLIENT]] * 6
    counted = (
        "awk '/^Icmp:/ && n++ { print $c } /^Icmp:/ { for (i = 1; i <= NF; i++) if ($i == \"OutRedirects\") c = i }'"
    )
    assert director.must(f"{counted} /proc/net/snmp") == "0"
    # Whether the realserver takes a redirect is another matter: on 6.1 it did, and its clients got no answer any more.
    director.must("sysctl -qw net.ipv4.conf.all.send_redirects=1")
    answer(hosts["client"])
    assert director.must(f"{counted} /proc/net/snmp") != "0"


@fact("lvsgen/plan/director.py", "lvsgen/targets/firewall.py", "LVS254")
def test_source_translation_needs_conntrack(lab: Lab) -> None:
    """SNAT of what IPVS sends needs net.ipv4.vs.conntrack=1; with it one network needs no routes (ipvs-sysctl.rst)."""
    hosts = one_network(lab)
    director = hosts["director"]
    serve(director, "192.0.2.11")
    match = f"-d 192.0.2.0/24 -p tcp -m ipvs --vaddr {VIP} --vport 80 --vdir ORIGINAL"
    director.must(f"iptables -w -t nat -A POSTROUTING {match} -j SNAT --to-source 192.0.2.2")
    assert answer(hosts["client"])[0][0] != "rs1"
    director.must("sysctl -qw net.ipv4.vs.conntrack=1")
    assert answer(hosts["client"]) == [["rs1", "192.0.2.2"]]


@fact(shows=("LVS207",))
def test_nothing_is_rewritten_to_loopback(lab: Lab) -> None:
    """A director that serves itself at 127.0.0.1 by LVS-NAT never answers; at its own address it does.

    ip_vs_xmit.c, ip_vs_nat_xmit: "stopping DNAT to loopback address".
    """
    own = (Responder(protocol="tcp", port=8080),)
    hosts = lab.build(
        Machine(name="client", nics=(nic(0, 1, f"{CLIENT}/24"),)),
        Machine(name="director", nics=(nic(0, 2, "192.0.2.2/24", f"{VIP}/32"),), responders=own),
    )
    serve(hosts["director"], "127.0.0.1", 80)
    serve(hosts["director"], "192.0.2.2", 81)
    assert answer(hosts["client"], 80) == [["no answer", ""]]
    assert answer(hosts["client"], 81) == [["director", CLIENT]]


@fact(shows=("LVS225", "LVS614"))
def test_dr_replies_through_the_director_are_martians(lab: Lab) -> None:
    """LVS-DR with the director as the realserver's gateway: replies come from the VIP, which is the director's own.

    fib_frontend.c, __fib_validate_source.
    """
    hosts = two_networks(lab)
    hosts["director"].must("sysctl -qw net.ipv4.ip_forward=1")
    hosts["rs1"].must(f"ip address add {VIP}/32 dev lo")
    serve(hosts["director"], "10.1.1.11", 8080, method="-g")
    assert answer(hosts["client"], 8080) == [["no answer", ""]]


@fact(shows=("LVS114",))
def test_dr_does_not_pass_a_router(lab: Lab) -> None:
    """LVS-DR to a realserver behind a router: the router sends the packet, which is to the VIP, back to the director.

    Only the MAC address is another (ip_vs_xmit.c, ip_vs_dr_xmit).
    """
    hosts = lab.build(
        Machine(name="client", nics=(nic(0, 1, f"{CLIENT}/24"),)),
        Machine(
            name="director",
            nics=(nic(0, 2, "192.0.2.2/24", f"{VIP}/32"),),
            routes=("10.1.1.0/24 via 192.0.2.3",),
        ),
        Machine(
            name="router",
            nics=(nic(0, 3, "192.0.2.3/24"), nic(1, 3, "10.1.1.3/24")),
            sysctls={"net.ipv4.ip_forward": "1"},
        ),
        Machine(
            name="rs1",
            nics=(nic(1, 11, "10.1.1.11/24"),),
            routes=("default via 10.1.1.3",),
            setup=(f"ip address add {VIP}/32 dev lo",),
            responders=WEB,
        ),
    )
    serve(hosts["director"], "10.1.1.11", 8080, method="-g")
    assert answer(hosts["client"], 8080)[0][0] != "rs1"


@fact(shows=("LVS315",))
def test_single_packets_by_nat_are_answered_from_elsewhere(lab: Lab) -> None:
    """One-packet scheduling with LVS-NAT: the reply's source is the realserver, so the client does not take it."""
    hosts = two_networks(lab)
    director = hosts["director"]
    director.must("sysctl -qw net.ipv4.ip_forward=1")
    for port, options in ((53, ""), (54, "-o")):
        key = f"-u {VIP}:{port}"
        table(director, f"-A {key} -s rr {options}", f"-a {key} -r 10.1.1.11:5353 -m")
    assert answer(hosts["client"], 53, "udp") == [["rs1", CLIENT]]
    assert answer(hosts["client"], 54, "udp") == [["no answer", ""]]


@fact(shows=("LVS416",))
def test_marked_ports_become_one_by_nat(lab: Lab) -> None:
    """A realserver's port in a service by mark with LVS-NAT: all marked ports lead there."""
    hosts = two_networks(lab)
    director = hosts["director"]
    director.must("sysctl -qw net.ipv4.ip_forward=1")
    director.must(f"iptables -w -t mangle -A PREROUTING -d {VIP} -p tcp -j MARK --set-mark 7")
    table(director, "-A -f 7 -s rr", "-a -f 7 -r 10.1.1.11:8080 -m")
    assert answer(hosts["client"], 80) == answer(hosts["client"], 443) == [["rs1", CLIENT]]


@fact(shows=("LVS254",))
def test_source_translation_breaks_dr(lab: Lab) -> None:
    """SNAT of what LVS-DR sends: the realserver answers the director, and the client waits for ever."""
    hosts = one_network(lab)
    director, realserver = hosts["director"], hosts["rs1"]
    realserver.must("sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2")
    realserver.must(f"ip address add {VIP}/32 dev lo; ip route del default; ip route add default via {CLIENT}")
    director.must("sysctl -qw net.ipv4.vs.conntrack=1")
    serve(director, "192.0.2.11", 8080, method="-g")
    assert answer(hosts["client"], 8080) == [["rs1", CLIENT]]
    match = f"-m ipvs --vaddr {VIP} --vport 8080 --vdir ORIGINAL"
    director.must(f"iptables -w -t nat -A POSTROUTING {match} -j SNAT --to-source 192.0.2.2")
    assert answer(hosts["client"], 8080) == [["no answer", ""]]


@fact(shows=("LVS255",))
def test_a_director_behind_another_answers_past_it(lab: Lab) -> None:
    """LVS-NAT to another director, which has a gateway of its own: the client does not take what comes from there."""
    hosts = lab.build(
        Machine(name="client", nics=(nic(0, 1, f"{CLIENT}/24"),)),
        Machine(name="lvs1", nics=(nic(0, 2, "192.0.2.2/24", f"{VIP}/32"),), sysctls={"net.ipv4.ip_forward": "1"}),
        Machine(name="lvs2", nics=(nic(0, 3, "192.0.2.3/24"),), responders=WEB),
    )
    serve(hosts["lvs1"], "192.0.2.3")
    assert answer(hosts["client"])[0][0] in ("no answer", "reset")


@fact(shows=("LVS508", "LVS509"))
def test_a_gateway_that_stays_gets_the_replies(lab: Lab) -> None:
    """The VIP is on the second director, the realserver's gateway is the first one: clients wait for ever."""
    inside = {"lvs1": 1, "lvs2": 2}
    hosts = lab.build(
        Machine(name="client", nics=(nic(0, 1, f"{CLIENT}/24"),)),
        *(
            Machine(
                name=name,
                nics=(nic(0, 1 + number, f"192.0.2.{1 + number}/24"), nic(1, number, f"10.1.1.{number}/24")),
                sysctls={"net.ipv4.ip_forward": "1"},
            )
            for name, number in inside.items()
        ),
        Machine(name="rs1", nics=(nic(1, 11, "10.1.1.11/24"),), routes=GATEWAY[:1], responders=WEB),
    )
    seen = {}
    for name in inside:
        hosts[name].must(f"ip address add {VIP}/32 dev eth0")
        hosts["client"].must("ip neigh flush dev eth0")
        serve(hosts[name], "10.1.1.11")
        seen[name] = answer(hosts["client"])
        hosts[name].must(f"ip address del {VIP}/32 dev eth0")
    assert seen == {"lvs1": [["rs1", CLIENT]], "lvs2": [["no answer", ""]]}
