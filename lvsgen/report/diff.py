"""What a build would change, as a patch that `git apply` takes at the top of the repository."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A file before or after: its bytes, and whether it is executable."""

    data: bytes
    executable: bool

    @property
    def mode(self) -> str:
        """As Git records it."""
        return "100755" if self.executable else "100644"


def render(path: str, old: Side | None, new: Side | None) -> str:
    """The patch of one file; None is a file that is not there. Empty if nothing differs."""
    if old == new:
        return ""
    lines = [f"diff --git a/{path} b/{path}\n", *_modes(old, new)]
    before, after = _lines(old), _lines(new)
    if before is None or after is None:
        lines.append(f"Binary files a/{path} and b/{path} differ\n")
    elif before != after:
        names = (f"a/{path}" if old else "/dev/null", f"b/{path}" if new else "/dev/null")
        lines += _complete(difflib.unified_diff(before, after, *names))
    return "".join(lines)


def _modes(old: Side | None, new: Side | None) -> Iterator[str]:
    if old is None and new is not None:
        yield f"new file mode {new.mode}\n"
    elif new is None and old is not None:
        yield f"deleted file mode {old.mode}\n"
    elif old is not None and new is not None and old.mode != new.mode:
        yield f"old mode {old.mode}\n"
        yield f"new mode {new.mode}\n"


def _lines(side: Side | None) -> list[str] | None:
    """The lines as diff(1) counts them; None for what is not text."""
    try:
        text = side.data.decode() if side else ""
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    parts = text.split("\n")
    return [part + "\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _complete(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
