"""Every code that lvsgen can report, with its documentation: rules, and what is said before and beside them.

`catalogue` lists them in the order of their codes; `matching` finds those that a word means: a code, a name, or the
beginning of one. `lvsgen explain`, `--select`, `--ignore`, SARIF and the page of the documentation read this.
"""

from __future__ import annotations

from functools import cache

from lvsgen.catalogue.beside import BESIDE
from lvsgen.catalogue.binding import BINDING
from lvsgen.catalogue.on_host import HOST_CHECKS
from lvsgen.catalogue.reading import READING
from lvsgen.rules import RULES
from lvsgen.rules.documentation import Documented

__all__ = ["BESIDE", "BINDING", "HOST_CHECKS", "READING", "catalogue", "matching", "nearest"]

FUNDAMENTAL = frozenset(entry.code for entry in (*READING, *BINDING))
"""Codes of mistakes that keep the rules from judging: they cannot be left out of a report."""


@cache
def catalogue() -> tuple[Documented, ...]:
    """All of them, in the order of their codes."""
    return tuple(sorted((*READING, *BINDING, *RULES, *BESIDE, *HOST_CHECKS), key=lambda entry: entry.code))


def matching(word: str) -> tuple[Documented, ...]:
    """What a code or name stands for; if none is spelt like that, those of which it is the beginning."""
    wanted = word.strip().lower()
    if not wanted:
        return ()
    exact = tuple(entry for entry in catalogue() if wanted in (entry.code.lower(), entry.name))
    return exact or tuple(e for e in catalogue() if e.code.lower().startswith(wanted) or e.name.startswith(wanted))


def nearest(word: str) -> str:
    """The code or name that a misspelt word most likely means; empty if none is near."""
    import difflib  # only mistakes need it

    wanted = word.strip().lower()[:64]
    known = {key: key for entry in catalogue() for key in (entry.name,)}
    known |= {entry.code.lower(): entry.code for entry in catalogue()}
    # Numbers are all alike: of those that are equally near, the one that begins the same.
    near = difflib.get_close_matches(wanted, known, 5)
    alike = {key: difflib.SequenceMatcher(None, wanted, key).ratio() for key in near}
    return known[max(near, key=lambda key: (alike[key], _beginning(wanted, key)))] if near else ""


def _beginning(one: str, other: str) -> int:
    """How many characters two words begin with in common."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
