"""usage (as root, on a kernel with IPVS): python3 -m lvsgen.lab.guest JOBS RESULTS

JOBS is a JSON file with a list of jobs; a result is added to RESULTS, a JSON line each, as soon as it is there. The
last line is `{"done": true}`: without it the run has not ended well. Several jobs run side by side.
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
from lvsgen.lab.guest.steps import Steps
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
    segments = Segments(job.segments)
    hosts = {}
    try:
        hosts = build.build(job, segments)
        build.certify(hosts, work)
        for host in hosts.values():
            build.start(host)
        steps = Steps(job.name, hosts, report.result)
        steps.plant()
        for step in job.steps:
            steps.take(step)
        report.line({"job": job.name, "ended": True})
    except (Trouble, OSError) as error:
        report.line({"job": job.name, "trouble": str(error)})
    finally:
        build.close(hosts, segments, work)


def main(jobs_file: str, results_file: str) -> int:
    """Play all jobs."""
    jobs = [decode(one) for one in json.loads(Path(jobs_file).read_text())]
    report = Report(results_file)
    build.load(("ip_vs", *dict.fromkeys(module for job in jobs for module in job.modules)))
    running: dict[int, str] = {}
    for job in jobs:
        while len(running) >= _SIDE_BY_SIDE:
            _one_ends(running, report)
        child = os.fork()
        if child == 0:
            try:
                play(job, report)
                leave(0)
            except BaseException:
                traceback.print_exc()
            finally:
                leave(1)
        running[child] = job.name
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
