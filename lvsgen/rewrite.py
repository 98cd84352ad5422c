"""The writer of `check --fix`: puts new texts in the place of the texts of a description, all of them or none.

`rewrite` takes the texts as they were read and as they shall be, with their root files; it returns a failure or None.
A file that is no longer what was read is not touched, nor one outside of the folder of its root file: the description
may come from somebody else, and a symbolic link in it may lead anywhere. Bytes that are not edited stay: byte order
mark, line breaks, mode.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class RewriteFailure:
    """The file at `path` cannot be rewritten, and so none was."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Staged:
    """A file whose new text stands beside it already, as `temporary`."""

    path: str
    temporary: str


def content(before: bytes, text: str) -> bytes:
    """The bytes of a file with another text; a byte order mark stays."""
    return (_BOM if before.startswith(_BOM) else b"") + text.encode()


def rewrite(roots: Mapping[str, str], before: Mapping[str, str], after: Mapping[str, str]) -> RewriteFailure | None:
    """Write `after`, if the files still hold `before`. All three have the names of the same files."""
    staged: list[_Staged] = []
    path = ""
    try:
        for path, text in sorted(after.items()):
            folder = os.path.realpath(os.path.dirname(roots[path]) or ".")
            one = _stage(folder, path, before[path], text)
            staged.append(one)
        for one in staged:
            path = one.path
            os.rename(one.temporary, one.path)
    except OSError as error:
        for one in staged:
            with suppress(OSError):
                os.unlink(one.temporary)
        reason = error.strerror or str(error)
        return RewriteFailure(path, reason[:1].lower() + reason[1:])
    return None


def _stage(folder: str, path: str, before: str, after: str) -> _Staged:
    """Write the new text beside the file; an OSError says why that cannot be."""
    real = os.path.realpath(path)
    if os.path.commonpath((folder, real)) != folder:
        raise OSError("it is a symbolic link that leads out of its folder")
    with open(os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError("it is not a regular file")
        data = file.read()
    if data != content(data, before):
        raise OSError("it has changed since it was read")
    if not os.access(real, os.W_OK):
        raise PermissionError("it is not writable")
    temporary = os.path.join(os.path.dirname(real), f".lvsgen-{os.getpid()}-{os.path.basename(real)}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(temporary, flags, 0o600), "wb") as file:
        try:
            file.write(content(data, after))
            file.flush()
            os.fchmod(file.fileno(), stat.S_IMODE(status.st_mode))
        except OSError:
            os.unlink(temporary)
            raise
    return _Staged(real, temporary)
