"""usage: python -m tests.lab.facts.page docs/kernel-facts.md

Writes that page from the facts themselves.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from lvsgen.rules import RULES
from tests.lab.facts.fact import FACTS, Fact

HEAD = """\
# Facts about the kernel

What rules and generated lines rely on. Each fact is a test in `tests/lab/facts`, with real traffic between network
namespaces; `make lab` tries all of them on the kernels of Debian 12 (6.1) and Debian 13 (6.12). They hold on both;
where the two differ, the fact says so. A kernel that behaves in another way fails the test of that name, and what
relies on it is in the second column. This page is made from the tests.
"""

SEEN = """\
## What rules predict, seen

A rule says what goes wrong. Of these rules it has been seen: what they speak of is made in the test, and fails. Of a
rule that is not here this is not claimed.

| rule | test |
|---|---|
"""


def page() -> str:
    """The page."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(f"tests.lab.facts.{path.stem}")
    parts = [HEAD]
    for module, facts in groupby(sorted(FACTS.values(), key=lambda one: one.module), key=lambda one: one.module):
        title = (sys.modules[module].__doc__ or "").strip().rstrip(".")
        parts.append(f"## {title}\n\n| fact | relied on by | test |\n|---|---|---|\n" + "".join(map(_row, facts)))
    return "\n".join([*parts, SEEN + "".join(_seen())])


def _seen() -> Iterator[str]:
    """A line for each rule that a test shows right."""
    for rule in RULES:
        names = [f"`{one.name.removeprefix('test_')}`" for one in FACTS.values() if rule.code in one.shows]
        if names:
            yield f"| [{rule.code}](rules.md#{rule.code.lower()}) {rule.name} | {', '.join(names)} |\n"


def _row(one: Fact) -> str:
    relied_on = ", ".join(
        f"[{name}](rules.md#{name.lower()})" if name.startswith("LVS") else f"`{name}`" for name in one.relied_on
    )
    return f"| {one.says.replace('|', chr(92) + '|')} | {relied_on} | `{one.name.removeprefix('test_')}` |\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page())
