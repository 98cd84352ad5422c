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
from collections.abc import Callable
from dataclasses import dataclass
from inspect import cleandoc
from textwrap import dedent
from typing import Protocol

from lvsgen.diagnostics import Severity

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

OF_A_PAIR = {
    "directors": "directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}, lvs2: {interfaces: {eth0: 192.0.2.3/24}}}",
    "defaults": "defaults: {check: false}",
}
"""What an example with `failover` has where it does not say otherwise."""


class Documented(Protocol):
    """Something with a code that a user can look up: a rule, or what another stage says."""

    @property
    def code(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def severity(self) -> Severity: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A code that no rule has, with its documentation."""

    code: str
    name: str
    severity: Severity
    text: str


def documented(code: str, severity: Severity) -> Callable[[Callable[[], None]], Entry]:
    """Makes an entry of a function that has nothing but a docstring: `bad_address` is called `bad-address`."""

    def decorate(function: Callable[[], None]) -> Entry:
        name = function.__name__.replace("_", "-")
        return Entry(code=code, name=name, severity=severity, text=function.__doc__ or "")

    return decorate


@dataclass(frozen=True, slots=True, kw_only=True)
class Documentation:
    """The five parts, as text. `finds` and `why` are prose, `example` and `instead` YAML."""

    finds: str
    why: str
    example: str
    instead: str
    sources: str


def documentation(rule: Documented) -> Documentation:
    """The documentation of a rule or an entry; one without one of the headings is a bug, and a ValueError."""
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
    base = BASE | (OF_A_PAIR if "failover" in given else {})
    return "".join(f"{line}\n" for key, line in base.items() if key not in given) + example.rstrip("\n") + "\n"


def markdown(rule: Documented) -> str:
    """The documentation as Markdown, without a heading."""
    text = documentation(rule)
    return (
        f"*{rule.severity.value.capitalize()}.* {text.finds}\n\n"
        f"**Why.** {text.why}\n\n"
        f"**Example**\n\n```yaml\n{text.example}\n```\n\n"
        f"**Instead**\n\n```yaml\n{text.instead}\n```\n\n"
        f"**Sources.** {text.sources}\n"
    )
