"""What is asked of a cluster and what must be seen: takes a `Scene`, returns steps and what is not tested.

Everything follows from the cluster model: the generated files are what is under test.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeAlias

from lvsgen.lab.endpoints import speech
from lvsgen.lab.failing import health
from lvsgen.lab.guest.steps.asking import Ask, Upload
from lvsgen.lab.guest.steps.faults import Links
from lvsgen.lab.guest.steps.owner import Owner
from lvsgen.lab.guest.steps.scripts import Apply, Stop
from lvsgen.lab.guest.steps.table import Table
from lvsgen.lab.guest.wire import Step, Subject, Target
from lvsgen.lab.lasting import leaving, neighbours, notified, redirected
from lvsgen.lab.listing import entries, key
from lvsgen.lab.protocols import calls, transfers
from lvsgen.lab.responders import unplayable_in
from lvsgen.lab.scene import Omission, Scene, out
from lvsgen.lab.takeover import failover
from lvsgen.lab.topology import OUTSIDE_PORT
from lvsgen.model import family_of

Item: TypeAlias = Step | Omission

PROPERTIES = {
    "apply": "lvs.sh apply succeeds on every host",
    "table": "the IPVS table lists every service and realserver as described",
    "again": "a second apply has nothing to do",
    "arp": "only the director that holds a VIP answers for it",
    "traffic": "realservers answer in the shares of the scheduler, and see the client's address",
    "drain": "drained and disabled realservers get no new client, nor keep those they had",
    "ftp": "FTP data connections reach the realserver of their control connection, in every mode",
    "upload": "large uploads pass the tunnels",
    "affinity": "a client keeps its realserver, over all ports of a mark",
    "loops": "what a director hands to another one comes to rest there",
    "snat": "the realservers' own traffic leaves with the declared address",
    "health": "a realserver that dies leaves and returns; the sorry server steps in",
    "failover": "VIPs move when the first director is lost, and there are never two masters",
    "change": "clients notice nothing while another revision is applied (with --from)",
    "stop": "stop leaves a host as it was, and what belongs to others untouched",
}
"""The properties, in the order in which they are tested; the keys are the words of `--only`."""

_UPLOAD = 200_000
_TABLE_SECONDS = 20
_MASTER_SECONDS = 30


def scenarios(scene: Scene) -> tuple[Item, ...]:
    """All steps, in order."""
    asked = (applied, _table, _again, _arp, _traffic, redirected, neighbours, leaving, calls, transfers)
    parts = (*asked, _uploads, _loops, _snat, health, failover, notified, _stop)
    return tuple(item for part in parts for item in part(scene))


def chosen(items: tuple[Item, ...], only: frozenset[str]) -> tuple[Item, ...]:
    """The steps of some properties; what they need is kept (all if `only` is empty)."""
    if not only:
        return items
    return tuple(item for item in items if item.subject.property in only | {"apply"})


def applied(scene: Scene) -> Iterator[Item]:
    """Realservers first, as in a rollout; then the directors, each when the one before has taken over its VIPs.

    Directors that are not managed join them at the end: what was generated is to be tested, not what they do.
    """
    subject = Subject(property="apply")
    names = [host.name for host in scene.cluster.hosts if host.name in scene.folders]
    directors = [host.name for host in scene.directors if host.name in scene.folders]
    for name in names:
        if name not in directors:
            yield Apply(subject=subject, machine=name)
    others = [host.name for host in scene.cluster.directors if not host.managed]
    yield from (Links(subject=subject, machine=name, up=False) for name in others)
    for name in directors:
        yield Apply(subject=subject, machine=name)
        if name == directors[0] and scene.cluster.failover.engine == "keepalived":
            yield from (
                replace(owner, seconds=_MASTER_SECONDS, allowed=(name,))
                for owner in owners(scene, Subject(property="apply", service=""))
            )
    yield from (Links(subject=subject, machine=name, up=True) for name in others)


def _table(scene: Scene) -> Iterator[Item]:
    virtual_services = [v for v in scene.cluster.virtual_services if not unplayable_in(v.service)]
    lists = {key(virtual): entries(virtual) for virtual in virtual_services}
    for host in scene.directors:
        yield Table(subject=Subject(property="table"), machine=host.name, lists=lists, seconds=_TABLE_SECONDS)


def _again(scene: Scene) -> Iterator[Item]:
    for group in scene.alike:
        yield Apply(subject=Subject(property="again"), machine=group[0], again=True)


def owners(scene: Scene, subject: Subject) -> Iterator[Owner]:
    """One for each VIP that lies on a network with clients."""
    done = set()
    for endpoint in scene.asked:
        network = endpoint.address.network
        if endpoint.ip in done or network is None or network.name not in scene.land.clients:
            continue
        done.add(endpoint.ip)
        held = endpoint.vip.device not in ("lo", "none")
        yield Owner(
            subject=replace(subject, service=subject.service or endpoint.vip.name),
            client=scene.land.clients[network.name].machine,
            device="eth0",
            ip=str(endpoint.ip),
            allowed=scene.all_directors if held else (),
            directors=scene.all_directors,
        )


def _arp(scene: Scene) -> Iterator[Item]:
    subject = Subject(property="arp")
    instances = scene.cluster.failover.instances
    watched = False
    for owner in owners(scene, subject):
        if not owner.allowed or not instances:
            yield replace(owner, allowed=owner.allowed[:1])
            continue
        endpoint = next(e for e in scene.asked if str(e.ip) == owner.ip)
        instance = scene.instance(endpoint)
        order = tuple(host.name for host in instance.order) if instance else scene.all_directors
        # With a delay, or never, whoever came first keeps it.
        settled = scene.cluster.failover.preempt_delay == 0 or order[0] == scene.directors[0].name
        names = order[:1] if settled else order
        # A second master takes three adverts to appear (RFC 9568), and the time of an emulated processor.
        steady, watched = (0 if watched else max(i.advert for i in instances) * 3 + 5), True
        yield replace(owner, allowed=names, seconds=_MASTER_SECONDS, steady=steady)


def _traffic(scene: Scene) -> Iterator[Item]:
    seen: set[tuple[object, ...]] = set()
    for silent in scene.sampled.services:
        if not silent.ports:
            why = "somebody else marks its packets, and the description does not say which ones"
            yield Omission(subject=Subject(property="traffic", service=silent.name), why=why)
    for endpoint in scene.asked:
        service = endpoint.service
        if reason := scene.unplayable(endpoint):
            yield Omission(subject=Subject(property="traffic", service=endpoint.shown), why=reason)
            continue
        clients = scene.clients(endpoint)
        if not clients:
            why = "no client of the lab is on a network that it serves"
            yield Omission(subject=Subject(property="traffic", service=endpoint.shown), why=why)
            continue
        ask = scene.ask(Subject(property="traffic", service=endpoint.shown), endpoint, clients[0])
        yield ask
        for client in clients[1:]:
            subject = Subject(property="traffic", service=f"{endpoint.shown} from {client.network}")
            yield scene.ask(subject, endpoint, client, loose=True)
        if out(endpoint.members) or _disabled(scene, endpoint.service.name):
            subject = Subject(property="drain", service=endpoint.shown)
            yield replace(ask, subject=subject, subset=True, share={}, one=False, affinity=False, groups=())
        group = (service.name, endpoint.ip, endpoint.protocol, ask.target.speech)
        if service.persistence and not service.persistence.engine and group not in seen:
            seen.add(group)
            yield _affinity(scene, ask, group)


def _affinity(scene: Scene, ask: Ask, group: tuple[object, ...]) -> Ask:
    """The same clients over all ports that one affinity covers: those of a mark, else this one."""
    ports = [ask.target.port]
    name, ip, protocol, _ = group
    if ask.target.mark:
        ports = [e.port for e in scene.asked if (e.service.name, e.ip, e.protocol) == (name, ip, protocol)]
    sources = ask.sources[:12]
    return replace(
        ask,
        subject=Subject(property="affinity", service=str(name)),
        sources=sources,
        groups=ask.groups[: len(sources)],
        count=len(sources) * max(2, len(ports)),
        ports=tuple(ports),
        subset=True,
    )


def _disabled(scene: Scene, name: str) -> bool:
    return any(m.state == "disabled" for s in scene.cluster.services if s.name == name for m in s.members)


def _uploads(scene: Scene) -> Iterator[Item]:
    for endpoint in scene.asked:
        tunnelled = endpoint.service.methods == {"tun"} and speech(endpoint) in ("text", "tls")
        clients = scene.clients(endpoint)
        if tunnelled and clients and not scene.unplayable(endpoint):
            yield Upload(
                subject=Subject(property="upload", service=endpoint.shown),
                target=scene.target(endpoint, clients[0]),
                size=_UPLOAD,
                sources=clients[0].of(endpoint.family),
                wants=tuple(scene.weights(endpoint)),
            )


def _loops(scene: Scene) -> Iterator[Item]:
    """LocalNode with several directors: the backup must not schedule again what the master hands to it."""
    for endpoint in scene.asked:
        local = [m.host.name for m in endpoint.active if m.host.is_director]
        clients = scene.clients(endpoint)
        if local and clients and len(scene.all_directors) > 1:
            ask = scene.ask(Subject(property="loops", service=endpoint.shown), endpoint, clients[0])
            # A short connection is six packets one way; the rest is VRRP, health checks and neighbours.
            yield replace(ask, loops=dict.fromkeys(local, 12))


def _snat(scene: Scene) -> Iterator[Item]:
    outside = scene.land.outside
    for network in scene.cluster.networks:
        for ip in network.snat:
            family = family_of(ip)
            hosts = (h for h in scene.cluster.realservers if scene.machine(h) == h.name)
            found = next(((h, a) for h in hosts if (a := h.address_in(network, family))), None)
            subject = Subject(property="snat", service=network.name)
            if found is None or outside is None:
                yield Omission(subject=subject, why="nobody outside whom a realserver could ask: declare a gateway")
                continue
            host, address = found
            yield Ask(
                subject=subject,
                target=Target(client=host.name, ip=outside.of(family)[0], port=OUTSIDE_PORT, held=False),
                count=2,
                sources=(str(address.ip),),
                wants=(outside.machine,),
                sees=(str(ip),),
            )


def _stop(scene: Scene) -> Iterator[Item]:
    """Directors first, so that no VIP is announced by a host that no longer serves it."""
    directors = [host.name for host in scene.directors]
    compared = [group[0] for group in scene.alike]
    order = [*directors, *(name for name in compared if name not in directors)]
    yield Stop(subject=Subject(property="stop"), machines=tuple(order), compared=tuple(compared))
