"""FTP, as far as the data connections are concerned (RFC 959, RFC 2428): a responder, and a client that believes it.

A file holds one line, `NAME ADDRESS`: who sends it and whom it sees. The client goes where a 227 reply tells it to, as
a helper that does not rewrite that address would otherwise not be noticed.
"""

from __future__ import annotations

import ipaddress
import random
import re
import socket
from collections.abc import Sequence
from contextlib import closing, suppress

from lvsgen.lab.guest.clients import connect, error_name
from lvsgen.lab.guest.wire import Responder, Target

_WAIT = 3.0
"""Seconds for a data connection."""

_TRIES = 50

PASSIVE = ("PASV", "EPSV")
"""The modes in which the client opens the data connection."""

ASTRAY = "the reply names"
"""How a problem begins where a 227 reply does not name the VIP."""


def converse(connection: socket.socket, name: str, words: str, responder: Responder) -> None:
    """Serve one control connection to its end."""
    own, peer = (_plain(address[0]) for address in (connection.getsockname(), connection.getpeername()))
    listener: socket.socket | None = None
    wanted = (peer, 0)

    def say(text: str) -> None:
        connection.sendall(f"{text}\r\n".encode())

    say(f"220 {words}")
    for line in connection.makefile("rb"):
        verb, _, argument = line.decode(errors="replace").strip().partition(" ")
        match verb.upper():
            case "NOOP":
                say(f"250 {words}")
            case "PASV":
                listener = _listener(own, responder.data)
                say(f"227 Entering Passive Mode ({_comma(own, listener.getsockname()[1])})")
            case "EPSV":
                listener = _listener(own, responder.data)
                say(f"229 Entering Extended Passive Mode (|||{listener.getsockname()[1]}|)")
            case "PORT":
                wanted, listener = _from_comma(argument), None
                say("200 yes")
            case "EPRT":
                _, _, address, port, _ = argument.split(argument[0])
                wanted, listener = (address, int(port)), None
                say("200 yes")
            case "RETR":
                say("150 here it comes")
                try:
                    with closing(_accepted(listener) if listener else _called(own, responder.port - 1, wanted)) as data:
                        data.sendall(f"{name} {_plain(data.getpeername()[0])}\n".encode())
                    say("226 done")
                except OSError as error:
                    say(f"425 {error_name(error)}")
            case "QUIT":
                say("221 bye")
                return
            case _:
                say("502 no")


def _accepted(listener: socket.socket) -> socket.socket:
    with closing(listener):
        listener.settimeout(_WAIT)
        return listener.accept()[0]


def _called(own: str, port: int, wanted: tuple[str, int]) -> socket.socket:
    """The data connection of an active transfer comes from the port below the control port (RFC 959, section 5.2)."""
    opened = socket.socket(_family(own), socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.settimeout(_WAIT)
    try:
        opened.bind((own, port))
        opened.connect(wanted)
    except OSError:
        opened.close()
        raise
    return opened


def _listener(own: str, ports: Sequence[int]) -> socket.socket:
    listener = socket.socket(_family(own), socket.SOCK_STREAM)
    for _ in range(_TRIES):
        with suppress(OSError):
            listener.bind((own, random.randint(ports[0], ports[-1])))  # noqa: S311  # [no secret]
            break
    listener.listen(5)
    return listener


def _family(ip: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in ip else socket.AF_INET


def _plain(ip: str) -> str:
    return ip.removeprefix("::ffff:")


def _comma(ip: str, port: int) -> str:
    return ",".join([*ip.split("."), str(port >> 8), str(port & 255)])


def _from_comma(text: str) -> tuple[str, int]:
    numbers = re.findall(r"\d+", text)
    return ".".join(numbers[:4]), int(numbers[4]) << 8 | int(numbers[5])


class _Control:
    """A control connection of the client."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.lines = connection.makefile("rb")

    def order(self, text: str) -> str:
        """Send a command; returns the reply to it."""
        self.connection.sendall(f"{text}\r\n".encode())
        return self.reply()

    def reply(self) -> str:
        """The next reply."""
        line = self.lines.readline().decode(errors="replace").strip()
        if not line:
            raise ConnectionResetError("closed")
        return line


def fetch(target: Target, source: str, modes: Sequence[str], sees: Sequence[str] = ()) -> list[list[str]]:
    """Fetch a file in each mode: the mode, who is at the control connection, who sent the file, and what is wrong."""
    return [_fetch(target, source, mode, [source, *(sees if mode in PASSIVE else ())]) for mode in modes]


def _fetch(target: Target, source: str, mode: str, sees: Sequence[str]) -> list[str]:
    control = ""
    try:
        with closing(connect(target, target.port, source)) as connection:
            talk = _Control(connection)
            control = talk.order("NOOP").split()[1]
            data = _passive(talk, target, source, mode) if mode in PASSIVE else _active(talk, source, mode)
            with closing(data):
                name, seen = data.makefile("rb").readline().decode().split()
                peer, port = data.getpeername()[:2]
            problem = ""
            if name != control:
                problem = f"the file comes from {name}"
            elif mode not in PASSIVE and (peer, port) != (target.ip, target.port - 1):
                problem = f"the data connection comes from {peer} port {port}"
            elif seen not in sees:
                problem = f"{name} sees {seen}"
            return [mode, control, name, problem]
    except (OSError, ValueError, IndexError) as error:
        why = error_name(error) if isinstance(error, OSError) else "not a word that FTP knows"
        return [mode, control, "", str(error) if isinstance(error, _Elsewhere) else why]


class _Elsewhere(OSError):
    """The realserver names an address that is not the VIP."""


def _passive(talk: _Control, target: Target, source: str, mode: str) -> socket.socket:
    reply = talk.order(mode)
    if mode == "PASV":
        ip, port = _from_comma(reply[3:])
        if ip != target.ip:
            raise _Elsewhere(f"{ASTRAY} {ip}, where clients cannot go")
    else:
        port = int(reply.split("|")[3])
    data = connect(target, port, source)
    talk.order("RETR file")
    return data


def _active(talk: _Control, source: str, mode: str) -> socket.socket:
    with socket.socket(_family(source), socket.SOCK_STREAM) as listener:
        listener.bind((source, 0))
        listener.listen(1)
        listener.settimeout(_WAIT)
        port = listener.getsockname()[1]
        six = ipaddress.ip_address(source).version == 6
        talk.order(f"PORT {_comma(source, port)}" if mode == "PORT" else f"EPRT |{2 if six else 1}|{source}|{port}|")
        talk.order("RETR file")
        data = listener.accept()[0]
        data.settimeout(_WAIT)
        return data
