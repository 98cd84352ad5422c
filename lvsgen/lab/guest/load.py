"""New connections to a service at a rate that waits for none (open loop), and some that stay: a process of its own.

A client that waited for an answer before it asks again would be stuck in one connection while the service is away, and
so miss all that others lose meanwhile. Here each connection has the time at which it is due, and the record has both
that and when it really began: whoever reads it sees whether the generator kept its own rate.

Takes a target and the highest rate, writes a `Record` as JSON when it is told to stop. A few connections one after the
other come first: what they take says which rate an emulated processor can bear beside its other work. A new connection
fails if its handshake takes longer than the first packet of it may (then a packet was lost, tcp(7): it is sent again
after a second), or if its answer does not come; an answer may take its time.
"""

from __future__ import annotations

import errno
import json
import math
import os
import select
import socket
import ssl
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TextIO

from lvsgen.lab.guest import clients
from lvsgen.lab.guest.control import Control, Pace, bearable
from lvsgen.lab.guest.record import RESET, SILENCE, STALLED, Attempt, Held, Record, encode
from lvsgen.lab.guest.wire import Target

SPOKEN = ("text", "tls", "smtp", "dns", "ftp")
"""What it can talk about with realservers; of TLS it makes the connection alone."""

HANDSHAKE, ANSWER = 0.9, 15.0
"""Seconds that a client waits: for the handshake, and then for the answer."""

_EVERY = 0.5
"""Seconds between two uses of a connection that stays."""
_GRACE = 15.0
"""Seconds at the end for what is still unanswered: TCP sends again after 0.2 s, and twice as long each time."""
_LONGEST = 300.0
_BURST = 50
_FLYING = 700
_UNANSWERED = 50
"""Connections begun in one go, under way at a time, and of these with a realserver that has not answered yet: with
more, the load itself would be what is in the way. Who holds back is late, and so it is said.
"""


def generate(
    target: Target,
    sources: Sequence[str],
    rate: float,
    seconds: float,
    least: int,
    held: int,
    orders: socket.socket,
    out: TextIO,
) -> None:
    """Load a service until `orders` has something and `least` connections were served (or twice as many have begun),
    for `seconds` at most, and write the record to `out`.

    One byte on `orders` says that the connections that stay are open and the load begins.
    """
    os.nice(-10)  # who is late here misses something there
    rate = min(rate, bearable(target, sources))
    generator = _Generator(target, sources, rate, math.ceil(rate * seconds), least, orders)
    generator.hold(held)
    orders.send(b"x")
    generator.run()
    record = Record(
        attempts=tuple(generator.done),
        held=tuple(generator.held),
        stalls=tuple(generator.pace.stalls),
        rate=generator.pace.lowest,
        since=generator.since,
        until=generator.until,
    )
    json.dump(encode(record), out)
    out.flush()


@dataclass(slots=True, eq=False)
class _Flying:
    """A new connection that has not ended."""

    socket: socket.socket
    due: float
    start: float
    connected: float = 0
    ended: bool = False


@dataclass(slots=True, eq=False)
class _Kept:
    """A connection that stays; `asked` is when, while it waits for an answer."""

    socket: socket.socket
    held: Held
    used: float = 0
    asked: float = 0


class _Generator:
    def __init__(
        self, target: Target, sources: Sequence[str], rate: float, count: int, least: int, orders: socket.socket
    ) -> None:
        self.target = target
        self.sources = sources
        self.pace = Pace(rate)
        self.count = count
        self.least = min(least, count)
        self.number = 0
        self.served = 0
        self.told = False
        self.orders = orders
        self.poll = select.epoll()
        self.poll.register(orders.fileno(), select.EPOLLIN)
        self.flying: dict[int, _Flying] = {}
        self.young: deque[_Flying] = deque()
        self.old: deque[_Flying] = deque()
        self.kept: dict[int, _Kept] = {}
        self.held: list[Held] = []
        self.done: list[Attempt] = []
        self.control = Control(self.poll)
        self.since = 0.0
        self.until = 0.0
        self.stopping = 0.0

    def hold(self, number: int) -> None:
        """Open those that stay; the kernel copies a connection to the backup only after some packets."""
        for n in range(number):
            source = self.sources[n % len(self.sources)]
            try:
                opened = clients.connect(self.target, self.target.port, source, ANSWER)
                for _ in range(8):
                    words = clients.ping(opened, self.target.speech)
            except OSError as error:
                self.held.append(Held("nobody", clients.error_name(error), time.monotonic()))
                continue
            opened.setblocking(False)
            self.held.append(Held(words[0]))
            self.kept[opened.fileno()] = _Kept(opened, self.held[-1])
            self.poll.register(opened.fileno(), select.EPOLLIN)

    def run(self) -> None:
        """Until it is told to stop and everything under way has ended, or too much time has gone by."""
        pace = self.pace
        self.since = self.until = pace.due = time.monotonic()
        last = self.since + self.count / pace.rate + _LONGEST
        while not self._over(last):
            now = time.monotonic()
            self.control.begin(now)
            for _ in range(_BURST):
                if self._enough or pace.due > time.monotonic() or self._full:
                    break
                self._begin(pace.due, self.sources[self.number % len(self.sources)])
                self.number += 1
                self.until = pace.due = pace.due + 1 / pace.rate
            if self.told and self._enough and not self.stopping:
                self.until = max(self.until, now) if self.number < self.count else self.until
                self._use(now + _EVERY)
                self.stopping = now
            self._use(now)
            pause = 0.1 if self._enough else min(pace.due - time.monotonic(), 0.1)
            for fd, _ in self.poll.poll(max(0.0, pause)):
                self._happens(fd)
            after = time.monotonic()
            pace.stood_still(after, after - now - max(0.0, pause), self.control.waiting(after))
            # Judged by the time before they were looked at: what is there by then has not come too late.
            self._expire(now)
        for one in self.kept.values():
            if one.asked:
                one.held.result, one.held.at = STALLED, one.asked
            one.socket.close()
        self.control.close()
        self.poll.close()

    @property
    def _full(self) -> bool:
        answering = sum(not one.ended for one in self.old)
        return len(self.flying) >= _FLYING or answering >= _UNANSWERED

    @property
    def _enough(self) -> bool:
        served = max(self.served, self.number // 2)
        return self.number >= self.count or (self.told and served >= self.least)

    def _over(self, last: float) -> bool:
        now = time.monotonic()
        if now > last:
            return True
        if not self.stopping:
            return False
        quiet = not self.flying and all(one.asked == 0 for one in self.kept.values())
        return quiet or now > self.stopping + _GRACE

    def _happens(self, fd: int) -> None:
        if fd == self.orders.fileno():
            self.poll.unregister(fd)
            self.told = True
        elif fd == self.control.fd:
            self.control.end()
        elif fd in self.kept:
            self._hears(self.kept[fd])
        elif fd in self.flying:
            self._goes_on(self.flying[fd])

    # New ones.

    def _begin(self, due: float, source: str) -> None:
        target = self.target
        family = socket.AF_INET6 if ":" in target.ip else socket.AF_INET
        datagram = target.protocol == "udp"
        protocol = socket.IPPROTO_SCTP if target.protocol == "sctp" else 0
        opened = socket.socket(family, socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM, protocol)
        one = _Flying(opened, due, time.monotonic())
        self.flying[opened.fileno()] = one
        opened.setblocking(False)
        try:
            opened.bind((source, 0))
            code = opened.connect_ex((target.ip, target.port))
            if code not in (0, errno.EINPROGRESS):
                raise _error(code)
            self.poll.register(opened.fileno(), select.EPOLLIN if datagram else select.EPOLLOUT)
            if datagram:
                self._connected(one)
            else:
                self.young.append(one)
        except OSError as error:
            self._ends(one, clients.error_name(error))

    def _connected(self, one: _Flying) -> None:
        one.connected = time.monotonic()
        if self.target.speech == "tls":
            self._ends(one, "ok")
            return
        self.old.append(one)
        if self.target.speech not in clients.GREETED:
            one.socket.send(b"PING\n")

    def _goes_on(self, one: _Flying) -> None:
        try:
            if not one.connected:
                code = one.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if code:
                    raise _error(code)
                self.poll.modify(one.socket.fileno(), select.EPOLLIN)
                self._connected(one)
                return
            words = one.socket.recv(4096).decode(errors="replace").split()
            if not words:
                raise _error(errno.ECONNRESET)
            self._ends(one, "ok", words[self.target.speech in clients.GREETED])
        except OSError as error:
            self._ends(one, clients.error_name(error))

    def _ends(self, one: _Flying, result: str, realserver: str = "") -> None:
        del self.flying[one.socket.fileno()]
        one.socket.close()
        one.ended = True
        self.served += result == "ok"
        self.done.append(Attempt(one.due, one.start, time.monotonic(), result, realserver))

    def _expire(self, now: float) -> None:
        while self.young and (self.young[0].connected or self.young[0].ended or self.young[0].start + HANDSHAKE < now):
            one = self.young.popleft()
            if not one.connected and not one.ended:
                self._ends(one, SILENCE)
        while self.old and (self.old[0].ended or self.old[0].connected + ANSWER < now):
            one = self.old.popleft()
            if not one.ended:
                self._ends(one, SILENCE)

    # Those that stay.

    def _use(self, now: float) -> None:
        for one in list(self.kept.values()):
            if not one.asked and now >= one.used + _EVERY:
                one.used = one.asked = time.monotonic()
                try:
                    one.socket.send(b"NOOP\r\n" if self.target.speech in clients.GREETED else b"PING\n")
                except OSError as error:
                    self._lost(one, error)

    def _hears(self, one: _Kept) -> None:
        try:
            if not one.socket.recv(4096):
                raise _error(errno.ECONNRESET)
        except (ssl.SSLWantReadError, BlockingIOError):
            return
        except OSError as error:
            self._lost(one, error)
            return
        one.held.silence = max(one.held.silence, time.monotonic() - one.asked)
        one.asked = 0

    def _lost(self, one: _Kept, error: OSError) -> None:
        del self.kept[one.socket.fileno()]
        one.socket.close()
        one.held.at = time.monotonic()
        one.held.result = RESET if isinstance(error, ConnectionError) else clients.error_name(error)


def _error(code: int) -> OSError:
    """The exception that the kernel's number stands for."""
    return OSError(code, os.strerror(code))
