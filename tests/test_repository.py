"""The repository's own tools: hooks for other repositories, shell scripts, and the clusters of the benchmark."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bench import generate
from lvsgen import pipeline
from tests.tools import need

ROOT = Path(__file__).resolve().parent.parent
HOOKS: dict[str, dict[str, Any]] = {
    hook["id"]: hook for hook in YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text())
}


@pytest.mark.parametrize(
    ("hook", "path", "runs"),
    [
        ("lvsgen-fix", "sites/shop/cluster.yaml", True),
        ("lvsgen-fix", "generated/lvs1/sysctl.conf", False),
        ("lvsgen-check", "cluster.yaml", True),
        ("lvsgen-check", "sites/shop/cluster.yaml", True),
        ("lvsgen-check", "sites/shop/my-cluster.yaml", False),
        ("lvsgen-check", "cluster.yaml.orig", False),
        ("lvsgen-check", "generated/lvs1/sysctl.conf", False),
        ("lvsgen-build-check", "cluster.yaml", True),
        ("lvsgen-build-check", "generated/lvs1/sysctl.conf", True),
        ("lvsgen-build-check", "sites/shop/generated/lvs1/lvsgen.sum", True),
        ("lvsgen-build-check", "generated/README.md", False),
        ("lvsgen-build-check", "src/regenerated/a/b", False),
    ],
)
def test_a_hook_runs_for_what_concerns_it(hook: str, path: str, runs: bool) -> None:
    assert bool(re.search(HOOKS[hook]["files"], path)) is runs


def test_hooks_start_commands_that_exist() -> None:
    assert {hook["entry"] for hook in HOOKS.values()} == {
        "lvsgen check --fix",
        "lvsgen check",
        "lvsgen build --check",
    }


@pytest.mark.parametrize("script", [".ci/run", ".ci/demo"])
def test_scripts_are_clean(script: str) -> None:
    ran = subprocess.run([need("shellcheck"), ROOT / script], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    assert (ROOT / script).stat().st_mode & 0o100


@pytest.mark.parametrize(("kind", "size"), [("written-out", 40), ("pooled", 2000)])
def test_the_clusters_of_the_benchmark_are_right(tmp_path: Path, kind: str, size: int) -> None:
    (tmp_path / "cluster.yaml").write_text("".join(generate.KINDS[kind](size)))
    made = pipeline.compile(str(tmp_path))
    assert not made.has_errors, made.diagnostics[:3]
    assert made.cluster is not None
    destinations = sum(len(service.destinations) for service in made.cluster.virtual_services)
    assert destinations == (size if kind == "pooled" else size * generate.MEMBERS)
