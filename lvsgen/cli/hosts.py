"""`--host NAME`: which hosts are meant, and their names for shell completion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from lvsgen.cli.session import CannotRun
from lvsgen.diagnostics import quote

if TYPE_CHECKING:
    from lvsgen.pipeline import Compilation


def select_hosts(
    compilations: Sequence[Compilation], names: Sequence[str], *, unmanaged: bool = False
) -> tuple[str, ...]:
    """The hosts called `names`, or all if there are none. A name that no cluster has ends the command.

    So does a host without a folder, unless `unmanaged` ones are meant as well.
    """
    everyone = {host.name: host for one in compilations if one.cluster for host in one.cluster.hosts}
    for name in names:
        if name not in everyone:
            raise CannotRun(f"no host is called {quote(name)}{_hint(name, list(everyone))}")
        if not everyone[name].managed and not unmanaged:
            raise CannotRun(
                f"{quote(name)} is not managed, so it has no files; `lvsgen report` says what its owner must do"
            )
    return tuple(names) or tuple(name for name, host in everyone.items() if host.managed or unmanaged)


def _hint(name: str, known: Sequence[str]) -> str:
    import difflib

    close = difflib.get_close_matches(name, known, 1)
    if close:
        return f": did you mean {quote(close[0])}?"
    return f": there are {', '.join(map(quote, sorted(known)[:10]))}{', ...' if len(known) > 10 else ''}"


def complete_host(context: typer.Context, incomplete: str) -> list[str]:
    """Hosts that have been built already, from the names of their folders: reading YAML is too slow for the Tab key."""
    # While the value of --host is missing, what stands before it is in `args` and in no parameter yet.
    paths = context.params.get("paths") or context.args or [context.params.get("path") or "."]
    return sorted({name for path in paths for name in _built(Path(path)) if name.startswith(incomplete)})


def _built(path: Path) -> Iterator[str]:
    folder = path if path.is_dir() else path.parent
    yield from (found.parent.name for found in folder.glob("generated/*/lvsgen.sum"))
