"""The stages together: which of them run, and what becomes of waivers when one did not."""

from __future__ import annotations

from pathlib import Path

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


def test_beside_a_mistake_that_hides_a_part_no_waiver_is_unused(tmp_path: Path) -> None:
    for right, wrong in (("tcp: 3128", "tcp: 99999"), ("scheduler: rr", "scheduler: r"), ("{tcp: 3128}", "[]")):
        found = codes(tmp_path, waived(CLUSTER.replace(right, wrong)))
        assert found, wrong
        assert "LVS903" not in found, wrong


def test_beside_a_missing_include_no_waiver_is_unused(tmp_path: Path) -> None:
    assert codes(tmp_path, waived(CLUSTER) + "include: [more.yaml]\n") == ["LVS006"]


def test_a_description_with_an_error_makes_no_files(tmp_path: Path) -> None:
    codes(tmp_path, CLUSTER)
    assert {one.host for one in pipeline.compile(str(tmp_path)).artifacts} == {"lvs1", "rs1", "rs2"}
    codes(tmp_path, CLUSTER.replace("tcp: 23", "tcp: 99999"))
    broken = pipeline.compile(str(tmp_path))
    assert (broken.has_errors, broken.complete, broken.plans, broken.artifacts) == (True, False, (), ())
