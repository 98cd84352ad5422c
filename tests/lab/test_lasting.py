"""Steps for what shows only when something changes behind the clients' backs."""

from __future__ import annotations

from pathlib import Path

from lvsgen.lab.guest.responders import OTHER_STATUS, is_known, reply
from lvsgen.lab.guest.steps.asking import Ask
from lvsgen.lab.guest.steps.faults import Responders
from lvsgen.lab.guest.steps.leaving import Leaving
from lvsgen.lab.guest.steps.neighbours import Neighbours
from lvsgen.lab.guest.steps.notified import Notified
from lvsgen.lab.guest.wire import Responder
from tests.lab.test_scenarios import direct, items, of_example, only
from tests.lab.test_topology import machines


def test_neighbours_are_watched_where_realservers_hold_the_vip(tmp_path: Path) -> None:
    (step,) = only(Neighbours, items(direct("scheduler: rr"), tmp_path), "arp")
    assert step.realservers == ("rs1", "rs2", "rs3")
    assert step.watcher == step.asking == "client@192.0.2.0/24"
    assert step.target.directors == ("director",)


def test_a_director_that_is_a_realserver_may_tell_the_vip_as_well(tmp_path: Path) -> None:
    (step,) = only(Neighbours, of_example("two-box", tmp_path))
    assert step.realservers == ("box1", "box2")


def test_realservers_of_nat_and_of_other_networks_tell_nothing(tmp_path: Path) -> None:
    assert not only(Neighbours, of_example("nat-one-network", tmp_path / "nat"))
    assert not only(Neighbours, of_example("tun", tmp_path / "tun"))


def test_a_client_leaves_a_realserver_of_each_kind_of_service(tmp_path: Path) -> None:
    ftp, web = only(Leaving, of_example("nat-two-networks", tmp_path), "drain")
    assert (ftp.service, web.service) == ("-t 192.0.2.100:21", "-t 192.0.2.100:80")
    assert not web.reuses
    assert web.destinations == {"rs1": "10.1.1.11:8080 -m 3", "rs2": "10.1.1.12:8080 -m 1 -x 200 -y 150"}


def test_a_client_of_a_mark_leaves_it_too(tmp_path: Path) -> None:
    (step,) = only(Leaving, of_example("https-affinity", tmp_path))
    assert not step.reuses
    assert step.service == f"-f {step.target.mark}"
    assert step.destinations == {"web1": "192.0.2.11:0 -g 1", "web2": "192.0.2.12:0 -g 1"}


def test_a_client_that_reuses_its_port_leaves_it(tmp_path: Path) -> None:
    (step,) = only(Leaving, items(direct("scheduler: rr"), tmp_path))
    assert step.reuses


def test_hashes_and_single_realservers_have_nobody_to_leave_to(tmp_path: Path) -> None:
    assert not only(Leaving, items(direct("scheduler: sh"), tmp_path))
    assert not only(Leaving, items(direct("scheduler: rr", "{rs1: }"), tmp_path))


def test_one_client_comes_often_where_it_shares_the_network_with_nat(tmp_path: Path) -> None:
    asks = only(Ask, of_example("nat-one-network", tmp_path), "traffic")
    (often,) = (ask for ask in asks if len(ask.sources) == 1)
    assert often.count == 16
    assert often.target.client == "client@lan"
    assert often.no_redirects == ("director",)


def test_each_director_tells_the_notify_program_of_the_description(tmp_path: Path) -> None:
    steps = only(Notified, of_example("teams", tmp_path), "failover")
    names = ("mail_eth0_ipv4", "web_eth0_ipv4")
    assert {(step.machine, *step.words) for step in steps} == {
        (machine, name, "MASTER") for machine in ("lvs1", "lvs2") for name in names
    }
    assert {step.program for step in steps} == {"/usr/local/bin/lvs-failover"}


def test_a_stand_in_writes_down_what_it_is_told(tmp_path: Path) -> None:
    files = machines("teams", tmp_path)["lvs1"].files
    assert "/run/notified" in files["/usr/local/bin/lvs-failover"]


def test_a_realserver_answers_a_status_that_nobody_declared(tmp_path: Path) -> None:
    ended = [(step.machine, step.status) for step in only(Responders, of_example("nat-pair", tmp_path)) if not step.up]
    assert ended == [("rs1", OTHER_STATUS)]
    (tmp_path / "two").mkdir()
    declared = direct("check: {http: {path: /, status: 200-299}}")
    ended = [(step.machine, step.status) for step in only(Responders, items(declared, tmp_path / "two")) if not step.up]
    assert ended == [("rs1", 0)]


def test_a_check_must_ask_for_what_the_description_says(tmp_path: Path) -> None:
    web = machines("dual-stack-pair", tmp_path)["web1"].responders
    known = {(one.port, tuple(one.known.items()), one.sni) for one in web}
    assert known == {(80, (("/healthz", "www.example.com"),), False), (443, (("/healthz", "www.example.com"),), True)}


def test_requests_for_other_things_are_refused() -> None:
    known = {"/healthz": "www.example.com"}
    assert is_known("GET /healthz HTTP/1.0\r\nHost: www.example.com:80", known)
    assert not is_known("GET /health HTTP/1.0\r\nHost: www.example.com", known)
    assert not is_known("GET /healthz HTTP/1.0\r\nHost: 192.0.2.11", known)
    assert is_known("GET /anything HTTP/1.0", {})
    assert is_known("POST / HTTP/1.0", known)


def test_a_name_that_nobody_knows_does_not_exist() -> None:
    responder = Responder(protocol="udp", port=53, speech="dns", known={"example.com": "6"})

    def code(name: bytes, kind: bytes) -> int:
        query = b"\x12\x34\x01\x00\x00\x01" + bytes(6) + name + b"\x00" + kind + b"\x00\x01"
        return reply(query, "rs1 192.0.2.1", responder)[3] & 15

    assert code(b"\x07example\x03com", b"\x00\x06") == 0
    assert code(b"\x07example\x03com", b"\x00\x0f") == 3
    assert code(b"\x07example\x03net", b"\x00\x06") == 3
