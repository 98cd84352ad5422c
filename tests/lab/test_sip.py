"""Requests and replies of SIP, as the lab speaks it."""

from __future__ import annotations

from lvsgen.lab.guest.sip import named, reply, request


def test_a_reply_repeats_the_call_and_says_who_answers() -> None:
    asked = request("abc", "192.0.2.50", "192.0.2.100")
    assert b"\r\nCall-ID: abc@lab.example\r\n" in asked
    answer = reply(asked, "rs1 192.0.2.50")
    assert answer.startswith(b"SIP/2.0 200 OK\r\n")
    assert b"\r\nCall-ID: abc@lab.example\r\n" in answer
    assert b"\r\nVia: SIP/2.0/UDP 192.0.2.50;branch=z9hG4bKabc\r\n" in answer
    assert named(answer) == ["rs1", "192.0.2.50"]


def test_what_is_no_sip_gets_no_reply() -> None:
    assert reply(b"PING\n", "rs1 192.0.2.50") == b""
    assert named(b"PONG\n") == ["no SIP", ""]


def test_addresses_of_ipv6_are_bracketed() -> None:
    assert request("abc", "2001:db8::50", "2001:db8::100").startswith(b"INVITE sip:bob@[2001:db8::100] SIP/2.0\r\n")
