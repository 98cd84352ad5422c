"""The page of the documentation that lists all rules: `python -m lvsgen.rules.page docs/rules.md` writes it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from lvsgen.catalogue import HOST_CHECKS, catalogue
from lvsgen.rules import RULES
from lvsgen.rules.documentation import BASE, OF_A_PAIR, Documented, markdown
from lvsgen.rules.rule import Rule

_HEAD = f"""\
# Rules

What `lvsgen check` knows about LVS, rule by rule. An *error* would make a generated file wrong, and nothing is built; a
*warning* is a known trap; a *hint* is advice. This page is made from the rules themselves.

The examples leave out what does not matter to them. Where one says nothing else, the cluster is

```yaml
{chr(10).join(BASE.values())}
```

and where it has `failover`, these lines are taken instead, as far as they are missing:

```yaml
{chr(10).join(OF_A_PAIR.values())}
```

`---` stands between two files that are given in one call.
"""


_BESIDE = """\
## Before and beside the rules

What is said while the description is read and its names are resolved, and of waivers, dates and overrides. An error
from LVS001 to LVS099 keeps the rules from judging.
"""


_ON_HOST = """\
## On the host

What only a host can show, in the words of `lvs.sh verify`. Where a rule knows the fact, the check has its code.
"""


def page() -> str:
    """The page as Markdown."""
    others = [entry for entry in catalogue() if not isinstance(entry, Rule) and entry not in HOST_CHECKS]
    sections = (line for rule in RULES for line in _section(rule))
    of_others = (line for entry in others for line in _section(entry, "###"))
    on_host = (line.replace("```yaml", "```") for entry in HOST_CHECKS for line in _section(entry, "###"))
    parts = (_HEAD, *_table(RULES), "", *sections, _BESIDE, *_table(others), "", *of_others)
    return "\n".join((*parts, _ON_HOST, *_table(HOST_CHECKS), "", *on_host))


def _table(entries: Iterable[Documented]) -> Iterator[str]:
    yield "| code | name | severity |"
    yield "|---|---|---|"
    for entry in entries:
        yield f"| [{entry.code}](#{entry.code.lower()}) | {entry.name} | {entry.severity.value} |"


def _section(entry: Documented, heading: str = "##") -> Iterator[str]:
    yield f'{heading} <a id="{entry.code.lower()}"></a>{entry.code} {entry.name}\n'
    yield markdown(entry)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
