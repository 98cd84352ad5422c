"""What clients notice of a change: takes two compilations, returns a `Play`: one is applied, then the other under load.

The order is that of a careful rollout: realservers first, so that they are ready for what directors send them, then the
directors, the preferred one last; hosts that have left the cluster are stopped at the end. Meanwhile new clients keep
coming to every service that both revisions have, and some connections stay open. They must notice nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from lvsgen import pipeline
from lvsgen.diagnostics import Severity, quote
from lvsgen.lab.endpoints import Endpoint, endpoints, speech
from lvsgen.lab.failing import SLACK, patience
from lvsgen.lab.ground import Ground, ground
from lvsgen.lab.guest.load import SPOKEN
from lvsgen.lab.guest.steps.command import Command
from lvsgen.lab.guest.steps.load import Load, Phase, Unload
from lvsgen.lab.guest.steps.scripts import Apply, Stop
from lvsgen.lab.guest.steps.table import Table
from lvsgen.lab.guest.steps.watch import Unwatch, Watch
from lvsgen.lab.guest.wire import Job, Result, Step, Subject
from lvsgen.lab.kernel import CannotPlay
from lvsgen.lab.listing import entries, key
from lvsgen.lab.merge import merged
from lvsgen.lab.play import Play, cut, modules, write
from lvsgen.lab.responders import responders
from lvsgen.lab.revision import copy
from lvsgen.lab.sample import MOST_SERVICES, Sample, sample
from lvsgen.lab.scenarios import Item, applied, owners
from lvsgen.lab.scene import Omission, Scene
from lvsgen.lab.takeover import overlap
from lvsgen.lab.topology import Topology, topology
from lvsgen.model import Cluster

RATE = 100
"""New connections a second, over all services."""

_LONGEST = 600
_HELD = 6
"""Seconds that the load may last, and connections that stay, over all services."""

_SETTLE = 2
"""Seconds before and after, in which nothing happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One of the two, as it is played: where its folders are, and what is asked of it."""

    cluster: Cluster
    folder: Path
    scene: Scene

    def apply(self, machine: str) -> Apply:
        """Apply what was generated for a machine."""
        return Apply(subject=_subject(), machine=machine, folder=f"{self.folder}/{machine}")


Rollout: TypeAlias = Callable[[Revision, Revision], Iterable[Step]]
"""Takes the old and the new revision, returns what is done under load."""


def prepare(
    name: str,
    before: pipeline.Compilation,
    after: pipeline.Compilation,
    folder: Path,
    *,
    rollout: Rollout | None = None,
    rate: float = RATE,
    least: int = 0,
) -> Play:
    """Write the folders of both revisions below `folder`, and derive machines and steps; `rollout` is the usual one.

    The load is `rate` new connections a second where the processor can, and goes on until `least` are served.
    """
    clusters = [one.cluster for one in (after, before) if one.cluster is not None]
    if clusters[0].name != clusters[1].name:
        raise CannotPlay(
            f"the cluster was called {clusters[1].name}: another name is another cluster, which the hosts do not know "
            "as theirs, so this is no change of it"
        )
    samples = _samples(clusters[1], clusters[0])
    before, after = (cut(one, sampled) for one, sampled in zip((before, after), samples, strict=True))
    asked = [endpoints(sampled.services) for sampled in samples]
    land = ground(*clusters, asked=(*asked[1], *asked[0]))
    made = []
    revisions = []
    for word, one, sampled, some in zip(("old", "new"), (before, after), samples, asked, strict=True):
        write(one, folder / word)
        built = _topology(one, land, sampled, some, folder / word)
        made.append(built)
        revisions.append(_revision(one, land, sampled, some, built, folder / word))
    old, new = revisions
    both = merged(*(one.machines for one in made))
    items = tuple(_steps(old, new, rollout=rollout or usual, rate=rate, least=least))
    return Play(
        name=name,
        job=Job(
            name=name,
            segments=len(land.networks) + 1,
            machines=both.machines,
            modules=modules(before, after),
            steps=tuple(item for item in items if not isinstance(item, Omission)),
        ),
        items=items,
        notes=tuple(_notes(name, old, new, both.differences)),
    )


def since(revision: str, path: str, after: pipeline.Compilation, work: Path) -> Play:
    """The change from a revision of the description's Git repository to what it is now."""
    assert after.cluster is not None
    before = pipeline.compile(os.fspath(copy(path, revision, work / "revision")))
    if not before.complete:
        first = next(one for one in before.diagnostics if one.severity is Severity.ERROR)
        where = f"{os.path.relpath(first.location.path, work / 'revision')}:{first.location.span.line}"
        raise CannotPlay(
            f"the description of {quote(revision)} has errors, such as {first.code} in {where}: {first.message}"
        )
    return prepare(after.cluster.name, before, after, work / "generated")


def usual(old: Revision, new: Revision) -> Iterator[Step]:
    """Realservers, then directors, the preferred one last; then those who are no longer of the cluster stop."""
    directors = [host.name for host in reversed(new.scene.directors) if host.name in new.scene.folders]
    others = [host.name for host in new.cluster.hosts if host.name in new.scene.folders - set(directors)]
    for name in (*others, *directors):
        yield new.apply(name)
    gone = tuple(host.name for host in old.cluster.hosts if host.name in old.scene.folders - new.scene.folders)
    if gone:
        yield Stop(subject=_subject(), machines=gone, compared=())


def _steps(old: Revision, new: Revision, *, rollout: Rollout, rate: float, least: int) -> Iterator[Item]:
    for item in applied(old.scene):
        yield old.apply(item.machine) if isinstance(item, Apply) else item
    yield from _tables(old)
    common = tuple(_common(old, new))
    reasons = {one: _why_not(new.scene, one) for one in common}
    for one, why in reasons.items():
        if why:
            yield Omission(subject=_subject(one.shown), why=why)
    playable = [one for one, why in reasons.items() if not why]
    loads = tuple(_loads(new.scene, playable, rate, least))
    watches = tuple(_watches(old, new))
    yield from watches
    yield from loads
    yield from _pause(loads)
    for load in loads:
        yield Phase(subject=_subject(f"{load.name}: new clients"), name=load.name, window=0)
    yield from rollout(old, new)
    yield from _tables(new)
    yield from _pause(loads)
    for load in loads:
        yield Unload(subject=_subject(f"{load.name}: established connections"), name=load.name)
    for watch in watches:
        subject = _subject("VIPs: one master at any time")
        yield Unwatch(subject=subject, name=watch.name, overlap=overlap(new.scene))
    known = {one.service.name for one in common}
    for one in new.scene.asked:
        if one.service.name not in known and not _why_not(new.scene, one):
            subject = _subject(f"{one.shown}: new service")
            yield new.scene.ask(subject, one, new.scene.clients(one)[0], loose=True, seconds=max(patience(one), SLACK))


def _why_not(scene: Scene, one: Endpoint) -> str:
    if not scene.clients(one):
        return "no client of the lab is on a network that it serves"
    return scene.unplayable(one) or ("" if speech(one) in SPOKEN else f"the load does not speak {speech(one).upper()}")


def _tables(revision: Revision) -> Iterator[Table]:
    """Whoever writes a table, it is there before anything else is done."""
    lists = {key(virtual): entries(virtual) for virtual in revision.cluster.virtual_services}
    seconds = max(map(patience, revision.scene.asked), default=SLACK)
    for host in revision.scene.directors:
        yield Table(subject=_subject(), machine=host.name, lists=lists, seconds=seconds)


def _common(old: Revision, new: Revision) -> Iterator[Endpoint]:
    """Of each service that both have, one address and port of each family that both have."""
    known = {_identity(one) for one in old.scene.asked}
    done = set()
    for one in new.scene.asked:
        if _identity(one) in known and (one.service.name, one.family) not in done:
            done.add((one.service.name, one.family))
            yield one


def _identity(one: Endpoint) -> tuple[object, ...]:
    return (one.service.name, one.ip, one.protocol, one.port)


def _loads(scene: Scene, some: Sequence[Endpoint], rate: float, least: int) -> Iterator[Load]:
    lasting = [one for one in some if one.protocol != "udp"]
    for one in some:
        client = scene.clients(one)[0]
        yield Load(
            subject=_subject(one.shown),
            name=one.shown,
            target=scene.target(one, client),
            sources=client.of(one.family),
            rate=rate / len(some),
            seconds=_LONGEST,
            least=least // len(some),
            held=max(1, _HELD // len(lasting)) if one in lasting else 0,
        )


def _watches(old: Revision, new: Revision) -> Iterator[Watch]:
    """Where VIPs move, that of the first service: they all move in the same way."""
    if {one.cluster.failover.engine for one in (old, new)} != {"keepalived"} or len(new.scene.directors) < 2:
        return
    kept = {owner.ip for owner in owners(old.scene, _subject()) if owner.allowed}
    for owner in owners(new.scene, _subject()):
        if owner.ip in kept and owner.allowed:
            yield Watch(subject=owner.subject, name=owner.ip, client=owner.client, device=owner.device, ips=(owner.ip,))
            return


def _pause(loads: Sequence[Load]) -> Iterator[Command]:
    if loads:
        yield Command(subject=_subject(), machine=loads[0].target.client, command=f"sleep {_SETTLE}", what="waiting")


def _samples(before: Cluster, after: Cluster) -> tuple[Sample, Sample]:
    """The same services and realservers of both; of what only the old revision has, as much as is played of one."""
    chosen = sample(after)
    names = {service.name for service in chosen.services}
    left = [s for s in before.services if s.name not in {one.name for one in after.services}][:MOST_SERVICES]
    services = tuple(s for s in before.services if s.name in names or s in left)
    hosts = {host.name for host in after.realservers}
    crowd = sample(before).crowd - hosts | chosen.crowd & {host.name for host in before.realservers}
    return Sample(services=services, crowd=crowd), chosen


def _topology(
    one: pipeline.Compilation, land: Ground, sampled: Sample, asked: tuple[Endpoint, ...], folder: Path
) -> Topology:
    assert one.cluster is not None
    return topology(one.cluster, one.plans, land, sampled, responders(one.cluster.services), asked, str(folder))


def _revision(
    one: pipeline.Compilation, land: Ground, sampled: Sample, asked: tuple[Endpoint, ...], made: Topology, folder: Path
) -> Revision:
    cluster = one.cluster
    assert cluster is not None
    folders = frozenset(machine.name for machine in made.machines if machine.folder)
    if not any(host.name in folders for host in cluster.directors):
        raise CannotPlay(f"{cluster.name}: in one of the revisions none of its directors is managed")
    scene = Scene(cluster=cluster, land=land, sampled=sampled, asked=asked, alike=(), folders=folders)
    return Revision(cluster=cluster, folder=folder, scene=scene)


def _notes(name: str, old: Revision, new: Revision, differences: Sequence[str]) -> Iterator[Result]:
    """What both revisions do not have in common, and what of it the lab cannot play."""
    texts = list(differences)
    hosts = [{host.name for host in one.cluster.hosts} for one in (old, new)]
    texts += [f"{host} is new: the lab has it up from the beginning" for host in sorted(hosts[1] - hosts[0])]
    texts += [f"{host} leaves the cluster: its part is stopped last" for host in sorted(hosts[0] - hosts[1])]
    networks = [{n.name: n.prefixes for n in one.cluster.networks} for one in (old, new)]
    for network in sorted(networks[0].keys() | networks[1].keys()):
        had, has = (some.get(network) for some in networks)
        if had != has:
            what = "changed" if had and has else "new" if has else "gone"
            texts.append(f"network {network} is {what}: the lab has it all the time")
    services = [{service.name for service in one.scene.sampled.services} for one in (old, new)]
    texts += [f"{service} is gone: what its clients meet" for service in sorted(services[0] - services[1])]
    if new.scene.sampled.note:
        texts.append(new.scene.sampled.note)
    for text in texts:
        yield Result(job=name, subject=_subject(), verdict="not tested", seen=text)


def _subject(service: str = "") -> Subject:
    return Subject(property="change", service=service)
