"""Files that come with lvsgen."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lvsgen import resources

ROOT = Path(__file__).parent.parent


def test_a_checkout_uses_the_folders_beside_the_package() -> None:
    assert json.loads(resources.read_text("schema/cluster.schema.json"))["$defs"]
    parts = sorted((ROOT / "templates" / "lvs.sh").iterdir())
    assert resources.read_text("templates/lvs.sh") == "".join(part.read_text(encoding="utf-8") for part in parts)


@pytest.mark.parametrize(
    "name", ["", "schema", "schema/", "other/x", "schema/../pyproject.toml", "../x", "/etc/passwd"]
)
def test_only_schema_and_templates_are_resources(name: str) -> None:
    with pytest.raises(ValueError, match="no resource"):
        resources.read_text(name)


def test_a_missing_template_is_a_bug_and_says_so() -> None:
    with pytest.raises(FileNotFoundError):
        resources.read_text("templates/gone.j2")


def test_an_installation_uses_what_was_bundled(tmp_path: Path) -> None:
    bundled = tmp_path / "_bundled" / "templates" / "lvs.sh"
    bundled.parent.mkdir(parents=True)
    bundled.touch()
    assert resources.find("templates/lvs.sh", (tmp_path / "_bundled", ROOT)) == bundled
    assert resources.find("templates/lvs.sh", (tmp_path / "gone", ROOT)) == ROOT / "templates" / "lvs.sh"
