"""`lvsgen lab`, as far as it goes without a kernel."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsgen.lab import kernel
from tests.conftest import Lvsgen

GOOD = """
cluster: shop
directors: {director: {interfaces: {eth0: 192.0.2.2/24}}}
realservers: {rs1: 192.0.2.11}
services: {web: {vip: 192.0.2.100, tcp: 80, method: dr}}
"""


def test_an_unknown_property_is_refused(lvsgen: Lvsgen, tmp_path: Path) -> None:
    ran = lvsgen("lab", tmp_path, "--only", "arp,trafic")
    assert ran.code == 2
    assert "no property `trafic`; there are apply, table" in ran.err


def test_a_description_with_errors_is_not_played(lvsgen: Lvsgen, tmp_path: Path) -> None:
    (tmp_path / "cluster.yaml").write_text(GOOD.replace("tcp: 80", "tcp: 99999"))
    ran = lvsgen("lab", tmp_path)
    assert (ran.code, ran.out) == (1, "")
    assert "99999" in ran.err


def test_a_missing_tool_is_no_pass(lvsgen: Lvsgen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cluster.yaml").write_text(GOOD)
    monkeypatch.setattr(kernel, "find_tool", lambda name: None)
    ran = lvsgen("lab", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "is missing; install the package" in ran.err
