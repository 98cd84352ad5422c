"""lvsgen/report/duties.py: whole reports. Each `duties/NAME.yaml` says what `duties/NAME.txt` must be, to the byte."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsgen import pipeline
from lvsgen.plan import derive
from lvsgen.render import render
from lvsgen.report import duties
from tests.plan.test_vrrp import NONE, PAIR, WEB, bound

CASES = sorted((Path(__file__).parent / "duties").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_the_whole_report(path: Path) -> None:
    compilation = pipeline.compile(str(path))
    assert compilation.complete, compilation.diagnostics
    assert render("report.txt.j2", duties.view(compilation.plans)) == path.with_suffix(".txt").read_text()


def test_a_cluster_without_strangers_has_filters_alone() -> None:
    view = duties.view(derive(bound(PAIR + NONE + "vips: {web: 192.0.2.100}\n" + WEB)))
    assert (view["cluster"], view["hosts"]) == ("shop", [])
    assert [one["host"] for one in view["filters"]] == ["lvs1", "lvs2", "web1"]


def test_nothing_at_all() -> None:
    assert duties.view(()) == {"cluster": "", "hosts": [], "filters": []}


def test_who_has_nothing_to_do_is_told_so() -> None:
    text = PAIR.replace("web1: 192.0.2.11", "web1: {addresses: 192.0.2.11, managed: false}")
    services = "services: {web: {vip: 192.0.2.100, tcp: 80, method: nat, snat: true, pool: [web1]}}\n"
    (host,) = duties.view(derive(bound(text + NONE + services)))["hosts"]
    assert [duty.text for duty in host["duties"]] == ["nothing but to serve"]


def test_the_rules_of_nft() -> None:
    text = (
        PAIR.replace("eth1: 10.1.1.2}", "eth1: 10.1.1.2}, managed: false")
        + NONE
        + "firewall: nft\nvips: {web: 192.0.2.100}\n"
    )
    (host,) = duties.view(derive(bound(text + WEB.replace("tcp: 80", "tcp: 80, mark: 7"))))["hosts"]
    assert [duty for duty in host["duties"] if "nft" in duty.text] == [
        duties.Duty(
            "have a chain of nft with `type filter hook prerouting priority mangle`",
            ('ip daddr 192.0.2.100/32 tcp dport 80 meta mark set 7 comment "web"',),
        )
    ]
