"""What a rule is: a code, a name, a severity, a function that finds, and the function's docstring as documentation.

A rule is written as a generator with the decorator `rule`; its name follows from that of the function. The docstring
has fixed headings, see `lvsgen.rules.documentation`. `lvsgen.rules.RULES` lists all rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from lvsgen.diagnostics import Finding, Key, Place, Related, Rewrite, Severity
from lvsgen.rules.facts import Facts

ERROR, WARNING, HINT = Severity.ERROR, Severity.WARNING, Severity.HINT

Check: TypeAlias = Callable[[Facts], Iterator[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule. `name` is what stands in a waiver beside the code; `text` is the documentation.

    `across` tells that it compares several clusters of one call.
    """

    code: str
    name: str
    severity: Severity
    check: Check
    text: str
    across: bool = False

    def at(
        self,
        place: Place,
        message: str,
        help: str = "",
        related: Iterable[tuple[Place, str]] = (),
        fix: Iterable[tuple[Place, str]] = (),
    ) -> Finding:
        """A finding of this rule; `related` are further places, each with a few words.

        `fix` has the scalars that mend it, as YAML, by their places: only if one reading is left (see `Finding`).
        """
        return Finding(
            code=self.code,
            name=self.name,
            severity=self.severity,
            message=message,
            place=place,
            help=help,
            related=tuple(Related(other, label) for other, label in related),
            fix=tuple(Rewrite(other, text) for other, text in fix),
        )


def rule(code: str, severity: Severity, *, across: bool = False) -> Callable[[Check], Rule]:
    """Makes a rule of a generator: `def port_mapping(facts)` is called `port-mapping`."""

    def decorate(check: Check) -> Rule:
        name = check.__name__.replace("_", "-")
        return Rule(code=code, name=name, severity=severity, check=check, text=check.__doc__ or "", across=across)

    return decorate


def written(nearer: Place, farther: Place, *keys: Key) -> Place:
    """The place of a field that a member says itself or takes from its service (and that from its defaults)."""
    inner = nearer.at(*keys)
    return Place(inner.file, inner.path, inner.part, farther.at(*keys))
