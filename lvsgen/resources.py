"""Files that come with lvsgen: its schema and its templates, as text.

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
    return find(name, _FOLDERS).read_text(encoding="utf-8")


def find(name: str, folders: tuple[Path, ...]) -> Path:
    """The file `name` in the first of `folders` that has it."""
    first, _, rest = name.partition("/")
    if first not in ("schema", "templates") or not rest or ".." in rest.split("/"):
        raise ValueError(f"no resource of lvsgen: {name!r}")
    return next((path for folder in folders if (path := folder / name).is_file()), folders[-1] / name)
