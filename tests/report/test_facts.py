"""The line of numbers that `check` ends with."""

from __future__ import annotations

from pathlib import Path

from lvsgen import pipeline
from lvsgen.model import Cluster
from lvsgen.report import facts

CLUSTER = """\
cluster: mini
directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}
realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12}
services: {web: {vip: 192.0.2.100, tcp: [80, 443], method: dr, SERVICE}}
"""


def bound(tmp_path: Path, service: str) -> Cluster:
    (tmp_path / "cluster.yaml").write_text(CLUSTER.replace("SERVICE", service))
    cluster = pipeline.check(str(tmp_path)).cluster
    assert cluster is not None
    return cluster


def test_without_checks(tmp_path: Path) -> None:
    cluster = bound(tmp_path, "scheduler: wlc")
    assert facts.render(cluster) == (
        "mini: 1 director, 2 realservers, 1 service (2 virtual), the IPVS table is written by lvs.sh"
    )


def test_how_long_a_realserver_may_hang_and_what_lvsgen_cannot_judge(tmp_path: Path) -> None:
    check = "check: {tcp: , interval: 4s, timeout: 3s, retries: 2, retry_delay: 1s}"
    cluster = bound(tmp_path, check + r', keepalived: "delay_before_retry 2\n\nwarmup 5\n"')
    # Found at the next check (4 s), which hangs (3 s), as do both retries, each a second after the last.
    assert facts.worst_detection(cluster) == 4 + 3 + 2 * (1 + 3)
    assert facts.raw_lines(cluster) == 2
    assert facts.render(cluster).endswith(
        ", the IPVS table is written by keepalived, a realserver that hangs is out after 15 s at worst, "
        "2 raw lines of keepalived.conf"
    )
