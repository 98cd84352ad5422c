"""What the steps of one job work on: its machines, what earlier steps have left, and where results go."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from lvsgen.lab.guest.namespaces import Host, Ran
from lvsgen.lab.guest.snapshot import snapshot
from lvsgen.lab.guest.wire import Job, Result, Subject, Verdict


class Stage:
    """The machines of one job. `kept` is what a step leaves for a later one of its kind, by a name of its own."""

    def __init__(self, job: Job, hosts: dict[str, Host], tell: Callable[[Result], None]) -> None:
        self.job = job
        self.hosts = hosts
        self.before: dict[str, set[str]] = {}
        self.kept: dict[str, Any] = {}
        self.macs = {nic.mac: name for name, host in hosts.items() for nic in host.machine.nics}
        self.failed = False
        self._tell = tell
        self._last = time.monotonic()

    def plant(self, names: Iterable[str]) -> None:
        """Put things of somebody else's on these hosts, and remember how they look now."""
        for name in names:
            host = self.hosts[name]
            if host.machine.foreign:
                host.must("set -e\n" + "\n".join(host.machine.foreign))
            self.before[name] = snapshot(host)

    def tell(self, subject: Subject, good: bool, seen: str, cause: str = "") -> None:
        """A result; `cause` is what is wrong if it is not good."""
        self.failed = self.failed or not good
        self._result(subject, "pass" if good else "fail", seen, "" if good else cause)

    def leave_open(self, subject: Subject, why: str) -> None:
        """A result that is none: what was seen proves nothing."""
        self._result(subject, "not tested", why)

    def _result(self, subject: Subject, verdict: Verdict, seen: str, cause: str = "") -> None:
        now = time.monotonic()
        seconds, self._last = round(now - self._last, 2), now
        self._tell(Result(job=self.job.name, subject=subject, verdict=verdict, seen=seen, cause=cause, seconds=seconds))

    def lvs(self, name: str, verb: str, folder: str = "") -> Ran:
        """Run the generated `lvs.sh` of a machine (or that in another folder), as the host that it is."""
        host = self.hosts[name]
        return host.run(f"exec {host.machine.shell} {folder or host.machine.folder}/lvs.sh {verb}", LVSGEN_HOST=name)
