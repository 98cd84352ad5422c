"""LVS-Tun: what unwraps which packets, with a request and a large upload, and what fails."""

from __future__ import annotations

from ipaddress import ip_address

from lvsgen.lab.guest.clients import ask, connect, upload
from lvsgen.lab.guest.namespaces import Host
from lvsgen.lab.guest.wire import Machine, Target
from lvsgen.model import Family, Tunnel
from lvsgen.plan.tunnels import decapsulation
from tests.lab.facts.fact import fact
from tests.lab.facts.ground import WEB, Lab, nic, table

CLIENT: dict[Family, str] = {"ipv4": "192.0.2.1", "ipv6": "2001:db8::1"}
VIPS: dict[Family, str] = {"ipv4": "198.51.100.0/24", "ipv6": "2001:db8:5::/64"}
OPTIONS = {
    Tunnel(): "",
    Tunnel(type="gre"): "--tun-type gre",
    Tunnel(type="gre", checksum="csum"): "--tun-type gre --tun-csum",
    Tunnel(type="gue", port=6080): "--tun-type gue --tun-port 6080",
    Tunnel(type="gue", port=6080, checksum="csum"): "--tun-type gue --tun-port 6080 --tun-csum",
}
"""What is generated for a tunnel, and what ipvsadm is told of it."""

SIZE = 200_000


def vip(family: Family, number: int) -> str:
    return f"198.51.100.{number}" if family == "ipv4" else f"2001:db8:5::{number}"


def rip(family: Family, number: int) -> str:
    return f"10.1.1.{10 + number}" if family == "ipv4" else f"2001:db8:1::{10 + number}"


def away(lab: Lab, count: int) -> dict[str, Host]:
    """Realservers behind the director, on a segment whose gateway to the clients is a router of its own."""
    outside = {
        "client": nic(0, 1, "192.0.2.1/24", "2001:db8::1/64"),
        "director": nic(0, 2, "192.0.2.2/24", "2001:db8::2/64"),
        "router": nic(0, 3, "192.0.2.3/24", "2001:db8::3/64"),
    }
    inside = {
        "director": nic(1, 2, "10.1.1.2/24", "2001:db8:1::2/64"),
        "router": nic(1, 3, "10.1.1.3/24", "2001:db8:1::3/64"),
    }
    local = [f"ip route add local {prefix} dev lo" for prefix in VIPS.values()]
    return lab.build(
        Machine(
            name="client",
            nics=(outside["client"],),
            routes=(f"{VIPS['ipv4']} via 192.0.2.2", f"{VIPS['ipv6']} via 2001:db8::2"),
        ),
        Machine(name="director", nics=(outside["director"], inside["director"]), setup=tuple(local)),
        Machine(
            name="router",
            nics=(outside["router"], inside["router"]),
            # A router that knew no way to the VIPs would take packets from them for forged (rp_filter).
            routes=(f"{VIPS['ipv4']} via 192.0.2.2",),
            sysctls={"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"},
        ),
        *(
            Machine(
                name=f"rs{number}",
                nics=(nic(1, 10 + number, f"{rip('ipv4', number)}/24", f"{rip('ipv6', number)}/64"),),
                routes=("default via 10.1.1.3", "default via 2001:db8:1::3"),
                responders=WEB,
            )
            for number in range(1, count + 1)
        ),
    )


def unwrap(host: Host, tunnel: Tunnel, inner: Family, number: int, outer: str) -> str:
    """Make a realserver unwrap as it is generated, with the VIP on the device; returns the device."""
    unwraps = decapsulation(tunnel, inner, ip_address(outer))
    host.must("\n".join(["set -e", *(f"ip {line}" for line in unwraps.lines)]))
    if inner == "ipv4":
        host.must(f"sysctl -qw net.ipv4.conf.{unwraps.device}.rp_filter=2")
    host.must(f"ip address add {vip(inner, number)}/{32 if inner == 'ipv4' else '128 nodad'} dev {unwraps.device}")
    return unwraps.device


def serve(director: Host, inner: Family, number: int, outer: str, options: str) -> Target:
    address, at = (f"[{text}]" if ":" in text else text for text in (vip(inner, number), outer))
    key = f"-t {address}:80"
    table(director, f"-A {key} -s rr", f"-a {key} -r {at}:80 -i {options}")
    return Target(client="client", ip=vip(inner, number), port=80)


def answer(client: Host, target: Target) -> str:
    family: Family = "ipv6" if ":" in target.ip else "ipv4"
    who: str = client.call(ask, target, [CLIENT[family]], 1, [80], False, False)[0][0]
    return who


def all_kinds(lab: Lab, inner: Family, outer: Family) -> None:
    """Each kind of tunnel to a realserver of its own: a request and an upload get through."""
    hosts = away(lab, len(OPTIONS))
    seen = {}
    for number, (tunnel, options) in enumerate(OPTIONS.items(), 1):
        unwrap(hosts[f"rs{number}"], tunnel, inner, number, rip(outer, number))
        target = serve(hosts["director"], inner, number, rip(outer, number), options)
        got = hosts["client"].call(upload, target, CLIENT[inner], SIZE)
        seen[options] = [answer(hosts["client"], target), *got]
    assert seen == {
        options: [f"rs{number}", f"rs{number}", str(SIZE)] for number, options in enumerate(OPTIONS.values(), 1)
    }


@fact("lvsgen/plan/tunnels.py")
def test_ipv4_in_ipv4(lab: Lab) -> None:
    """A VIP of IPv4 to a RIP of IPv4: IPIP, GRE and GUE, with checksums too, carry uploads larger than the MTU."""
    all_kinds(lab, "ipv4", "ipv4")


@fact("lvsgen/plan/tunnels.py")
def test_ipv6_in_ipv6(lab: Lab) -> None:
    """A VIP of IPv6 to a RIP of IPv6: the same."""
    all_kinds(lab, "ipv6", "ipv6")


@fact("lvsgen/plan/tunnels.py")
def test_ipv6_in_ipv4(lab: Lab) -> None:
    """A VIP of IPv6 to a RIP of IPv4: the same."""
    all_kinds(lab, "ipv6", "ipv4")


@fact("lvsgen/plan/tunnels.py")
def test_ipv4_in_ipv6(lab: Lab) -> None:
    """A VIP of IPv4 to a RIP of IPv6: the same."""
    all_kinds(lab, "ipv4", "ipv6")


@fact("lvsgen/plan/tunnels.py")
def test_ip6tnl0_takes_ipv6_only(lab: Lab) -> None:
    """A VIP of IPv4 to a RIP of IPv6: ip6tnl0 does not unwrap it, hence a device of our own (ip6_tunnel.c)."""
    hosts = away(lab, 1)
    realserver = hosts["rs1"]
    realserver.must(f"ip link set ip6tnl0 up; ip address add {vip('ipv4', 1)}/32 dev ip6tnl0")
    realserver.must("sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.ip6tnl0.rp_filter=0")
    target = serve(hosts["director"], "ipv4", 1, rip("ipv6", 1), "")
    assert answer(hosts["client"], target) != "rs1"
    realserver.must(f"ip address del {vip('ipv4', 1)}/32 dev ip6tnl0")
    unwrap(realserver, Tunnel(), "ipv4", 1, rip("ipv6", 1))
    assert answer(hosts["client"], target) == "rs1"


@fact("lvsgen/plan/tunnels.py", shows=("LVS256",))
def test_gre_checksums_must_match(lab: Lab) -> None:
    """GRE: a device takes packets with a checksum or those without one, and drops the rest (ip_tunnel.c)."""
    hosts = away(lab, 2)
    plain, summed = Tunnel(type="gre"), Tunnel(type="gre", checksum="csum")
    for number, made, sent in ((1, plain, summed), (2, summed, plain)):
        unwrap(hosts[f"rs{number}"], made, "ipv4", number, rip("ipv4", number))
        target = serve(hosts["director"], "ipv4", number, rip("ipv4", number), OPTIONS[sent])
        assert answer(hosts["client"], target) == "no answer"
        table(hosts["director"], f"-D -t {target.ip}:80")
        serve(hosts["director"], "ipv4", number, rip("ipv4", number), OPTIONS[made])
        assert answer(hosts["client"], target) == f"rs{number}"


@fact("lvsgen/plan/realserver.py", "lvsgen/plan/tunnels.py")
def test_rp_filter_of_a_tunnel(lab: Lab) -> None:
    """Unwrapped packets are dropped where the larger of rp_filter of `all` and of the device is 1; 2 on it is enough.

    With the VIP elsewhere the device has no address, and then they are dropped with 2 as well (fib_frontend.c).
    """
    hosts = away(lab, 1)
    realserver = hosts["rs1"]
    unwrap(realserver, Tunnel(), "ipv4", 1, rip("ipv4", 1))
    target = serve(hosts["director"], "ipv4", 1, rip("ipv4", 1), "")
    seen = {}
    for every, own in ((0, 0), (2, 0), (0, 2), (2, 1), (1, 2), (1, 0), (0, 1)):
        realserver.must(f"sysctl -qw net.ipv4.conf.all.rp_filter={every} net.ipv4.conf.tunl0.rp_filter={own}")
        seen[every, own] = answer(hosts["client"], target) == "rs1"
    assert seen == {(every, own): max(every, own) != 1 for every, own in seen}
    realserver.must("sysctl -qw net.ipv4.conf.all.rp_filter=2 net.ipv4.conf.tunl0.rp_filter=2")
    realserver.must(f"ip address del {target.ip}/32 dev tunl0; ip address add {target.ip}/32 dev lo")
    assert answer(hosts["client"], target) == "no answer"


def stalls(target: Target, source: str, size: int) -> bool:
    """Whether an upload comes to no end within a few seconds."""
    try:
        with connect(target, target.port, source, 5) as connection:
            connection.sendall(f"POST / HTTP/1.0\r\nContent-Length: {size}\r\n\r\n".encode() + bytes(size))
            return not connection.recv(4096)
    except OSError:
        return True


@fact(shows=("LVS212",))
def test_uploads_stall_without_icmp(lab: Lab) -> None:
    """A client that never hears "fragmentation needed": its upload stalls, its small requests do not.

    What helps: pmtu_disc=0 on the director, or `advmss` on the realserver's route (ip_vs_xmit.c, ipvs-sysctl.rst).
    """
    hosts = away(lab, 2)
    client, director = hosts["client"], hosts["director"]
    client.must("iptables -w -A INPUT -p icmp -j DROP")
    targets = []
    for number in (1, 2):
        unwrap(hosts[f"rs{number}"], Tunnel(), "ipv4", number, rip("ipv4", number))
        targets.append(serve(director, "ipv4", number, rip("ipv4", number), ""))
    hosts["rs2"].must("ip route replace default via 10.1.1.3 advmss 1440")
    first, second = targets
    assert answer(client, first) == "rs1"
    assert client.call(stalls, first, CLIENT["ipv4"], SIZE)
    assert client.call(upload, second, CLIENT["ipv4"], SIZE) == ["rs2", str(SIZE)]
    director.must("sysctl -qw net.ipv4.vs.pmtu_disc=0")
    assert client.call(upload, first, CLIENT["ipv4"], SIZE) == ["rs1", str(SIZE)]
