"""What realservers play: responders that say who they are and whom they see, and what health checks want to hear.

A TCP responder answers each line `PING` with `NAME ADDRESS ASKED`, the address that the client asked, and an HTTP
request with `NAME ADDRESS` in its body; a UDP responder answers from the address that was asked, as a service that is
bound to the VIP does.
"""

from __future__ import annotations

import ipaddress
import os
import select
import signal
import socket
import struct
import threading
from collections.abc import Mapping
from types import FrameType
from typing import TYPE_CHECKING

from lvsgen.lab.guest import bfd, ftp, sip
from lvsgen.lab.guest.wire import Responder

if TYPE_CHECKING:
    import ssl

_PKTINFO4 = 8  # IP_PKTINFO
_PKTINFO6 = 49  # IPV6_RECVPKTINFO
_ORIGINAL_DST = 80  # SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST (linux/netfilter_ipv4.h)
OTHER_STATUS = 299
"""keepalived is content with 200 to 299 unless it is told which status to expect (keepalived.conf(5), status_code)."""

CERTIFICATE = "/run/lab-certificate.pem"


class _State:
    """The HTTP status that is answered; a signal sets it to another one and back."""

    def __init__(self, responder: Responder) -> None:
        self.status = responder.status
        signal.signal(signal.SIGUSR1, lambda number, frame: self._set(OTHER_STATUS, frame))
        signal.signal(signal.SIGUSR2, lambda number, frame: self._set(responder.status, frame))

    def _set(self, status: int, frame: FrameType | None) -> None:
        self.status = status


def respond(name: str, responder: Responder) -> None:
    """Serve for ever."""
    if responder.protocol == "bfd":
        bfd.neighbour(responder.body)
    elif responder.protocol == "udp":
        _datagrams(name, responder)
    else:
        _streams(name, responder)


def _streams(name: str, responder: Responder) -> None:
    state = _State(responder)
    protocol = socket.IPPROTO_SCTP if responder.protocol == "sctp" else 0
    listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("::", responder.port))
    listener.listen(200)
    context = None
    if responder.speech == "tls":
        import ssl  # half a second in an emulated processor

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        if responder.sni:
            context.sni_callback = _named
    while True:
        connection, peer = listener.accept()
        seen = peer[0].removeprefix("::ffff:")
        arguments = (connection, f"{name} {seen}", responder, state, context)
        threading.Thread(target=_conversation, args=arguments, daemon=True).start()


def _named(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> int | None:
    return None if name else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME


def _conversation(
    connection: socket.socket, words: str, responder: Responder, state: _State, context: ssl.SSLContext | None
) -> None:
    try:
        connection.settimeout(600)
        if context:
            connection = context.wrap_socket(connection, server_side=True)
        with connection:
            if responder.speech == "smtp":
                _mail(connection, words)
            elif responder.speech == "ftp":
                ftp.converse(connection, words.split()[0], words, responder)
            else:
                _answers(connection, words, responder, state)
    except (OSError, ValueError):
        connection.close()


def _answers(connection: socket.socket, words: str, responder: Responder, state: _State) -> None:
    waiting = b""
    asked = _asked(connection)
    while data := connection.recv(65536):
        waiting += data
        while waiting.startswith(b"PING\n"):
            waiting = waiting[5:]
            connection.sendall(f"{words} {asked}\n".encode())
        head, end, body = waiting.partition(b"\r\n\r\n")
        if not end:
            continue
        lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        length = lengths[0] if lengths else 0
        got = len(body)
        while got < length and (data := connection.recv(65536)):
            got += len(data)
        text = f"{words} {got}\n{responder.body}"
        status = state.status if is_known(head.decode(errors="replace"), responder.known) else 404
        lines = f"HTTP/1.0 {status} -\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\n\r\n{text}"
        connection.sendall(lines.encode())
        return


def _asked(connection: socket.socket) -> str:
    """The address that the client asked, also where a packet filter put an own one in its place (transparent proxy)."""
    own = connection.getsockname()[0]
    level, kind = (
        (socket.IPPROTO_IP, "xxxx4s8x") if own.startswith("::ffff:") else (socket.IPPROTO_IPV6, "xxxxxxxx16s4x")
    )
    try:
        packed = connection.getsockopt(level, _ORIGINAL_DST, struct.calcsize(kind))
    except OSError:
        return str(own).removeprefix("::ffff:")
    return str(ipaddress.ip_address(struct.unpack(kind, packed)[0]))


def is_known(head: str, known: Mapping[str, str]) -> bool:
    """Whether a request is for a path, and the host of it, that the responder has been told of."""
    method, path, *_ = [*head.partition("\r\n")[0].split(), "", ""]
    if method != "GET" or not known:
        return True
    hosts = [line.partition(":")[2].strip() for line in head.split("\r\n") if line.lower().startswith("host:")]
    wanted = known.get(path)
    return wanted is not None and (not wanted or wanted in [host.partition(":")[0] for host in hosts])


def _mail(connection: socket.socket, words: str) -> None:
    connection.sendall(f"220 {words}\r\n".encode())
    while data := connection.recv(4096):
        last = data.upper().startswith(b"QUIT")
        connection.sendall(b"221 bye\r\n" if last else f"250 {words}\r\n".encode())
        if last:
            return


def _datagrams(name: str, responder: Responder) -> None:
    sockets = []
    for family, level, option in (
        (socket.AF_INET, socket.IPPROTO_IP, _PKTINFO4),
        (socket.AF_INET6, socket.IPPROTO_IPV6, _PKTINFO6),
    ):
        listener = socket.socket(family, socket.SOCK_DGRAM)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.setsockopt(level, option, 1)
        listener.bind(("", responder.port))
        sockets.append(listener)
    while True:
        for listener in select.select(sockets, [], [])[0]:
            data, control, _, peer = listener.recvmsg(4096, 256)
            asked = [(level, kind, _source(level, value)) for level, kind, value in control]
            listener.sendmsg([reply(data, f"{name} {peer[0]}", responder)], asked, 0, peer)


def _source(level: int, value: bytes) -> bytes:
    """The packet information that makes an answer leave from the address that was asked (ip(7), ipv6(7))."""
    if level == socket.IPPROTO_IP:
        return struct.pack("=I4s4s", 0, value[8:12], value[8:12])
    return value[:16] + struct.pack("=I", 0)


def reply(data: bytes, words: str, responder: Responder) -> bytes:
    """The answer to a datagram of a client or of a check."""
    if data == b"PING\n":
        return f"{words}\n".encode()
    if responder.speech == "sip" and (answer := sip.reply(data, words)):
        return answer
    if responder.speech == "dns" and len(data) >= 12:
        # The question comes back as an answer without records (RFC 1035, 4.1.1), as an error where it is not known.
        code = b"\x80" if not responder.known or _question(data) in responder.known.items() else b"\x83"
        return data[:2] + b"\x85" + code + data[4:6] + bytes(6) + data[12:]
    return bytes.fromhex(responder.replies.get(data.hex(), "").replace("x", "0")) or f"{words}\n".encode()


def _question(data: bytes) -> tuple[str, str]:
    """The name that is asked for, and the number of the type."""
    labels = []
    at = 12
    while at < len(data) and data[at]:
        labels.append(data[at + 1 : at + 1 + data[at]].decode(errors="replace"))
        at += 1 + data[at]
    return ".".join(labels).lower(), str(int.from_bytes(data[at + 1 : at + 3], "big"))


def certificate_path() -> str:
    """Where a responder finds its certificate; empty if there is none."""
    return CERTIFICATE if os.path.exists(CERTIFICATE) else ""
