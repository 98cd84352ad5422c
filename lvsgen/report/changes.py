"""A Changeset as text: one line a path, grouped by what it is, then what to run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from lvsgen.report.words import visible
from lvsgen.sums import Status

if TYPE_CHECKING:
    from lvsgen.tree import Changeset

_COUNTED = {
    Status.REFUSED: "refused",
    Status.EDITED: "edited by hand",
    Status.FOREIGN: "foreign",
    Status.CREATE: "to create",
    Status.UPDATE: "to update",
    Status.DELETE: "to delete",
    Status.MISSING: "missing sum file",
    Status.STALE: "stale sum file",
    Status.DAMAGED: "damaged sum file",
    Status.UNMANAGED: "not from lvsgen",
    Status.UNCHANGED: "unchanged",
}
"""What the numbers at the end are of; also the order of the groups."""


def render(changeset: Changeset, *, command: str) -> str:
    """What `build --check` says, and a build that something is in the way of. `command` is the build to run."""
    if changeset.in_sync:
        return f"in sync: {_counts(changeset)}\n"
    lines = [*_lines(changeset), _counts(changeset)]
    stops = {change.status for change in changeset.blocking}
    if stops:
        names = ", ".join(visible(change.path) for change in changeset.blocking)
        lines.append(f"nothing is written while these are in the way: {names}")
    if Status.REFUSED in stops:
        lines.append("move what is refused elsewhere: --force does not overwrite it either")
    if any(change.status is Status.UNMANAGED for change in changeset.changes):
        lines.append("move what is not from lvsgen elsewhere: these folders hold generated files only")
    if stops - {Status.REFUSED}:
        lines.append("put into cluster.yaml what is worth keeping of an edited or foreign file, then give the file up")
        lines.append(f"run: {command} --force")
    elif stops or changeset.written or changeset.deleted:
        lines.append(f"run: {command}")
    else:
        lines.append(f"run: {command} --check")
    return "\n".join(lines) + "\n"


def _lines(changeset: Changeset) -> list[str]:
    order = list(_COUNTED)
    shown = [change for change in changeset.changes if change.status is not Status.UNCHANGED]
    shown.sort(key=lambda change: (order.index(change.status), change.path))
    first = max((len(change.status) for change in shown), default=0)
    second = max((len(visible(change.path)) for change in shown), default=0)
    return [f"{change.status:<{first}}  {visible(change.path):<{second}}  {change.reason}" for change in shown]


def _counts(changeset: Changeset) -> str:
    numbers = Counter(change.status for change in changeset.changes)
    return ", ".join(f"{numbers[status]} {word}" for status, word in _COUNTED.items() if numbers[status]) or "no files"
