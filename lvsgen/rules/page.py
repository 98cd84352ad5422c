"""The page of the documentation that lists all rules: `python -m lvsgen.rules.page docs/rules.md` writes it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from lvsgen.rules import RULES
from lvsgen.rules.documentation import BASE, SECOND_DIRECTOR, documentation
from lvsgen.rules.rule import Rule

_HEAD = f"""\
# Rules

What `lvsgen check` knows about LVS, rule by rule. An *error* would make a generated file wrong, and nothing is built; a
*warning* is a known trap; a *hint* is advice. This page is made from the rules themselves.

The examples leave out what does not matter to them. Where one says nothing else, the cluster is

```yaml
{chr(10).join(BASE.values())}
```

and where it has `failover` but no directors, they are

```yaml
{SECOND_DIRECTOR}
```

`---` stands between two files that are given in one call.
"""


def page() -> str:
    """The page as Markdown."""
    return "\n".join((_HEAD, *_table(), "", *(line for rule in RULES for line in _section(rule))))


def _table() -> Iterator[str]:
    yield "| code | name | severity |"
    yield "|---|---|---|"
    for rule in RULES:
        yield f"| [{rule.code}](#{rule.code.lower()}) | {rule.name} | {rule.severity.value} |"


def _section(rule: Rule) -> Iterator[str]:
    text = documentation(rule)
    yield f'## <a id="{rule.code.lower()}"></a>{rule.code} {rule.name}'
    yield f"\n*{rule.severity.value.capitalize()}.* {text.finds}\n"
    yield f"**Why.** {text.why}\n"
    yield f"**Example**\n\n```yaml\n{text.example}\n```\n"
    yield f"**Instead**\n\n```yaml\n{text.instead}\n```\n"
    yield f"**Sources.** {text.sources}\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
