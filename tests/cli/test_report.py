"""`lvsgen report`: what is left to others."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import MINI
from tests.conftest import Lvsgen


def test_what_the_owner_of_an_unmanaged_host_must_do(lvsgen: Lvsgen, mini: Path) -> None:
    ran = lvsgen("report", mini)
    assert (ran.code, ran.err) == (0, "")
    assert "rs3" in ran.out
    assert "192.0.2.100" in ran.out
    assert "arp_ignore" in ran.out


def test_one_host_alone(lvsgen: Lvsgen, mini: Path) -> None:
    ran = lvsgen("report", mini, "--host", "rs3")
    assert ran.code == 0
    assert "rs3" in ran.out
    assert "lvs1" not in ran.out
    assert lvsgen("report", mini, "--host", "rs4").code == 2


def test_no_report_of_a_description_with_errors(lvsgen: Lvsgen, mini: Path) -> None:
    (mini / "cluster.yaml").write_text(MINI.replace("rs1, rs2]", "rs1, rs9]"))
    ran = lvsgen("report", mini)
    assert (ran.code, ran.out) == (1, "")
    assert "rs9" in ran.err
