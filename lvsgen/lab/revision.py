"""A description as it was: takes a path and a revision of its Git repository, returns the path of a copy.

Only objects are read, by `git cat-file`: the work tree, the index and every reference stay as they are, no hook and no
filter runs. The revision is somebody else's text and never an option of git; the files that the description includes
are taken as far as they stand in its folder.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lvsgen.diagnostics import Place, quote
from lvsgen.lab.kernel import CannotPlay, find_tool
from lvsgen.source import LARGEST, include
from lvsgen.source.events import parse

_OWN = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""What a hook of git has in its environment: it would lead to another repository than that of the description."""

_REGULAR = ("100644", "100755")


def copy(path: str, revision: str, folder: Path) -> Path:
    """Write the root file `path` and what it includes, as they were in `revision`, below `folder`."""
    if not revision or revision.startswith("-") or not revision.isprintable():
        raise CannotPlay(f"{quote(revision)} is no revision: name a commit, a branch or a tag, such as `origin/main`")
    place, name = os.path.split(path)
    place = place or "."
    if not os.path.isdir(place):
        raise CannotPlay(f"{quote(place)} is not a folder")
    known, _ = _git(place, "rev-parse", "--show-prefix")
    if known is None:
        raise CannotPlay(f"{quote(path)} is in no Git repository (or one of another user), so it has no revisions")
    prefix = os.fsdecode(known.rstrip(b"\n"))
    found, _ = _git(place, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if found is None:
        raise CannotPlay(f"the repository has no revision {quote(revision)}; `git fetch` brings those of others")
    commit = found.decode().strip()
    text = _file(place, commit, prefix + name, revision)
    if text is None:
        raise CannotPlay(f"{quote(prefix + name)} does not exist in {quote(revision)}")
    root = folder / name
    _write(root, text)
    for item in _included(name, text):
        held = _file(place, commit, prefix + os.path.normpath(item), revision)
        if held is not None:
            _write(folder / os.path.normpath(item), held)
    return root


def _included(name: str, text: bytes) -> list[str]:
    """The files that a root file names and may name; what is wrong with the others is said when it is compiled."""
    document, _ = parse(name, text.decode(errors="replace").removeprefix("\ufeff"))
    if document is None:
        return []
    items = document.data.get(include.KEY) if isinstance(document.data, dict) else None
    place = Place(name, (include.KEY,))
    return [i for i in items or () if isinstance(i, str) and include.spelling(i, place) is None]


def _file(place: str, commit: str, name: str, revision: str) -> bytes | None:
    """The bytes of a file of a commit; None if there is none."""
    listed, said = _git(place, "ls-tree", "-z", "--full-tree", commit, "--", name)
    if listed is None:
        raise CannotPlay(f"git cannot list {quote(name)} of {quote(revision)}: {said}")
    if not listed:
        return None
    mode, _, number = listed.split(b"\t")[0].decode().split(" ")
    if mode not in _REGULAR:
        raise CannotPlay(f"{quote(name)} is not a file in {quote(revision)} (a folder, or a symbolic link)")
    size, said = _git(place, "cat-file", "-s", number)
    if size is not None and int(size) > LARGEST:
        raise CannotPlay(f"{quote(name)} is larger than {LARGEST // 1024**2} MiB in {quote(revision)}")
    data, said = _git(place, "cat-file", "blob", number) if size is not None else (None, said)
    if data is None:
        raise CannotPlay(f"git cannot read {quote(name)} of {quote(revision)}: {said}")
    return data


def _git(place: str, *words: str) -> tuple[bytes | None, str]:
    """What git says, and its last word where it fails."""
    git = find_tool("git")
    if git is None:
        raise CannotPlay("git is missing, which knows the revisions; install the package git")
    kept = {name: value for name, value in os.environ.items() if name not in _OWN}
    quiet = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
    command: Sequence[str] = (git, "--no-pager", "--literal-pathspecs", "-C", place, *words)
    done = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL, env={**kept, **quiet})
    last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
    return (done.stdout if done.returncode == 0 else None), " ".join(last)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
