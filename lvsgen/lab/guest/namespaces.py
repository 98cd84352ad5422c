"""A machine of the lab: network, mount, host name and process namespaces, and ways to do something in there.

Entered by setns(2) from forked children: `ip netns exec` for each command would double what a fork costs in an emulated
processor.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from lvsgen.lab.guest.wire import Machine

_NEWNS, _NEWUTS, _NEWPID, _NEWNET = 0x00020000, 0x04000000, 0x20000000, 0x40000000
_PRIVATE = 0x44000  # MS_PRIVATE | MS_REC
_libc = ctypes.CDLL(None, use_errno=True)


class Trouble(Exception):
    """The lab itself does not work here; no verdict on a cluster."""


def _check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def _mount(kind: str, target: str, options: str = "") -> None:
    _check(_libc.mount(kind.encode(), target.encode(), kind.encode(), 0, options.encode() or None), f"mount {target}")


def leave(code: int) -> NoReturn:
    """End a forked child; nothing of its parent is cleaned up or flushed."""
    os._exit(code)


@dataclass(frozen=True, slots=True)
class Ran:
    """How a shell command ended, and what it said."""

    code: int
    said: str


def wait_for(pid: int, seconds: float) -> int | None:
    """The exit code of a child; None if it takes longer, and then it is killed."""
    end = time.monotonic() + seconds
    pause = 0.005
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > end:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return None
        time.sleep(pause)
        pause = min(pause * 1.5, 0.05)


def shell(
    command: str,
    enter: Callable[[], None],
    *,
    inner: bool = True,
    seconds: float = 120,
    more: Mapping[str, str] | None = None,
) -> Ran:
    """Run a shell command after `enter`, which is called in a child. `inner`: a child of that one, as a process
    namespace takes only children in.
    """
    with tempfile.TemporaryFile() as said:
        child = os.fork()
        if child == 0:
            try:
                enter()
                grandchild = os.fork() if inner else 0
                if grandchild == 0:
                    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                    os.dup2(said.fileno(), 1)
                    os.dup2(said.fileno(), 2)
                    os.execve("/bin/sh", ["sh", "-c", command], {**os.environ, **(more or {})})  # noqa: S606  # [a program, no shell line of somebody else]
                leave(os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1]) & 255)
            finally:
                leave(126)
        code = wait_for(child, seconds)
        said.seek(0)
        text = said.read().decode(errors="replace").strip()
    return Ran(124 if code is None else code, text if code is not None else f"{text}\n(took more than {seconds:g} s)")


class Segments:
    """The network namespace that holds the bridges and the other ends of all interfaces."""

    def __init__(self, count: int) -> None:
        ready, told = os.pipe()
        self.holder = os.fork()
        if self.holder == 0:
            try:
                _check(_libc.unshare(_NEWNET), "unshare")
                os.write(told, b"1")
                while True:
                    signal.pause()
            finally:
                leave(1)
        os.close(told)
        if os.read(ready, 1) != b"1":
            raise Trouble("cannot make a network namespace")
        os.close(ready)
        self.fd = os.open(f"/proc/{self.holder}/ns/net", os.O_RDONLY)
        self.batch(
            line
            for n in range(count)
            for line in (f"link add s{n} type bridge forward_delay 0 mcast_snooping 0", f"link set s{n} mtu 1500 up")
        )

    def batch(self, lines: Iterable[str]) -> None:
        """Lines for ip(8)."""
        ran = shell(
            "ip -batch - <<'END'\n" + "\n".join(lines) + "\nEND",
            lambda: _check(_libc.setns(self.fd, 0), "setns"),
            inner=False,
        )
        if ran.code:
            raise Trouble(f"cannot build the segments: {ran.said}")

    def close(self) -> None:
        """Let them go."""
        os.kill(self.holder, signal.SIGKILL)
        os.waitpid(self.holder, 0)


class Host:
    """One machine, held open by the first process of its process namespace."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.children: list[int] = []
        read, write = os.pipe()
        maker = os.fork()
        if maker == 0:
            try:
                _check(_libc.unshare(_NEWNS | _NEWUTS | _NEWNET | _NEWPID), "unshare")
                holder = os.fork()
                if holder == 0:
                    self._hold(write)
                os.write(write, f"{holder}\n".encode())
            finally:
                leave(0)
        os.close(write)
        os.waitpid(maker, 0)
        with os.fdopen(read) as source:
            said = sorted(source.read().split())
        if len(said) != 2 or said[1] != "ready":
            raise Trouble(f"cannot make the namespaces of {machine.name}: {' '.join(said)}")
        self.pid = int(said[0])
        kinds = ("net", "uts", "mnt", "pid")
        self.fds = {kind: os.open(f"/proc/{self.pid}/ns/{kind}", os.O_RDONLY) for kind in kinds}

    def _hold(self, write: int) -> NoReturn:
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            _check(_libc.mount(b"none", b"/", None, _PRIVATE, None), "mount")
            socket.sethostname(self.machine.name)
            _mount("proc", "/proc")
            _mount("sysfs", "/sys")
            _mount("tmpfs", "/run")
            Path("/run/lock").mkdir()
            # What a host has of its own, and what a stand-in file is put into.
            for top in sorted({"etc", *(path.split("/")[1] for path in self.machine.files)} - {"run"}):
                Path("/", top).mkdir(exist_ok=True)
                for part in ("upper", "work"):
                    Path("/run/.lab", top, part).mkdir(parents=True)
                layers = f"lowerdir=/{top},upperdir=/run/.lab/{top}/upper,workdir=/run/.lab/{top}/work"
                _mount("overlay", f"/{top}", layers)
            Path("/etc/keepalived").mkdir(exist_ok=True)
            for name, text in self.machine.files.items():
                path = Path(name)
                if path.exists():
                    continue
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
                path.chmod(0o755 if text.startswith("#!") else 0o600)
            os.write(write, b"ready\n")
            os.close(write)
            while True:
                signal.pause()
        except OSError as error:
            os.write(write, f"{error}\n".encode())
        finally:
            leave(1)

    def enter(self, *, processes: bool = False) -> None:
        """Go there, for good: only in a forked child."""
        for kind, fd in self.fds.items():
            if processes or kind != "pid":
                _check(_libc.setns(fd, 0), "setns")
        os.chdir("/")

    def run(self, command: str, seconds: float = 120, **environment: str) -> Ran:
        """Run a shell command there."""
        return shell(command, lambda: self.enter(processes=True), seconds=seconds, more=environment)

    def must(self, command: str) -> str:
        """Run a shell command that belongs to the lab; returns what it said."""
        ran = self.run(command)
        if ran.code:
            raise Trouble(f"{self.machine.name}: {command.splitlines()[0][:200]}: {ran.said}")
        return ran.said

    def spawn(self, function: Callable[..., None], *arguments: object) -> int:
        """Call a function there in a child that goes on."""
        child = os.fork()
        if child == 0:
            try:
                self.enter()
                function(*arguments)
            finally:
                leave(1)
        self.children.append(child)
        return child

    def call(self, function: Callable[..., Any], *arguments: object, seconds: float = 120) -> Any:
        """The result of a function that is called there; it must be plain values."""
        with tempfile.TemporaryFile("w+") as out:
            child = os.fork()
            if child == 0:
                try:
                    self.enter()
                    json.dump(function(*arguments), out)
                    out.flush()
                    leave(0)
                except Exception as error:
                    out.seek(0)
                    out.write(f"{type(error).__name__}: {error}")
                    out.flush()
                finally:
                    leave(1)
            code = wait_for(child, seconds)
            out.seek(0)
            text = out.read()
        if code != 0:
            raise Trouble(f"{self.machine.name}: {function.__name__}: {text or f'took more than {seconds:g} s'}")
        return json.loads(text)

    def end(self, child: int) -> None:
        """Kill a child that `spawn` made."""
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        self.children.remove(child)

    def close(self) -> None:
        """Let the machine go, with everything that runs on it."""
        for child in list(self.children):
            self.end(child)
        os.kill(self.pid, signal.SIGKILL)
        for fd in self.fds.values():
            os.close(fd)
