"""What must be seen when a director is lost and returns: takes a `Scene`, returns steps and what is not tested.

Its links go, then its keepalived is stopped; each time it comes back. Meanwhile new clients keep coming to one service,
two connections to it stay open, and somebody asks all the time who holds the VIPs.
"""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.lab.endpoints import Endpoint, speech
from lvsgen.lab.failing import SLACK, patience
from lvsgen.lab.guest.load import SPOKEN
from lvsgen.lab.guest.steps.command import Command
from lvsgen.lab.guest.steps.faults import Links
from lvsgen.lab.guest.steps.load import Load, Phase, Unload
from lvsgen.lab.guest.steps.owner import Owner
from lvsgen.lab.guest.steps.watch import Unwatch, Watch
from lvsgen.lab.guest.wire import Step, Subject
from lvsgen.lab.scene import Omission, Scene
from lvsgen.plan.places import interface_in

_RATE = 20
"""New connections a second: enough to see a window of 0.1 s, and little enough to leave keepalived its time."""

_LONGEST = 300
_HELD = 2

_LONG = 60
"""Seconds that no machine needs to look whether a director that returns waits before it takes over."""

_LATE = 10
"""Seconds by which an emulated processor may be later than what is promised."""

_STOP = 'kill -TERM "$(cat /run/keepalived.pid)"'
_START = (
    "for n in 1 2 3 4 5 6 7 8 9 10; do [ -e /run/keepalived.pid ] || break; sleep 1; done; "
    "keepalived -f /etc/keepalived/keepalived.conf -p /run/keepalived.pid"
)


def failover(scene: Scene) -> Iterator[Step | Omission]:
    """All of it."""
    if scene.cluster.failover.engine != "keepalived":
        return
    if len(scene.all_directors) < 2:
        yield Omission(subject=_subject(), why="there is one director only")
        return
    moved = list(_moved(scene))
    loaded = _loaded(scene, moved)
    watches = list(_watches(scene, moved))
    yield from watches
    if loaded:
        yield _load(scene, loaded)
    else:
        why = "the time without service: no TCP service of the first director that other hosts serve alone"
        yield Omission(subject=_subject(), why=why)
    yield from _links(scene, moved, loaded)
    yield from _keepalived(scene, moved, loaded)
    if loaded:
        yield Unload(subject=_subject(f"{loaded.shown}: established connections"), name=loaded.shown)
    for watch in watches:
        subject = _subject(f"{watch.subject.service}: one master at any time")
        yield Unwatch(subject=subject, name=watch.name, overlap=overlap(scene))
    for endpoint in moved:
        named = _subject(f"{endpoint.shown}: first director returned")
        yield scene.ask(named, endpoint, scene.clients(endpoint)[0], loose=True, seconds=SLACK)


def _links(scene: Scene, moved: list[Endpoint], loaded: Endpoint | None) -> Iterator[Step]:
    """The links of the first director go down, and come back."""
    first, others = _first_and_others(scene)
    devices = _devices(scene, moved)
    yield from _phase(scene, loaded, f"links of {first} go", taker=1)
    yield Links(subject=_subject(), machine=first, devices=devices, up=False)
    for endpoint in moved:
        yield _owner(scene, endpoint, others, seconds=_waiting(scene))
    for endpoint in moved:
        named = _subject(f"{endpoint.shown}: new clients")
        gone = frozenset({first})
        seconds = max(patience(endpoint), SLACK)
        yield scene.ask(named, endpoint, scene.clients(endpoint)[0], without=gone, loose=True, seconds=seconds)
    yield from _phase(scene, loaded, f"links of {first} return")
    yield Links(subject=_subject(), machine=first, devices=devices, up=True)
    for number, endpoint in enumerate(moved):
        steady = 4 if number == 0 else 1
        allowed = _keepers(scene, endpoint, first) or (first, *others)
        yield _owner(scene, endpoint, allowed, seconds=2, steady=steady, when="first director returns")
    yield from _preferred(scene, moved)


def _keepalived(scene: Scene, moved: list[Endpoint], loaded: Endpoint | None) -> Iterator[Step]:
    """The keepalived of whoever holds the VIPs is stopped, and started again."""
    names = scene.all_directors
    # Without preemption the next one has them by now, and keeps them.
    stopped = names[0] if scene.cluster.failover.preempt_delay == 0 else _first_and_others(scene)[1][0]
    others = tuple(name for name in names if name != stopped)
    yield from _phase(scene, loaded, f"keepalived of {stopped} stops", taker=int(stopped == names[0]), told=True)
    yield Command(subject=_subject(), machine=stopped, command=_STOP, what="stopping keepalived")
    for endpoint in moved:
        yield _owner(scene, endpoint, others, seconds=_waiting(scene), when=f"leaves {stopped}")
    yield from _phase(scene, loaded, f"keepalived of {stopped} starts")
    yield Command(subject=_subject(), machine=stopped, command=_START, what="starting keepalived")
    if scene.cluster.failover.preempt_delay == 0:
        yield from _preferred(scene, moved)
    else:
        for endpoint in moved[:1]:
            allowed = _keepers(scene, endpoint, stopped) or names
            yield _owner(scene, endpoint, allowed, seconds=2, steady=5, when=f"{stopped} returns")


def _first_and_others(scene: Scene) -> tuple[str, tuple[str, ...]]:
    """The first director that runs what was generated, and all others in their order."""
    first = scene.directors[0].name
    return first, tuple(name for name in scene.all_directors if name != first)


def _devices(scene: Scene, moved: list[Endpoint]) -> tuple[str, ...]:
    """The interface of the first director that all VIPs are on: what is on its other ones must move with them. Empty
    where they are on several.
    """
    places = {interface_in(scene.directors[0], e.address.network) for e in moved if e.address.network}
    return tuple(place for place in places if place) if len(places) == 1 else ()


def _keepers(scene: Scene, endpoint: Endpoint, returning: str) -> tuple[str, ...]:
    """Who has the VIP when a director returns that must not take it back, or not so soon: the best of the others.
    Empty if it may.
    """
    instance, delay = scene.instance(endpoint), scene.cluster.failover.preempt_delay
    if instance is None or (delay is not None and delay < _LONG):
        return ()
    return tuple(host.name for host in instance.order if host.name != returning)[:1]


def _preferred(scene: Scene, moved: list[Endpoint]) -> Iterator[Owner]:
    if scene.cluster.failover.preempt_delay == 0:
        for endpoint in moved:
            if instance := scene.instance(endpoint):
                best = (instance.order[0].name,)
                yield _owner(scene, endpoint, best, seconds=_waiting(scene), when="preferred director takes over")


def _moved(scene: Scene) -> Iterator[Endpoint]:
    """An endpoint for each instance and family, on a network where clients can ask who holds the VIP."""
    done = set()
    for endpoint in scene.asked:
        network = endpoint.address.network
        instance = scene.instance(endpoint)
        key = (instance.name if instance else "", endpoint.family)
        if (
            network
            and key not in done
            and endpoint.vip.device not in ("lo", "none")
            and scene.clients(endpoint)
            and not scene.unplayable(endpoint)
        ):
            done.add(key)
            yield endpoint


def _loaded(scene: Scene, moved: list[Endpoint]) -> Endpoint | None:
    """The one service that gets the load: of the first director, and not served by directors, which go with it."""
    first = scene.directors[0]
    for endpoint in moved:
        instance = scene.instance(endpoint)
        local = any(member.host.is_director for member in endpoint.members)
        fit = endpoint.protocol == "tcp" and speech(endpoint) in SPOKEN
        if instance and instance.order[0] is first and fit and not local:
            return endpoint
    return None


def _load(scene: Scene, endpoint: Endpoint) -> Load:
    client = scene.clients(endpoint)[0]
    synced = scene.cluster.failover.sync is not None
    return Load(
        subject=_subject(endpoint.shown),
        name=endpoint.shown,
        target=scene.target(endpoint, client),
        sources=client.of(endpoint.family),
        rate=_RATE,
        seconds=_LONGEST,
        # Nobody promises that they survive where the directors do not share them.
        held=_HELD if synced else 0,
        sync=synced,
    )


def _phase(
    scene: Scene, endpoint: Endpoint | None, what: str, *, taker: int | None = None, told: bool = False
) -> Iterator[Phase]:
    """`taker`: the master goes, and this one of the order takes over; `told`: it says so (priority 0), so that nobody
    waits for its next advert.
    """
    instance = scene.instance(endpoint) if endpoint else None
    if endpoint is None or instance is None:
        return
    seconds, promised = 0.0, "nothing is lost"
    if taker is not None:
        # RFC 9568, 6.1; RFC 3768 counts the skew in seconds.
        unit = instance.advert if scene.cluster.failover.version == 3 else 1
        seconds = (0 if told else 3 * instance.advert) + (256 - instance.priorities[taker]) / 256 * unit
        promised = f"{seconds:.1f} s"
    subject = _subject(f"{endpoint.shown}: {what}")
    yield Phase(subject=subject, name=endpoint.shown, window=seconds + _LATE, promised=promised)


def _watches(scene: Scene, moved: list[Endpoint]) -> Iterator[Watch]:
    by_client: dict[str, list[Endpoint]] = {}
    for endpoint in moved:
        assert endpoint.address.network
        by_client.setdefault(scene.land.clients[endpoint.address.network.name].machine, []).append(endpoint)
    for client, some in by_client.items():
        names = ", ".join(dict.fromkeys(endpoint.vip.name for endpoint in some))
        ips = tuple(str(endpoint.ip) for endpoint in some)
        yield Watch(subject=_subject(f"VIP {names}"), name=client, client=client, device="eth0", ips=ips)


def _owner(
    scene: Scene,
    endpoint: Endpoint,
    allowed: tuple[str, ...],
    *,
    seconds: float,
    steady: float = 0,
    when: str = "moves",
) -> Owner:
    network = endpoint.address.network
    assert network
    return Owner(
        subject=_subject(f"VIP {endpoint.vip.name}: {when}"),
        client=scene.land.clients[network.name].machine,
        device="eth0",
        ip=str(endpoint.ip),
        allowed=allowed,
        directors=scene.all_directors,
        seconds=seconds,
        steady=steady,
    )


def overlap(scene: Scene) -> float:
    """Seconds in which an old master may still answer: until it hears an advert, and lets go; the processor is slow."""
    return _advert(scene) + 1


def _waiting(scene: Scene) -> float:
    """Three adverts and a bit (RFC 9568), and the time of an emulated processor."""
    return _advert(scene) * 4 + SLACK


def _advert(scene: Scene) -> float:
    return max((i.advert for i in scene.cluster.failover.instances), default=1)


def _subject(service: str = "") -> Subject:
    return Subject(property="failover", service=service)
