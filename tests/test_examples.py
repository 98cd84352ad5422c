"""The examples are documentation, golden files and input of these tests in one; tests/golden holds the odd cases.

A change of what is generated shows as a diff of `generated/`: `make golden` rebuilds it, and a reviewer reads it.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lvsgen import pipeline
from lvsgen.sums import Artifact

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted(path.parent for path in (ROOT / "examples").glob("*/cluster.yaml"))
GOLDEN = sorted(path.parent for path in (ROOT / "tests/golden").glob("*/cluster.yaml"))
NAMED = {
    "telnet-squid",
    "nat-two-networks",
    "nat-one-network",
    "tun",
    "https-affinity",
    "dual-stack-pair",
    "nat-pair",
    "dns-udp",
    "transparent-proxy",
    "two-box",
    "teams",
    "large",
}

folders = pytest.mark.parametrize("folder", [*EXAMPLES, *GOLDEN], ids=lambda path: path.name)


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def built(folder: Path) -> dict[str, str]:
    """What a folder's cluster compiles to, as `HOST/FILE`: text."""
    compilation = pipeline.compile(str(folder))
    assert not compilation.diagnostics, [d.message for d in compilation.diagnostics]
    return texts(compilation.artifacts)


def texts(artifacts: tuple[Artifact, ...]) -> dict[str, str]:
    return {f"{a.host}/{a.name}": a.text for a in artifacts}


def test_every_promised_example_is_there() -> None:
    assert {folder.name for folder in EXAMPLES} == NAMED


@folders
def test_generated_is_what_the_yaml_says_to_the_byte_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lvsgen", "build", str(folder), "-o", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    assert files_below(folder / "generated") == files_below(tmp_path)


@folders
def test_the_committed_modes_are_those_that_a_build_makes(folder: Path) -> None:
    for path in (folder / "generated").rglob("*"):
        if path.is_file():
            assert bool(path.stat().st_mode & 0o100) == (path.name == "lvs.sh"), path


def environments() -> list[dict[str, str]]:
    return [
        {"PYTHONHASHSEED": "1", "LC_ALL": "C", "TZ": "UTC"},
        {"PYTHONHASHSEED": "4242", "LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo", "USER": "somebody", "HOME": "/nowhere"},
    ]


@pytest.mark.parametrize("name", ["dual-stack-pair", "teams", "transparent-proxy"])
def test_hash_seed_locale_and_folder_change_no_byte(name: str, tmp_path: Path) -> None:
    results = []
    for number, environment in enumerate(environments()):
        folder = tmp_path / f"copy {number}" / "elsewhere"
        shutil.copytree(ROOT / "examples" / name, folder, ignore=shutil.ignore_patterns("generated"))
        command = [sys.executable, "-m", "lvsgen", "build", str(folder)]
        run = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env={**environment, "PYTHONPATH": str(ROOT)}
        )
        assert run.returncode == 0, run.stdout + run.stderr
        results.append(files_below(folder / "generated"))
    assert results[0] == results[1] == files_below(ROOT / "examples" / name / "generated")


def shuffled(value: Any, order: random.Random) -> Any:
    """The same data with every mapping in another order."""
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffled(value[key], order) for key in keys}
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


@folders
@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_a_mapping_never_means_anything(folder: Path, seed: int, tmp_path: Path) -> None:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    for path in folder.rglob("*.yaml"):
        copy = tmp_path / path.relative_to(folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        with copy.open("w") as stream:
            yaml.dump(shuffled(yaml.load(path), random.Random(seed)), stream)
    compilation = pipeline.compile(str(tmp_path))
    assert compilation.artifacts, [d.message for d in compilation.diagnostics]
    assert texts(compilation.artifacts) == built(folder)


def changed_lines(before: str, after: str) -> tuple[set[str], set[str]]:
    """Lines that are only in one of two texts; both must have the same number of lines."""
    assert len(before.splitlines()) == len(after.splitlines())
    old, new = set(before.splitlines()), set(after.splitlines())
    return old - new, new - old


def test_a_changed_weight_changes_one_line_a_virtual_service_and_nothing_else(tmp_path: Path) -> None:
    folder = ROOT / "examples/tun"
    text = (folder / "cluster.yaml").read_text()
    (tmp_path / "cluster.yaml").write_text(text.replace("a1: {weight: 2}", "a1: {weight: 5}"))
    before, after = built(folder), texts(pipeline.compile(str(tmp_path)).artifacts)
    assert before.keys() == after.keys()
    assert [name for name in before if before[name] != after[name]] == ["director/ipvs.rules"]
    gone, come = changed_lines(before["director/ipvs.rules"], after["director/ipvs.rules"])
    assert gone == {f"-a -t 192.0.2.100:{port} -r 198.51.100.11:{port} -i -w 2" for port in (80, 443)}
    assert come == {f"-a -t 192.0.2.100:{port} -r 198.51.100.11:{port} -i -w 5" for port in (80, 443)}


def test_a_changed_weight_changes_one_line_of_keepalived_a_virtual_service_and_director(tmp_path: Path) -> None:
    folder = ROOT / "examples/dual-stack-pair"
    text = (folder / "cluster.yaml").read_text()
    (tmp_path / "cluster.yaml").write_text(
        text.replace("web: [web1, web2, web3]", "web: {web1: {weight: 3}, web2: , web3: }")
    )
    before, after = built(folder), texts(pipeline.compile(str(tmp_path)).artifacts)
    changed = [name for name in before if before[name] != after[name]]
    assert changed == ["lvs1/keepalived.conf", "lvs2/keepalived.conf"]
    for name in changed:
        pairs = [
            (old, new)
            for old, new in zip(before[name].splitlines(), after[name].splitlines(), strict=True)
            if old != new
        ]
        # Two families, two ports.
        assert [(old.strip(), new.strip()) for old, new in pairs] == [("weight 1", "weight 3")] * 4


def test_a_new_service_moves_no_line_of_another(tmp_path: Path) -> None:
    folder = ROOT / "examples/https-affinity"
    text = (folder / "cluster.yaml").read_text()
    more = "  a-first-one: {vip: 192.0.2.101, tcp: [80, 443], mark: auto, method: dr, persistence: 15m}\n"
    (tmp_path / "cluster.yaml").write_text(text.replace("services:\n", f"services:\n{more}"))
    before, after = built(folder), texts(pipeline.compile(str(tmp_path)).artifacts)
    for name, old in before.items():
        rest = iter(after[name].splitlines())
        assert all(line in rest for line in old.splitlines()), name
