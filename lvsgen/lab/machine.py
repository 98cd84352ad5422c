"""Runs jobs on a kernel with IPVS: this one where that is possible, else one in virtual machines.

Takes jobs, returns their results and what went wrong with the lab itself. Results are told one by one as they come. The
jobs lie in a folder that all machines share; each takes the next one when it has time for it.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lvsgen.lab import boot, kernel
from lvsgen.lab.guest.wire import Job, Result, decode_result, encode
from lvsgen.lab.kernel import CannotPlay, Kernel

_PYTHON = "/usr/bin/python3"
"""The system's own: that of a virtual environment may not see the standard library in the guest."""

SHARED = "shared"
"""The folder that the machines write to, in that of a run."""

_PACKAGE = Path(__file__).resolve().parent


@dataclass(slots=True)
class Outcome:
    """The results of all jobs in the order in which they came. `trouble` is by job: what kept it from ending. `stays`:
    all is done, but the machines of a job are left up for visitors.
    """

    results: list[Result] = field(default_factory=list)
    trouble: dict[str, str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    stays: bool = False


def own_kernel_will_do() -> bool:
    """Whether this kernel has IPVS and this process may use it."""
    if os.geteuid() != 0:
        return False
    modprobe = kernel.find_tool("modprobe")
    if modprobe and not Path("/proc/net/ip_vs").exists():
        subprocess.run([modprobe, "ip_vs"], check=False, capture_output=True)
    return Path("/proc/net/ip_vs").exists()


def run(
    jobs: Sequence[Job],
    work: Path,
    *,
    machines: int,
    seconds: float,
    say: Callable[[str], None],
    tell: Callable[[Result], None],
    wanted: str = "",
    stays: Callable[[Outcome], None] = lambda outcome: None,
) -> Outcome:
    """Run the jobs, begun in this order, on so many machines side by side; `work` must exist and is written to. A
    kernel that is `wanted` by name (see `kernel.kernel`) always runs in virtual machines. `stays` is called when a lab
    begins to wait for visitors.
    """
    for name in ("ipvsadm", "ip", "busybox"):
        kernel.tool(name)
    if not Path(_PYTHON).exists():
        raise CannotPlay(f"{_PYTHON} is missing; install the package python3")
    found: Kernel | None = None
    if not wanted and own_kernel_will_do():
        say(f"running on this kernel ({os.uname().release})")
        machines = 1
    else:
        found = kernel.kernel(kernel.cache_folder(), say, wanted)
        say(f"booting {'a virtual machine' if machines == 1 else 'virtual machines'} with kernel {found.release}")
    outcome = Outcome()
    program = _program(work)
    shared = work / SHARED
    queue = _queue(jobs, shared)
    modules = _modules(jobs)
    running: list[_Machine] = []
    end = time.monotonic() + seconds
    try:
        for number in range(machines):
            words = [_PYTHON, "-m", "lvsgen.lab.guest", str(queue), str(shared / f"results{number}"), *modules]
            command = f"PYTHONPATH={shlex.quote(str(program))} exec {shlex.join(words)}"
            running.append(_Machine(found, command, shared, number, machines))
        while True:
            alive = [machine for machine in running if machine.alive]
            for machine in running:
                machine.collect(outcome, tell)
            if not alive:
                break
            if outcome.stays and end < math.inf:
                end = math.inf
                stays(outcome)
            if time.monotonic() > end:
                for machine in alive:
                    machine.kill()
                    machine.late = f"the lab took more than {seconds:g} s"
            time.sleep(0.1)
    finally:
        for machine in running:
            machine.kill()
    for job in jobs:
        if job.name not in outcome.ended and job.name not in outcome.trouble:
            # One that nobody has begun was left by them all.
            machine = next((one for one in running if job.name in one.begun), running[-1])
            outcome.trouble[job.name] = machine.last_words()
    return outcome


def _modules(jobs: Iterable[Job]) -> list[str]:
    """All modules, each with its options; what jobs list in the same option is joined, as they share a kernel."""
    found: dict[str, dict[str, set[str]]] = {}
    for name, *options in (module.split() for job in jobs for module in job.modules):
        lists = found.setdefault(name, {})
        for option, _, values in (text.partition("=") for text in options):
            lists.setdefault(option, set()).update(values.split(","))
    return [
        " ".join([name, *(f"{option}={','.join(sorted(values, key=int))}" for option, values in lists.items())])
        for name, lists in sorted(found.items())
    ]


def _queue(jobs: Iterable[Job], shared: Path) -> Path:
    """A file for each job; their names are in the order in which jobs are to begin."""
    folder = shared / "queue"
    folder.mkdir(parents=True)
    for number, job in enumerate(jobs):
        (folder / f"{number:04}.json").write_text(json.dumps(encode(job)))
    return folder


def _program(work: Path) -> Path:
    """A copy of the guest's program alone: nothing else of this environment gets into its path."""
    top = work / "program"
    shutil.copytree(_PACKAGE / "guest", top / "lvsgen/lab/guest", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("lvsgen", "lvsgen/lab"):
        (top / name / "__init__.py").write_text('"""The lab."""\n')
    subprocess.run([_PYTHON, "-m", "compileall", "-q", str(top)], check=False, capture_output=True)
    return top


class _Machine:
    """One kernel at work, seen from outside: a process, and the file of results that it writes.

    `begun` are the jobs that it has taken.
    """

    def __init__(self, found: Kernel | None, command: str, shared: Path, number: int, machines: int) -> None:
        self.out = shared / f"machine{number}"
        self.out.mkdir()
        self.results = shared / f"results{number}"
        self.results.touch()
        self.late = ""
        self.read = 0
        self.begun: set[str] = set()
        if found:
            processors = max(1, (os.cpu_count() or 1) // machines)
            self.process = boot.boot(found, f"({command})", shared, self.out, processors=min(processors, 4))
        else:
            # In a process namespace of its own: whatever it starts ends with it.
            words = [kernel.tool("unshare"), "--mount-proc", "--pid", "--fork", "--kill-child", "sh", "-c", command]
            with open(self.out / "log", "wb") as log:
                self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """End it, if it has not ended."""
        if self.alive:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
                return
            self.process.kill()
            self.process.wait()

    def lines(self) -> Iterator[Mapping[str, Any]]:
        """What has been added to the results since the last time, whole lines only."""
        with open(self.results, "rb") as source:
            source.seek(self.read)
            data = source.read()
        whole = data[: data.rfind(b"\n") + 1]
        self.read += len(whole)
        yield from (json.loads(line) for line in whole.splitlines())

    def collect(self, outcome: Outcome, tell: Callable[[Result], None]) -> None:
        """Take in what is new."""
        for line in self.lines():
            if "verdict" in line:
                result = decode_result(line)
                outcome.results.append(result)
                tell(result)
            elif "trouble" in line:
                outcome.trouble.setdefault(line["job"], line["trouble"])
            elif "ended" in line:
                outcome.ended.add(line["job"])
            elif "stays" in line:
                outcome.stays = True
            elif "begun" in line:
                self.begun.add(line["job"])

    def last_words(self) -> str:
        """What kept it from its end, as far as it can be told."""
        lines: list[str] = []
        for name in ("qemu", "console", "log"):
            path = self.out / name
            if path.exists():
                lines += [line for line in path.read_text(errors="replace").splitlines() if line.strip()][-6:]
        return f"{self.late or 'the machine died'}; its last words: {' | '.join(lines[-10:]) or 'none'}"
