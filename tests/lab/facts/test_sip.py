"""The persistence engine for SIP: whom it takes for one client."""

from __future__ import annotations

from collections import Counter

from lvsgen.lab.guest.clients import ask
from lvsgen.lab.guest.namespaces import Host
from lvsgen.lab.guest.steps.calls import dial
from lvsgen.lab.guest.wire import Machine, Responder, Target
from tests.lab.facts.fact import fact
from tests.lab.facts.ground import Lab, nic, table

VIP = "192.0.2.100"
CLIENTS = tuple(f"192.0.2.{number}" for number in range(101, 107))
CALLS = tuple(f"call{number}" for number in range(9))


def talking(lab: Lab, protocol: str, options: str) -> dict[str, Host]:
    """A client, a director and three realservers by LVS-DR, on one segment."""
    hosts = lab.build(
        Machine(name="client", nics=(nic(0, 1, *(f"{ip}/24" for ip in CLIENTS)),)),
        Machine(name="director", nics=(nic(0, 2, "192.0.2.2/24", f"{VIP}/32"),)),
        *(
            Machine(
                name=f"rs{number}",
                nics=(nic(0, 10 + number, f"192.0.2.1{number}/24"),),
                sysctls={"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"},
                setup=(f"ip address add {VIP}/32 dev lo",),
                responders=(
                    Responder(protocol="udp", port=5060, speech="sip"),
                    Responder(protocol="tcp", port=5060),
                ),
            )
            for number in (1, 2, 3)
        ),
    )
    key = f"-{protocol[0]} {VIP}:5060"
    realservers = [f"-a {key} -r 192.0.2.1{number}:5060 -g" for number in (1, 2, 3)]
    table(hosts["director"], f"-A {key} -s rr {options}", *realservers)
    return hosts


def dialled(client: Host, calls: tuple[str, ...], sources: tuple[str, ...]) -> list[str]:
    target = Target(client="client", ip=VIP, port=5060, protocol="udp", speech="sip")
    return [name for _, _, name in client.call(dial, target, calls, sources)]


@fact("LVS317", "lvsgen/lab/protocols.py")
def test_a_call_is_a_client(lab: Lab) -> None:
    """With the engine for SIP each Call-ID of an address has its own realserver, and keeps it."""
    client = talking(lab, "udp", "-p 60 --pe sip")["client"]
    first = dialled(client, CALLS, CLIENTS[:1])
    assert Counter(first) == {"rs1": 3, "rs2": 3, "rs3": 3}
    assert dialled(client, CALLS, CLIENTS[:1]) == first


@fact("lvsgen/lab/protocols.py", shows=("LVS361",))
def test_the_address_is_part_of_a_call(lab: Lab) -> None:
    """One Call-ID from several addresses meets several realservers, unless a netmask makes them one client."""
    client = talking(lab, "udp", "-p 60 --pe sip")["client"]
    assert len(set(dialled(client, CALLS[:1], CLIENTS))) == 3
    lab.close()
    client = talking(lab, "udp", "-p 60 -M 255.255.255.0 --pe sip")["client"]
    assert len(set(dialled(client, CALLS[:1], CLIENTS))) == 1


@fact("lvsgen/lab/protocols.py")
def test_what_has_no_call_is_dropped(lab: Lab) -> None:
    """A datagram without a Call-ID gets no answer from a service with the engine for SIP."""
    client = talking(lab, "udp", "-p 60 --pe sip")["client"]
    target = Target(client="client", ip=VIP, port=5060, protocol="udp")
    assert [one[0] for one in client.call(ask, target, CLIENTS[:1], 3, [5060], False, False)] == ["no answer"] * 3


@fact(shows=("LVS317",))
def test_the_engine_for_sip_drops_tcp(lab: Lab) -> None:
    """On a TCP service with persistence by the engine for SIP every connection times out."""
    client = talking(lab, "tcp", "-p 60 --pe sip")["client"]
    target = Target(client="client", ip=VIP, port=5060)
    assert [one[0] for one in client.call(ask, target, CLIENTS[:1], 2, [5060], False, False)] == ["no answer"] * 2
