"""Asks a service as its clients do, and judges what they met."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lvsgen.lab.guest import clients, diagnosis
from lvsgen.lab.guest.judge import Judgement, judge
from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.wire import Step, Target

_PAUSE = 1.0
"""Seconds between two times asked: each costs the processor, and leaves entries of connections that were refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Step):
    """Clients ask a service `count` times, one after the other, from the addresses `sources` in turn.

    `wants` are the realservers that must answer, each `share` times where that has a number, and no other. `tolerance`
    is how far from it a share may be. `one`: they all meet the same one. `affinity`: clients whose addresses are in one
    group (`groups`, as many as `sources`) meet one and the same, also over other `ports`. `sees` is what realservers
    must see as the source: empty means the client's own address. `original` is the address that they must take for the
    one that was asked, if that matters. `held` keeps all connections open until the end.
    With `seconds` it is asked until it is so. `loops` bounds the packets that the machines named there may get for
    each time asked. The machines `no_redirects` must send no ICMP redirect meanwhile.
    """

    target: Target
    count: int
    sources: tuple[str, ...]
    wants: tuple[str, ...]
    share: Mapping[str, int] = field(default_factory=dict)
    tolerance: int = 0
    one: bool = False
    subset: bool = False
    affinity: bool = False
    groups: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    sees: tuple[str, ...] = ()
    original: str = ""
    held: bool = False
    one_socket: bool = False
    seconds: float = 0
    loops: Mapping[str, int] = field(default_factory=dict)
    no_redirects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload(Step):
    """Clients send so many bytes and must be told that all have arrived, by each of `wants`."""

    target: Target
    size: int
    sources: tuple[str, ...]
    wants: tuple[str, ...]


def ask(stage: Stage, step: Ask) -> None:
    """Ask, until the answers are as they should be."""
    began = time.monotonic()
    judgement, amiss = _once(stage, step)
    while judgement.problems and time.monotonic() < began + step.seconds:
        time.sleep(_PAUSE)
        judgement, amiss = _once(stage, step)
    causes = [*judgement.problems, *amiss]
    if causes:
        missing = judgement.missing
        why = diagnosis.unanswered(stage.hosts, step.target, missing) if missing else ""
        causes += [why] if why else []
    after = f" (after {time.monotonic() - began:.1f} s)" if step.seconds else ""
    stage.tell(step.subject, not causes, judgement.seen + after, "; ".join(causes))


def _once(stage: Stage, step: Ask) -> tuple[Judgement, list[str]]:
    before = {name: _packets(stage, name) for name in step.loops}
    redirects = {name: _redirects(stage, name) for name in step.no_redirects}
    ports = step.ports or (step.target.port,)
    answers = stage.hosts[step.target.client].call(
        clients.ask, step.target, step.sources, step.count, ports, step.held, step.one_socket
    )
    amiss = []
    for name, most in step.loops.items():
        got = _packets(stage, name) - before[name]
        if got > most * step.count:
            amiss.append(f"{name} got {got} packets for {step.count} requests: they go round between the directors")
    for name, count in redirects.items():
        if sent := _redirects(stage, name) - count:
            amiss.append(f"{name} sent {sent} ICMP redirects: a realserver that takes one replies past the director")
    return judge(step, answers), amiss


def _redirects(stage: Stage, name: str) -> int:
    """ICMP redirects that it has sent so far (/proc/net/snmp)."""
    names, numbers = stage.hosts[name].must("grep ^Icmp: /proc/net/snmp").splitlines()
    return int(numbers.split()[names.split().index("OutRedirects")])


def _packets(stage: Stage, name: str) -> int:
    return int(stage.hosts[name].call(_received))


def _received() -> int:
    """Packets that have come in over interfaces of this namespace."""
    return sum(
        int(path.read_text())
        for path in Path("/sys/class/net").glob("*/statistics/rx_packets")
        if path.parent.parent.name != "lo"
    )


def upload(stage: Stage, step: Upload) -> None:
    """Send, from one address after the other, until each realserver has taken one."""
    got: dict[str, str] = {}
    for source in step.sources:
        client = stage.hosts[step.target.client]
        name, size = client.call(clients.upload, step.target, source, step.size, seconds=40)
        got[name] = size
        if set(got) >= set(step.wants):
            break
    good = set(got) == set(step.wants) and all(size == str(step.size) for size in got.values())
    seen = ", ".join(f"{name} took {size} bytes" for name, size in sorted(got.items()))
    missing = sorted(set(step.wants) - set(got))
    why = diagnosis.unanswered(stage.hosts, step.target, missing) if missing else ""
    stage.tell(step.subject, good, seen, why or f"each of {', '.join(step.wants)} must take {step.size} bytes")
