"""Takes the steps of a job, one after the other, and makes a result of each."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lvsgen.lab.guest import build, clients, diagnosis
from lvsgen.lab.guest.judge import Judgement, judge
from lvsgen.lab.guest.namespaces import Host
from lvsgen.lab.guest.snapshot import difference, snapshot
from lvsgen.lab.guest.wire import (
    Apply,
    Ask,
    Connection,
    Links,
    Owner,
    Responders,
    Result,
    Step,
    Stop,
    Subject,
    Table,
    Upload,
    Verdict,
)

_LISTEN = 0.4
"""Seconds to wait for answers to one broadcast."""

_SYNC = 4.0


class Steps:
    """The machines of one job, and what the steps leave for later ones."""

    def __init__(self, job: str, hosts: dict[str, Host], tell: Callable[[Result], None]) -> None:
        self.job = job
        self.hosts = hosts
        self.tell = tell
        self.before: dict[str, set[str]] = {}
        self.kept: dict[str, tuple[socket.socket, socket.socket, str]] = {}
        self.macs = {nic.mac: name for name, host in hosts.items() for nic in host.machine.nics}

    def take(self, step: Step) -> None:
        """Take one step."""
        match step:
            case Apply():
                self._apply(step)
            case Stop():
                self._stop(step)
            case Owner():
                self._owner(step)
            case Table():
                self._table(step)
            case Ask():
                self._ask(step)
            case Upload():
                self._upload(step)
            case Responders():
                self._responders(step)
            case Links():
                self._links(step)
            case Connection():
                self._connection(step)

    def plant(self) -> None:
        """Put things of somebody else's on the hosts, and remember how these look now."""
        for name, host in self.hosts.items():
            if host.machine.folder:
                if host.machine.foreign:
                    host.must("set -e\n" + "\n".join(host.machine.foreign))
                self.before[name] = snapshot(host)

    def _tell(self, subject: Subject, good: bool, seen: str, cause: str = "") -> None:
        verdict: Verdict = "pass" if good else "fail"
        self.tell(Result(job=self.job, subject=subject, verdict=verdict, seen=seen, cause="" if good else cause))

    def _lvs(self, name: str, verb: str) -> tuple[int, list[str]]:
        host = self.hosts[name]
        ran = host.run(f"exec {host.machine.folder}/lvs.sh {verb}", LVSGEN_HOST=name)
        return ran.code, ran.said.splitlines()

    def _apply(self, step: Apply) -> None:
        began = time.monotonic()
        code, lines = self._lvs(step.machine, "apply")
        took = f"{time.monotonic() - began:.1f} s"
        if not step.again:
            changes = sum(1 for line in lines if line[:2] in ("+ ", "~ ", "- "))
            self._tell(step.subject, code == 0, f"{step.machine}: {changes} changes in {took}", "; ".join(lines[-3:]))
            return
        good = code == 0 and lines[-1:] == ["lvs.sh: nothing to do"]
        seen = f"{step.machine}: " + ("nothing to do" if good else f"{len(lines)} lines")
        self._tell(step.subject, good, seen, "the second apply does: " + "; ".join(lines[:4]))

    def _stop(self, step: Stop) -> None:
        for name in step.machines:
            code, lines = self._lvs(name, "stop")
            if code:
                self._tell(step.subject, False, f"{name}: stop fails", "; ".join(lines[-3:]))
            elif name in step.compared:
                lines = difference(self.before[name], snapshot(self.hosts[name]))
                shown = f"{len(lines)} lines differ" if lines else "as before"
                self._tell(step.subject, not lines, f"{name}: {shown}", "; ".join(lines[:4]))

    def _who(self, step: Owner) -> list[str]:
        found = self.hosts[step.client].call(clients.who_has, step.device, step.ip, _LISTEN)
        return sorted({self.macs.get(mac, mac) for mac in found})

    def _owner(self, step: Owner) -> None:
        end = time.monotonic() + step.seconds
        while True:
            names = self._who(step)
            good = (len(names) == 1 and names[0] in step.allowed) if step.allowed else not names
            if good or time.monotonic() > end:
                break
        until = time.monotonic() + step.steady
        while good and time.monotonic() < until:
            names = self._who(step)
            good = len(names) <= 1 and set(names) <= set(step.allowed)
        seen = f"{step.ip}: {' and '.join(names) or 'nobody'}"
        cause = "" if good else diagnosis.wrong_owner(self.hosts, step.ip, names, step.allowed, step.directors)
        self._tell(step.subject, good, seen, cause or f"{' or '.join(step.allowed) or 'nobody'} must answer")

    def _table(self, step: Table) -> None:
        began = time.monotonic()
        wanted = {(key, one) for key, lines in step.lists.items() for one in lines}
        while True:
            said = self.hosts[step.machine].run("ipvsadm -Sn").said
            listed = {(key, one) for key, one in _listed(said) if key in step.lists}
            if wanted == listed or time.monotonic() > began + step.seconds:
                break
            time.sleep(0.3)
        causes = [f"{key} lacks {one}" for key, one in sorted(wanted - listed)[:3]]
        causes += [f"{key} should not list {one}" for key, one in sorted(listed - wanted)[:3]]
        seen = f"{step.machine}: {len(listed)} listed (after {time.monotonic() - began:.1f} s)"
        self._tell(step.subject, not causes, seen, "; ".join(causes))

    def _once(self, step: Ask) -> tuple[Judgement, str]:
        before = {name: self._packets(name) for name in step.loops}
        ports = step.ports or (step.target.port,)
        answers = self.hosts[step.target.client].call(
            clients.ask, step.target, step.sources, step.count, ports, step.held, step.one_socket
        )
        looped = []
        for name, most in step.loops.items():
            got = self._packets(name) - before[name]
            if got > most * step.count:
                looped.append(
                    f"{name} got {got} packets for {step.count} requests: they go round between the directors"
                )
        return judge(step, answers), "; ".join(looped)

    def _packets(self, name: str) -> int:
        return int(self.hosts[name].call(_received))

    def _ask(self, step: Ask) -> None:
        began = time.monotonic()
        judgement, looped = self._once(step)
        while judgement.problems and time.monotonic() < began + step.seconds:
            time.sleep(0.3)
            judgement, looped = self._once(step)
        causes = [*judgement.problems, *([looped] if looped else [])]
        if causes:
            missing = judgement.missing
            why = diagnosis.unanswered(self.hosts, step.target, missing) if missing else ""
            causes += [why] if why else []
        after = f" (after {time.monotonic() - began:.1f} s)" if step.seconds else ""
        self._tell(step.subject, not causes, judgement.seen + after, "; ".join(causes))

    def _upload(self, step: Upload) -> None:
        got: dict[str, str] = {}
        for source in step.sources:
            name, size = self.hosts[step.target.client].call(clients.upload, step.target, source, step.size, seconds=40)
            got[name] = size
            if set(got) >= set(step.wants):
                break
        good = set(got) == set(step.wants) and all(size == str(step.size) for size in got.values())
        seen = ", ".join(f"{name} took {size} bytes" for name, size in sorted(got.items()))
        missing = sorted(set(step.wants) - set(got))
        why = diagnosis.unanswered(self.hosts, step.target, missing) if missing else ""
        self._tell(step.subject, good, seen, why or f"each of {', '.join(step.wants)} must take {step.size} bytes")

    def _responders(self, step: Responders) -> None:
        host = self.hosts[step.machine]
        if step.status:
            for child in host.children:
                os.kill(child, signal.SIGUSR2 if step.up else signal.SIGUSR1)
        elif step.up:
            build.start(host)
        else:
            for child in list(host.children):
                host.end(child)

    def _links(self, step: Links) -> None:
        host = self.hosts[step.machine]
        word = "up" if step.up else "down"
        host.must("\n".join(f"ip link set {nic.device} {word}" for nic in host.machine.nics))
        if step.up:
            # The kernel drops the routes of a device that goes down (fib_frontend.c), and IPv6 addresses with them.
            again = [
                f"ip address replace {address} dev {nic.device} nodad"
                for nic in host.machine.nics
                for address in nic.addresses
                if ":" in address
            ]
            again += [f"ip route replace {route}" for route in host.machine.routes]
            host.must("\n".join(["set -e", *again]))

    def _connection(self, step: Connection) -> None:
        if step.open:
            orders, told = socket.socketpair()
            answers, out = socket.socketpair()
            self.hosts[step.target.client].spawn(clients.keep, step.target, step.source, told.detach(), out.detach())
            orders.settimeout(60)
            answers.settimeout(60)
            self.kept[step.name] = (orders, answers, "")
        orders, answers, first = self.kept[step.name]
        orders.sendall(b"x")
        name = answers.recv(100).decode().strip()
        if step.open:
            # The sync daemon of an idle director sends what it has every two seconds (ip_vs_sync.c).
            time.sleep(_SYNC)
        self.kept[step.name] = (orders, answers, first or name)
        if not step.open:
            good = name == first
            self._tell(
                step.subject, good, f"opened at {first}, now {name}", f"the connection to {first} is lost: {name}"
            )


def _received() -> int:
    """Packets that have come in over interfaces of this namespace."""
    return sum(
        int(path.read_text())
        for path in Path("/sys/class/net").glob("*/statistics/rx_packets")
        if path.parent.parent.name != "lo"
    )


def _listed(table: str) -> set[tuple[str, str]]:
    """`ipvsadm -Sn` as pairs: the service as it is written there, and `REALSERVER weight`."""
    found: set[tuple[str, str]] = set()
    for line in table.splitlines():
        words: list[Any] = line.split()
        if words[:1] == ["-a"]:
            at = words.index("-r")
            found.add((" ".join(words[1:at]), f"{words[at + 1]} {words[words.index('-w') + 1]}"))
    return found
