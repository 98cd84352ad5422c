"""Runs jobs on a kernel with IPVS: this one where that is possible, else one in a virtual machine.

Takes jobs, returns their results and what went wrong with the lab itself. Results are told one by one as they come.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lvsgen.lab import boot, kernel
from lvsgen.lab.guest.wire import Job, Result, decode_result, encode
from lvsgen.lab.kernel import CannotPlay, Kernel

_PYTHON = "/usr/bin/python3"
"""The system's own: that of a virtual environment may not see the standard library in the guest."""

_PACKAGE = Path(__file__).resolve().parent


@dataclass(slots=True)
class Outcome:
    """The results of all jobs in the order in which they came. `trouble` is by job: what kept it from ending."""

    results: list[Result] = field(default_factory=list)
    trouble: dict[str, str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)


def own_kernel_will_do() -> bool:
    """Whether this kernel has IPVS and this process may use it."""
    if os.geteuid() != 0:
        return False
    modprobe = kernel.find_tool("modprobe")
    if modprobe and not Path("/proc/net/ip_vs").exists():
        subprocess.run([modprobe, "ip_vs"], check=False, capture_output=True)
    return Path("/proc/net/ip_vs").exists()


def run(
    shares: Sequence[Sequence[Job]],
    work: Path,
    *,
    seconds: float,
    say: Callable[[str], None],
    tell: Callable[[Result], None],
) -> Outcome:
    """Run every share of jobs on a machine of its own, side by side; `work` must exist and is written to."""
    for name in ("ipvsadm", "ip"):
        kernel.tool(name)
    if not Path(_PYTHON).exists():
        raise CannotPlay(f"{_PYTHON} is missing; install the package python3")
    program = _program(work)
    found: Kernel | None = None
    if own_kernel_will_do():
        say(f"running on this kernel ({os.uname().release})")
        shares = [[job for share in shares for job in share]]
    else:
        found = kernel.kernel(kernel.cache_folder(), say)
        say(f"booting a virtual machine with kernel {found.release}")
    outcome = Outcome()
    machines = [_Machine(found, share, work / f"machine{n}", program, len(shares)) for n, share in enumerate(shares)]
    end = time.monotonic() + seconds
    try:
        while True:
            alive = [machine for machine in machines if machine.alive]
            for machine in machines:
                machine.collect(outcome, tell)
            if not alive:
                break
            if time.monotonic() > end:
                for machine in alive:
                    machine.kill()
                    machine.late = f"the lab took more than {seconds:g} s"
            time.sleep(0.1)
    finally:
        for machine in machines:
            machine.kill()
    for machine in machines:
        machine.conclude(outcome)
    return outcome


def _program(work: Path) -> Path:
    """A copy of the guest's program alone: nothing else of this environment gets into its path."""
    top = work / "program"
    shutil.copytree(_PACKAGE / "guest", top / "lvsgen/lab/guest", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("lvsgen", "lvsgen/lab"):
        (top / name / "__init__.py").write_text('"""The lab."""\n')
    subprocess.run([_PYTHON, "-m", "compileall", "-q", str(top)], check=False, capture_output=True)
    return top


class _Machine:
    """One kernel at work, seen from outside: a process, and the file of results that it writes."""

    def __init__(self, found: Kernel | None, jobs: Sequence[Job], out: Path, program: Path, machines: int) -> None:
        out.mkdir()
        self.out = out
        self.jobs = [job.name for job in jobs]
        self.late = ""
        self.read = 0
        self.virtual = found is not None
        (out / "jobs.json").write_text(json.dumps([encode(job) for job in jobs]))
        (out / "results").touch()
        command = (
            f"PYTHONPATH={shlex.quote(str(program))} exec {_PYTHON} -m lvsgen.lab.guest {out}/jobs.json {out}/results"
        )
        if found:
            processors = max(1, (os.cpu_count() or 1) // machines)
            self.process = boot.boot(found, f"({command})", out, processors=min(processors, 4))
        else:
            with open(out / "log", "wb") as log:
                self.process = subprocess.Popen(["sh", "-c", command], stdin=subprocess.DEVNULL, stdout=log, stderr=log)

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
        with open(self.out / "results", "rb") as source:
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

    def conclude(self, outcome: Outcome) -> None:
        """Whatever has not ended by now never will."""
        for job in self.jobs:
            if job not in outcome.ended and job not in outcome.trouble:
                outcome.trouble[job] = f"{self.late or 'the machine died'}; its last words: {self._last_words()}"

    def _last_words(self) -> str:
        lines: list[str] = []
        for name in ("qemu", "console", "log"):
            path = self.out / name
            if path.exists():
                lines += [line for line in path.read_text(errors="replace").splitlines() if line.strip()][-6:]
        return " | ".join(lines[-10:]) or "none"
