"""What clients noticed: takes the record of a generator and a span of time, returns counts and the longest window.

A connection that got no answer while the machine itself stood still says nothing about the service, and is left out.
A window without service reaches from the beginning of the last connection that was served to that of the next one
which is. So it is never shorter than it really was, whatever the generator missed between two of its connections.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lvsgen.lab.guest.record import SILENCE, SURVIVED, Attempt, Held, Record

_LATE = 0.25
"""Seconds between two connections, beyond what the rate says, from which on it is said."""

_BLIND = 1.0
"""Seconds without a connection from which on nobody knows whether there was service."""

_FEW = 0.1
"""Where so few got no answer for each of those left out, these may be of the same kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noticed:
    """`failed` are the new connections that were not served, by error. `blind` is the longest time in which none
    began, though one should have (0: the generator kept its rate). `ended` tells that it began none until the end.
    `doubtful` are those left out.
    """

    count: int
    failed: Counter[str]
    doubtful: int
    window: float
    blind: float
    ended: bool
    rate: float

    @property
    def lost(self) -> int:
        """How many were not served."""
        return sum(self.failed.values())

    @property
    def drowned(self) -> bool:
        """Whether the few losses may be those of a machine that stands still again and again."""
        return self.failed.keys() == {SILENCE} and self.lost <= _FEW * self.doubtful

    @property
    def doubt(self) -> str:
        """Why nothing can be said for those who saw no failure; empty if it can."""
        if self.ended:
            return "the generator came to its last connection before the end"
        if self.doubtful:
            return "this machine is too slow: it stood still itself"
        if self.blind > _BLIND:
            return f"the generator did not keep its rate: for {self.blind:.1f} s it began no connection"
        return ""

    @property
    def seen(self) -> str:
        """In a line."""
        errors = ", ".join(f"{number} {error}" for error, number in sorted(self.failed.items()))
        text = f"{self.lost} of {self.count} new connections failed ({errors}), {self.window:.2f} s without service"
        text = text if self.lost else f"all {self.count} new connections served"
        text += f" (at {self.rate:.0f}/s)"
        text += f"; {self.doubtful} more got no answer while the machine stood still" if self.doubtful else ""
        if self.blind > _LATE:
            text += f"; none begun for {self.blind:.2f} s"
        return text


def noticed(record: Record, begin: float, end: float) -> Noticed:
    """What those met that began in a span of time."""
    some = sorted((one for one in record.attempts if begin <= one.start < end), key=lambda one: one.start)
    starts = [begin, *(one.start for one in some), min(end, max(record.until, begin))]
    pause = max((after - before for before, after in pairwise(starts)), default=0)
    met = len(some)
    some = [one for one in some if one.result != SILENCE or not _stood_still(record, one)]
    last, window, failing = begin, 0.0, False
    for one in some:
        if one.result != "ok":
            failing = True
            continue
        if failing:
            window = max(window, one.start - last)
        last, failing = one.start, False
    if failing:
        window = max(window, end - last)
    return Noticed(
        count=len(some),
        failed=Counter(one.result for one in some if one.result != "ok"),
        doubtful=met - len(some),
        window=window,
        blind=max(0.0, pause - 1 / record.rate),
        ended=record.until < end,
        rate=record.rate,
    )


def _stood_still(record: Record, one: Attempt) -> bool:
    """Whether the machine did so within the second in which the handshake had to come about, or until the end."""
    return any(begin < one.end and one.start - _BLIND < end for begin, end in record.stalls)


def kept(held: Sequence[Held]) -> tuple[str, int]:
    """What has become of the connections that stay, in a line, and how many are lost."""
    counts = Counter(one.result for one in held)
    where = Counter(one.realserver for one in held if one.result == SURVIVED)
    parts = [f"{counts.pop(SURVIVED, 0)} of {len(held)} established connections survive"]
    if where:
        parts[0] += " (" + ", ".join(f"{number} {name}" for name, number in sorted(where.items())) + ")"
    for result, number in sorted(counts.items()):
        names = sorted({one.realserver for one in held if one.result == result})
        parts.append(f"{number} {result} ({', '.join(names)})")
    silence = max((one.silence for one in held), default=0)
    if silence > 1:
        parts.append(f"longest silence {silence:.1f} s")
    return "; ".join(parts), len(held) - sum(where.values())
