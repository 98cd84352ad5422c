"""What a generator of load saw: plain values, which cross to whoever judges them as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SILENCE = "no answer"
SURVIVED, RESET, STALLED = "survived", "reset", "stalled"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One new connection: when it was due, began and ended (monotonic clock), how (`ok`, else an error), and where."""

    due: float
    start: float
    end: float
    result: str
    realserver: str


@dataclass(slots=True)
class Held:
    """One connection that stays: at which realserver, what has become of it and when, and its longest silence."""

    realserver: str
    result: str = SURVIVED
    at: float = 0
    silence: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that one generator saw, and the lowest `rate` that it kept. From `since` to `until` it began new ones.

    `stalls` are times, from and to, in which the machine itself stood still.
    """

    attempts: tuple[Attempt, ...]
    held: tuple[Held, ...]
    stalls: tuple[tuple[float, float], ...]
    rate: float
    since: float
    until: float


def encode(record: Record) -> dict[str, Any]:
    """A record as plain values, short ones, as there are thousands of attempts."""
    attempts = [[one.due, one.start, one.end, one.result, one.realserver] for one in record.attempts]
    held = [asdict(one) for one in record.held]
    rest = {"stalls": record.stalls, "rate": record.rate, "since": record.since, "until": record.until}
    return {"attempts": attempts, "held": held, **rest}


def decode(plain: dict[str, Any]) -> Record:
    """The record that `encode` was given."""
    return Record(
        attempts=tuple(Attempt(*one) for one in plain["attempts"]),
        held=tuple(Held(**one) for one in plain["held"]),
        stalls=tuple((begin, end) for begin, end in plain["stalls"]),
        rate=plain["rate"],
        since=plain["since"],
        until=plain["until"],
    )
