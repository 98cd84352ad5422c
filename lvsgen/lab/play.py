"""The lab as a whole: takes compilations, writes their folders, runs them, returns what was seen of each cluster."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from lvsgen import tree
from lvsgen.lab import machine
from lvsgen.lab.endpoints import endpoints
from lvsgen.lab.ground import ground
from lvsgen.lab.guest.steps.load import Load
from lvsgen.lab.guest.wire import Job, Result, Subject
from lvsgen.lab.kernel import CannotPlay, find_tool
from lvsgen.lab.responders import responders
from lvsgen.lab.sample import CROWD, Sample, sample
from lvsgen.lab.scenarios import Item, chosen, scenarios
from lvsgen.lab.scene import Omission, Scene
from lvsgen.lab.topology import Topology, topology
from lvsgen.model import Cluster
from lvsgen.pipeline import Compilation
from lvsgen.plan import derive
from lvsgen.sums import Request
from lvsgen.targets import artifacts

Workspace: TypeAlias = tempfile.TemporaryDirectory[str]

_SECONDS = 180
_SECONDS_EACH = 120
"""The longest that one run may take, and for each cluster; more than it needs on a slow machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """One cluster, ready to be played. `items` are in order, what is not tested among them."""

    name: str
    job: Job
    items: tuple[Item, ...]
    notes: tuple[Result, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What was seen of one cluster. `trouble` is why it did not come to its end; empty if it did."""

    name: str
    results: tuple[Result, ...]
    trouble: str = ""


def prepare(
    name: str, compilation: Compilation, folder: Path, only: frozenset[str] = frozenset(), spool: Path | None = None
) -> Play:
    """Write the folders of a cluster below `folder`, and derive machines and steps. With a `spool` (see
    `lvsgen.lab.visit`) nothing is stopped at the end.
    """
    assert compilation.cluster is not None
    sampled = sample(compilation.cluster)
    compilation = cut(compilation, sampled)
    cluster = compilation.cluster
    assert cluster is not None
    write(compilation, folder)
    asked = endpoints(sampled.services)
    land = ground(cluster, asked=asked)
    made = topology(cluster, compilation.plans, land, sampled, responders(cluster.services), asked, str(folder))
    folders = frozenset(one.name for one in made.machines if one.folder)
    if not any(host.name in folders for host in cluster.directors):
        raise CannotPlay(f"{name}: none of its directors is managed, so there is nothing to play")
    scene = Scene(
        cluster=cluster,
        land=land,
        sampled=sampled,
        asked=asked,
        alike=_alike(compilation, folders),
        folders=folders,
    )
    items = chosen(scenarios(scene), only)
    if spool:
        items = tuple(item for item in items if item.subject.property != "stop")
    return Play(
        name=name,
        job=Job(
            name=name,
            segments=len(land.networks) + 1,
            machines=made.machines,
            modules=modules(compilation),
            steps=tuple(item for item in items if not isinstance(item, Omission)),
            spool=str(spool) if spool else "",
        ),
        items=items,
        notes=tuple(_notes(name, cluster, made, sampled.note)),
    )


def cut(compilation: Compilation, sampled: Sample) -> Compilation:
    """With the sampled services and their VIPs alone: an emulated processor has no time for the health checks of
    hundreds.
    """
    cluster = compilation.cluster
    assert cluster is not None
    if len(sampled.services) == len(cluster.services):
        return compilation
    names = {service.name for service in sampled.services}
    virtual = tuple(one for one in cluster.virtual_services if one.service.name in names)
    vips = {vip.name for service in sampled.services for vip in service.vips}
    instances = tuple(
        replace(one, vips=kept)
        for one in cluster.failover.instances
        if (kept := tuple(vip for vip in one.vips if vip.name in vips))
    )
    smaller = replace(
        cluster,
        services=sampled.services,
        virtual_services=virtual,
        vips=tuple(vip for vip in cluster.vips if vip.name in vips),
        failover=replace(cluster.failover, instances=instances),
    )
    plans = derive(smaller)
    made = tuple(artifact for plan in plans if plan.host.managed for artifact in artifacts(plan))
    return replace(compilation, cluster=smaller, plans=plans, artifacts=made)


def write(compilation: Compilation, folder: Path) -> None:
    """The generated files, as a build would write them."""
    assert compilation.cluster is not None
    request = Request(
        cluster=compilation.cluster.name,
        hosts=compilation.managed,
        artifacts=compilation.artifacts,
        output=os.fspath(folder),
    )
    changeset = tree.compare(request)
    failure = changeset if isinstance(changeset, tree.TreeFailure) else tree.apply(changeset)
    if failure is not None:
        raise CannotPlay(f"{failure.path}: {failure.reason}")


def play(
    plays: Sequence[Play],
    work: Path,
    *,
    machines: int,
    say: Callable[[str], None],
    tell: Callable[[Result], None],
    kernel: str = "",
    stays: Callable[[tuple[Ending, ...]], None] = lambda endings: None,
) -> tuple[Ending, ...]:
    """Run what was prepared, on so many machines side by side, with the kernel of that name. `stays` is told what was
    seen when a lab begins to wait for visitors.
    """
    needs_openssl = any(r.speech == "tls" for p in plays for m in p.job.machines for r in m.responders)
    if needs_openssl and find_tool("openssl") is None:
        raise CannotPlay("openssl is missing, which the responders of https checks need; install the package openssl")
    # Whoever is free takes the next one: the dearest first, so that no machine is left with it at the end.
    jobs = sorted((one.job for one in plays), key=_cost, reverse=True)
    count = max(1, min(machines, len(jobs)))
    seconds = _SECONDS + _SECONDS_EACH * len(jobs)

    def waiting(outcome: machine.Outcome) -> None:
        stays(_endings(plays, outcome))

    return _endings(
        plays,
        machine.run(jobs, work, machines=count, seconds=seconds, say=say, tell=tell, wanted=kernel, stays=waiting),
    )


def _endings(plays: Sequence[Play], outcome: machine.Outcome) -> tuple[Ending, ...]:
    return tuple(
        Ending(
            name=one.name,
            results=(*(r for r in outcome.results if r.job == one.name), *_omissions(one), *one.notes),
            trouble=outcome.trouble.get(one.name, ""),
        )
        for one in plays
    )


def spool(work: Path) -> Path:
    """Where visitors to a lab that works in this folder leave what they ask."""
    return work / machine.SHARED / "spool"


def workspace() -> Workspace:
    """A folder for everything that a run writes."""
    return tempfile.TemporaryDirectory(prefix="lvsgen-lab-", dir=os.path.realpath(tempfile.gettempdir()))


def _cost(job: Job) -> int:
    """What it costs to play, roughly: `lvs.sh` runs on each host several times, and a load lasts."""
    loads = sum(1 for step in job.steps if isinstance(step, Load))
    return len(job.steps) + 4 * sum(1 for one in job.machines if one.folder) + 40 * loads


def _omissions(one: Play) -> list[Result]:
    return [
        Result(job=one.name, subject=item.subject, verdict="not tested", seen=item.why)
        for item in one.items
        if isinstance(item, Omission)
    ]


def _notes(name: str, cluster: Cluster, made: Topology, sampled: str) -> list[Result]:
    """What the lab played in another way than it is on real hosts."""
    found = []
    unmanaged = [host for host, why in made.played.items() if why == "not managed"]
    if unmanaged:
        found.append(("hosts", f"{', '.join(unmanaged)}: not managed, played by a Linux host that does its duties"))
    if sampled:
        found.append(("sample", sampled))
    if any(one.name == CROWD for one in made.machines):
        found.append(("apply", f"the files of the realservers that `{CROWD}` plays"))
    return [Result(job=name, subject=Subject(property=what), verdict="not tested", seen=seen) for what, seen in found]


def modules(*compilations: Compilation) -> tuple[str, ...]:
    """Modules that make devices or settings in every namespace: `stop` unloads none, so they are there beforehand.

    Of their options, the ports of ip_vs_ftp alone: they are a list, to which other clusters on this kernel can add.
    """
    wanted: dict[str, None] = {}
    for module in (module for one in compilations for plan in one.plans for module in plan.modules):
        wanted[" ".join([module.name, *(text for text in module.options if text.startswith("ports="))])] = None
    return tuple(wanted)


def _alike(compilation: Compilation, folders: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """Hosts whose files are the same but for their name. Each director stands alone: they do different things."""
    texts: dict[str, dict[str, str]] = {}
    for artifact in compilation.artifacts:
        if artifact.host in folders and artifact.name != "host.conf":
            texts.setdefault(artifact.host, {})[artifact.name] = artifact.text
    assert compilation.cluster is not None
    directors = {host.name for host in compilation.cluster.directors}
    groups: dict[object, list[str]] = {}
    for host, files in texts.items():
        key: object = host if host in directors else tuple(sorted(files.items()))
        groups.setdefault(key, []).append(host)
    return tuple(tuple(group) for group in groups.values())
