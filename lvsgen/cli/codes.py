"""Words that stand for codes: in `lvsgen explain`, `--select` and `--ignore`; and their completion."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lvsgen.cli.session import CannotRun
from lvsgen.diagnostics import Diagnostic, quote


def unknown(word: str) -> CannotRun:
    """The end of a command that was asked for a code which does not exist."""
    from lvsgen.catalogue import nearest

    close = nearest(word)
    hint = f": did you mean {quote(close)}?" if close else "; `lvsgen explain` lists all codes"
    return CannotRun(f"no code or name is, or begins with, {quote(word)}{hint}")


def selected(
    diagnostics: Iterable[Diagnostic], select: Sequence[str] | None, ignore: Sequence[str] | None
) -> tuple[Diagnostic, ...]:
    """What is left of the diagnostics: those that `select` means (all, if it is empty), without those of `ignore`.

    Mistakes that keep the rules from judging are always left: without them, a broken description would look clean.
    """
    from lvsgen.catalogue import FUNDAMENTAL, catalogue

    wanted = _codes(select) if select else {entry.code for entry in catalogue()}
    unwanted: set[str] = set()
    for word in _words(ignore or ()):
        codes = _codes([word])
        if codes <= FUNDAMENTAL:
            raise CannotRun(f"{quote(word)} cannot be ignored: with such a mistake, nothing else can be judged")
        unwanted |= codes
    kept = (wanted - unwanted) | FUNDAMENTAL
    return tuple(one for one in diagnostics if one.code in kept)


def _words(given: Iterable[str]) -> list[str]:
    """The words of options that may be repeated and may hold lists."""
    return [word.strip() for text in given for word in text.split(",")]


def _codes(given: Iterable[str]) -> set[str]:
    from lvsgen.catalogue import matching

    codes: set[str] = set()
    for word in _words(given):
        found = matching(word)
        if not found:
            raise unknown(word)
        codes |= {entry.code for entry in found}
    return codes


def complete_code(incomplete: str) -> list[str]:
    """Codes and names for the Tab key, after the last comma."""
    from lvsgen.catalogue import catalogue

    before, comma, word = incomplete.rpartition(",")
    known = [key for entry in catalogue() for key in (entry.code, entry.name)]
    return sorted(before + comma + key for key in known if key.lower().startswith(word.lower()))
