"""What is done to the directors, what is promised meanwhile, and who may answer for a VIP."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsgen import pipeline
from lvsgen.lab import play
from lvsgen.lab.guest.steps.command import Command
from lvsgen.lab.guest.steps.faults import Links
from lvsgen.lab.guest.steps.load import Load, Phase, Unload
from lvsgen.lab.guest.steps.owner import Owner
from lvsgen.lab.guest.steps.watch import Unwatch, Watch, two_at_once
from lvsgen.lab.guest.wire import Step
from lvsgen.lab.scenarios import Item
from lvsgen.lab.scene import Omission

PAIR = """
cluster: pair
networks: {{outside: {{prefixes: [192.0.2.0/24]}}, heartbeat: {{prefixes: [10.1.1.0/24]}}}}
directors:
  lvs1: {{interfaces: {{eth0: 192.0.2.2, eth1: 10.1.1.2}}}}
  lvs2: {{interfaces: {{eth0: 192.0.2.3, eth1: 10.1.1.3}}}}
realservers: {{rs1: 192.0.2.11, rs2: 192.0.2.12}}
failover: {{engine: keepalived, order: [lvs1, lvs2], vrid: 51{failover}}}
services: {{web: {{vip: 192.0.2.100, {port}, method: dr{service}}}}}
"""


def failover(
    folder: Path, failover: str = ", preempt: always", service: str = "", port: str = "tcp: 80", text: str = PAIR
) -> list[Item]:
    source = folder / "cluster.yaml"
    source.write_text(text.format(failover=failover, service=service, port=port))
    compilation = pipeline.compile(str(source))
    assert compilation.complete, compilation.diagnostics
    items = play.prepare("pair", compilation, folder / "generated", frozenset({"failover"})).items
    return [one for one in items if one.subject.property == "failover"]


def kinds(items: list[Item], *wanted: type[Step]) -> list[str]:
    return [type(one).__name__ for one in items if isinstance(one, wanted)]


def test_links_and_keepalived_go_and_return_under_load(tmp_path: Path) -> None:
    found = failover(tmp_path)
    order = kinds(found, Watch, Load, Phase, Links, Command, Unload, Unwatch)
    assert order == ["Watch", "Load", *["Phase", "Links"] * 2, *["Phase", "Command"] * 2, "Unload", "Unwatch"]
    assert [(one.machine, one.up) for one in found if isinstance(one, Links)] == [("lvs1", False), ("lvs1", True)]
    stop, start = (one for one in found if isinstance(one, Command))
    assert (stop.machine, stop.what, start.machine, start.what) == (
        "lvs1",
        "stopping keepalived",
        "lvs1",
        "starting keepalived",
    )


def test_the_vip_moves_each_time_and_is_taken_back(tmp_path: Path) -> None:
    owners = [one.allowed for one in failover(tmp_path) if isinstance(one, Owner)]
    assert owners == [("lvs2",), ("lvs1", "lvs2"), ("lvs1",), ("lvs2",), ("lvs1",)]


def test_without_preemption_the_other_one_is_stopped(tmp_path: Path) -> None:
    found = failover(tmp_path, ", preempt: never")
    assert [one.machine for one in found if isinstance(one, Command)] == ["lvs2", "lvs2"]
    owners = [one.allowed for one in found if isinstance(one, Owner)]
    assert owners == [("lvs2",), ("lvs2",), ("lvs1",), ("lvs1",)]


@pytest.mark.parametrize(
    ("delay", "returned"),
    [
        # Who looks within seconds finds it where it was.
        ("2m", ("lvs2",)),
        ("5s", ("lvs1", "lvs2")),
    ],
)
def test_a_director_that_returns_waits_as_long_as_it_should(
    tmp_path: Path, delay: str, returned: tuple[str, ...]
) -> None:
    owners = [one.allowed for one in failover(tmp_path, f", preempt: {delay}") if isinstance(one, Owner)]
    assert owners[:3] == [("lvs2",), returned, ("lvs1",)]


def test_one_link_goes_where_all_vips_are_on_it(tmp_path: Path) -> None:
    assert {one.devices for one in failover(tmp_path) if isinstance(one, Links)} == {("eth0",)}


def test_a_director_that_is_not_managed_takes_over(tmp_path: Path) -> None:
    text = PAIR.replace("eth1: 10.1.1.3}}", "eth1: 10.1.1.3}}, managed: false")
    found = failover(tmp_path, ", preempt: always", text=text)
    assert [one.machine for one in found if isinstance(one, Links)] == ["lvs1", "lvs1"]
    owners = [one.allowed for one in found if isinstance(one, Owner)]
    assert owners == [("lvs2",), ("lvs1", "lvs2"), ("lvs1",), ("lvs2",), ("lvs1",)]


@pytest.mark.parametrize(
    ("more", "promised"),
    [
        # 3 x 1 s, and (256 - 190) / 256 s; without the adverts where the master says that it goes.
        (", preempt: always", ["3.3 s", "nothing is lost", "0.3 s", "nothing is lost"]),
        # Then the one with priority 200 takes over.
        ("", ["3.3 s", "nothing is lost", "0.2 s", "nothing is lost"]),
        (", advert: 2s", ["6.5 s", "nothing is lost", "0.4 s", "nothing is lost"]),
        # VRRP 2 counts the skew in seconds, whatever the advert.
        (", advert: 2s, version: 2", ["6.3 s", "nothing is lost", "0.2 s", "nothing is lost"]),
    ],
)
def test_what_vrrp_promises(tmp_path: Path, more: str, promised: list[str]) -> None:
    assert [one.promised for one in failover(tmp_path, more) if isinstance(one, Phase)] == promised


@pytest.mark.parametrize(("more", "held"), [("", 0), (", sync: {network: heartbeat, id: 5}", 2)])
def test_connections_must_survive_where_they_are_shared(tmp_path: Path, more: str, held: int) -> None:
    (load,) = (one for one in failover(tmp_path, more) if isinstance(one, Load))
    assert (load.held, load.sync) == (held, held > 0)


def test_without_a_service_to_load_it_is_said(tmp_path: Path) -> None:
    found = failover(tmp_path, port="udp: 53")
    assert kinds(found, Load, Phase, Unload) == []
    assert kinds(found, Watch, Unwatch) == ["Watch", "Unwatch"]
    assert [one.why for one in found if isinstance(one, Omission)] == [
        "the time without service: no TCP service of the first director that other hosts serve alone"
    ]


def test_two_masters_are_two_that_answer_for_longer_than_a_takeover() -> None:
    both, one = ["lvs1", "lvs2"], ["lvs1"]
    at = "192.0.2.100"
    assert two_at_once([(0, at, one), (1, at, both), (2, at, one), (9, at, both)], 2) == ""
    assert two_at_once([(0, at, both), (1, "192.0.2.101", one), (3, at, both)], 2).startswith(
        "two masters: lvs1 and lvs2"
    )
    assert two_at_once([(0, at, []), (5, at, [])], 2) == "", "nobody is not two"
