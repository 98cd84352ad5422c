"""SIP by UDP (RFC 3261), as far as a Call-ID is concerned: requests, and the reply that says who answers whom."""

from __future__ import annotations

import re

_COPIED = re.compile(rb"^(via|from|to|call-id|i|cseq):.*$", re.IGNORECASE | re.MULTILINE)
_NAMED = "X-Realserver"
"""The header of a reply that tells who answers, and whom it sees."""


def request(call: str, source: str, target: str, method: str = "INVITE") -> bytes:
    """A request of a call."""
    here = f"[{source}]" if ":" in source else source
    there = f"[{target}]" if ":" in target else target
    lines = [
        f"{method} sip:bob@{there} SIP/2.0",
        f"Via: SIP/2.0/UDP {here};branch=z9hG4bK{call}",
        "Max-Forwards: 70",
        f"From: Alice <sip:alice@{here}>;tag=1",
        f"To: Bob <sip:bob@{there}>",
        f"Call-ID: {call}@lab.example",
        f"CSeq: 1 {method}",
        f"Contact: <sip:alice@{here}>",
        "Content-Length: 0",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def reply(data: bytes, words: str) -> bytes:
    """The reply to a request, with what a reply must repeat (RFC 3261, section 8.2.6); empty to what is none."""
    if b" SIP/2.0\r\n" not in data:
        return b""
    copied = [match[0].rstrip() for match in _COPIED.finditer(data)]
    lines = [b"SIP/2.0 200 OK", *copied, f"{_NAMED}: {words}".encode(), b"Content-Length: 0"]
    return b"\r\n".join([*lines, b"", b""])


def named(data: bytes) -> list[str]:
    """Who answers, and whom it sees."""
    found = re.search(rf"^{_NAMED}: (\S+) (\S+)\r?$", data.decode(errors="replace"), re.MULTILINE)
    return [found[1], found[2]] if found else ["no SIP", ""]
