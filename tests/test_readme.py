"""The README shows real output: every block of it is made again here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language, in order."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [text for found, text in fenced if found == language]


def lvsgen(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lvsgen", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (yaml,) = blocks("yaml")
    assert len(yaml.splitlines()) == 12
    (tmp_path / "cluster.yaml").write_text(yaml)
    assert lvsgen(tmp_path, "build").returncode == 0
    return tmp_path


def edit(folder: Path, *replacements: tuple[str, str]) -> None:
    text = (folder / "cluster.yaml").read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    (folder / "cluster.yaml").write_text(text)


def test_the_tree_is_what_a_build_writes(shop: Path) -> None:
    tree = "".join(f"{path.relative_to(shop)}\n" for path in sorted(shop.rglob("*")) if path.is_file())
    assert blocks("")[0] == tree.removeprefix("cluster.yaml\n")


def test_the_diff_is_that_of_the_first_director(shop: Path) -> None:
    edit(shop, ("weight: 2", "weight: 3"))
    (diff,) = blocks("diff")
    patch = lvsgen(shop, "build", "--diff").stdout
    files = [f"diff --git {text}" for text in patch.split("diff --git ")[1:]]
    assert files[0] == diff
    assert files[2] == diff.replace("lvs1", "lvs2")
    assert len(files) == 4, "a file that the README does not mention has changed"


def test_the_mistakes_are_shown_as_they_are(shop: Path) -> None:
    edit(shop, ("tcp: [80, 443]", "tcp: {80: 8080}"), ("web2: }", "web3: }"))
    checked = lvsgen(shop, "check")
    assert checked.returncode == 1
    assert checked.stdout == blocks("")[1]


def test_every_command_exists(tmp_path: Path) -> None:
    for line in re.findall(r"^lvsgen .*?(?=\s+#|$)", "\n".join(blocks("")), re.MULTILINE):
        ran = lvsgen(tmp_path, *line.split()[1:])
        assert ran.returncode == 0, (line, ran.stderr)


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)", README):
        assert (ROOT / target).exists(), target
