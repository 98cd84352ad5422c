"""A lab that stays up, and its visitors: announces a lab to later runs, finds the one that is up, runs commands there.

A file in the user's cache says which lab is up; whoever keeps it holds a lock on that file, so a lab that was killed is
told from one that runs. Commands and what they say cross in a spool folder, see `lvsgen.lab.guest.visits`.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets as random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from lvsgen.lab import kernel
from lvsgen.lab.guest.visits import STOP
from lvsgen.lab.kernel import CannotPlay

_PAUSE = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """A lab that is up: its cluster, its hosts, and where commands go."""

    cluster: str
    hosts: tuple[str, ...]
    spool: Path


def _note() -> Path:
    return kernel.cache_folder().parent / "lab.json"


@contextmanager
def announced(lab: Lab) -> Iterator[None]:
    """While this lasts, visitors find the lab."""
    note = _note()
    note.parent.mkdir(parents=True, exist_ok=True)
    # Opened without being emptied: it may be another lab's.
    with open(os.open(note, os.O_RDWR | os.O_CREAT, 0o600), "r+") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotPlay("a lab is up already; `lvsgen lab stop` ends it") from None
        lab.spool.mkdir(parents=True)
        held.truncate()
        held.write(json.dumps({"cluster": lab.cluster, "hosts": lab.hosts, "spool": str(lab.spool)}))
        held.flush()
        try:
            yield
        finally:
            held.truncate(0)


def running() -> Lab:
    """The lab that is up."""
    nothing = "no lab is up; `lvsgen lab PATH --keep` leaves one up"
    try:
        with open(_note()) as held:
            text = held.read()
            if not _is_locked(held.fileno()):
                raise CannotPlay(f"{nothing} (the last one was killed)" if text else nothing)
    except FileNotFoundError:
        raise CannotPlay(nothing) from None
    said = json.loads(text)
    return Lab(cluster=said["cluster"], hosts=tuple(said["hosts"]), spool=Path(said["spool"]))


def _is_locked(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


def execute(
    lab: Lab, host: str, command: Sequence[str], out: Callable[[bytes], None], err: Callable[[bytes], None]
) -> int:
    """Run a command inside a host; what it says is handed on as it comes. Returns its exit code."""
    place = str(lab.spool / random.token_hex(8))
    read = {"out": 0, "err": 0}

    def hand_on() -> None:
        for name, take in (("out", out), ("err", err)):
            if data := _beyond(Path(f"{place}.{name}"), read[name]):
                read[name] += len(data)
                take(data)

    request = Path(f"{place}.new")
    request.write_text(json.dumps({"host": host, "command": list(command)}))
    request.rename(f"{place}.json")
    ended = Path(f"{place}.rc")
    try:
        while not ended.exists():
            if not lab.spool.exists():
                raise CannotPlay("the lab ended before the command did")
            hand_on()
            time.sleep(_PAUSE)
        hand_on()
        return int(ended.read_text())
    finally:
        if not ended.exists() and lab.spool.exists():
            Path(f"{place}.end").touch()


def _beyond(path: Path, offset: int) -> bytes:
    try:
        with open(path, "rb") as source:
            source.seek(offset)
            return source.read()
    except FileNotFoundError:
        return b""


def stop(lab: Lab) -> None:
    """End the lab, and wait until it has gone."""
    (lab.spool / STOP).touch()
    while lab.spool.exists():
        time.sleep(_PAUSE)
