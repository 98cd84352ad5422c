"""The facts about the kernel: who is said to rely on them exists, and the page about them is that of the tests."""

from __future__ import annotations

from pathlib import Path

from lvsgen.rules import RULES
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
