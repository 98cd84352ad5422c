"""The facts about the kernel: who is said to rely on them exists, the page about them is that of the tests, and scenes
have the mistake that they are about.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsgen import pipeline
from lvsgen.rules import RULES
from tests.lab.facts import scenes
from tests.lab.facts.fact import FACTS
from tests.lab.facts.page import page

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_page_is_that_of_the_tests() -> None:
    assert (ROOT / "docs/kernel-facts.md").read_text() == page()


def test_whoever_relies_on_a_fact_exists() -> None:
    page()
    codes = {rule.code for rule in RULES}
    for one in FACTS.values():
        assert one.relied_on, one.name
        wrong = [name for name in one.relied_on if name not in codes and not (ROOT / name).exists()]
        assert not wrong, one.name


def test_what_is_shown_is_the_failure_of_a_rule() -> None:
    page()
    assert {code for one in FACTS.values() for code in one.shows} <= {rule.code for rule in RULES}


@pytest.mark.parametrize("scene", scenes.CHANGES)
def test_a_scene_has_the_mistake_that_it_is_named_after(scene: str, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.yaml" for number, _ in enumerate(scenes.text(scene))]
    for path, part in zip(paths, scenes.text(scene), strict=True):
        path.write_text(part)
    found = {one.code for checked in pipeline.check_all([str(path) for path in paths]) for one in checked.diagnostics}
    assert (scene.partition("-")[0] in found) == (not scene.endswith("-not"))
