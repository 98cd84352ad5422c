"""Steps and expectations that follow from a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

import pytest

from lvsgen import pipeline
from lvsgen.lab import play
from lvsgen.lab.guest.steps import KINDS
from lvsgen.lab.guest.steps.asking import Ask, Upload
from lvsgen.lab.guest.steps.calls import Calls
from lvsgen.lab.guest.steps.faults import Responders
from lvsgen.lab.guest.steps.owner import Owner
from lvsgen.lab.guest.steps.scripts import Apply, Stop
from lvsgen.lab.guest.steps.table import Table
from lvsgen.lab.guest.steps.transfer import Transfer
from lvsgen.lab.guest.wire import decode, encode
from lvsgen.lab.scenarios import PROPERTIES, Item
from lvsgen.lab.scene import Omission

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/cluster.yaml"))
Kind = TypeVar("Kind")


def items(text: str, folder: Path, only: str = "") -> tuple[Item, ...]:
    source = folder / "cluster.yaml"
    source.write_text(text)
    compilation = pipeline.compile(str(source))
    assert compilation.complete, compilation.diagnostics
    return play.prepare("a", compilation, folder / "generated", frozenset(filter(None, [only]))).items


def of_example(example: str, folder: Path) -> tuple[Item, ...]:
    return play.prepare(example, pipeline.compile(str(ROOT / "examples" / example / "cluster.yaml")), folder).items


def only(kind: type[Kind], found: tuple[Item, ...], name: str = "") -> list[Kind]:
    return [one for one in found if isinstance(one, kind) and (not name or one.subject.property == name)]


def direct(service: str, pool: str = "{rs1: , rs2: , rs3: }", protocol: str = "tcp: 80") -> str:
    return f"""
cluster: direct
directors: {{director: {{interfaces: {{eth0: 192.0.2.2/24}}}}}}
realservers: {{rs1: 192.0.2.11, rs2: 192.0.2.12, rs3: 192.0.2.13}}
services: {{web: {{vip: 192.0.2.100, {protocol}, method: dr, pool: {pool}, {service}}}}}
"""


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_step_has_a_known_property_and_crosses_as_json(example: str, tmp_path: Path) -> None:
    compilation = pipeline.compile(str(ROOT / "examples" / example / "cluster.yaml"))
    prepared = play.prepare(example, compilation, tmp_path)
    assert {item.subject.property for item in prepared.items} <= set(PROPERTIES)
    assert isinstance(prepared.job.steps[0], Apply)
    assert isinstance(prepared.job.steps[-1], Stop)
    sent = json.dumps(encode(prepared.job))
    assert json.dumps(encode(decode(json.loads(sent), KINDS))) == sent
    names = {machine.name for machine in prepared.job.machines}
    assert all(step.target.client in names for step in prepared.job.steps if isinstance(step, Ask | Upload))


def test_round_robin_deals_exactly(tmp_path: Path) -> None:
    (ask,) = only(Ask, items(direct("scheduler: rr"), tmp_path), "traffic")
    assert (ask.count, ask.share) == (18, {"rs1": 6, "rs2": 6, "rs3": 6})


def test_weights_deal_in_proportion(tmp_path: Path) -> None:
    text = direct("scheduler: wrr", "{rs1: {weight: 200}, rs2: {weight: 100}, rs3: {weight: 100}}")
    (ask,) = only(Ask, items(text, tmp_path), "traffic")
    assert (ask.count, ask.share) == (16, {"rs1": 8, "rs2": 4, "rs3": 4})


def test_drained_and_disabled_members_get_nothing(tmp_path: Path) -> None:
    text = direct("scheduler: rr", "{rs1: , rs2: {drain: disks}, rs3: {disable: away}}")
    found = items(text, tmp_path)
    assert [ask.wants for ask in only(Ask, found, "traffic")] == [("rs1",)]
    assert len(only(Ask, found, "drain")) == 1
    (table,) = only(Table, found)
    assert table.lists == {"-t 192.0.2.100:80": ("-s rr", "192.0.2.11:80 -g 1", "192.0.2.12:80 -g 0")}


def test_a_hash_keeps_a_client(tmp_path: Path) -> None:
    (ask,) = only(Ask, items(direct("scheduler: mh, flags: [mh-fallback]"), tmp_path), "traffic")
    assert ask.affinity
    assert not ask.subset
    assert (len(ask.sources), ask.count) == (24, 48)


def test_connections_stay_open_where_only_they_count(tmp_path: Path) -> None:
    (ask,) = only(Ask, items(direct("scheduler: nq"), tmp_path), "traffic")
    assert ask.held


def test_one_packet_scheduling_spreads_one_socket(tmp_path: Path) -> None:
    (ask,) = only(Ask, items(direct("scheduler: rr, ops: true", protocol="udp: 53"), tmp_path), "traffic")
    assert ask.one_socket
    assert ask.share == {"rs1": 6, "rs2": 6, "rs3": 6}


def test_one_affinity_over_all_ports_of_a_mark(tmp_path: Path) -> None:
    text = direct("scheduler: rr, mark: auto, persistence: {timeout: 300, netmask: 28}", protocol="tcp: [80, 443]")
    (ask,) = only(Ask, items(text, tmp_path), "affinity")
    assert ask.ports == (80, 443)
    assert ask.affinity
    assert len(set(ask.groups)) < len(ask.sources), "clients of one netmask are one client"


def test_only_a_director_that_holds_the_vip_may_answer(tmp_path: Path) -> None:
    owners = only(Owner, of_example("two-box", tmp_path), "arp")
    assert [(owner.ip, owner.allowed, owner.directors) for owner in owners] == [
        ("192.0.2.100", ("box1",), ("box1", "box2"))
    ]
    assert owners[0].steady > 3


def test_two_directors_must_not_send_packets_round(tmp_path: Path) -> None:
    (ask,) = only(Ask, of_example("two-box", tmp_path), "loops")
    assert set(ask.loops) == {"box1", "box2"}


def test_a_realserver_dies_then_all_but_the_sorry_server(tmp_path: Path) -> None:
    found = of_example("dual-stack-pair", tmp_path)
    asks = {ask.subject.service: ask.wants for ask in only(Ask, found, "health")}
    assert asks["http 192.0.2.100:80: without web1"] == ("web2", "web3")
    assert asks["http 192.0.2.100:80: sorry server"] == ("sorry",)
    assert asks["https 192.0.2.100:443: below the quorum"] == ("sorry",)
    assert "http 192.0.2.100:80: below the quorum" not in asks
    assert asks["http 192.0.2.100:80: all back"] == ("web1", "web2", "web3")
    ended = [(step.machine, step.status) for step in only(Responders, found) if not step.up]
    assert ended == [("web1", 299), ("web2", 0), ("web3", 0)]


def test_below_the_quorum_the_sorry_server_answers_at_once(tmp_path: Path) -> None:
    text = direct("check: tcp, quorum: 3, sorry_server: rs4").replace(
        "rs3: 192.0.2.13}", "rs3: 192.0.2.13, rs4: 192.0.2.14}"
    )
    asks = {ask.subject.service: ask.wants for ask in only(Ask, items(text, tmp_path), "health")}
    assert asks["web: without rs1"] == ("rs4",)


def test_tunnels_carry_much(tmp_path: Path) -> None:
    uploads = only(Upload, of_example("tun", tmp_path))
    assert {(one.target.port, one.wants) for one in uploads} == {(80, ("a1", "a2", "b1")), (443, ("a1", "a2", "b1"))}


def test_hosts_with_the_same_files_are_compared_once(tmp_path: Path) -> None:
    (stop,) = only(Stop, of_example("telnet-squid", tmp_path))
    assert stop.compared == ("director", "rs1")


def test_what_is_chosen_keeps_what_it_needs(tmp_path: Path) -> None:
    found = items(direct("scheduler: rr"), tmp_path, "arp")
    assert {item.subject.property for item in found} == {"apply", "arp"}


def test_what_cannot_be_played_is_named(tmp_path: Path) -> None:
    found = items(direct("scheduler: rr, mark: {value: 7, rules: foreign}", protocol="description: any"), tmp_path)
    assert [one.why for one in only(Omission, found)] == [
        "somebody else marks its packets, and the description does not say which ones"
    ]


def test_data_ports_of_ftp_are_asked_with_their_control_port_alone(tmp_path: Path) -> None:
    found = items(direct("scheduler: rr, mark: auto, persistence: 60", protocol='tcp: [20, 21, "5000-5009"]'), tmp_path)
    assert [ask.target.port for ask in only(Ask, found, "traffic")] == [21]
    (transfer,) = only(Transfer, found)
    assert (transfer.target.speech, transfer.modes) == ("ftp", ("PASV", "EPSV", "PORT", "EPRT"))


def test_each_call_is_a_client_and_a_netmask_joins_addresses(tmp_path: Path) -> None:
    text = direct("scheduler: rr, persistence: {timeout: 60, engine: sip}", protocol="udp: 5060")
    found = items(text, tmp_path)
    (ask,) = only(Ask, found)
    assert ask.share == {"rs1": 6, "rs2": 6, "rs3": 6}
    (calls,) = only(Calls, found)
    assert len(set(calls.groups)) == len(calls.sources)
    assert calls.apart
    joined = items(text.replace("engine", "netmask: 24, engine"), tmp_path)
    assert [(len(set(one.groups)), one.apart) for one in only(Calls, joined)] == [(1, False)]


def test_a_site_marks_packets_before_anything_is_applied(tmp_path: Path) -> None:
    source = tmp_path / "cluster.yaml"
    source.write_text(direct("scheduler: rr, mark: {value: 7, rules: foreign}", protocol="tcp: [80, 443]"))
    made = play.prepare("a", pipeline.compile(str(source)), tmp_path / "generated")
    director = next(machine for machine in made.job.machines if machine.name == "director")
    assert [line for line in director.foreign if "--set-mark" in line] == [
        f"iptables -t mangle -A PREROUTING -d 192.0.2.100/32 -p tcp --dport {port}:{port} -j MARK --set-mark 7"
        for port in (80, 443)
    ]


def test_the_agent_of_a_watched_file_tells_of_the_dead(tmp_path: Path) -> None:
    found = items(direct('scheduler: rr, check: {file: "/run/lvs/{name}"}'), tmp_path)
    dies, returns = only(Responders, found)
    assert (dies.up, dies.files, dies.agents) == (False, ("/run/lvs/rs1",), ("director",))
    assert (returns.up, returns.files) == (True, ("/run/lvs/rs1",))


def test_checks_that_cannot_tell_or_be_pleased_are_named(tmp_path: Path) -> None:
    for check, why in (
        ("{file: /run/lvs/all}", "the file /run/lvs/all does not tell which realserver is meant"),
        ("{script: [/bin/check, x]}", "the program /bin/check is not told which realserver is meant"),
        ("{bfd: 192.0.2.99}", "the BFD neighbour 192.0.2.99 is another host"),
        ("{http: {path: /, digest: 0123456789abcdef0123456789abcdef}}", "the check of / compares a digest"),
    ):
        found = items(direct(f"scheduler: rr, check: {check}"), tmp_path)
        assert why in {one.why for one in only(Omission, found) if one.subject.property == "health"}
