"""docs/mutants.md: takes what became of each mutant, returns the page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.mutants.affected import EXEMPT
from tests.mutants.choose import Mutant
from tests.mutants.reasons import reason

_HEAD = """\
# Mutants

Is every generated line needed, and would [the lab](lab.md) notice if it were wrong? `make mutants` removes one line,
or flips one value, of the files of one host, as if it had been generated so, and plays the cluster: what must be seen
still comes from the unchanged description. A mutant is caught if a property fails that passes without it.

The lines come from `examples/`. Lines that differ in nothing but addresses, names and numbers are one shape: it is
tried in the smallest example that has it; where nothing is noticed, on another host and in two more examples. In
`keepalived.conf` a line that opens a block is removed with its block, and the times of all kinds of checks are one
shape. Numbers are flipped to the next one, settings between 0 and 1; times become a hundred times as long (`advert_int`
twenty), as the lab does not measure seconds. Each mutant is tried with the properties that it can affect
(`tests/mutants/affected.py`), until one fails.

This page is written by `make mutants`. It keeps its results in `.mutants/`: a mutant that was caught is not run again
until the files of its example change, one that was not is run again whenever the lab or `lvs.sh` has changed.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of a mutant: `by` is the property that caught it, empty if none did; `tried` whether it was run.

    `earlier`: that was in a lab that looked at other things than this one.
    """

    mutant: Mutant
    tried: bool
    by: str = ""
    cause: str = ""
    earlier: bool = False


def page(fates: Sequence[Fate], exempt: Mapping[str, int], kernel: str) -> str:
    """The whole page."""
    tried = [one for one in fates if one.tried]
    caught = [one for one in tried if one.by]
    missed = [one for one in tried if not one.by]
    waiting = [one for one in fates if not one.tried]
    shapes = {(one.mutant.kind, one.mutant.file, one.mutant.shape): one.mutant.lines for one in fates}
    share = 100 * len(caught) / max(1, len(tried))
    parts = [_HEAD, "## Result\n"]
    parts.append(
        f"{len(caught)} of {len(tried)} mutants are caught: {share:.1f} %. They stand for {sum(shapes.values())} lines "
        f"of {len(shapes)} shapes. Kernel {kernel}.\n"
    )
    if waiting:
        parts.append(f"{len(waiting)} of {len(fates)} mutants have not been tried; they are listed at the end.\n")
    parts += ["| file | mutants | caught |", "|---|---:|---:|", *_by_file(tried), ""]
    if missed:
        parts += ["## Not caught\n", "| host | line | change | lines | reason |", "|---|---|---|---:|---|"]
        parts += [f"{_begin(one)} {_why(one)} |" for one in missed]
        parts.append("")
    parts += ["## Exempt\n", "| file | lines | reason |", "|---|---:|---|"]
    parts += [f"| `{file}` | {exempt[file] or '-'} | {why} |" for file, why in EXEMPT.items()]
    parts.append("| all | - | comments and headers: nothing reads them |\n")
    parts += ["## Caught\n", "| host | line | change | lines | by | what the lab said |", "|---|---|---|---:|---|---|"]
    parts += [f"{_begin(one)} `{one.by}` | {_cell(_short(one.cause))} |" for one in caught]
    if waiting:
        parts += ["\n## Not tried\n", "| host | line | change | lines |", "|---|---|---|---:|", *map(_begin, waiting)]
    return "\n".join(parts) + "\n"


def _by_file(tried: Iterable[Fate]) -> Iterator[str]:
    counts: dict[str, list[int]] = {}
    for one in tried:
        count = counts.setdefault(one.mutant.file, [0, 0])
        count[0] += 1
        count[1] += bool(one.by)
    for file, (number, caught) in counts.items():
        yield f"| `{file}` | {number} | {caught} |"


def _begin(one: Fate) -> str:
    mutant = one.mutant
    return f"| {mutant.kind} | `{mutant.file}`: `{_cell(mutant.shape)}` | {_cell(mutant.what)} | {mutant.lines} |"


def _why(one: Fate) -> str:
    why = reason(one.mutant.file, one.mutant.shape, one.mutant.what)
    return f"{why} (not tried again since the lab has changed)" if one.earlier else why


def _short(text: str) -> str:
    # keepalived says its keywords as words.
    text = re.sub(r"(?i)\b(virtual|real) server", lambda found: f"{found[1].lower()}_server", " ".join(text.split()))
    return text if len(text) <= 160 else f"{text[:159]}…"


def _cell(text: str) -> str:
    for sign in "\\|<*_[":
        text = text.replace(sign, f"\\{sign}") if sign == "|" else text
    return text.replace("<", "&lt;")
