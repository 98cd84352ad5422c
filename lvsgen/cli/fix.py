"""`lvsgen check --fix`: writes what surely is meant, or with `--diff` shows it."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, TypeAlias

from lvsgen.cli.session import STDIN, CannotRun, Session, reason
from lvsgen.diagnostics import Diagnostic, quote

if TYPE_CHECKING:
    from lvsgen.fixes import Mended
    from lvsgen.pipeline import Compilation

Wanted: TypeAlias = Callable[[Iterable[Diagnostic]], tuple[Diagnostic, ...]]


def fixed(
    session: Session, files: Sequence[str], as_of: date | None, wanted: Wanted, *, diff: bool
) -> tuple[tuple[Compilation, ...], bool]:
    """Mend what can be mended, and say what; returns what is left, and whether anything was or would be changed.

    What comes from standard input goes to standard output.
    """
    from lvsgen import fixes
    from lvsgen.rewrite import rewrite

    data = session.stdin.read() if STDIN in files else b""
    mended = fixes.mend(files, stdin=io.BytesIO(data), as_of=as_of, wanted=wanted)
    if diff:
        _show(session, mended, data)
    elif STDIN in files:
        _print(session, mended, data)
    elif failure := rewrite(mended.roots, mended.before, mended.texts):
        raise CannotRun(f"{quote(failure.path)} was not mended: {failure.reason}")
    if mended.count:
        verb, count = "would mend" if diff else "mended", len(mended.texts)
        session.note(f"{verb} {mended.count} in {count} file{'' if count == 1 else 's'}\n")
    return mended.compilations, bool(mended.texts)


def _show(session: Session, mended: Mended, data: bytes) -> None:
    from lvsgen.report import diff
    from lvsgen.rewrite import content
    from lvsgen.source import STDIN_NAME

    for name, text in sorted(mended.texts.items()):
        before = data if name == STDIN_NAME else _beginning(name)
        old, new = (diff.Side(data=content(before, one), executable=False) for one in (mended.before[name], text))
        session.print(diff.render(name if os.path.isabs(name) else os.path.relpath(name), old, new))


def _beginning(name: str) -> bytes:
    """Enough of a file to see a byte order mark, which the texts of a description lack."""
    try:
        with open(name, "rb") as file:
            return file.read(3)
    except OSError as error:
        raise CannotRun(f"cannot read {quote(name)}: {reason(error)}") from None


def _print(session: Session, mended: Mended, data: bytes) -> None:
    from lvsgen.rewrite import content
    from lvsgen.source import STDIN_NAME

    (left,) = mended.compilations
    if any(one.code in ("LVS001", "LVS002") for one in left.diagnostics):
        raise CannotRun("standard input cannot be mended: it is no text that could be printed again")
    text = left.description.texts.get(STDIN_NAME, "")
    session.print(content(data, text).decode())
