"""`check --fix`: takes paths, returns their texts with every sure remedy applied, and what is left to say.

Nothing is written here (see `lvsgen.rewrite`). A remedy is kept only if the descriptions, judged again with it, shows
that it was one: the finding is gone, nothing that could be seen before is new, and the data differs in no more places
than were edited. Remedies can uncover others (an unquoted address hides the rest of its file), so there are rounds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, BinaryIO

from lvsgen import pipeline
from lvsgen.diagnostics import Diagnostic, Edit
from lvsgen.pipeline import Compilation
from lvsgen.source import STDIN_NAME
from lvsgen.source.document import Lines

MOST_ROUNDS = 100
_UNREAD = ("LVS001", "LVS002")
"""With these, the text that is known is not what stands in the file."""
_STAGES = ("LVS00", "LVS01", "LVS02", "LVS03", "LVS04")
"""Beginnings of codes, in the order of the stages: a mistake of one may hide those of all later ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What became of descriptions, in the order of their paths.

    `texts` has every text that changes, `before` what they were, `roots` the root files that they belong to.
    """

    compilations: tuple[Compilation, ...]
    texts: Mapping[str, str]
    before: Mapping[str, str]
    roots: Mapping[str, str]
    count: int


@dataclass(slots=True)
class _Work:
    """Descriptions and what has been done to them."""

    judge: Callable[[Mapping[str, str]], tuple[Compilation, ...]]
    compilations: tuple[Compilation, ...]
    texts: dict[str, str] = field(default_factory=dict)
    count: int = 0

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return tuple(dict.fromkeys(found for one in self.compilations for found in one.diagnostics))

    def attempt(self, fixed: list[Diagnostic]) -> bool:
        """Keep the remedies of these diagnostics, if they prove to be some."""
        before = _texts(self.compilations)
        changed = {path: edited(before[path], edits) for path, edits in _by_file(fixed).items()}
        texts = {**self.texts, **{path: text for path, text in changed.items() if text != before[path]}}
        if texts == self.texts:
            return False
        judged = self.judge(texts)
        if not _is_better(self.compilations, judged, fixed):
            return False
        self.compilations, self.texts = judged, texts
        self.count += len(fixed)
        return True


def mend(
    paths: Sequence[str],
    *,
    stdin: BinaryIO | None = None,
    as_of: date | None = None,
    wanted: Callable[[Iterable[Diagnostic]], Iterable[Diagnostic]] = tuple,
) -> Mended:
    """Apply the remedies of all diagnostics that `wanted` leaves, until there are no more."""
    first = pipeline.check_all(paths, stdin=stdin, as_of=as_of)
    before = _texts(first)
    # Standard input cannot be read again.
    held = {STDIN_NAME: before[STDIN_NAME]} if STDIN_NAME in before else {}
    work = _Work(lambda texts: pipeline.check_all(paths, as_of=as_of, instead={**held, **texts}), first)
    failed: set[Diagnostic] = set()
    rounds = 0 if any(one.code in _UNREAD for one in work.diagnostics) else MOST_ROUNDS
    for _ in range(rounds):
        found = (one for one in wanted(work.diagnostics) if one.fix and one not in failed)
        mendable = _apart(one for one in found if not held or _is_within(one, STDIN_NAME))
        if not mendable:
            break
        if not work.attempt(mendable):
            # One of them is none: find it, and keep the others.
            failed.update(one for one in mendable[:1] if not work.attempt([one]))
    texts = {name: text for name, text in work.texts.items() if text != before[name]}
    roots = {name: path for path, one in zip(paths, first, strict=True) for name in one.description.texts}
    return Mended(
        compilations=tuple(_without(failed, one) for one in work.compilations),
        texts=texts,
        before={name: before[name] for name in texts},
        roots={name: roots[name] for name in texts},
        count=work.count,
    )


def _without(failed: set[Diagnostic], compilation: Compilation) -> Compilation:
    """The same, promising no remedy that has proved to be none."""
    said = tuple(replace(one, fix=()) if one in failed else one for one in compilation.diagnostics)
    return replace(compilation, diagnostics=said)


def _texts(compilations: Iterable[Compilation]) -> dict[str, str]:
    return {name: text for one in compilations for name, text in one.description.texts.items()}


def _is_within(diagnostic: Diagnostic, path: str) -> bool:
    return all(edit.location.path == path for edit in diagnostic.fix)


def edited(text: str, edits: Iterable[Edit]) -> str:
    """A text after edits that do not overlap."""
    lines = Lines(text)
    parts, end = [], len(text)
    for start, stop, replacement in sorted((*_offsets(lines, edit), edit.text) for edit in edits)[::-1]:
        parts += [text[stop:end], replacement]
        end = start
    return text[:end] + "".join(reversed(parts))


def _offsets(lines: Lines, edit: Edit) -> tuple[int, int]:
    span = edit.location.span
    return (
        lines.starts[span.line - 1] + span.column - 1,
        lines.starts[span.end_line - 1] + span.end_column - 1,
    )


def _by_file(diagnostics: Iterable[Diagnostic]) -> dict[str, list[Edit]]:
    found: dict[str, list[Edit]] = {}
    for edit in dict.fromkeys(edit for diagnostic in diagnostics for edit in diagnostic.fix):
        found.setdefault(edit.location.path, []).append(edit)
    return found


def _apart(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Those whose edits touch no others; what is left out comes in the next round."""
    chosen: list[Diagnostic] = []
    taken: list[Edit] = []
    for diagnostic in diagnostics:
        if all(edit == other or not _overlap(edit, other) for edit in diagnostic.fix for other in taken):
            chosen.append(diagnostic)
            taken += diagnostic.fix
    return chosen


def _overlap(one: Edit, other: Edit) -> bool:
    if one.location.path != other.location.path:
        return False
    first, second = sorted((one.location.span, other.location.span))
    return (second.line, second.column) <= (first.end_line, first.end_column)


def _is_better(old: Iterable[Compilation], new: Iterable[Compilation], fixed: list[Diagnostic]) -> bool:
    """Whether the remedies are some: nothing new that could be seen before, and no other data."""
    reach = min(_stage(one) for one in fixed)
    before, after = (
        Counter(_identity(one) for compilation in side for one in compilation.diagnostics if _stage(one) <= reach)
        for side in (old, new)
    )
    gone = Counter(_identity(one) for one in fixed if _stage(one) <= reach)
    if reach == 0:
        # Only the first mistake of a text is seen: what is seen now must be further down, or can be mended, too.
        last = {one.location.path: one.location.span for one in fixed if _stage(one) == 0}
        seen = (one for compilation in new for one in compilation.diagnostics if _stage(one) == 0)
        return all(
            one.location.span > last[one.location.path]
            and (one.fix or one.location.span.line > last[one.location.path].line)
            for one in seen
            if one.location.path in last
        )
    if not after <= before - gone:
        return False
    count = sum(len(edits) for edits in _by_file(fixed).values())
    was, now = ({one.name: one.data for each in side for one in each.description.documents} for side in (old, new))
    return sum(_differences(was.get(name, data), data) for name, data in now.items()) <= count


def _identity(diagnostic: Diagnostic) -> tuple[str, str, str, str]:
    """What stays the same of a diagnostic when lines move."""
    message = "" if diagnostic.code.startswith("LVS90") else diagnostic.message
    return (diagnostic.code, diagnostic.location.path, diagnostic.subject, message)


def _stage(diagnostic: Diagnostic) -> int:
    begins = (number for number, beginning in enumerate(_STAGES) if diagnostic.code.startswith(beginning))
    return next(begins, len(_STAGES))


def _differences(one: Any, other: Any) -> int:
    """In how many places two pieces of plain data differ."""
    if isinstance(one, dict) and isinstance(other, dict) and list(one) == list(other):
        return sum(_differences(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return sum(map(_differences, one, other))
    return int(type(one) is not type(other) or one != other)
