#!/usr/bin/env python3
"""A model of keepalived: it writes its virtual services, and holds all VIPs of its file.

As careless as the real one (ipvs_talk and clear_diff_services in its source): what is in the table already stays as it
is, what its file does not name it does not see, and what leaves its file goes in its own time.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

_SLOW = 0.7

Table = dict[str, list[str]]


def described(text: str) -> Table:
    """Keys of services, each with the lines of its realservers."""
    found: Table = {}
    for address, port, body in re.findall(r"^virtual_server (\S+) (\d+) \{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL):
        key = f"-t {address}:{port}"
        found[key] = [
            f"{key} -r {ip}:{to} -g -w {weight}"
            for ip, to, weight in re.findall(r"real_server (\S+) (\d+) \{\n\s+weight (\d+)", body)
        ]
    return found


def vips(text: str) -> list[list[str]]:
    """Address and device of each VIP."""
    return [line.split() for line in re.findall(r"^ +(\S+/\d+ dev \S+)", text, re.MULTILINE)]


def ipvsadm(words: str) -> None:
    """What the kernel refuses is for the log."""
    subprocess.run(["ipvsadm", *words.split()], check=False, capture_output=True)


def write(old: Table, new: Table) -> None:
    """From what it wrote before to what it writes now."""
    for key in old.keys() - new.keys():
        ipvsadm(f"-D {key}")
    for key, members in new.items():
        if key not in old:
            ipvsadm(f"-A {key} -s rr")
        for gone in set(old.get(key, [])) - set(members):
            ipvsadm(f"-d {' '.join(gone.split()[:4])}")
        for line in members:
            if line not in old.get(key, []):
                ipvsadm(f"-a {line}")


def main(conf: str, pidfile: str) -> None:
    """Serve until SIGTERM; read the file again at SIGHUP."""
    Path("/proc/self/comm").write_text("keepalived")
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP, signal.SIGTERM])
    Path(pidfile).write_text(f"{os.getpid()}\n")
    now: Table = {}
    held: list[list[str]] = []
    while True:
        text = Path(conf).read_text()
        for address in vips(text):
            subprocess.run(["ip", "address", "add", *address], check=False, capture_output=True)
            held.append(address)
        write(now, described(text))
        now = described(text)
        got = signal.sigwait([signal.SIGHUP, signal.SIGTERM])
        time.sleep(_SLOW)
        if got == signal.SIGTERM:
            break
    write(now, {})
    for address in held:
        subprocess.run(["ip", "address", "del", *address], check=False, capture_output=True)


if __name__ == "__main__":
    words = sys.argv[1:]
    if "-t" not in words:
        if os.fork() == 0:
            os.setsid()
            for number in (0, 1, 2, 9):
                os.dup2(os.open(os.devnull, os.O_RDWR), number)
            main(words[words.index("-f") + 1], words[words.index("-p") + 1])
        time.sleep(0.2)
