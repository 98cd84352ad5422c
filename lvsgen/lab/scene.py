"""All that the scenarios derive their steps from, put together once: the cluster, its machines, and who asks what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lvsgen.lab.endpoints import Endpoint, speech
from lvsgen.lab.ground import Client, Ground
from lvsgen.lab.guest.steps.asking import Ask
from lvsgen.lab.guest.wire import Subject, Target
from lvsgen.lab.responders import unplayable_in
from lvsgen.lab.sample import CROWD, Sample
from lvsgen.lab.shares import share
from lvsgen.model import Cluster, Host, Instance, Member
from lvsgen.plan.tunnels import decapsulation


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """What is not tested, and why."""

    subject: Subject
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One cluster in the lab. `alike` are hosts whose files differ in nothing but their name: one of each is enough."""

    cluster: Cluster
    land: Ground
    sampled: Sample
    asked: tuple[Endpoint, ...]
    alike: tuple[tuple[str, ...], ...]
    folders: frozenset[str]

    @property
    def directors(self) -> tuple[Host, ...]:
        """The directors that run what was generated, the preferred one first."""
        order = self.cluster.failover.order or self.cluster.directors
        return tuple(host for host in order if host.managed)

    @property
    def all_directors(self) -> tuple[str, ...]:
        """The names of all directors, the preferred one first; nobody's host is one that does its duties."""
        return tuple(host.name for host in self.cluster.failover.order or self.cluster.directors)

    def machine(self, host: Host) -> str:
        """Who plays a host."""
        return CROWD if host.name in self.sampled.crowd else host.name

    def clients(self, endpoint: Endpoint) -> tuple[Client, ...]:
        """Who asks: clients beside the directors or where marks are set, then those behind the router."""
        if endpoint.service.sources:
            near = [self.land.clients[n.name] for n in endpoint.service.sources]
        else:
            network = endpoint.address.network
            near = [self.land.clients[network.name]] if network and network.name in self.land.clients else []
            near += [self.land.outside] if self.land.outside else []
        return tuple(client for client in near if client.of(endpoint.family))

    def unplayable(self, endpoint: Endpoint) -> str:
        """Why nobody can answer here; empty if somebody should."""
        if not endpoint.active:
            return "no realserver of it is active"
        return unplayable_in(endpoint.service)

    def instance(self, endpoint: Endpoint) -> Instance | None:
        """The VRRP instance that moves a VIP."""
        found = (i for i in self.cluster.failover.instances if any(v.name == endpoint.vip.name for v in i.vips))
        return next(found, next(iter(self.cluster.failover.instances), None))

    def target(self, endpoint: Endpoint, client: Client) -> Target:
        """The endpoint as this client reaches it."""
        return Target(
            client=client.machine,
            ip=str(endpoint.ip),
            port=endpoint.port,
            protocol=endpoint.protocol,
            speech=speech(endpoint),
            realservers=dict(self._reached(endpoint, client)),
            # A routed VIP is with the director that the router has a route to.
            directors=self.all_directors if endpoint.address.network else self.all_directors[:1],
            mark=endpoint.mark,
            held=endpoint.held,
        )

    def _reached(self, endpoint: Endpoint, client: Client) -> Iterator[tuple[str, Mapping[str, str]]]:
        for member, port in zip(endpoint.members, endpoint.real_ports, strict=True):
            ip = member.real_address(endpoint.family)
            assert ip
            device = decapsulation(member.tunnel, endpoint.family, ip).device if member.method == "tun" else ""
            asks = client.of("ipv4" if ip.version == 4 else "ipv6")
            snat = endpoint.service.snat
            yield (
                self.machine(member.host),
                {
                    "method": "local" if member.host.is_director and len(self.all_directors) == 1 else member.method,
                    "ip": str(ip),
                    "port": str(port),
                    "device": device,
                    "client": asks[0] if asks and not snat else "",
                },
            )

    def weights(self, endpoint: Endpoint, without: frozenset[str] = frozenset()) -> dict[str, int]:
        """The weights of those who must answer, by machine; `without` are machines that are out."""
        found: dict[str, int] = {}
        for member in endpoint.active:
            name = self.machine(member.host)
            if name not in without:
                found[name] = found.get(name, 0) + member.weight
        if endpoint.service.scheduler == "fo":
            best = max((m.weight for m in endpoint.active if self.machine(m.host) not in without), default=0)
            return {n: w for n, w in found.items() if w == best}
        return found

    def sees(self, endpoint: Endpoint) -> tuple[str, ...]:
        """The addresses that realservers may see instead of the client's."""
        if not endpoint.service.snat:
            return ()
        own = {a.ip for host in self.cluster.directors for a in host.addresses}
        return tuple(sorted(str(ip) for ip in own | {ip for n in self.cluster.networks for ip in n.dips}))

    def original(self, endpoint: Endpoint) -> str:
        """The address that a transparent proxy must know, as no request names it; empty where the VIP is no prefix."""
        proxied = endpoint.address.prefix.num_addresses > 1 and speech(endpoint) in ("text", "tls")
        return str(endpoint.ip) if proxied and endpoint.protocol == "tcp" else ""

    def ask(
        self,
        subject: Subject,
        endpoint: Endpoint,
        client: Client,
        *,
        without: frozenset[str] = frozenset(),
        wants: tuple[str, ...] = (),
        loose: bool = False,
        seconds: float = 0,
    ) -> Ask:
        """Asks as often as the scheduler needs. `loose`: any of those who must answer will do."""
        weights = self.weights(endpoint, without)
        sources = client.of(endpoint.family)
        if wants or loose:
            chosen = wants or tuple(weights)
            return Ask(
                subject=subject,
                target=self.target(endpoint, client),
                count=8,
                sources=sources,
                wants=chosen,
                subset=True,
                sees=self.sees(endpoint),
                original=self.original(endpoint),
                seconds=seconds,
            )
        machines = [self.machine(m.host) for m in endpoint.active]
        members = {name: machines.count(name) for name in weights}
        much = share(endpoint, weights, members, sources)
        return Ask(
            subject=subject,
            target=self.target(endpoint, client),
            sources=sources,
            wants=tuple(weights),
            sees=self.sees(endpoint),
            original=self.original(endpoint),
            seconds=max(seconds, much.seconds),
            count=much.count,
            share=much.share,
            tolerance=much.tolerance,
            one=much.one,
            subset=much.subset,
            affinity=much.affinity,
            groups=much.groups,
            held=much.held,
            one_socket=much.one_socket,
        )


def out(members: tuple[Member, ...]) -> tuple[Member, ...]:
    """Those that must get nothing new."""
    return tuple(m for m in members if m.state != "active" or m.weight == 0)
