"""lvsgen/bind/services.py and virtual.py: quorums, and the port of a service by mark."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lvsgen.bind.virtual import mapped_port
from lvsgen.model import Ports
from tests.plan.test_vrrp import NAT, NONE, ONE_VIP, PAIR, WEB, bound


@pytest.mark.parametrize(
    ("quorum", "weight", "units"),
    [("50%", 3, 2), ("50%", 4, 2), ("1%", 3, 1), ("100%", 3, 3), ("34%", 3, 2), ("2", 3, 2)],
)
def test_a_share_of_the_weight_is_rounded_up(quorum: str, weight: int, units: int) -> None:
    text = PAIR + NONE + ONE_VIP + WEB.replace("tcp: 80", f"tcp: 80, quorum: {quorum}, weight: {weight}")
    assert bound(text).services[0].quorum == units


def test_drained_members_do_not_count_for_a_quorum() -> None:
    text = PAIR + NONE + ONE_VIP + WEB.replace("tcp: 80", 'tcp: 80, quorum: "100%"')
    text = text.replace("[web1]", "{web1: {weight: 2}, in1: {weight: 5, drain: true, reason: disk}}")
    assert bound(text).services[0].quorum == 2


@pytest.mark.parametrize(
    ("ports", "port"),
    [
        ([(80, 80)], 0),
        ([(80, 8080)], 8080),
        ([(80, 8080), (443, 8080)], 8080),
        # Two mappings are refused before; none of them is taken by chance.
        ([(80, 8080), (443, 8443)], 0),
    ],
)
def test_a_mark_knows_one_port_of_the_realserver(ports: list[tuple[int, int]], port: int) -> None:
    service = bound(PAIR + NONE + ONE_VIP + NAT).services[0]
    mapped = tuple(Ports("tcp", own, own, real) for own, real in ports)
    assert mapped_port(replace(service, ports=mapped)) == port
