"""Real tools judge every generated file of the examples and the golden cases."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from lvsgen.resources import read_text
from tests.test_examples import ROOT
from tests.tools import in_namespace, need

GENERATED = [*(ROOT / "examples").glob("*/generated/*/*"), *(ROOT / "tests/golden").glob("*/generated/*/*")]


def named(*names: str) -> list[Path]:
    """The generated files of these names; each name must occur, or its judge would judge nothing."""
    found = sorted(path for path in GENERATED if path.name in names)
    assert {path.name for path in found} == set(names)
    return found


def label(path: Path) -> str:
    return "/".join((path.parts[-4], *path.parts[-2:]))


@pytest.mark.parametrize("path", named("iptables.rules", "ip6tables.rules"), ids=label)
def test_iptables_takes_the_rules(path: Path) -> None:
    tool = need("ip6tables-restore" if path.name.startswith("ip6") else "iptables-restore")
    run = in_namespace([tool, "--test", "--noflush", str(path)])
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("path", named("nftables.conf"), ids=label)
def test_nft_takes_the_transaction_twice(path: Path) -> None:
    assert in_namespace([need("nft"), "-c", "-f", str(path)]).returncode == 0
    twice = in_namespace(["sh", "-c", '"$0" -f "$1" && "$0" -f "$1" && "$0" list ruleset', need("nft"), str(path)])
    assert twice.returncode == 0, twice.stderr
    assert twice.stdout.count("table inet") == 1


def interfaces_of(folder: Path) -> list[str]:
    """Every interface that a keepalived.conf names: keepalived -t refuses one that does not exist."""
    words = (folder / "keepalived.conf").read_text().split()
    return sorted(
        {name for word, name in pairwise(words) if word in ("interface", "dev", "lvs_sync_daemon") and name != "lo"}
    )


@pytest.mark.parametrize("path", named("keepalived.conf"), ids=label)
def test_keepalived_finds_nothing_to_mend(path: Path) -> None:
    # 0 is the only answer that means "as written": 5 is "I would start with something else".
    run = in_namespace([need("keepalived"), "-t", "-f", str(path)], interfaces=interfaces_of(path.parent))
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("path", [p for p in GENERATED if p.name == "lvsgen.sum"], ids=label)
def test_sha256sum_confirms_the_folder(path: Path) -> None:
    run = subprocess.run(
        [need("sha256sum"), "--check", "--strict", "--quiet", path.name],
        cwd=path.parent,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    listed = {line.split("  ", 1)[1] for line in path.read_text().splitlines() if not line.startswith("#")}
    assert listed == {p.name for p in path.parent.iterdir()} - {"lvsgen.sum"}


def test_the_script_is_the_same_on_every_host() -> None:
    texts = {path.read_bytes() for path in GENERATED if path.name == "lvs.sh"}
    assert texts == {read_text("templates/lvs.sh").encode()}
