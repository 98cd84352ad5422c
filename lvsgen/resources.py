"""Files that come with lvsgen: its schema and its templates, as text.

A text that would be too long to read in one file is a folder of parts: they are joined in the order of their names.

An installed lvsgen has them in `lvsgen/_bundled/`; in a checkout they are the top-level folders of the same names, so
that what is edited is what is used.
"""

from __future__ import annotations

from pathlib import Path

# Not importlib.resources: it would add 15 ms to every run, and a wheel is unpacked into plain files anyway.
_PACKAGE = Path(__file__).resolve().parent
_FOLDERS = (_PACKAGE / "_bundled", _PACKAGE.parent)


def read_text(name: str) -> str:
    """The text of the resource `name` (`schema/cluster.schema.json`, `templates/NAME`)."""
    path = find(name, _FOLDERS)
    parts = sorted(path.iterdir()) if path.is_dir() else [path]
    return "".join(part.read_text(encoding="utf-8") for part in parts)


def find(name: str, folders: tuple[Path, ...]) -> Path:
    """The file or folder `name` in the first of `folders` that has it."""
    first, _, rest = name.partition("/")
    if first not in ("schema", "templates") or not rest or ".." in rest.split("/"):
        raise ValueError(f"no resource of lvsgen: {name!r}")
    return next((path for folder in folders if (path := folder / name).exists()), folders[-1] / name)
