"""What the tests of one run play on a real kernel, all of it together: no machine waits while there is something left.

A module of tests has `plays(folder, asked)`: the clusters of its tests, written below `folder`; `asked` are the names
of those that the tests of this run are about, or empty if its tests have no names. The fixture `endings` of
`tests.lab.conftest` has what was seen of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TypeAlias

import pytest

from lvsgen.lab import kernel, play
from tests import tools

MACHINES = 2

Plays: TypeAlias = Callable[[Path, frozenset[str]], Iterable[play.Play]]


def need_tools() -> None:
    """All that a host of any cluster runs."""
    for tool in sorted({*kernel.TOOLS, "keepalived", "nft", "iptables-restore", "openssl"} & set(tools.PACKAGES)):
        tools.need(tool)


def asked(items: Sequence[pytest.Item]) -> Mapping[ModuleType, frozenset[str]]:
    """Modules with tests that want to know how clusters ended, and the names of these clusters."""
    found: dict[ModuleType, set[str]] = {}
    for item in items:
        if isinstance(item, pytest.Function) and "endings" in item.fixturenames:
            names = found.setdefault(item.module, set())
            if hasattr(item, "callspec"):
                names.add(str(item.callspec.params["name"]))
    return {module: frozenset(names) for module, names in found.items()}


def played(modules: Mapping[ModuleType, frozenset[str]], folder: Path) -> Mapping[str, play.Ending]:
    """How each cluster ended, by its name."""
    plays: list[play.Play] = []
    for module, names in modules.items():
        of_module: Plays = module.plays
        place = folder / module.__name__.rpartition(".")[2]
        place.mkdir()
        plays += of_module(place, names)
    assert len({one.name for one in plays}) == len(plays), "two clusters have one name"
    return run(plays, folder)


def run(plays: Sequence[play.Play], folder: Path, kernel: str = "") -> Mapping[str, play.Ending]:
    """How each of them ended on a kernel."""
    endings = play.play(
        plays, folder, machines=MACHINES, say=lambda text: None, tell=lambda result: None, kernel=kernel
    )
    return {ending.name: ending for ending in endings}
