"""`lvsgen init`: every combination is a cluster that passes check and builds, and nothing is ever overwritten."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from lvsgen import source
from lvsgen.resources import read_text
from tests.conftest import Lvsgen

COMBINATIONS = list(itertools.product(("dr", "nat", "tun"), ("none", "keepalived")))


@pytest.mark.parametrize(("method", "failover"), COMBINATIONS)
def test_every_combination_passes_check_and_builds(lvsgen: Lvsgen, tmp_path: Path, method: str, failover: str) -> None:
    folder = tmp_path / "shop"
    made = lvsgen("init", folder, "--method", method, "--failover", failover)
    assert (made.code, made.out.splitlines()) == (
        0,
        [str(folder / name) for name in ("cluster.yaml", "cluster.schema.json", ".gitattributes")],
    )
    checked = lvsgen("check", "--strict", folder)
    assert checked.code == 0, checked.out
    built = lvsgen("build", folder)
    assert built.code == 0, built.err
    hosts = {path.name for path in (folder / "generated").iterdir()}
    assert hosts == {"lvs1", "web1", "web2"} | ({"lvs2"} if failover == "keepalived" else set())
    assert (folder / "generated/lvs1/keepalived.conf").exists() == (failover == "keepalived")
    assert lvsgen("build", "--check", folder).code == 0


@pytest.mark.parametrize(("method", "failover"), COMBINATIONS)
def test_the_description_says_what_was_asked_for(lvsgen: Lvsgen, tmp_path: Path, method: str, failover: str) -> None:
    lvsgen("init", tmp_path / "a", "--method", method, "--failover", failover)
    description, diagnostics = source.read(str(tmp_path / "a"))
    data = description.documents[0].data
    assert not diagnostics
    assert data["services"]["web"]["method"] == method
    assert len(data["directors"]) == (2 if failover == "keepalived" else 1)
    assert data.get("failover", {}).get("engine", "none") == failover


def test_editors_find_the_schema(lvsgen: Lvsgen, tmp_path: Path) -> None:
    lvsgen("init", tmp_path / "a")
    first = (tmp_path / "a/cluster.yaml").read_text().splitlines()[0]
    assert first == "# yaml-language-server: $schema=cluster.schema.json"
    assert (tmp_path / "a/cluster.schema.json").read_text() == read_text("schema/cluster.schema.json")
    assert lvsgen("schema").out == read_text("schema/cluster.schema.json")


def test_the_layout_of_the_description_is_tidy(lvsgen: Lvsgen, tmp_path: Path) -> None:
    for method, failover in COMBINATIONS:
        lvsgen("init", tmp_path / method / failover, "--method", method, "--failover", failover)
        text = (tmp_path / method / failover / "cluster.yaml").read_text()
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        assert "\n\n\n" not in text
        assert all(line == line.rstrip() and len(line) <= 120 for line in text.splitlines())


@pytest.mark.parametrize("name", ["cluster.yaml", "cluster.schema.json", ".gitattributes"])
def test_nothing_is_overwritten(lvsgen: Lvsgen, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    ran = lvsgen("init", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert name in ran.err
    assert len(ran.err.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_dangling_link_is_something_too(lvsgen: Lvsgen, tmp_path: Path) -> None:
    (tmp_path / "cluster.yaml").symlink_to(tmp_path / "elsewhere")
    assert lvsgen("init", tmp_path).code == 2
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_cannot_be_made_is_one_line(lvsgen: Lvsgen, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = lvsgen("init", tmp_path / "file" / "shop")
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("folder", "cluster"),
    [
        ("Shop", "shop"),
        ("my shop_1", "my-shop-1"),
        ("2024", "cluster-2024"),
        ("true", "cluster-true"),
        ("ü", "cluster"),
    ],
)
def test_the_cluster_is_named_after_its_folder(lvsgen: Lvsgen, tmp_path: Path, folder: str, cluster: str) -> None:
    lvsgen("init", tmp_path / folder)
    assert f"\ncluster: {cluster}\n" in (tmp_path / folder / "cluster.yaml").read_text()
    assert lvsgen("check", tmp_path / folder).code == 0


def test_a_folder_without_a_name_is_refused(lvsgen: Lvsgen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = lvsgen("init", "")
    assert (ran.code, ran.out, len(ran.err.splitlines())) == (2, "", 1)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_cannot_speak_to_the_terminal(lvsgen: Lvsgen, tmp_path: Path) -> None:
    folder = tmp_path / "a\x1b[2J b\n"
    for code in (0, 2):
        ran = lvsgen("init", folder)
        assert ran.code == code
        assert "a\\x1b[2J b\\n" in ran.err
        assert all(line.isprintable() for line in (ran.out + ran.err).splitlines())
    assert "check '/" in lvsgen("init", tmp_path / "two words").err
