"""The generated lines that can be mutated: takes the text of a generated file, returns its lines with their place.

A line that opens a block of keepalived.conf stands for the whole block; its closing brace is no line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

FILES = (
    "host.conf",
    "modules.conf",
    "modprobe.conf",
    "links.batch",
    "sysctl.conf",
    "ipvs.conf",
    "ipvs.rules",
    "iptables.rules",
    "ip6tables.rules",
    "nftables.conf",
    "routes.batch",
    "addresses.batch",
    "secrets.conf",
    "keepalived.conf",
)
"""The data files of a host, as lvs.sh reads them."""

V4 = r"\d{1,3}(?:\.\d{1,3}){3}"
V6 = r"(?<![\w.:])(?=[0-9a-f:]*:[0-9a-f:]*:)[0-9a-f:]+(?![\w:])"
DEVICE = r"\b(?:eth|bond)\d+\b"
NAME = r"(?<=^router_id )\S+|(?<=inst )\S+|(?<=virtualhost )\S+|(?<=^name )\S+|(?<=cluster=)\S+|(?<=host=)\S+"

_COMMENT = re.compile(r"(^|\s+)#.*")
_SHAPES = (
    (re.compile(r'"[^"]*"'), '"…"'),
    (re.compile(r"(vrrp_instance|vrrp_sync_group|--comment) \S+"), r"\1 NAME"),
    (re.compile(r"^\S+_ipv[46]$"), "NAME"),
    (re.compile(NAME), "NAME"),
    (re.compile(r"\blvsgen-\S+?(-in)?(?=\s|$)"), r"CHAIN\1"),
    (re.compile(V6), "IPv6"),
    (re.compile(V4), "IPv4"),
    (re.compile(DEVICE), "DEV"),
    (re.compile(r"(?<![/\w])(?!0\b)\d+\b"), "N"),
)

_TIME_OF_CHECK = re.compile(r"\w+_(?:GET|CHECK) / (connect_timeout|delay_loop|retry|delay_before_retry|warmup)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`path` are the blocks around it, outermost first. It begins at line `first` of the file and ends before `end`."""

    file: str
    path: tuple[str, ...]
    text: str
    first: int
    end: int

    @property
    def shape(self) -> str:
        """It and the blocks around it, without addresses, names and numbers.

        What stands in a realserver's block is the same for both families, and the times of all kinds of checks are.
        """
        whole = " / ".join(_shape(one) for one in (*self.path, self.text))
        if len(self.path) > 1 and self.path[1].startswith("real_server"):
            whole = whole.replace("IPv4", "IP").replace("IPv6", "IP")
        return _TIME_OF_CHECK.sub(r"CHECK / \1", whole)


def lines(file: str, text: str) -> Iterator[Line]:
    """Every line of a data file that is neither empty nor a comment."""
    raw = text.splitlines()
    bare = [_COMMENT.sub("", line).strip() for line in raw]
    blocks = file == "keepalived.conf"
    path: list[str] = []
    for number, line in enumerate(bare):
        if not line:
            continue
        if blocks and line == "}":
            path.pop()
            continue
        opens = blocks and line.endswith("{")
        end = _close(bare, number) if opens else number + 1
        yield Line(file=file, path=tuple(path), text=line, first=number, end=end)
        if opens:
            path.append(line)


def replaced(text: str, line: Line, new: str | None) -> str:
    """The text of the file with another line in this place; without it if `new` is None."""
    raw = text.splitlines(keepends=True)
    put = [] if new is None else [f"{new}\n", *raw[line.first + 1 : line.end]]
    return "".join([*raw[: line.first], *put, *raw[line.end :]])


def _close(bare: list[str], opening: int) -> int:
    depth = 0
    for number in range(opening, len(bare)):
        depth += bare[number].endswith("{") - (bare[number] == "}")
        if depth == 0:
            return number + 1
    raise AssertionError(f"no end of {bare[opening]}")


@cache
def _shape(text: str) -> str:
    for pattern, instead in _SHAPES:
        text = pattern.sub(instead, text)
    return text.removesuffix(" {")
