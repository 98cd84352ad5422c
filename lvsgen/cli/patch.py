"""`lvsgen build --diff`: reads what is on the disk now, for a patch to what a build would write."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator

from lvsgen.report import diff
from lvsgen.report.diff import Side
from lvsgen.sums import Change, Status
from lvsgen.tree import Changeset

_UNTOUCHED = (Status.UNCHANGED, Status.UNMANAGED, Status.REFUSED)


def patch(changeset: Changeset) -> Iterator[str]:
    """The patch, file by file. What only --force would give up is in it as well."""
    for change in changeset.changes:
        if change.status not in _UNTOUCHED and change.name:
            path = os.path.join(changeset.request.output, change.path)
            yield diff.render(os.path.relpath(path), _now(path), _then(change))


def _now(path: str) -> Side | None:
    try:
        with open(path, "rb") as file:
            return Side(data=file.read(), executable=bool(os.fstat(file.fileno()).st_mode & stat.S_IXUSR))
    except OSError:
        return None


def _then(change: Change) -> Side | None:
    artifact = change.artifact
    return Side(data=artifact.text.encode(), executable=artifact.executable) if artifact else None
