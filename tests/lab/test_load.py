"""The generator, against responders of this machine: what it counts, and that it does not hide its own delays."""

from __future__ import annotations

import io
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from lvsgen.lab.guest import load
from lvsgen.lab.guest.control import Pace, bearable
from lvsgen.lab.guest.noticed import kept, noticed
from lvsgen.lab.guest.record import RESET, STALLED, Attempt, Held, Record, decode
from lvsgen.lab.guest.wire import Target

SOURCES = ("127.0.0.1", "127.0.0.2", "127.0.0.3")


class Responder:
    """Answers PING lines, until it is closed: then every connection is reset and new ones are refused."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=500)
        self.port: int = self.listener.getsockname()[1]
        self.open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, peer = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self._answer, args=(connection, peer[0]), daemon=True).start()

    @staticmethod
    def _answer(connection: socket.socket, peer: str) -> None:
        try:
            while connection.recv(100):
                connection.sendall(f"rs1 {peer}\n".encode())
        except OSError:
            pass
        connection.close()

    def close(self) -> None:
        """With a reset of all connections."""
        if self.listener.fileno() >= 0:
            self.listener.shutdown(socket.SHUT_RDWR)
            self.listener.close()
        for one in self.open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


@pytest.fixture
def responder() -> Iterator[Responder]:
    made = Responder()
    yield made
    made.close()


def generated(port: int, *, rate: float = 200, held: int = 0, before_end: Callable[[], None] | None = None) -> Record:
    """What a generator saw in a third of a second, and while something happens before it ends."""
    ours, theirs = socket.socketpair()
    out = io.StringIO()
    target = Target(client="client", ip="127.0.0.1", port=port)
    thread = threading.Thread(target=load.generate, args=(target, SOURCES, rate, 60, 0, held, theirs, out))
    thread.start()
    assert ours.recv(1) == b"x"
    thread.join(0.3)
    if before_end:
        before_end()
        thread.join(1)
    ours.send(b"x")
    thread.join(30)
    assert not thread.is_alive()
    ours.close()
    theirs.close()
    return decode(json.loads(out.getvalue()))


@pytest.fixture(autouse=True)
def same_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "nice", lambda step: 0)


def test_all_are_served_from_all_addresses(responder: Responder) -> None:
    record = generated(responder.port, held=3)
    assert {one.result for one in record.attempts} == {"ok"}
    assert {one.realserver for one in record.attempts} == {"rs1"}
    assert kept(record.held) == ("3 of 3 established connections survive (3 rs1)", 0)
    dues = sorted(one.due for one in record.attempts)
    assert dues == pytest.approx([record.since + n / record.rate for n in range(len(dues))]), "no answer delays others"
    assert all(one.start >= one.due for one in record.attempts)


@pytest.mark.parametrize(("seconds", "least", "count"), [(0.4, 9, 2), (60, 3, 3), (60, 0, 0)])
def test_what_bounds_it(responder: Responder, seconds: float, least: int, count: int) -> None:
    """Told to stop at once: it still begins as many as it must, but no more than its time allows."""
    ours, theirs = socket.socketpair()
    out = io.StringIO()
    target = Target(client="client", ip="127.0.0.1", port=responder.port)
    ours.send(b"x")
    load.generate(target, SOURCES, 5, seconds, least, 0, theirs, out)
    assert len(decode(json.loads(out.getvalue())).attempts) == max(count, 1)
    ours.close()
    theirs.close()


def test_the_rate_is_one_that_this_machine_bears(responder: Responder) -> None:
    target = Target(client="client", ip="127.0.0.1", port=responder.port)
    assert bearable(target, SOURCES) > 5
    responder.close()
    assert bearable(target, SOURCES) == 5


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    record = generated(port, held=1)
    assert {one.result for one in record.attempts} == {"refused"}
    assert kept(record.held)[1] == 1


def test_nobody_answers_the_handshake() -> None:
    """A full backlog: the kernel drops what comes then."""
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())
        second.setblocking(False)
        second.connect_ex(full.getsockname())
        record = generated(full.getsockname()[1])
    assert {one.result for one in record.attempts} == {"no answer"}
    assert not any(end - begin > 0.8 for begin, end in record.stalls), "the machine itself has time"


def test_what_is_reset_is_seen(responder: Responder) -> None:
    record = generated(responder.port, held=2, before_end=responder.close)
    assert [one.result for one in record.held] == ["reset", "reset"]
    assert kept(record.held) == ("0 of 2 established connections survive; 2 reset (rs1)", 2)


def test_where_the_machine_stands_still_the_rate_is_halved_once_and_comes_back() -> None:
    pace = Pace(40)
    pace.stood_still(10, 0.1, 0.3)
    assert (pace.rate, len(pace.stalls), pace.stalls[0][1]) == (40, 1, 10)
    for now in (20, 20.5, 21):
        pace.stood_still(now, 0, now - 18.5)
    assert (pace.rate, pace.due) == (20, 20)
    for now in (30, 40, 50):
        pace.stood_still(now, 2)
    assert pace.rate == 5
    for now in (51, 61, 62, 72, 83, 94):
        pace.stood_still(now, 0, 0.1)
    assert (pace.rate, pace.lowest) == (40, 5)


def attempts(*results: str, rate: float = 10) -> tuple[Attempt, ...]:
    """One every tenth of a second; an empty one was not begun."""
    return tuple(
        Attempt(n / rate, n / rate, n / rate + 0.05, result, "rs1") for n, result in enumerate(results) if result
    )


def record(*results: str, until: float = 100, stalls: tuple[tuple[float, float], ...] = ()) -> Record:
    return Record(attempts=attempts(*results), held=(), stalls=stalls, rate=10, since=0, until=until)


def test_a_window_reaches_from_the_last_served_to_the_next() -> None:
    found = noticed(record("ok", "refused", "refused", "ok", "no answer", "ok"), 0, 0.6)
    assert (found.count, found.lost, found.failed) == (6, 3, {"refused": 2, "no answer": 1})
    assert found.window == pytest.approx(0.3)
    assert found.seen == "3 of 6 new connections failed (1 no answer, 2 refused), 0.30 s without service (at 10/s)"


def test_a_window_that_does_not_end_reaches_to_the_end() -> None:
    assert noticed(record("ok", "refused"), 0, 5).window == pytest.approx(5)
    assert noticed(record("refused", "refused"), 0, 5).window == pytest.approx(5)


def test_a_span_of_time_has_its_own_connections() -> None:
    found = noticed(record("refused", "refused", "ok", "ok"), 0.15, 0.4)
    assert (found.count, found.lost, found.window) == (2, 0, 0)


def test_a_generator_that_stands_still_has_seen_nothing() -> None:
    found = noticed(record(*["ok"] * 5, *[""] * 20, "ok"), 0, 2.6)
    assert found.lost == 0
    assert found.doubt == "the generator did not keep its rate: for 2.0 s it began no connection"
    assert found.seen == "all 6 new connections served (at 10/s); none begun for 2.00 s"


def test_a_failure_beside_a_pause_counts_with_all_of_the_pause() -> None:
    """What nobody asked in between was not proved to be served."""
    assert noticed(record("ok", "", "", "", "refused", "", "", "ok"), 0, 0.8).window == pytest.approx(0.7)


def test_what_happens_while_the_machine_stands_still_is_nobody_s_fault() -> None:
    found = noticed(record("ok", "no answer", "ok", "refused", "ok", stalls=((0.05, 0.3),)), 0, 0.5)
    assert (found.count, found.lost, found.doubtful) == (4, 1, 1), "who is refused has had an answer"
    assert found.window == pytest.approx(0.2)
    assert found.doubt == "this machine is too slow: it stood still itself"
    elsewhere = noticed(record("ok", "no answer", "ok", stalls=((5, 6),)), 0, 0.3)
    assert (elsewhere.lost, elsewhere.doubtful) == (1, 0)


def test_few_losses_beside_many_of_a_machine_that_stands_still_prove_nothing() -> None:
    silent = ["no answer"] * 20
    stalls = ((0.1, 2.0),)
    assert noticed(record("ok", *silent, *["ok"] * 20, "no answer", stalls=stalls), 0, 5).drowned
    assert not noticed(record("ok", *silent, *["ok"] * 20, "refused", stalls=stalls), 0, 5).drowned
    assert not noticed(record("ok", *silent, *["ok"] * 20, *silent, stalls=stalls), 0, 7).drowned
    assert not noticed(record("ok", "no answer", "ok"), 0, 1).drowned


def test_a_generator_that_has_ended_has_seen_nothing() -> None:
    assert noticed(record("ok", "ok", until=0.2), 0, 0.2).doubt == ""
    assert "before the end" in noticed(record("ok", "ok", until=0.2), 0, 9).doubt


def test_one_lost_and_one_silent() -> None:
    held = [
        Held("rs1"),
        Held("rs2", silence=2.5),
        Held("rs2", RESET),
        Held("rs1", STALLED),
    ]
    text = (
        "2 of 4 established connections survive (1 rs1, 1 rs2); 1 reset (rs2); 1 stalled (rs1); longest silence 2.5 s"
    )
    assert kept(held) == (text, 2)
