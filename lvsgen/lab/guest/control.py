"""What this machine can bear, and whether it has time for packets at all: a client's connections to itself tell.

No director is in these, and no fault. Where a kernel is busy, packets wait until a thread of the kernel gets its turn;
on an emulated processor that may take seconds, in which a handshake looks as if its packets were lost. All segments of
the lab share that queue with lo.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Sequence
from statistics import median

from lvsgen.lab.guest import clients
from lvsgen.lab.guest.wire import Target

STALL = 0.25
"""Seconds from which on a machine stands still; a handshake with oneself takes some milliseconds."""
_EVERY = 0.25

_SAMPLES = 8
_BEARABLE = 0.4
_SLOWEST = 5.0
"""How many are tried first, which part of the time a processor may spend on them, and new ones a second at least."""

_TOO_MUCH = 1.0
_AGAIN = 10.0
"""Seconds: where the machine stands still for longer, half the rate is what it can bear, until quiet for so long."""


class Control:
    """One connection after the other; `fd` is that which is under way, -1 if none is."""

    def __init__(self, poll: select.epoll) -> None:
        self.poll = poll
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.socket: socket.socket | None = None
        self.began = 0.0
        self.fd = -1

    def begin(self, now: float) -> None:
        """Begin the next one when it is time."""
        if self.socket is not None or now < self.began + _EVERY:
            return
        self.began = time.monotonic()
        self.socket = socket.socket()
        self.socket.setblocking(False)
        self.socket.connect_ex(self.listener.getsockname())
        self.fd = self.socket.fileno()
        self.poll.register(self.fd, select.EPOLLOUT)

    def waiting(self, now: float) -> float:
        """For how long the one under way has been waiting."""
        return now - self.began if self.socket is not None else 0.0

    def end(self) -> None:
        """It is through."""
        if self.socket is not None:
            self.socket.close()
        self.socket, self.fd = None, -1
        try:
            self.listener.accept()[0].close()
        except BlockingIOError:
            return

    def close(self) -> None:
        """No more of them."""
        self.end()
        self.listener.close()


class Pace:
    """New ones a second, when the next one is due, and the times, from and to, in which the machine stood still."""

    def __init__(self, rate: float) -> None:
        self.rate = self.lowest = self._most = rate
        self.due = 0.0
        self.stalls: list[tuple[float, float]] = []
        self._since = 0.0

    def stood_still(self, now: float, *seconds: float) -> None:
        """Note that it had no time for a process, or not for its packets, until now; once for each time, slow down."""
        self.stalls += [(now - late, now) for late in seconds if late > STALL]
        late = max(seconds)
        if late > _TOO_MUCH and now - late > self._since:
            self.rate = min(self.rate, max(self.rate / 2, _SLOWEST))
            self.lowest = min(self.lowest, self.rate)
            self._since = self.due = now
        elif late < STALL and now - self._since > _AGAIN and self.rate < self._most:
            self.rate = min(self.rate * 2, self._most)
            self._since = now


def bearable(target: Target, sources: Sequence[str]) -> float:
    """Connections a second that this processor can bear beside its other work."""
    took = []
    for number in range(_SAMPLES):
        began = time.monotonic()
        try:
            with clients.connect(target, target.port, sources[number % len(sources)]) as opened:
                clients.ping(opened, target.speech)
        except OSError:
            break
        took.append(time.monotonic() - began)
    return max(_BEARABLE / median(took), _SLOWEST) if took else _SLOWEST
