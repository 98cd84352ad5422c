"""What must be seen when realservers fail: takes a `Scene`, returns steps and what is not tested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from lvsgen.lab.endpoints import Endpoint
from lvsgen.lab.guest.responders import OTHER_STATUS
from lvsgen.lab.guest.steps.faults import Responders
from lvsgen.lab.guest.steps.table import Table
from lvsgen.lab.guest.wire import Step, Subject
from lvsgen.lab.listing import entries, key
from lvsgen.lab.sample import CROWD
from lvsgen.lab.scene import Omission, Scene
from lvsgen.lab.watching import files_of, unclear
from lvsgen.model import HttpProbe

SLACK = 20
"""Seconds beyond what the description promises: an emulated processor is slow."""

HALF_OPEN = 60
"""Seconds for which a connection that a dead realserver refused counts as one of its own (SYN_RECV in
net/netfilter/ipvs/ip_vs_proto_tcp.c): wlc, lc, sed and nq pass over it until then, also when it is back.
"""


def health(scene: Scene) -> Iterator[Step | Omission]:
    """One realserver answers wrongly or dies, then all that have a sorry server behind them die, then all return."""
    checked = [e for e in scene.asked if e.service.checked and scene.clients(e)]
    watched = []
    for endpoint in checked:
        if reason := scene.unplayable(endpoint) or unclear(scene.cluster, endpoint.service.name):
            yield Omission(subject=Subject(property="health", service=endpoint.shown), why=reason)
        else:
            watched.append(endpoint)
    victim = _victim(scene, watched)
    if victim is None:
        return
    hit = [e for e in watched if victim in scene.weights(e)]
    sorry = [e for e in hit if _sorry(scene, e)]
    wrong = _wrong_status(hit)
    yield replace(_dies(scene, victim), status=wrong)
    down = frozenset({victim})
    kept = [e for e in hit if not _lost(scene, e, down)]
    yield from _tables(scene, kept, down, f"{victim} leaves the table")
    for endpoint in hit:
        yield from _after(scene, endpoint, down, f"without {victim}")
    more = sorted({name for e in sorry for name in scene.weights(e)} - down)
    if sorry and not {_sorry(scene, e) for e in sorry} & {*more, victim}:
        for name in more:
            yield _dies(scene, name)
            before, down = down, down | {name}
            for endpoint in sorry if name != more[-1] else ():
                if _lost(scene, endpoint, down) and not _lost(scene, endpoint, before):
                    yield from _after(scene, endpoint, down, "below the quorum")
        for endpoint in sorry:
            yield from _after(scene, endpoint, down, "sorry server")
        for name in more:
            yield replace(_dies(scene, name), up=True)
    yield replace(_dies(scene, victim), up=True, status=wrong)
    yield from _tables(scene, hit, frozenset(), "the table is whole again")
    for endpoint in hit:
        subject = Subject(property="health", service=f"{endpoint.shown}: all back")
        yield scene.ask(subject, endpoint, scene.clients(endpoint)[0], seconds=patience(endpoint) + HALF_OPEN)


def _dies(scene: Scene, name: str) -> Responders:
    """All that is seen of a realserver by the checks ends."""
    return Responders(
        subject=Subject(property="health"),
        machine=name,
        up=False,
        files=files_of(scene.cluster, name),
        agents=tuple(host.name for host in scene.directors),
    )


def _wrong_status(endpoints: list[Endpoint]) -> int:
    """An HTTP status that none of their checks takes; 0 if they do not ask for one."""
    probes = [c.probe for e in endpoints for m in e.active for c in m.checks]
    urls = [url for probe in probes if isinstance(probe, HttpProbe) for url in probe.urls]
    taken = [code for url in urls for code in url.status]
    asks = all(isinstance(probe, HttpProbe) for probe in probes) and all(url.status for url in urls)
    return OTHER_STATUS if asks and not any(code.endswith(str(OTHER_STATUS)) for code in taken) else 0


def _after(scene: Scene, endpoint: Endpoint, down: frozenset[str], when: str) -> Iterator[Step]:
    """Who answers once keepalived has seen that some are down: those left, or below the quorum the sorry server."""
    sorry = _sorry(scene, endpoint)
    wants = (sorry,) if sorry and _lost(scene, endpoint, down) else tuple(scene.weights(endpoint, down))
    if wants:
        subject = Subject(property="health", service=f"{endpoint.shown}: {when}")
        yield scene.ask(subject, endpoint, scene.clients(endpoint)[0], wants=wants, seconds=patience(endpoint))


def _lost(scene: Scene, endpoint: Endpoint, down: frozenset[str]) -> bool:
    """Whether too few are left for the quorum."""
    alive = sum(m.weight for m in endpoint.active if scene.machine(m.host) not in down)
    return alive < max(endpoint.service.quorum - endpoint.service.hysteresis, 1)


def _tables(scene: Scene, hit: list[Endpoint], down: frozenset[str], when: str) -> Iterator[Table]:
    """What each director must list of these services, as each asks the realservers itself."""
    wanted = {(e.service.name, e.family) for e in hit}
    chosen = [v for v in scene.cluster.virtual_services if (v.service.name, v.family) in wanted]
    if chosen:
        for host in scene.directors:
            yield Table(
                subject=Subject(property="health", service=when),
                machine=host.name,
                lists={key(virtual): entries(virtual, down) for virtual in chosen},
                seconds=max(map(patience, hit)),
            )


def _sorry(scene: Scene, endpoint: Endpoint) -> str:
    """The machine of the sorry server; empty without one, or where it is whichever director is active."""
    sorry = endpoint.service.sorry_server
    return scene.machine(sorry.host) if sorry and not sorry.host.is_director else ""


def _victim(scene: Scene, watched: list[Endpoint]) -> str | None:
    """The realserver that serves most; not the crowd, and a director only where there is nobody else."""
    counts = Counter(
        name for e in watched for name in scene.weights(e) if len(scene.weights(e)) > 1 or _sorry(scene, e)
    )
    directors = {host.name for host in scene.cluster.directors}
    names = sorted((n for n in counts if n != CROWD), key=lambda n: (n in directors, -counts[n]))
    if names and names[0] in directors:
        # The backup: the master's own end is another property.
        return next((n for n in reversed([h.name for h in scene.directors]) if n in counts), None)
    return names[0] if names else None


def patience(endpoint: Endpoint) -> float:
    """Seconds until health checks have seen what became of the realservers of a service."""
    checks = [check for member in endpoint.active for check in member.checks]
    return max((c.timing.worst_detection + c.timing.warmup for c in checks), default=0) + SLACK
