"""What a build has done, as text: a line for each host that it touched, and who lost work of his own by force."""

from __future__ import annotations

from collections import Counter

from lvsgen.report.words import visible
from lvsgen.sums import SUM_NAME, Change, Status
from lvsgen.tree import Changeset


def render(changeset: Changeset) -> str:
    """`lvs1: 2 created, 1 updated` for each host; one line if there was nothing to do."""
    counts: dict[str, Counter[str]] = {}
    for change in (*changeset.written, *changeset.deleted):
        if change.name != SUM_NAME:
            counts.setdefault(change.host, Counter())[_done(change)] += 1
    lines = [
        f"{host}: " + ", ".join(f"{number[word]} {word}" for word in _WORDS if number[word])
        for host, number in sorted(counts.items())
    ]
    if not lines:
        only_sums = bool(changeset.written or changeset.deleted)
        lines = ["renewed the sum files" if only_sums else f"{changeset.request.output}: nothing to do"]
    lines += [f"given up because of --force: {visible(change.path)}" for change in changeset.victims]
    lines += [
        f"left alone: {visible(change.path)} {change.reason}".rstrip()
        for change in changeset.changes
        if change.status is Status.UNMANAGED
    ]
    return "\n".join(lines) + "\n"


_WORDS = ("created", "updated", "deleted")


def _done(change: Change) -> str:
    if change.artifact is None:
        return "deleted"
    return "created" if change.status is Status.CREATE else "updated"
