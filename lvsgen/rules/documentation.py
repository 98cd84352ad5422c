"""The documentation of a rule, read from its docstring: five headings, each with an indented block.

    What it finds:
        ...
    Why:
        what happens, and what a client would see
    Example:
        YAML on which the rule fires, the line at fault marked with `# <- CODE`
    Instead:
        the same, right
    Sources:
        ...

An example leaves out what does not matter to it; `complete` adds that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from inspect import cleandoc
from textwrap import dedent

from lvsgen.rules.rule import Rule

HEADINGS = ("What it finds", "Why", "Example", "Instead", "Sources")

_PARTING = "---"
"""Stands between the clusters of an example."""
_HEADING = re.compile(rf"^({'|'.join(HEADINGS)}):$", re.MULTILINE)

BASE = {
    "cluster": "cluster: demo",
    "directors": "directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}",
    "realservers": "realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12}",
    "services": "services: {web: {vip: 192.0.2.100, tcp: 80, method: dr}}",
}
"""What an example has where it does not say otherwise."""

SECOND_DIRECTOR = "directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}, lvs2: {interfaces: {eth0: 192.0.2.3/24}}}"
"""The directors of an example that has `failover`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Documentation:
    """The five parts, as text. `finds` and `why` are prose, `example` and `instead` YAML."""

    finds: str
    why: str
    example: str
    instead: str
    sources: str


def documentation(rule: Rule) -> Documentation:
    """The documentation of a rule; a rule without one of the headings is a bug, and a ValueError."""
    _, *parts = _HEADING.split(cleandoc(rule.text))
    sections = {
        heading: dedent(text.strip("\n")).rstrip() for heading, text in zip(parts[::2], parts[1::2], strict=True)
    }
    if tuple(sections) != HEADINGS or not all(sections.values()):
        raise ValueError(f"{rule.code}: the headings are {', '.join(sections)}")
    return Documentation(
        finds=sections["What it finds"],
        why=sections["Why"],
        example=sections["Example"],
        instead=sections["Instead"],
        sources=sections["Sources"],
    )


def complete(example: str) -> str:
    """An example with everything that it leaves out, in front of it; of several clusters, each one."""
    return f"{_PARTING}\n".join(map(_complete, example.split(f"{_PARTING}\n")))


def _complete(example: str) -> str:
    given = set(re.findall(r"^([a-z]+):", example, re.MULTILINE))
    base = BASE | ({"directors": SECOND_DIRECTOR} if "failover" in given else {})
    return "".join(f"{line}\n" for key, line in base.items() if key not in given) + example.rstrip("\n") + "\n"
