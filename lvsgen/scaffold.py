"""What `lvsgen init` writes: takes what the user chose, returns the texts of a new cluster's files, and writes them.

The description is complete: it passes `lvsgen check` as it is, and its comments explain what to change. Beside it
stand a copy of the schema, for editors, and the .gitattributes that generated files need.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias

from lvsgen.model import Method
from lvsgen.render import render
from lvsgen.resources import read_text

FailoverChoice: TypeAlias = Literal["none", "keepalived"]


def files(*, cluster: str, method: Method, failover: FailoverChoice) -> dict[str, str]:
    """The texts by file name."""
    view = {"cluster": cluster, "method": method, "failover": failover}
    return {
        "cluster.yaml": render("init/cluster.yaml.j2", view),
        "cluster.schema.json": read_text("schema/cluster.schema.json"),
        ".gitattributes": read_text("templates/init/gitattributes"),
    }


def cluster_name(folder: Path) -> str:
    """A name for the cluster: the folder's, as far as the language allows."""
    name = re.sub(r"[^a-z0-9-]+", "-", folder.resolve().name.lower())[:50].strip("-")
    # What begins with a digit may be a number in YAML, and these three are not strings either.
    if not name[:1].isalpha() or name in ("null", "true", "false"):
        return f"cluster-{name}".strip("-")
    return name


def existing(folder: Path, names: Mapping[str, str]) -> tuple[str, ...]:
    """Those of `names` that are in `folder` already (a dangling link is something, too)."""
    return tuple(name for name in names if (folder / name).exists() or (folder / name).is_symlink())


def write(folder: Path, texts: Mapping[str, str]) -> None:
    """Create the files, and the folder if need be. Replaces nothing: FileExistsError if one appeared meanwhile."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        with open(folder / name, "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
