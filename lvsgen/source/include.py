"""The list `include` of a root document: which files it names, and why some cannot be read.

`resolve` takes the root document and the folder it stands in and returns `Include`s: a path to read, or a problem at
the item of the list. Nothing outside of the folder is ever opened, so a description is what its folder holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass

from lvsgen.diagnostics import Finding, Place, Related, Severity, quote
from lvsgen.source.document import Document

KEY = "include"


@dataclass(frozen=True, slots=True, kw_only=True)
class Include:
    """An item of the list: `path` can be opened and is what is shown; or it cannot, and `problem` says why."""

    path: str
    problem: Finding | None = None


def bad_include(place: Place, message: str, help: str = "", related: tuple[Related, ...] = ()) -> Finding:
    """A finding about an include."""
    return Finding(
        code="LVS006",
        name="bad-include",
        severity=Severity.ERROR,
        message=message,
        place=place,
        help=help,
        related=related,
    )


def resolve(root: Document, folder: str, root_path: str | None) -> Iterator[Include]:
    """The includes of a root document that stands in `folder`, at `root_path` unless it has no path.

    Items that are no texts are left to the schema.
    """
    items = root.data.get(KEY) if isinstance(root.data, dict) else None
    if not isinstance(items, list):
        return
    real_folder = os.path.realpath(folder)
    seen: dict[str, Place | None] = {os.path.realpath(root_path): None} if root_path is not None else {}
    for index, item in enumerate(items):
        if not isinstance(item, str):
            continue
        place = Place(root.name, (KEY, index))
        path = os.path.join(folder, item)
        problem = spelling(item, place)
        if problem is None:
            real = os.path.realpath(path)
            problem = _inside(item, path, real, real_folder, place) or _repeated(item, real, seen, place)
            seen.setdefault(real, place)
        yield Include(path=path, problem=problem)


def spelling(item: str, place: Place) -> Finding | None:
    """What is wrong with the text of an item, whatever is on the disk."""
    if not item or not item.isprintable():
        return bad_include(place, f"{quote(item)} is not the name of a file", "write a path such as `teams/web.yaml`")
    if os.path.isabs(item) or item.startswith("~"):
        return bad_include(place, f"{quote(item)} is not a relative path", "write it relative to the root file")
    if any(c in item for c in "*?[]"):
        return bad_include(
            place,
            f"{quote(item)} is a pattern: files must be named one by one",
            "list every file, so that none is forgotten",
        )
    if os.path.normpath(item).split(os.sep)[0] == os.pardir:
        help = "included files stand in the folder of the root file or below it"
        return bad_include(place, f"{quote(item)} leaves the folder of the root file", help)
    return None


def _inside(item: str, path: str, real: str, real_folder: str, place: Place) -> Finding | None:
    """Is there a file, and is it in the folder when symbolic links have been followed?"""
    if real != real_folder and not real.startswith(os.path.join(real_folder, "")):
        return bad_include(
            place,
            f"{quote(item)} leads out of the folder of the root file through a symbolic link",
            "copy the file into the folder, so that a commit has all of the description",
        )
    if not os.path.lexists(path):
        return bad_include(place, f"there is no file {quote(item)}", "paths are relative to the root file")
    if not os.path.isfile(path):
        return bad_include(place, f"{quote(item)} is not a file", "name files, not folders")
    return None


def _repeated(item: str, real: str, seen: dict[str, Place | None], place: Place) -> Finding | None:
    """Was this file read before?"""
    if real not in seen:
        return None
    first = seen[real]
    if first is None:
        return bad_include(place, f"{quote(item)} is the root file itself", "a file cannot include itself; remove it")
    related = (Related(first, "first included here"),)
    return bad_include(place, f"{quote(item)} is included twice", "remove one of them", related)
