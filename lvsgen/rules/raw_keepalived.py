"""Raw text for keepalived.conf: it must stay within its block, and say nothing that lvsgen says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lvsgen.diagnostics import Finding, Place, quote
from lvsgen.rules.facts import Facts
from lvsgen.rules.raw_keywords import GLOBAL, INSTANCE, SERVICE
from lvsgen.rules.rule import ERROR, WARNING, rule

_COMMENT = re.compile(r"[#!].*")
_QUOTED = re.compile(r'"[^"]*"')


def _texts(facts: Facts) -> Iterator[tuple[str, Place, dict[str, str]]]:
    """Every raw text, its place, and the keywords that are refused in it with what to write instead."""
    raw = facts.cluster.keepalived
    if raw.global_text:
        yield raw.global_text, raw.place.at("global"), GLOBAL
    if raw.instance_text:
        yield raw.instance_text, raw.place.at("instance"), INSTANCE
    for service in facts.cluster.services:
        if service.keepalived:
            yield service.keepalived, service.place.at("keepalived"), SERVICE


def _settings(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a raw text without comments and quoted strings, with their numbers."""
    for number, line in enumerate(text.splitlines(), 1):
        bare = _COMMENT.sub("", _QUOTED.sub('""', line)).strip()
        if bare:
            yield number, bare


@rule("LVS850", ERROR)
def raw_braces(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Raw keepalived text whose braces do not balance, that closes the block around it, or with a brace in the middle
        of a line.

    Why:
        keepalived would take what follows for part of another block. It starts all the same, with a configuration that
        nobody wrote.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        keepalived:
          instance: |  # <- LVS850
            virtual_routes {
              198.51.100.0/24 via 192.0.2.1

    Instead:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        keepalived:
          instance: |
            virtual_routes {
              198.51.100.0/24 via 192.0.2.1
            }

    Sources:
        keepalived.conf(5); keepalived's lib/parser.c
    """
    for text, place, _ in _texts(facts):
        problem = _unbalanced(text)
        if problem:
            yield raw_braces.at(place, *problem)


def _unbalanced(text: str) -> tuple[str, str] | None:
    depth = 0
    for number, line in _settings(text):
        braces = line.count("{") + line.count("}")
        if braces > 1 or ("{" in line and not line.endswith("{")) or ("}" in line and line != "}"):
            return (
                f"line {number} of this text has a brace in its middle",
                "write one setting a line: `{` ends its line, `}` stands alone",
            )
        depth += line.count("{") - line.count("}")
        if depth < 0:
            return f"line {number} of this text closes the block around it", "remove the `}`"
    if depth:
        return f"{depth} block{'s' if depth > 1 else ''} of this text never end{'' if depth > 1 else 's'}", "add `}`"
    return None


@rule("LVS851", ERROR)
def raw_keyword(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Raw keepalived text with a keyword that has a field in the language, with `include`, `$`, `@`, `~` or a
        backslash at the end of a line.

    Why:
        What is said twice will disagree one day, and checks, review and report see only the field. Files, variables and
        conditions make the result depend on the host.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        keepalived:
          instance: |  # <- LVS851
            garp_master_delay 10

    Instead:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, garp: {delay: 10s}}

    Sources:
        keepalived.conf(5)
    """
    for text, place, refused in _texts(facts):
        depth = 0
        for number, line in _settings(text):
            words = line.split()
            problem = None
            if words[0].startswith("include"):
                problem = "reads another file", "write here what the file says"
            elif any(sign in line for sign in "$@") or line.endswith("\\") or words[0].startswith("~"):
                problem = "has `$`, `@`, `~` or a backslash at its end", "write the line for all hosts, as it shall be"
            elif depth == 0 and words[0] in refused:
                problem = f"says {quote(words[0])}, which has a field", refused[words[0]]
            if problem:
                yield raw_keyword.at(place, f"line {number} of this text {problem[0]}", problem[1])
                break
            depth += line.count("{") - line.count("}")


@rule("LVS852", ERROR)
def raw_text_unused(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Raw keepalived text in a cluster that has no keepalived, or none with VRRP.

    Why:
        It would be written nowhere.

    Example:
        keepalived:
          global: |  # <- LVS852
            process_names

    Instead:
        keepalived:
          global: |
            process_names
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: tcp}

    Sources:
        keepalived.conf(5)
    """
    cluster = facts.cluster
    vrrp = cluster.failover.engine == "keepalived"
    raw = cluster.keepalived
    if raw.instance_text and not vrrp:
        yield raw_text_unused.at(
            raw.place.at("instance"),
            "there is no VRRP instance for this text",
            "remove it, or write `engine: keepalived`",
        )
    writes = cluster.ipvs.writer == "keepalived" or (cluster.partial and not cluster.ipvs.pinned)
    if raw.global_text and not vrrp and not writes:
        yield raw_text_unused.at(
            raw.place.at("global"),
            "this cluster has no keepalived: nothing is checked and no address moves",
            "remove it, or write a `check`",
        )


@rule("LVS516", ERROR)
def strict_vrrp(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        `vrrp_strict`, `strict_mode` or `no_accept` in raw keepalived text.

    Why:
        In strict VRRP a master that is not the owner of an address accepts no packets to it: keepalived adds firewall
        rules that drop everything to the VIPs, before IPVS sees it. It also forbids unicast.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        keepalived:
          global: |  # <- LVS516
            vrrp_strict

    Instead:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        keepalived:
          global: |
            vrrp_skip_check_adv_addr

    Sources:
        keepalived.conf(5), vrrp_strict and no_accept; RFC 5798 section 6.1, Accept_Mode
    """
    for text, place, _ in _texts(facts):
        for number, line in _settings(text):
            words = line.split()
            if words[0] in ("vrrp_strict", "no_accept") or words[:2] in (
                ["strict_mode", "on"],
                ["strict_mode", "true"],
            ):
                yield strict_vrrp.at(
                    place,
                    f"line {number} of this text makes keepalived drop every packet to the VIPs",
                    f"remove {quote(words[0])}",
                )
                break


@rule("LVS531", WARNING)
def virtual_mac_without_base(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        `use_vmac` in raw keepalived text without `vmac_xmit_base`.

    Why:
        Advertisements then leave with the virtual MAC. Virtual machines' switches drop frames from an address that they
        did not assign: each director hears nobody, and both become master.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        keepalived:
          instance: |  # <- LVS531
            use_vmac

    Instead:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        keepalived:
          instance: |
            use_vmac
            vmac_xmit_base

    Sources:
        keepalived.conf(5), use_vmac and vmac_xmit_base
    """
    raw = facts.cluster.keepalived
    words = {line.split()[0]: number for number, line in _settings(raw.instance_text)}
    if "use_vmac" in words and "vmac_xmit_base" not in words:
        yield virtual_mac_without_base.at(
            raw.place.at("instance"),
            f"line {words['use_vmac']} of this text sends advertisements from a virtual MAC, which switches of virtual "
            "machines drop",
            "add `vmac_xmit_base`, or say in a waiver that the switches take it",
        )
