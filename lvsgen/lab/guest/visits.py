"""Runs what a visitor asks for inside the machines of a lab that stays up, until somebody says `stop`.

In the spool folder, `N.json` names a machine and the words of a command. `N.out` and `N.err` take what it says, as it
says it, and `N.rc` its exit code when it has ended. A file `N.end` asks for its end, a file `stop` for that of all.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from lvsgen.lab.guest.namespaces import Host, leave

STOP = "stop"
_PAUSE = 0.1


def serve(hosts: Mapping[str, Host], spool: Path) -> None:
    """Do what is asked."""
    running: dict[str, int] = {}
    while not (spool / STOP).exists():
        for path in sorted(spool.glob("*.json")):
            asked = json.loads(path.read_text())
            path.unlink()
            running[path.stem] = _start(hosts[asked["host"]], asked["command"], spool / path.stem)
        for name, child in list(running.items()):
            if (spool / f"{name}.end").exists():
                os.killpg(child, signal.SIGKILL)
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                del running[name]
                told = spool / f"{name}.new"
                told.write_text(str(os.waitstatus_to_exitcode(status) & 255))
                told.rename(spool / f"{name}.rc")
        time.sleep(_PAUSE)
    for child in running.values():
        os.killpg(child, signal.SIGKILL)


def _start(host: Host, command: Sequence[str], place: Path) -> int:
    """A child, the leader of its group, whose child is the command: a process namespace takes only children in."""
    child = os.fork()
    if child:
        os.setpgid(child, child)
        return child
    try:
        os.setpgid(0, 0)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(f"{place}.out", flags, 0o600), 1)
        os.dup2(os.open(f"{place}.err", flags, 0o600), 2)
        host.enter(processes=True)
        grandchild = os.fork()
        if grandchild == 0:
            _become(command)
        code = os.waitstatus_to_exitcode(os.waitpid(grandchild, 0)[1])
        leave(code if code >= 0 else 128 - code)
    finally:
        leave(126)


def _become(command: Sequence[str]) -> None:
    """As shells report it: 127 if there is no such program, 126 if it cannot be run."""
    try:
        os.execvp(command[0], tuple(command))  # noqa: S606  # [a visitor's own command, in the visitor's own lab]
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        leave(127 if isinstance(error, FileNotFoundError) else 126)
