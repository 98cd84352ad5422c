"""Hosts to run lvs.sh on: a network and a mount namespace of their own, with a private /run and a short-lived state."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from lvsgen.resources import read_text
from lvsgen.sums import HEADER
from tests import tools

_SCRATCH = tempfile.TemporaryDirectory(prefix="lvsgen-test-")
SCRIPT = Path(_SCRATCH.name) / "lvs.sh"
SCRIPT.write_text(read_text("templates/lvs.sh"))
MODEL = Path(__file__).parent / "ipvsadm.py"

SNAPSHOT = r"""
ip -o address show | sed -e 's/valid_lft .*//' -e 's/ tentative//'; ip -o link show | cut -d ' ' -f 2,3,5
ip -4 route show table all; ip -6 route show table all | grep -v fe80; ip -4 rule; ip -6 rule
cd /proc/sys/net && grep -r . ipv4/conf ipv4/ip_forward ipv6/conf 2>/dev/null | sort
{ iptables-save; ip6tables-save; } 2>/dev/null | grep -v -e '^#' -e '^:[A-Z]* ACCEPT' -e '^[*]' -e '^COMMIT'
nft list tables | grep -v -E ' (mangle|nat|filter)$'
ls -A /etc/keepalived; cat /etc/keepalived/keepalived.conf
ls -A /run/lvsgen
"""


def write_folder(
    folder: Path, host: str, files: Mapping[str, str], writer: str = "script", roles: str = "realserver"
) -> Path:
    """What `lvsgen build` leaves for a host, from data lines."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    facts = f"cluster=shop\nhost={host}\nroles={roles}\nwriter={writer}\n"
    for name, text in {"host.conf": facts, **files}.items():
        (folder / name).write_text(f"{HEADER}\n{text}")
    (folder / "lvs.sh").write_bytes(SCRIPT.read_bytes())
    (folder / "lvs.sh").chmod(0o755)
    sums = [f"{hashlib.sha256(p.read_bytes()).hexdigest()}  {p.name}\n" for p in sorted(folder.iterdir())]
    (folder / "lvsgen.sum").write_text(f"{HEADER}\n# cluster: shop\n{''.join(sums)}")
    return folder


def _begin() -> subprocess.Popen[str]:
    """A process that holds the namespaces of a machine, and says when all is made."""
    prepare = (
        "mount -t tmpfs run /run && mkdir -p /etc/keepalived && mount -t tmpfs etc /etc/keepalived && "
        "ip link set lo up && ip link add eth0 type veth peer name wire && "
        "for k in accept_dad dad_transmits; do echo 0 >/proc/sys/net/ipv6/conf/eth0/$k; done; "
        "ip link set wire up && ip link set eth0 up && ip address add 10.1.1.1/24 dev eth0 && "
        "ip address add 2001:db8::1/64 dev eth0 nodad && ip route add default via 10.1.1.7 && "
        "ip route add default via 10.1.1.8 metric 100 && ip route add default via 2001:db8::7 && "
        "echo ready && exec cat"
    )
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
    command = [tools.need("unshare"), "-n", "-m", "sh", "-c", prepare]
    # It ends with the tests, however they end: its standard input is theirs.
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def _end(holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.communicate()


_next: list[subprocess.Popen[str]] = []
"""The holder of the next machine: IPv6 takes more than a second to settle there, while the test before it runs."""


@atexit.register
def _end_next() -> None:
    for holder in _next:
        _end(holder)


class Machine:
    """eth0 with 10.1.1.1/24 and 2001:db8::1/64, a default route of each family, Debian's rp_filter."""

    def __init__(self, folder: Path, shell: str = "dash") -> None:
        self.folder = folder
        self.shell = shell.split()
        self.programs = folder.parent / "programs"
        self.programs.mkdir()
        self.environment = {
            "LVSGEN_HOST": "rs1",
            "LVSGEN_ETC": str(folder.parent / "etc"),
            "LVSGEN_IP_VS": str(folder.parent / "ip_vs"),
            "IPVSADM_TABLE": str(folder.parent / "table"),
        }
        (folder.parent / "ip_vs").write_text("IP Virtual Server version 1.2.1 (size=4096)\n")
        self.interfere(0, "")
        self.holder = _next.pop() if _next else _begin()
        _next.append(_begin())
        assert self.holder.stdout is not None
        if self.holder.stdout.readline() != "ready\n":
            tools.lacking("network namespaces are not allowed here: run the tests as root")
        self._settle()

    def _settle(self) -> None:
        """Wait for what IPv6 does by itself after devices are up: routes of both, and then nothing new for a while."""
        before, quiet = [""], 0
        for _ in range(400):
            local = self.run("ip -6 route show table local")
            ready = "local 2001:db8::1 " in local and all(
                any(line.startswith(start) and f"dev {device} " in line for line in local.splitlines())
                for start in ("local fe80", "multicast ff00::/8")
                for device in ("eth0", "wire")
            )
            now = self.snapshot()
            quiet = quiet + 1 if ready and now == before else 0
            if quiet == 2:
                return
            before = now
            time.sleep(0.02)
        raise AssertionError("the network namespace does not settle")

    def close(self) -> None:
        _end(self.holder)

    def command(self, *words: str) -> list[str]:
        return ["nsenter", "-t", str(self.holder.pid), "-n", "-m", f"--wd={os.getcwd()}", "--", *words]

    def env(self) -> dict[str, str]:
        # Programs of a test come first; the tools of root last.
        path = f"{self.programs}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
        return {**os.environ, **self.environment, "PATH": path}

    def run(self, script: str) -> str:
        done = subprocess.run(
            self.command("sh", "-c", script), capture_output=True, text=True, env=self.env(), stdin=subprocess.DEVNULL
        )
        return done.stdout

    def lvs(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        script = self.command(*self.shell, str(self.folder / "lvs.sh"), *words)
        done = subprocess.run(
            ["sh", "-c", 'export LVS_SH_GROUP=$$; exec "$@"', "sh", *script],
            capture_output=True,
            text=True,
            env=self.env(),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def program(self, name: str, script: str) -> None:
        """Puts a program before those of the system; MODEL stands for the model of ipvsadm or keepalived."""
        path = self.programs / name
        model = MODEL.with_stem("keepalived") if name == "keepalived" else MODEL
        path.write_text("#!/bin/sh\n" + script.replace("MODEL", f"{sys.executable} -IS {model}"))
        path.chmod(0o755)

    def interfere(self, calls: int, action: str) -> None:
        """From so many calls of these programs on, each runs `action` first; 0: leave them alone."""
        counter = self.programs / "calls"
        counter.write_text("")
        for name in ("ip", "mv", "iptables", "iptables-restore", "ipvsadm"):
            real = "MODEL" if name == "ipvsadm" else shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
            if calls:
                when = f'echo >>{counter}\n[ "$(wc -l <{counter})" -ne {calls} ] || {action}\n'
                self.program(name, f'{when}exec {real} "$@"\n')
            elif name != "ipvsadm":
                (self.programs / name).unlink(missing_ok=True)
            else:
                self.program(name, f'exec {real} "$@"\n')

    def snapshot(self) -> list[str]:
        return self.run(SNAPSHOT).splitlines()
