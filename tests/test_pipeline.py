"""The stages together: which of them run, and what becomes of waivers when one did not."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsgen import pipeline, rules
from lvsgen.diagnostics import Severity

CLUSTER = """\
cluster: mini
directors:   {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}
realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12}
defaults:    {vip: 192.0.2.100, method: dr, scheduler: rr}
services:
  squid:  {tcp: 3128}
  telnet: {tcp: 23}
"""
WARNING = next(rule.code for rule in rules.RULES if rule.severity is Severity.WARNING)


def codes(folder: Path, text: str) -> list[str]:
    (folder / "cluster.yaml").write_text(text)
    return [one.code for one in pipeline.check(str(folder)).diagnostics]


def waived(text: str) -> str:
    return text.replace("{tcp: 23}", f"{{tcp: 23}} # lvsgen: ignore[{WARNING}] its clients expect it")


def test_a_waiver_without_use_is_reported(tmp_path: Path) -> None:
    assert codes(tmp_path, CLUSTER) == []
    assert codes(tmp_path, waived(CLUSTER)) == ["LVS903"]


@pytest.mark.parametrize("code", ["LVS010", "unknown-name", "LVS901", "unused-waiver"])
def test_what_cannot_be_waived_has_no_use_for_a_waiver(tmp_path: Path, code: str) -> None:
    assert codes(tmp_path, waived(CLUSTER).replace(WARNING, code)) == ["LVS903"]


def test_what_was_not_looked_for_may_have_one(tmp_path: Path) -> None:
    assert codes(tmp_path, waived(CLUSTER).replace(WARNING, "expired")) == []


def test_beside_a_mistake_that_hides_a_part_no_waiver_is_unused(tmp_path: Path) -> None:
    for right, wrong in (("tcp: 3128", "tcp: 99999"), ("scheduler: rr", "scheduler: r"), ("{tcp: 3128}", "[]")):
        found = codes(tmp_path, waived(CLUSTER.replace(right, wrong)))
        assert found, wrong
        assert "LVS903" not in found, wrong


def test_beside_a_missing_include_no_waiver_is_unused(tmp_path: Path) -> None:
    assert codes(tmp_path, waived(CLUSTER) + "include: [more.yaml]\n") == ["LVS006"]


def test_a_mistake_behind_an_anchor_is_told_once(tmp_path: Path) -> None:
    text = CLUSTER.replace("{tcp: 3128}", "&same {tcp: 99999}").replace("{tcp: 23}", "*same")
    assert codes(tmp_path, text) == ["LVS010"]


def test_a_description_with_an_error_makes_no_files(tmp_path: Path) -> None:
    codes(tmp_path, CLUSTER)
    assert {one.host for one in pipeline.compile(str(tmp_path)).artifacts} == {"lvs1", "rs1", "rs2"}
    codes(tmp_path, CLUSTER.replace("tcp: 23", "tcp: 99999"))
    broken = pipeline.compile(str(tmp_path))
    assert (broken.has_errors, broken.complete, broken.plans, broken.artifacts) == (True, False, (), ())


def pair(vrid: int, vip: str, first: int, waiver: str = "") -> str:
    return f"""\
cluster: c{first}
directors:
  lvs{first}: {{interfaces: {{eth0: 10.2.0.{first}/24}}}}
  lvs{first + 1}: {{interfaces: {{eth0: 10.2.0.{first + 1}/24}}}}
realservers: {{rs1: 10.2.0.11}}
failover:
  engine: keepalived
  order: [lvs{first}, lvs{first + 1}]
  vrid: {vrid}{waiver}
services: {{web: {{vip: {vip}, tcp: 80, method: dr, check: false}}}}
"""


def written(folder: Path, **texts: str) -> list[str]:
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return [str(folder / f"{name}.yaml") for name in texts]


def test_a_conflict_of_two_clusters_stands_in_the_later_file_and_shows_the_other(tmp_path: Path) -> None:
    paths = written(tmp_path, a=pair(7, "10.2.0.100", 1), b=pair(7, "10.2.0.100", 3))
    for order in (paths, paths[::-1]):
        by_path = dict(zip(order, pipeline.compile_all(order), strict=True))
        first, later = by_path[paths[0]], by_path[paths[1]]
        assert (first.diagnostics, first.complete, bool(first.artifacts)) == ((), True, True)
        assert [one.code for one in later.diagnostics] == ["LVS565", "LVS158"]
        assert {(one.path, one.span.line) for d in later.diagnostics for one in d.related} == {
            (paths[0], 9),
            (paths[0], 10),
        }
        assert (later.complete, later.artifacts) == (False, ())


def test_alone_a_cluster_has_no_conflict_and_its_waiver_of_one_is_not_unused(tmp_path: Path) -> None:
    waiver = "  # lvsgen: ignore[LVS565] the other cluster is being moved"
    paths = written(tmp_path, a=pair(7, "10.2.0.100", 1), b=pair(7, "10.2.0.101", 3, waiver))
    assert pipeline.check(paths[1]).diagnostics == ()
    assert [one.diagnostics for one in pipeline.check_all(paths)] == [(), ()]
    written(tmp_path, a=pair(8, "10.2.0.100", 1))
    assert [d.code for one in pipeline.check_all(paths) for d in one.diagnostics] == ["LVS903"]
