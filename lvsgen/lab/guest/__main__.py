"""usage (as root, on a kernel with IPVS): python3 -m lvsgen.lab.guest QUEUE RESULTS MODULE...

QUEUE is a folder of jobs, a JSON file each, which several machines may share: a job is taken, in the order of the
names, by renaming its file. MODULEs are loaded first, as some make devices in every namespace. What happens is added to
RESULTS, a JSON line each, as soon as it is known: that a job has begun, its results, and how it ended. The last line is
`{"done": true}`: without it the run has not ended well.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import traceback
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lvsgen.lab.guest import build
from lvsgen.lab.guest.namespaces import Segments, Trouble, leave
from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.steps import KINDS, take
from lvsgen.lab.guest.steps.scripts import Stop
from lvsgen.lab.guest.visits import serve
from lvsgen.lab.guest.wire import Job, Result, decode

_SIDE_BY_SIDE = 2
"""Jobs at a time: much of one is waiting for keepalived."""


class Report:
    """Appends to the file of results, a whole line at a time."""

    def __init__(self, path: str) -> None:
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def line(self, plain: dict[str, Any]) -> None:
        """Write one line."""
        os.write(self.fd, json.dumps(plain).encode() + b"\n")

    def result(self, result: Result) -> None:
        """Write a result."""
        self.line(asdict(result))


def play(job: Job, report: Report) -> None:
    """One cluster, from the first machine to the last step."""
    work = Path(tempfile.mkdtemp(prefix="lvsgen-lab-"))
    hosts = {}
    segments = Segments(job.segments)
    try:
        hosts = build.build(job, segments)
        build.certify(hosts, work)
        for host in hosts.values():
            build.start(host)
        stage = Stage(job, hosts, report.result)
        stage.plant([name for step in job.steps if isinstance(step, Stop) for name in step.compared])
        for step in job.steps:
            take(stage, step)
            if stage.failed and job.until_failure:
                break
        report.line({"job": job.name, "ended": True})
        if job.spool:
            report.line({"job": job.name, "stays": True})
            serve(hosts, Path(job.spool))
    except (Trouble, OSError) as error:
        report.line({"job": job.name, "trouble": str(error)})
    finally:
        build.close(hosts, segments, work)


def next_job(queue: Path) -> Job | None:
    """Take a job that nobody has taken; None if there is none."""
    for path in sorted(queue.glob("*.json")):
        mine = path.with_suffix(".taken")
        try:
            path.rename(mine)
        except FileNotFoundError:
            continue
        return decode(json.loads(mine.read_text()), KINDS)
    return None


def main(queue: str, results: str, *modules: str) -> int:
    """Play jobs until none is left."""
    report = Report(results)
    build.load(("ip_vs", *modules))
    running: dict[int, str] = {}
    while job := next_job(Path(queue)):
        report.line({"job": job.name, "begun": True})
        child = os.fork()
        if child == 0:
            try:
                play(job, report)
                leave(0)
            except Exception as error:
                traceback.print_exc()
                report.line({"job": job.name, "trouble": f"the lab's own program: {type(error).__name__}: {error}"})
                leave(0)
            finally:
                leave(1)
        running[child] = job.name
        while len(running) >= _SIDE_BY_SIDE:
            _one_ends(running, report)
    while running:
        _one_ends(running, report)
    report.line({"done": True})
    return 0


def _one_ends(running: dict[int, str], report: Report) -> None:
    child, status = os.wait()
    name = running.pop(child, "")
    if name and status:
        report.line({"job": name, "trouble": f"the lab's own program ended with status {status}"})


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    sys.exit(main(*sys.argv[1:]))
