"""usage (as root, on the kernel in question): python3 -m tests.lab.facts.guest RESULTS FACT...

Tries facts and adds to RESULTS, a JSON line each, what was wrong: nothing, or where an assertion failed and what all
values were there. Facts that share a cluster are tried one after the other, all else side by side.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import FrameType

from lvsgen.lab.guest.namespaces import leave
from tests.lab.facts.cluster import Cluster
from tests.lab.facts.fact import FACTS, Fact
from tests.lab.facts.ground import Lab

_SIDE_BY_SIDE = 3
_SECONDS = 400
"""The longest that one may take, on a slow machine."""

_MODULES = ("ip_vs", "ip_vs_lblc", "ip_vs_lblcr", "ipip", "ip_gre", "sit", "ip6_tunnel", "ip6_gre", "fou", "fou6")
"""Those that make devices or settings in every namespace. lblc and lblcr do, and are loaded with the lock of IPVS held,
which a namespace that goes at that moment waits for: neither would come to its end (seen on 6.1).
"""


def main(results: str, *names: str) -> int:
    """Try them all."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(f"tests.lab.facts.{path.stem}")
    for module in _MODULES:
        subprocess.run(["modprobe", module], check=False, capture_output=True)
    out = os.open(results, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    running: set[int] = set()
    for group in _groups(FACTS[name] for name in names):
        child = os.fork()
        if child == 0:
            try:
                _try(group, out)
            finally:
                leave(0)
        running.add(child)
        while len(running) >= _SIDE_BY_SIDE:
            running.discard(os.wait()[0])
    while running:
        running.discard(os.wait()[0])
    return 0


def _groups(facts: Iterable[Fact]) -> list[list[Fact]]:
    shared: list[Fact] = []
    alone: list[list[Fact]] = []
    for one in facts:
        if one.shares:
            shared.append(one)
        else:
            alone.append([one])
    return [shared, *alone] if shared else alone


def _late(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"took more than {_SECONDS} s")


def _try(group: Sequence[Fact], out: int) -> None:
    signal.signal(signal.SIGALRM, _late)
    lab, cluster = Lab(), None
    for one in group:
        begun = time.monotonic()
        said = ""
        signal.alarm(_SECONDS)
        try:
            if one.shares:
                cluster = cluster or Cluster(lab)
                one.experiment(cluster)
            else:
                one.experiment(lab)
        except Exception as error:
            below = error.__traceback__.tb_next if error.__traceback__ else None
            told = traceback.TracebackException(type(error), error, below, capture_locals=True)
            said = "".join(told.format())
            signal.alarm(0)
            # What it left behind is nothing for the next one.
            lab.close()
            lab, cluster = Lab(), None
        signal.alarm(0)
        line = {"fact": one.name, "wrong": said, "seconds": round(time.monotonic() - begun, 1)}
        os.write(out, (json.dumps(line) + "\n").encode())
    lab.close()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
