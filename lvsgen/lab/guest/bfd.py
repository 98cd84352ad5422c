"""A neighbour that speaks BFD (RFC 5880, asynchronous mode; RFC 5881): it waits for a session and keeps it up."""

from __future__ import annotations

import random
import select
import socket
import struct
import time

PORT = 3784
_PACKET = struct.Struct("!BBBBIIIII")
_DOWN, _INIT, _UP = 1, 2, 3
_POLL, _FINAL = 0x20, 0x10
_OFTEN = 0.3
"""Seconds between two packets: more often than the second that is announced, as the processor may be slow."""

_SECOND = 1_000_000
_NEXT = {(_DOWN, _DOWN): _INIT, (_DOWN, _INIT): _UP, (_INIT, _INIT): _UP, (_INIT, _UP): _UP, (_UP, _DOWN): _DOWN}
"""The state that follows from the own one and the one that is heard (RFC 5880, section 6.2)."""


class _Session:
    """What is known of one director."""

    def __init__(self, family: int, own: tuple[str, int], peer: str) -> None:
        self.state = _DOWN
        self.mine = random.getrandbits(31) | 1
        self.theirs = 0
        self.peer = peer
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        # Packets with another TTL are thrown away, and sources are ephemeral ports (RFC 5881, sections 4 and 5).
        level, option = (
            (socket.IPPROTO_IP, socket.IP_TTL)
            if family == socket.AF_INET
            else (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)
        )
        self.socket.setsockopt(level, option, 255)
        self.socket.bind(own)

    def hear(self, data: bytes) -> None:
        """Take a packet in; an answer is due at once where it is asked for."""
        _, flags, _, _, self.theirs, *_ = _PACKET.unpack_from(data)
        self.state = _NEXT.get((self.state, flags >> 6), self.state)
        if flags & _POLL:
            self.speak(_FINAL)

    def speak(self, flags: int = 0) -> None:
        """Send a packet."""
        words = (self.mine, self.theirs, _SECOND, _SECOND // 10, 0)
        self.socket.sendto(_PACKET.pack(1 << 5, self.state << 6 | flags, 3, _PACKET.size, *words), (self.peer, PORT))


def neighbour(address: str) -> None:
    """Hold sessions with whoever begins one, for ever."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_DGRAM)
    listener.bind((address, PORT))
    sessions: dict[str, _Session] = {}
    due = time.monotonic()
    while True:
        if select.select([listener], [], [], max(0, due - time.monotonic()))[0]:
            data, (peer, *_) = listener.recvfrom(256)
            if len(data) >= _PACKET.size:
                if peer not in sessions:
                    own = (address, 49152 + len(sessions))
                    sessions[peer] = _Session(family, own, peer)
                sessions[peer].hear(data)
        if time.monotonic() >= due:
            due = time.monotonic() + _OFTEN
            for session in sessions.values():
                session.speak()
