"""A small cluster to run commands on."""

from __future__ import annotations

from pathlib import Path

import pytest

MINI = """\
cluster: mini
directors:   {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}
realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12, rs3: {addresses: 192.0.2.13, managed: false}}
defaults:    {vip: 192.0.2.100, method: dr, scheduler: rr}
services:
  squid:  {tcp: 3128}
  telnet: {tcp: 23, pool: [rs1, rs2]}
"""


@pytest.fixture
def mini(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a cluster without mistakes; it is also the current folder's only entry."""
    monkeypatch.chdir(tmp_path)
    folder = Path("mini")
    folder.mkdir()
    (folder / "cluster.yaml").write_text(MINI)
    return folder
