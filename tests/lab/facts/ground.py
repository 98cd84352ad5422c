"""Machines on segments for one experiment, made when asked for and gone with it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from lvsgen.lab.guest import build
from lvsgen.lab.guest.namespaces import Host, Segments
from lvsgen.lab.guest.wire import Job, Machine, Nic, Responder


def nic(segment: int, number: int, *addresses: str, mtu: int = 1500) -> Nic:
    """An interface: eth0 on segment 0 and so on. `number` is the machine's, and makes the MAC."""
    return Nic(
        device=f"eth{segment}",
        segment=segment,
        mac=f"02:00:00:00:{segment:02x}:{number:02x}",
        addresses=addresses,
        mtu=mtu,
    )


WEB = (Responder(protocol="tcp", port=80),)


class Lab:
    """The segments and machines of one experiment."""

    def __init__(self) -> None:
        self.segments: Segments | None = None
        self.hosts: dict[str, Host] = {}

    @property
    def kernel(self) -> tuple[int, ...]:
        """The kernel's release: (6, 12)."""
        return tuple(int(word) for word in os.uname().release.split(".")[:2])

    def build(self, *machines: Machine) -> dict[str, Host]:
        """Make these machines, with all segments that they are on, and start their responders."""
        count = 1 + max((one.segment for machine in machines for one in machine.nics), default=0)
        self.segments = Segments(count)
        job = Job(name="fact", segments=count, machines=machines, modules=(), steps=())
        self.hosts = build.build(job, self.segments)
        for host in self.hosts.values():
            build.start(host)
        return self.hosts

    def close(self) -> None:
        """Let everything go."""
        for host in self.hosts.values():
            host.close()
        if self.segments:
            self.segments.close()
        self.segments, self.hosts = None, {}


def table(director: Host, *lines: str) -> None:
    """Load lines for `ipvsadm -R`, all of them: its exit code is that of the last line alone."""
    said = director.must("ipvsadm -R <<'END'\n" + "\n".join(lines) + "\nEND")
    assert said == "", said


def until(seen: Callable[[], bool], seconds: float = 20) -> bool:
    """Whether it comes true in time."""
    end = time.monotonic() + seconds
    while not seen():
        if time.monotonic() > end:
            return False
        time.sleep(0.2)
    return True
