"""The machines of two revisions as one set: takes both topologies, returns machines that suit both, and what differs.

lvsgen changes no host's own interfaces and addresses, so a change of these cannot be played: a machine has those of
both revisions from the beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from lvsgen.lab.guest.wire import Machine, Nic

MADE_UP = "02:00:00"
_MAC = "02:00:01"
"""How the MACs begin that the lab makes up, and those of interfaces that only the old revision has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """`machines` suit both revisions. `differences` are what both do not agree in, a line each."""

    machines: tuple[Machine, ...]
    differences: tuple[str, ...]


def merged(before: tuple[Machine, ...], after: tuple[Machine, ...]) -> Merged:
    """Those of the new revision first, then those that only the old one has."""
    old = {one.name: one for one in before}
    new = {one.name: one for one in after}
    # What the lab makes up differs from call to call (secrets), and must be the same everywhere.
    files = {path: text for one in (*before, *after) for path, text in one.files.items()}
    machines: list[Machine] = []
    differences: list[str] = []
    for number, name in enumerate(dict.fromkeys((*new, *old))):
        first, last = old.get(name), new.get(name)
        if first and last:
            one = _both(number, first, last)
            differences += _differences(first, last)
        else:
            one = first or last  # type: ignore[assignment]  # [one of them has the name]
            one = one if last else replace(one, nics=tuple(_nics(number, one.nics, ())))
        machines.append(replace(one, files={path: files[path] for path in one.files}))
    return Merged(machines=tuple(machines), differences=tuple(differences))


def _both(number: int, first: Machine, last: Machine) -> Machine:
    """One machine that is both: what the new revision says wins where there can be only one."""
    return replace(
        last,
        nics=tuple(_nics(number, first.nics, last.nics)),
        routes=last.routes or first.routes,
        sysctls={**first.sysctls, **last.sysctls},
        setup=tuple(dict.fromkeys((*first.setup, *last.setup))),
        responders=tuple({(r.protocol, r.port): r for r in (*first.responders, *last.responders)}.values()),
        files={**first.files, **last.files},
        folder=last.folder or first.folder,
        foreign=last.foreign or first.foreign,
    )


def _nics(number: int, first: Sequence[Nic], last: Sequence[Nic]) -> Iterator[Nic]:
    known = {nic.device: nic for nic in first}
    for nic in last:
        other = known.pop(nic.device, nic)
        more = other.addresses if other.segment == nic.segment else ()
        yield replace(nic, addresses=tuple(dict.fromkeys((*nic.addresses, *more))))
    for nic in known.values():
        yield replace(nic, mac=nic.mac if nic.mac[:8] != MADE_UP else f"{_MAC}:{nic.segment:02x}:{number:02x}:00")


def _differences(first: Machine, last: Machine) -> Iterator[str]:
    had, has = ({nic.device: nic for nic in one.nics} for one in (first, last))
    for device in sorted(had.keys() - has.keys()):
        yield f"{last.name}: {device} is gone; the lab leaves it there"
    for device in sorted(has.keys() - had.keys()):
        yield f"{last.name}: {device} is new; it is there from the beginning"
    for device in sorted(had.keys() & has.keys()):
        a, b = had[device], has[device]
        if a.segment != b.segment:
            yield f"{last.name}: {device} moves to another network; it is there from the beginning"
        elif set(a.addresses) != set(b.addresses):
            yield f"{last.name}: {device} has other addresses; it has both from the beginning"
    if first.routes != last.routes:
        yield f"{last.name}: another default route; it has the new one from the beginning"
    if bool(first.folder) != bool(last.folder):
        yield f"{last.name}: managed in one revision only"
