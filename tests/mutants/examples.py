"""The examples as the lab plays them: takes their descriptions, returns a play for each, and jobs of mutants of them.

What must be seen is derived from the description, which no mutant changes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from lvsgen import pipeline
from lvsgen.lab import play
from lvsgen.lab.guest.steps.scripts import Apply
from lvsgen.lab.guest.steps.table import Table
from lvsgen.lab.guest.wire import Job, Step, encode
from tests.mutants.affected import properties
from tests.mutants.choose import Mutant, Place
from tests.mutants.lines import FILES, lines, replaced

ROOT = Path(__file__).resolve().parent.parent.parent
EARLY = {"table", "arp"}
"""Properties that show before all hosts have been applied to."""

_GUEST = ROOT / "lvsgen/lab/guest"


def folders() -> dict[str, Path]:
    """The generated folder of each example, the smallest first."""
    found = {path.parent.name: path.parent / "generated" for path in (ROOT / "examples").glob("*/cluster.yaml")}
    return dict(sorted(found.items(), key=lambda item: (_size(item[1]), item[0])))


def _size(folder: Path) -> int:
    """What it takes to play it: hosts, and the health checks that directors make."""
    texts = [path.read_text() for path in sorted(folder.glob("*/keepalived.conf"))]
    return 3 * sum(1 for _ in folder.glob("*/host.conf")) + sum(text.count("real_server ") for text in texts)


def prepared(names: Iterable[str], work: Path) -> dict[str, play.Play]:
    """Examples, ready to be played; their files are below `work`."""
    return {
        name: play.prepare(name, pipeline.compile(str(ROOT / "examples" / name / "cluster.yaml")), work / name)
        for name in names
    }


def base(ready: play.Play, wanted: frozenset[str], host: str = "") -> Job:
    """The unmutated example, with the properties that its mutants (of this host) are tried for."""
    return replace(ready.job, steps=_steps(ready.job, wanted, host), until_failure=True)


def job(ready: play.Play, place: Place, mutant: Mutant, work: Path, name: str) -> Job:
    """The example with one change: the folder of one host is another one."""
    machine = next(one for one in ready.job.machines if one.name == place.host)
    folder = work / place.host
    shutil.copytree(machine.folder, folder)
    break_it(folder, place, mutant)
    machines = tuple(replace(m, folder=str(folder)) if m is machine else m for m in ready.job.machines)
    steps = _steps(ready.job, properties(place.line), place.host)
    return replace(ready.job, name=name, machines=machines, steps=steps, until_failure=True)


def break_it(folder: Path, place: Place, mutant: Mutant) -> None:
    """Change the file and its line in lvsgen.sum, as if it had been generated so."""
    path = folder / place.line.file
    old = path.read_text()
    new = replaced(old, place.line, mutant.text(place))
    assert new != old
    path.write_text(new)
    sums = folder / "lvsgen.sum"
    before, after = (hashlib.sha256(text.encode()).hexdigest() for text in (old, new))
    assert before in sums.read_text()
    sums.write_text(sums.read_text().replace(before, after))


def key(folder: Path, kernel: str, place: Place | None = None, mutant: Mutant | None = None) -> str:
    """What a result is of: all data of the example but comments, with the change, on a kernel."""
    told = [kernel]
    for host in sorted(path for path in folder.iterdir() if path.is_dir()):
        for file in FILES:
            if (host / file).exists():
                told.append(f"{host.name}/{file}")
                told += [f"{'/'.join(x.path)}/{x.text}" for x in lines(file, (host / file).read_text())]
    if place and mutant:
        told.append(f"{place.host}/{place.line.file}:{'/'.join(place.line.path)}/{place.line.text} {mutant.what}")
        told.append(str(mutant.text(place)))
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:20]


def program(made: Job, *, steps_alone: bool = False) -> str:
    """What has looked at it: the steps, and unless they are enough, the guest's program and `lvs.sh`."""
    plain: Mapping[str, object] = encode(made)
    parts = [json.dumps(plain["steps"], sort_keys=True)]
    if not steps_alone:
        parts += [path.read_text() for path in sorted(_GUEST.rglob("*.py"))]
        parts += [Path(m.folder, "lvs.sh").read_text() for m in made.machines if m.folder]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:20]


def _steps(made: Job, wanted: frozenset[str], host: str) -> tuple[Step, ...]:
    """What is asked of a mutant of this host: first what shows without the hosts that have nothing to do with it."""
    directors = [step.machine for step in made.steps if isinstance(step, Table)]
    first: list[Step] = []
    early: list[Step] = []
    others: list[Step] = []
    later: list[Step] = []
    for step in made.steps:
        if step.subject.property == "apply":
            other = isinstance(step, Apply) and step.machine not in (host, *directors)
            (others if other else first).append(step)
        elif isinstance(step, Apply) and step.machine != host:
            continue
        elif step.subject.property in wanted:
            (early if step.subject.property in EARLY else later).append(step)
    return (*first, *early, *others, *later)
