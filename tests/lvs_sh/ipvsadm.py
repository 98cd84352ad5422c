#!/usr/bin/env python3
"""A model of the kernel's IPVS table and of the few ipvsadm(8) commands that lvs.sh uses.

As strict as the kernel: what exists cannot be added, what does not cannot be edited or deleted, an edit replaces the
whole specification, and `-R` goes on after a refused line and ends with the exit code of the last one. As a program it
keeps its table in the file that IPVSADM_TABLE names. It starts thousands of times, so it imports next to nothing.
"""

from __future__ import annotations

import marshal
import os
import sys

DEFAULTS = {"-s": "wlc", "-w": "1", "-x": "0", "-y": "0"}
KINDS = {"-t": "TCP", "-u": "UDP", "--sctp-service": "SCTP", "-f": "FWM"}


class Refused(Exception):
    """The kernel says no."""


def options(words: list[str]) -> dict[str, str]:
    """`-s wlc -p 360 -o` as a mapping, defaults filled in."""
    found: dict[str, str] = {}
    for index, word in enumerate(words):
        if word.startswith("-"):
            value = words[index + 1] if index + 1 < len(words) else ""
            found[word] = "" if value.startswith("-") else value
    if found.get("-p") == "":
        found["-p"] = "360"
    if found.get("--tun-type") == "ipip":
        del found["--tun-type"]
    return found


class Service:
    """A virtual service: its options, and those of each destination."""

    def __init__(self, options: dict[str, str], destinations: dict[str, dict[str, str]] | None = None) -> None:
        self.options = options
        self.destinations = {} if destinations is None else destinations

    def live(self) -> bool:
        return any(int(d["-w"]) > 0 for d in self.destinations.values())


class Table:
    """The table, the timeouts and the sync daemons of one network namespace."""

    def __init__(self) -> None:
        self.services: dict[str, Service] = {}
        self.timeouts = [900, 120, 300]
        self.daemons: dict[str, dict[str, str]] = {}

    def load(self, path: str) -> None:
        """What `store` has left there, if it was ever called."""
        try:
            with open(path, "rb") as file:
                services, self.timeouts, self.daemons = marshal.load(file)
        except FileNotFoundError:
            return
        self.services = {key: Service(*given) for key, given in services.items()}

    def store(self, path: str) -> None:
        services = {key: (one.options, one.destinations) for key, one in self.services.items()}
        whole = f"{path}.{os.getpid()}"
        with open(whole, "wb") as file:
            marshal.dump((services, self.timeouts, self.daemons), file)
        os.replace(whole, path)

    def do(self, line: str) -> None:
        """One command, as `-R` reads it."""
        command, *words = line.split()
        key = " ".join(words[:2]) + (" -6" if words[2:3] == ["-6"] else "")
        given = options([w for w in words[2:] if w != "-6"])
        if command == "-A":
            if key in self.services:
                raise Refused("Service already exists")
            self.services[key] = Service({"-s": DEFAULTS["-s"], **given})
            return
        if key not in self.services:
            raise Refused("No such service" if command in ("-E", "-D") else "Service not defined")
        service = self.services[key]
        if command == "-E":
            service.options = {"-s": DEFAULTS["-s"], **given}
        elif command == "-D":
            del self.services[key]
        else:
            destination = given.pop("-r")
            if command == "-a" and destination in service.destinations:
                raise Refused("Destination already exists")
            if command != "-a" and destination not in service.destinations:
                raise Refused("No such destination")
            if command == "-d":
                del service.destinations[destination]
            elif command in ("-a", "-e"):
                service.destinations[destination] = {"-w": "1", "-x": "0", "-y": "0", **given}
            else:
                raise Refused(f"unknown command {command}")

    def saved(self) -> str:
        """`ipvsadm -Sn`: sorted, everything explicit, without thresholds."""
        lines = []
        for key, service in sorted(self.services.items()):
            lines.append(f"-A {key} " + flat(service.options, ("-s", "-p", "-M", "--pe", "-o", "-b")))
            for name, given in sorted(service.destinations.items()):
                text = flat(given, ("-g", "-i", "-m", "-w", "--tun-type", "--tun-port", "--tun-nocsum", "--tun-csum"))
                if "-i" in given and "--tun-type" not in given:
                    text += " --tun-type ipip"
                lines.append(f"-a {key} -r {name} {text}")
        return "".join(f"{line}\n" for line in lines)

    def thresholds(self) -> str:
        """`ipvsadm -Ln --thresholds`."""
        lines = [
            "IP Virtual Server version 1.2.1 (size=4096)",
            "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn ",
            "  -> RemoteAddress:Port",
        ]
        for key, service in sorted(self.services.items()):
            kind, name, *six = key.split()
            lines.append(f"{KINDS[kind]:4} {name}{' IPv6' if six else ''} {service.options['-s']}")
            for destination, given in sorted(service.destinations.items()):
                lines.append(f"  -> {destination:28} {given['-x']:10} {given['-y']:10} 0          0         ")
        return "".join(f"{line}\n" for line in lines)


def flat(given: dict[str, str], order: tuple[str, ...]) -> str:
    return " ".join(f"{name} {given[name]}".strip() for name in order if name in given)


def main(arguments: list[str]) -> int:
    path = os.environ["IPVSADM_TABLE"]
    table = Table()
    table.load(path)
    code = 0
    match arguments:
        case ["-Sn"]:
            sys.stdout.write(table.saved())
        case ["-Ln"] | ["-Ln", "--thresholds"]:
            sys.stdout.write(table.thresholds())
        case ["--version"]:
            sys.stdout.write("ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n")
        case ["-Ln", "--timeout"]:
            sys.stdout.write("Timeout (tcp tcpfin udp): {} {} {}\n".format(*table.timeouts))
        case ["-Ln", "--daemon"]:
            for role, given in table.daemons.items():
                device, syncid = given["--mcast-interface"], given["--syncid"]
                sys.stdout.write(f"{role} sync daemon (mcast={device}, syncid={syncid}, maxlen=1472)\n")
        case ["--set", *values]:
            table.timeouts = [int(v) or old for v, old in zip(values, table.timeouts, strict=True)]
        case ["--start-daemon", role, *words]:
            if role in table.daemons:
                sys.stderr.write("Daemon has already run\n")
                return 255
            table.daemons[role] = options(words)
        case ["--stop-daemon", role]:
            del table.daemons[role]
        case ["-R"] | ["-A" | "-E" | "-D" | "-a" | "-e" | "-d", *_]:
            for line in sys.stdin if arguments == ["-R"] else [" ".join(arguments)]:
                code = 0
                try:
                    table.do(line)
                except Refused as refusal:
                    sys.stderr.write(f"{refusal}\n")
                    code = 255
        case _:
            sys.stderr.write(f"not in the model: {arguments}\n")
            return 2
    if arguments[0] not in ("-Sn", "-Ln"):  # to look must not undo what another process does meanwhile
        table.store(path)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
