"""29 mistakes of keepalived.conf (docs/keepalived.md): each is refused at its line, or cannot be said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lvsgen import pipeline
from lvsgen.diagnostics import Severity
from lvsgen.rules.documentation import complete

FOLDER = Path(__file__).parent / "keepalived_mistakes"
MISTAKES = sorted(FOLDER.glob("*.yaml"))
ROW = re.compile(r"^\| ([a-z0-9-]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TABLE = {
    name: (judged, how)
    for name, judged, how in ROW.findall((Path(__file__).parents[2] / "docs" / "keepalived.md").read_text())
    if name != "mistake"
}
MARK = re.compile(r"# <- (LVS\d{3})$", re.MULTILINE)
PAIR = """\
cluster: pair
directors:
  lvs1: {interfaces: {eth0: [192.0.2.2/24, "2001:db8::2/64"]}}
  lvs2: {interfaces: {eth0: [192.0.2.3/24, "2001:db8::3/64"]}}
realservers: {rs1: [192.0.2.11, "2001:db8::11"]}
failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
services: {web: {vip: many, tcp: 80, method: dr, check: false}}
"""


def keepalived_conf(tmp_path: Path, more: str) -> str:
    (tmp_path / "cluster.yaml").write_text(PAIR + more)
    compilation = pipeline.compile(str(tmp_path))
    assert compilation.complete, compilation.diagnostics
    return next(a.text for a in compilation.artifacts if (a.host, a.name) == ("lvs1", "keepalived.conf"))


def test_the_table_has_all_of_them() -> None:
    said = {name for name, (_, how) in TABLE.items() if "LVS" in how and not how.startswith("cannot")}
    assert said == {path.stem for path in MISTAKES}
    assert len(TABLE) == 29
    assert sum(judged == "nothing" for judged, _ in TABLE.values()) == 12


@pytest.mark.parametrize("path", MISTAKES, ids=lambda path: path.stem)
def test_it_is_refused_at_its_line(path: Path, tmp_path: Path) -> None:
    text = complete(path.read_text())
    (tmp_path / "cluster.yaml").write_text(text)
    wanted = {(text[: mark.start()].count("\n") + 1, mark[1]) for mark in MARK.finditer(text)}
    found = pipeline.check(str(tmp_path)).diagnostics
    assert {(one.location.span.line, one.code) for one in found} == wanted
    assert {one.severity for one in found} == {Severity.ERROR}
    assert {code for _, code in wanted} == set(re.findall(r"LVS\d{3}", TABLE[path.stem][1]))


def test_more_than_twenty_vips(tmp_path: Path) -> None:
    text = keepalived_conf(tmp_path, "vips: {many: 192.0.2.100-192.0.2.124}\n")
    blocks = dict(re.findall(r"(virtual_ipaddress\w*) {([^}]*)}", text))
    announced, excluded = (
        re.findall(r"192\.0\.2\.1\d\d/32", blocks[keyword])
        for keyword in ("virtual_ipaddress", "virtual_ipaddress_excluded")
    )
    assert (len(announced), len(excluded)) == (1, 24)


def test_two_families_in_one_instance(tmp_path: Path) -> None:
    text = keepalived_conf(tmp_path, 'vips: {many: [192.0.2.100, "2001:db8::100"]}\n')
    blocks = re.findall(r"virtual_ipaddress {([^}]*)}", text)
    assert [re.findall(r"\S+(?=/\d+ dev)", block) for block in blocks] == [["192.0.2.100"], ["2001:db8::100"]]


def test_ipv6_without_link_local(tmp_path: Path) -> None:
    keepalived_conf(tmp_path, 'vips: {many: "2001:db8::100"}\n')
    strict = PAIR + 'vips: {many: "2001:db8::100"}\nkeepalived: {global: vrrp_strict}\n'
    (tmp_path / "cluster.yaml").write_text(strict)
    assert [one.code for one in pipeline.check(str(tmp_path)).diagnostics] == ["LVS516"]


def test_own_peer(tmp_path: Path) -> None:
    text = keepalived_conf(tmp_path, 'vips: {many: [192.0.2.100, "2001:db8::100"]}\n')
    assert re.findall(r"unicast_peer {\s*(\S+)\s*}", text) == ["192.0.2.3", "2001:db8::3"]
