"""What shows only when something changes behind the clients' backs: takes a `Scene`, returns steps.

Realservers look for their neighbours anew, a realserver with clients is drained, and directors tell of a failover.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from lvsgen.lab.endpoints import Endpoint
from lvsgen.lab.ground import ROUTER
from lvsgen.lab.guest.steps.leaving import Leaving
from lvsgen.lab.guest.steps.neighbours import Neighbours
from lvsgen.lab.guest.steps.notified import Notified
from lvsgen.lab.guest.wire import Step, Subject
from lvsgen.lab.listing import entries, key
from lvsgen.lab.sample import CROWD
from lvsgen.lab.scene import Scene
from lvsgen.model import Host, MarkKey, Network, VirtualService
from lvsgen.plan.vrrp import sync_groups, vrrp_instances

_NOTIFY_SECONDS = 10

_OFTEN = 8
"""Connections to each realserver: the first redirect makes it look for the client, a later one is believed."""


def neighbours(scene: Scene) -> Iterator[Step]:
    """One VIP of each network that it shares with realservers."""
    done = set()
    for endpoint in scene.asked:
        network = endpoint.address.network
        clients = scene.clients(endpoint)
        names = (
            tuple(
                scene.machine(m.host)
                for m in endpoint.active
                if m.method == "dr" and m.host.address_in(network, "ipv4")
            )
            if network
            else ()
        )
        names = tuple(dict.fromkeys(name for name in names if name != CROWD))
        if not names or not clients or endpoint.family != "ipv4" or not endpoint.held or network in done:
            continue
        client = clients[0]
        near = network is not None and client.network == network.name
        if not near and (network is None or network.name not in scene.land.legs):
            continue
        done.add(network)
        yield Neighbours(
            subject=Subject(property="arp", service=f"{endpoint.vip.name}: what neighbours learn"),
            target=scene.target(endpoint, client),
            asking=client.machine,
            sources=client.of("ipv4"),
            watcher=client.machine if near else ROUTER,
            realservers=names,
        )


def redirected(scene: Scene) -> Iterator[Step]:
    """LVS-NAT within one network: a realserver that is told of a shorter way to a client takes it the next time."""
    done = set()
    for endpoint in scene.asked:
        nat = any(m.method == "nat" for m in endpoint.active)
        for client in scene.clients(endpoint):
            near = any(n.name == client.network for m in endpoint.active for n in _networks(m.host))
            kind = (client.network, endpoint.family)
            if nat and near and kind not in done and endpoint.protocol == "tcp":
                done.add(kind)
                subject = Subject(property="traffic", service=f"{endpoint.shown}: one client often")
                ask = scene.ask(subject, endpoint, client, loose=True)
                yield replace(
                    ask, sources=ask.sources[:1], count=_OFTEN * len(ask.wants), no_redirects=scene.all_directors
                )


def _networks(host: Host) -> Iterator[Network]:
    return (a.network for a in host.addresses if a.network)


def leaving(scene: Scene) -> Iterator[Step]:
    """One TCP service of each kind of table entry that keeps a client, or may meet its port again."""
    done = set()
    for endpoint in scene.asked:
        service = endpoint.service
        clients = scene.clients(endpoint)
        active = endpoint.active
        kind = (endpoint.family, service.methods, bool(service.persistence), service.scheduler)
        hashed = service.scheduler in ("sh", "dh", "mh", "lblc", "lblcr", "fo", "ovf")
        plain = endpoint.protocol == "tcp" and not service.ops and not hashed and not service.snat
        if not plain or not clients or len(active) < 2 or kind in done or any(m.host.is_director for m in active):
            continue
        if scene.unplayable(endpoint):
            continue
        if any(scene.machine(m.host) == CROWD for m in active) or (service.mark and service.mark.rules == "foreign"):
            continue
        virtual = next((v for v in scene.cluster.virtual_services if _serves(v, endpoint)), None)
        if virtual is None:
            continue
        places = {str(d.ip): line for d, line in zip(virtual.destinations, entries(virtual)[1:], strict=True)}
        done.add(kind)
        yield Leaving(
            subject=Subject(property="drain", service=f"{endpoint.shown}: a client of it"),
            target=scene.target(endpoint, clients[0]),
            source=clients[0].of(endpoint.family)[-1],
            service=key(virtual),
            # With LVS-NAT the kernel's own setting is left alone; with persistence it is not heeded (seen on 6.1).
            reuses=bool(service.methods & {"dr", "tun"}) and not service.persistence,
            destinations={scene.machine(m.host): places[str(m.real_address(endpoint.family))] for m in active},
        )


def _serves(virtual: VirtualService, endpoint: Endpoint) -> bool:
    key = virtual.key
    if isinstance(key, MarkKey):
        return key.mark == endpoint.mark and key.family == endpoint.family
    return (key.ip, key.protocol, key.port) == (endpoint.ip, endpoint.protocol, endpoint.port)


def notified(scene: Scene) -> Iterator[Step]:
    """Each director has become master once, at the latest when the first one was gone."""
    command = scene.cluster.notify.failover
    if command and scene.cluster.failover.engine == "keepalived" and len(scene.directors) > 1:
        for host in scene.directors:
            instances = vrrp_instances(scene.cluster, host)
            groups = sync_groups(scene.cluster, instances)
            grouped = {name for group in groups for name in group.instances}
            for name in (*(group.name for group in groups), *(i.name for i in instances if i.name not in grouped)):
                yield Notified(
                    subject=Subject(property="failover", service=f"notify of {name}"),
                    machine=host.name,
                    program=command[0],
                    words=(name, "MASTER"),
                    seconds=_NOTIFY_SECONDS,
                )
