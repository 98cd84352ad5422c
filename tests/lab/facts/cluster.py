"""A lone director, three realservers behind it by LVS-DR, and a client with many addresses, all on one segment.

Every address of 198.51.100.0/24 is a VIP: it is routed to the director and local there and on the realservers. Each
service takes a new one, as connections and templates outlive the virtual service that made them.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from lvsgen.lab.guest.clients import ask, keep
from lvsgen.lab.guest.namespaces import Host
from lvsgen.lab.guest.wire import Machine, Responder, Target
from tests.lab.facts.ground import Lab, nic, table

VIPS = "198.51.100.0/24"
RIPS = {"rs1": "192.0.2.11", "rs2": "192.0.2.12", "rs3": "192.0.2.13"}
CLIENTS = tuple(f"192.0.2.{number}" for number in range(101, 141, 2))
_LOCAL = f"ip route add local {VIPS} dev lo"
_SILENT = {"net.ipv4.conf.all.arp_ignore": "1", "net.ipv4.conf.all.arp_announce": "2"}
_RESPONDERS = tuple(
    Responder(protocol=protocol, port=port)
    for protocol, port in (("tcp", 80), ("tcp", 443), ("tcp", 8080), ("udp", 53))
)


class Cluster:
    """The machines, and the next VIP."""

    def __init__(self, lab: Lab) -> None:
        addresses = [f"{address}/24" for address in ("192.0.2.1", *CLIENTS)]
        hosts = lab.build(
            Machine(name="client", nics=(nic(0, 1, *addresses),), routes=(f"{VIPS} via 192.0.2.2",)),
            Machine(name="director", nics=(nic(0, 2, "192.0.2.2/24"),), setup=(_LOCAL,)),
            *(
                Machine(
                    name=name,
                    nics=(nic(0, 10 + number, f"{rip}/24"),),
                    sysctls=_SILENT,
                    setup=(_LOCAL,),
                    responders=_RESPONDERS,
                )
                for number, (name, rip) in enumerate(RIPS.items())
            ),
        )
        self.lab = lab
        self.client: Host = hosts["client"]
        self.director: Host = hosts["director"]
        self.realservers = {name: hosts[name] for name in RIPS}
        self._used = 0

    def vip(self) -> str:
        """An address that no service had."""
        self._used += 1
        assert self._used < 255
        return f"198.51.100.{self._used}"

    def at(self, vip: str, port: int, protocol: str = "tcp") -> Service:
        """What is at this VIP and port, made by other means."""
        return Service(self, f"-{protocol[0]} {vip}:{port}", port, protocol)

    def service(
        self,
        scheduler: str,
        options: str = "",
        *,
        weights: Sequence[int] = (1, 1, 1),
        names: Sequence[str] = tuple(RIPS),
        port: int = 80,
        protocol: str = "tcp",
        more: str = "",
    ) -> Service:
        """A virtual service on a new VIP; its realservers are added in the order of `names`."""
        service = self.at(self.vip(), port, protocol)
        at = {name: f"{RIPS[name]}:{port}" for name in names}
        table(
            self.director,
            f"-A {service.key} -s {scheduler} {options}",
            *(f"-a {service.key} -r {at[name]} -g -w {weights[n]} {more}" for n, name in enumerate(names)),
        )
        return service


@dataclass(frozen=True, slots=True)
class Service:
    """A virtual service; `key` is what ipvsadm calls it."""

    cluster: Cluster
    key: str
    port: int
    protocol: str

    @property
    def vip(self) -> str:
        """Its address."""
        return self.key.split()[1].partition(":")[0]

    def weigh(self, name: str, weight: int, more: str = "") -> None:
        """Give a realserver another weight."""
        table(self.cluster.director, f"-e {self.key} -r {RIPS[name]}:{self.port} -g -w {weight} {more}")

    def remove(self, name: str) -> None:
        """Take a realserver out."""
        table(self.cluster.director, f"-d {self.key} -r {RIPS[name]}:{self.port}")

    def add(self, name: str, weight: int = 1) -> None:
        """Put a realserver in."""
        table(self.cluster.director, f"-a {self.key} -r {RIPS[name]}:{self.port} -g -w {weight}")

    def ask(
        self,
        count: int,
        sources: Sequence[str] = CLIENTS,
        *,
        held: bool = False,
        one_socket: bool = False,
    ) -> list[str]:
        """Who answers, or what goes wrong, in order; the clients take turns."""
        target = Target(client="client", ip=self.vip, port=self.port, protocol=self.protocol)
        answers = self.cluster.client.call(ask, target, sources, count, [self.port], held, one_socket)
        return [answer[0] for answer in answers]

    def owners(self) -> dict[str, str]:
        """By client: who answers it. A few at a time, as nobody is asked after six refusals."""
        few = [CLIENTS[n : n + 5] for n in range(0, len(CLIENTS), 5)]
        return {client: who for some in few for client, who in zip(some, self.ask(len(some), some), strict=True)}

    def shares(
        self, count: int, sources: Sequence[str] = CLIENTS[:1], *, held: bool = False, one_socket: bool = False
    ) -> dict[str, int]:
        """How often each answers."""
        return dict(sorted(Counter(self.ask(count, sources, held=held, one_socket=one_socket)).items()))


@dataclass(slots=True)
class Held:
    """A connection of a client that stays open between two uses; `first` is who answered when it was opened."""

    orders: socket.socket
    answers: socket.socket
    first: str = ""

    def use(self) -> str:
        """Who answers on it, or what is wrong with it."""
        self.orders.sendall(b"x")
        return self.answers.recv(100).decode().strip()


def hold(client: Host, vip: str, source: str, port: int = 80) -> Held:
    """Open one. Nine requests are made on it at once."""
    orders, told = socket.socketpair()
    answers, out = socket.socketpair()
    client.spawn(keep, Target(client="client", ip=vip, port=port), source, told.fileno(), out.fileno())
    told.close()
    out.close()
    held = Held(orders, answers)
    held.first = held.use()
    return held
