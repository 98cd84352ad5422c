"""Reads the IPVS table of a machine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from lvsgen.lab.guest.stage import Stage
from lvsgen.lab.guest.wire import Step

_KINDS = {"TCP": "-t", "UDP": "-u", "SCTP": "--sctp-service", "FWM": "-f"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table(Step):
    """What the table of a machine must list, in `seconds`: by service, its scheduler and persistence
    (`-s wrr -p 300`) and each `REALSERVER METHOD WEIGHT`, with `-x 200 -y 150` if it has thresholds.
    """

    machine: str
    lists: Mapping[str, tuple[str, ...]]
    seconds: float


def table(stage: Stage, step: Table) -> None:
    """Read it, until it lists what it should."""
    began = time.monotonic()
    wanted = {(key, one) for key, lines in step.lists.items() for one in lines}
    limited = any(" -x " in one for _, one in wanted)
    while True:
        host = stage.hosts[step.machine]
        limits = thresholds(host.run("ipvsadm -Ln --thresholds").said) if limited else {}
        listing = listed(host.run("ipvsadm -Sn").said)
        found = {(key, one + limits.get((key, one.split()[0]), "")) for key, one in listing if key in step.lists}
        if wanted == found or time.monotonic() > began + step.seconds:
            break
        time.sleep(0.3)
    causes = [f"{key} lacks {one}" for key, one in sorted(wanted - found)[:3]]
    causes += [f"{key} should not list {one}" for key, one in sorted(found - wanted)[:3]]
    count = sum(1 for _, one in found if not one.startswith("-s "))
    seen = f"{step.machine}: {count} listed (after {time.monotonic() - began:.1f} s)"
    stage.tell(step.subject, not causes, seen, "; ".join(causes))


def listed(said: str) -> set[tuple[str, str]]:
    """`ipvsadm -Sn` as pairs: the service as it is written there, and an entry of it."""
    found: set[tuple[str, str]] = set()
    for line in said.splitlines():
        words = line.split()
        if words[:1] == ["-a"]:
            at = words.index("-r")
            found.add((" ".join(words[1:at]), f"{words[at + 1]} {words[at + 2]} {words[words.index('-w') + 1]}"))
        elif words[:1] == ["-A"]:
            at = words.index("-s")
            end = at + (4 if words[at + 2 : at + 3] == ["-p"] else 2)
            found.add((" ".join(words[1:at]), " ".join(words[at:end])))
    return found


def thresholds(said: str) -> dict[tuple[str, str], str]:
    """`ipvsadm -Ln --thresholds`, as no other form prints them: by service and realserver, those that are not 0."""
    found: dict[tuple[str, str], str] = {}
    key = ""
    for line in said.splitlines():
        match line.split():
            case ["->", realserver, upper, lower, _, _] if upper.isdigit() and (upper, lower) != ("0", "0"):
                found[key, realserver] = f" -x {upper} -y {lower}"
            case [kind, name, *more] if kind in _KINDS:
                key = f"{_KINDS[kind]} {name}" + (" -6" if more[:1] == ["IPv6"] else "")
    return found
