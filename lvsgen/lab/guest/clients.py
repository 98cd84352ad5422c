"""What clients do: ask, send much, keep a connection, and ask the segment who holds an address."""

from __future__ import annotations

import ipaddress
import os
import select
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import suppress

from lvsgen.lab.guest import sip
from lvsgen.lab.guest.wire import Target

TIMEOUT = 4.0
"""Long enough for a lost packet to be sent again, and for a loaded machine."""

GREETED = ("smtp", "ftp")
"""Where the realserver speaks first."""

_ND_SOLICIT, _ND_ADVERT = 135, 136


def connect(target: Target, port: int, source: str, timeout: float = TIMEOUT, own: int = 0) -> socket.socket:
    """A connected socket to the service, from one of the client's addresses, and its port `own` if that is given."""
    family = socket.AF_INET6 if ":" in target.ip else socket.AF_INET
    datagram = target.protocol == "udp"
    opened = socket.socket(
        family,
        socket.SOCK_DGRAM if datagram else socket.SOCK_STREAM,
        socket.IPPROTO_SCTP if target.protocol == "sctp" else 0,
    )
    try:
        opened.settimeout(timeout)
        opened.bind((source, own))
        opened.connect((target.ip, port))
        if target.speech == "tls":
            import ssl  # half a second in an emulated processor

            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            return context.wrap_socket(opened, server_hostname="lab.example")
        if target.speech in GREETED and port == target.port:
            opened.recv(4096)
    except OSError:
        opened.close()
        raise
    return opened


def ping(connection: socket.socket, speech: str) -> list[str]:
    """Who answers, whom it sees, and maybe what address was asked; by SIP, each time is another call."""
    if speech == "sip":
        return call(connection, os.urandom(8).hex())
    connection.sendall(b"NOOP\r\n" if speech in GREETED else b"PING\n")
    reply = b""
    while not reply.endswith(b"\n"):
        data = connection.recv(4096)
        if not data:
            raise ConnectionResetError("closed")
        reply += data
    words = reply.decode(errors="replace").split()
    return words[1:3] if speech in GREETED else words


def call(connection: socket.socket, name: str) -> list[str]:
    """Who answers a request of a call, and whom it sees."""
    own, there = connection.getsockname()[0], connection.getpeername()[0]
    connection.sendall(sip.request(name, own, there))
    return sip.named(connection.recv(4096))


def ask(
    target: Target, sources: Sequence[str], count: int, ports: Sequence[int], held: bool, one_socket: bool
) -> list[list[str]]:
    """`count` times: who answered, whom it saw, who asked, on which port, and maybe what for it was asked.

    Instead of a realserver it is the name of an error, which saw nobody.
    """
    answers: list[list[str]] = []
    open_ones: list[socket.socket] = []
    failed = 0
    for number in range(count):
        source = sources[number % len(sources)]
        port = ports[number // len(sources) % len(ports)]
        try:
            if one_socket and open_ones:
                connection = open_ones[0]
            else:
                connection = connect(target, port, source)
                open_ones.append(connection)
            name, seen, *asked = ping(connection, target.speech)
            answers.append([name, seen, connection.getsockname()[0], str(port), *asked])
        except OSError as error:
            answers.append([error_name(error), "", source, str(port)])
            # Enough is known by then, and each costs the time that a client waits.
            failed += 1
            if failed >= 6:
                break
        finally:
            if not held and not one_socket:
                while open_ones:
                    open_ones.pop().close()
    for connection in open_ones:
        connection.close()
    return answers


def ask_from(target: Target, source: str, own: int) -> str:
    """Who answers on a connection from this very port, or the name of an error. Both sides have ended it on return."""
    try:
        with connect(target, target.port, source, own=own) as connection:
            answered = ping(connection, target.speech)[0]
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
            return answered
    except OSError as error:
        return error_name(error)


def error_name(error: OSError) -> str:
    """What a client meets, in words."""
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, ConnectionRefusedError):
        return "refused"
    if isinstance(error, ConnectionResetError):
        return "reset"
    return (error.strerror or type(error).__name__).lower()


def upload(target: Target, source: str, size: int) -> list[str]:
    """Send so much: who took it and how many bytes arrived there, or the name of an error."""
    try:
        with connect(target, target.port, source, 20) as connection:
            connection.sendall(f"POST / HTTP/1.0\r\nContent-Length: {size}\r\n\r\n".encode() + bytes(size))
            reply = b""
            while data := connection.recv(4096):
                reply += data
        words = reply.decode(errors="replace").partition("\r\n\r\n")[2].split()
        return [words[0], words[2]] if len(words) > 2 else ["no answer", "0"]
    except OSError as error:
        return [error_name(error), "0"]


def keep(target: Target, source: str, orders: int, answers: int) -> None:
    """A connection that is used whenever a byte comes from `orders`; who answers is written to `answers`."""
    with socket.socket(fileno=orders) as told, socket.socket(fileno=answers) as out:
        connection: socket.socket | None = None
        while told.recv(1):
            try:
                if connection is None:
                    connection = connect(target, target.port, source, 15)
                    # The kernel copies a connection to the backup only after some packets (sync_threshold).
                    for _ in range(8):
                        ping(connection, target.speech)
                words = ping(connection, target.speech)
            except OSError as error:
                words = [error_name(error)]
            out.sendall(f"{words[0]}\n".encode())


def who_has(device: str, target: str, wait: float) -> list[str]:
    """The MACs that answer a broadcast request (ARP) or a multicast one (ND) for an address."""
    return _who_has6(device, target, wait) if ":" in target else _who_has4(device, target, wait)


def _who_has4(device: str, target: str, wait: float) -> list[str]:
    asked = socket.inet_aton(target)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0806)) as raw:
        raw.bind((device, 0))
        mac = raw.getsockname()[4]
        # A probe (RFC 5227): no sender address, so nobody learns anything from it.
        request = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1) + mac + bytes(4) + bytes(6) + asked
        frame = b"\xff" * 6 + mac + b"\x08\x06" + request
        raw.send(frame)
        found = set()
        end = time.monotonic() + wait
        while (left := end - time.monotonic()) > 0:
            if select.select([raw], [], [], left)[0]:
                heard = raw.recv(2048)
                if heard[20:22] == b"\x00\x02" and heard[28:32] == asked:
                    found.add(heard[22:28].hex(":"))
    return sorted(found)


def _who_has6(device: str, target: str, wait: float) -> list[str]:
    asked = ipaddress.IPv6Address(target).packed
    group = ipaddress.IPv6Address(b"\xff\x02" + bytes(9) + b"\x01\xff" + asked[13:]).packed
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x86DD)) as raw:
        raw.bind((device, 0))
        mac = raw.getsockname()[4]
        # The source is the link-local address that the kernel made of the MAC.
        own = b"\xfe\x80" + bytes(6) + bytes([mac[0] ^ 2]) + mac[1:3] + b"\xff\xfe" + mac[3:]
        message = struct.pack("!BBHI", _ND_SOLICIT, 0, 0, 0) + asked + b"\x01\x01" + mac
        message = message[:2] + struct.pack("!H", _checksum(own, group, message)) + message[4:]
        packet = struct.pack("!IHBB", 6 << 28, len(message), 58, 255) + own + group + message
        raw.send(b"\x33\x33" + group[12:] + mac + b"\x86\xdd" + packet)
        found = set()
        end = time.monotonic() + wait
        while (left := end - time.monotonic()) > 0:
            if select.select([raw], [], [], left)[0]:
                heard = raw.recv(2048)
                if heard[20] == 58 and heard[54] == _ND_ADVERT and heard[62:78] == asked:
                    found.add(heard[6:12].hex(":"))
    return sorted(found)


def _checksum(source: bytes, target: bytes, message: bytes) -> int:
    text = source + target + struct.pack("!II", len(message), 58) + message
    total: int = sum(struct.unpack(f"!{len(text) // 2}H", text))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
