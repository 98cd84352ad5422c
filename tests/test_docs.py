"""What the documentation claims and a program can tell: examples that are clusters, the table of files."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lvsgen import pipeline
from lvsgen.sums import SUM_NAME
from lvsgen.targets import TARGETS

DOCS = Path(__file__).parent.parent / "docs"
YAML = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CLUSTERS = [
    text for text in YAML.findall((DOCS / "language.md").read_text()) if re.search("^cluster:", text, re.MULTILINE)
]


def test_the_language_is_shown_by_whole_clusters() -> None:
    assert CLUSTERS


@pytest.mark.parametrize("text", CLUSTERS)
def test_a_whole_cluster_of_the_language_has_no_mistake(tmp_path: Path, text: str) -> None:
    (tmp_path / "cluster.yaml").write_text(text)
    assert pipeline.check(str(tmp_path)).diagnostics == ()


def test_the_files_are_listed_in_the_order_in_which_they_are_applied() -> None:
    rows = [line for line in (DOCS / "host.md").read_text().splitlines() if line.startswith("| `")]
    listed = [name for row in rows for name in re.findall("`([^`]+)`", row.split("|")[1])]
    made = [target.name.format(unit="lvsgen-CLUSTER") for target in TARGETS]
    assert listed == [*made, SUM_NAME]


def test_lvs_sh_reads_them_in_that_order() -> None:
    """The services of a director are there before the sync daemon fills them with connections."""
    names = [target.name for target in TARGETS]
    assert names.index("ipvs.rules") < names.index("ipvs.conf") < names.index("addresses.batch")
