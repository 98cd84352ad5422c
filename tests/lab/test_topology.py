"""Machines, clients and routes that follow from a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsgen import pipeline
from lvsgen.lab import play
from lvsgen.lab.guest.wire import Machine
from lvsgen.lab.kernel import CannotPlay
from lvsgen.lab.sample import CROWD

ROOT = Path(__file__).resolve().parent.parent.parent


def machines(example: str, tmp_path: Path) -> dict[str, Machine]:
    compilation = pipeline.compile(str(ROOT / "examples" / example / "cluster.yaml"))
    return {one.name: one for one in play.prepare(example, compilation, tmp_path).job.machines}


def test_every_host_runs_what_was_generated_for_it(tmp_path: Path) -> None:
    found = machines("telnet-squid", tmp_path)
    assert sorted(found) == ["client@192.0.2.0/24", "director", "rs1", "rs2", "rs3"]
    for name in ("director", "rs1", "rs2", "rs3"):
        assert found[name].folder == str(tmp_path / name)
        assert (tmp_path / name / "lvsgen.sum").exists()
    assert not found["client@192.0.2.0/24"].folder


def test_a_client_has_addresses_that_nobody_else_has(tmp_path: Path) -> None:
    found = machines("dual-stack-pair", tmp_path)
    addresses = [address for one in found.values() for nic in one.nics for address in nic.addresses]
    assert len(addresses) == len(set(addresses))
    client = found["client@outside"].nics[0].addresses
    assert sum(":" in address for address in client) == sum("." in address for address in client) == 24
    assert not {"192.0.2.100/24", "192.0.2.1/24"} & set(client)


def test_a_declared_gateway_is_a_router_with_somebody_behind_it(tmp_path: Path) -> None:
    found = machines("nat-two-networks", tmp_path)
    assert "192.0.2.1/24" in found["router@lab"].nics[0].addresses
    assert found["client@world"].routes[0].startswith("default via 100.64.0.1")
    assert "default via 192.0.2.1" in found["director"].routes
    assert found["rs1"].routes == (), "the way back is what lvs.sh has to make"


def test_the_router_joins_networks_that_no_director_is_on(tmp_path: Path) -> None:
    found = machines("tun", tmp_path)
    assert found["a1"].routes == ("default via 198.51.100.126",)
    assert {nic.segment for nic in found["router@lab"].nics} >= {
        found["a1"].nics[0].segment,
        found["b1"].nics[0].segment,
    }


def test_marked_clients_go_through_the_director(tmp_path: Path) -> None:
    found = machines("transparent-proxy", tmp_path)
    assert found["client@users"].routes == ("default via 10.20.0.1",)
    assert "10.20.0.0/24 via 192.0.2.2" in found["router@lab"].routes
    assert found["director"].sysctls["net.ipv4.ip_forward"] == "1"


def test_an_unmanaged_host_does_its_duties(tmp_path: Path) -> None:
    mx1 = machines("teams", tmp_path)["mx1"]
    assert not mx1.folder
    assert "ip address replace 192.0.2.110/32 dev lo" in mx1.setup
    assert "echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore" in mx1.setup


def test_what_a_host_has_and_the_lab_lacks_is_stood_in_for(tmp_path: Path) -> None:
    assert machines("teams", tmp_path)["lvs1"].files["/usr/local/bin/lvs-failover"].startswith("#!/bin/sh")


def test_a_secret_is_random(tmp_path: Path) -> None:
    text = """
cluster: secret
directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}, lvs2: {interfaces: {eth0: 192.0.2.3/24}}}
realservers: {rs1: 192.0.2.11}
secrets: {vrrp: {file: /etc/lvsgen/secrets/vrrp}}
failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, version: 2, secret: vrrp}
services: {web: {vip: 192.0.2.100, tcp: 80, method: dr}}
"""
    values = []
    for turn in ("one", "two"):
        prepared = prepare(text, tmp_path / turn)
        files = [one.files["/etc/lvsgen/secrets/vrrp"] for one in prepared.job.machines if one.name.startswith("lvs")]
        assert files[0] == files[1]
        values.append(files[0])
    assert values[0] != values[1]


def test_a_large_cluster_is_sampled_and_says_so(tmp_path: Path) -> None:
    compilation = pipeline.compile(str(ROOT / "examples/large/cluster.yaml"))
    prepared = play.prepare("large", compilation, tmp_path)
    names = [one.name for one in prepared.job.machines]
    assert CROWD in names
    assert len(names) < 15
    said = [note for note in prepared.notes if note.subject.property == "sample"]
    assert said[0].verdict == "not tested"
    assert "3 of 60 services" in said[0].seen
    assert "54 of 60 realservers" in said[0].seen


def test_without_a_managed_director_there_is_nothing_to_play(tmp_path: Path) -> None:
    text = """
cluster: alien
directors: {lvs1: {managed: false, interfaces: {eth0: 192.0.2.2/24}}}
realservers: {rs1: 192.0.2.11}
services: {web: {vip: 192.0.2.100, tcp: 80, method: dr}}
"""
    with pytest.raises(CannotPlay, match="none of its directors is managed"):
        prepare(text, tmp_path)


def prepare(text: str, folder: Path) -> play.Play:
    folder.mkdir(exist_ok=True)
    source = folder / "cluster.yaml"
    source.write_text(text)
    compilation = pipeline.compile(str(source))
    assert compilation.complete, compilation.diagnostics
    return play.prepare("a", compilation, folder / "generated")


def test_an_unmanaged_director_speaks_vrrp_and_has_the_table(tmp_path: Path) -> None:
    source = tmp_path / "cluster.yaml"
    source.write_text("""
cluster: mixed
directors:
  lvs1: {interfaces: {eth0: 192.0.2.2/24}}
  lvs2: {interfaces: {eth0: 192.0.2.3/24}, managed: false}
realservers: {rs1: 192.0.2.11}
failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
services: {web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: rr}}
""")
    made = play.prepare("mixed", pipeline.compile(str(source)), tmp_path / "generated").job
    (other,) = (one for one in made.machines if one.name == "lvs2")
    assert not other.folder
    said = "\n".join(other.setup)
    assert "ipvsadm -R <<'END'\n-A -t 192.0.2.100:80 -s rr\n-a -t 192.0.2.100:80 -r 192.0.2.11:80 -g -w 1\nEND" in said
    for line in ("virtual_router_id 51", "unicast_src_ip 192.0.2.3", "192.0.2.100/32 dev eth0"):
        assert f"    {line}\n" in said


def test_networks_of_one_interface_are_one_segment(tmp_path: Path) -> None:
    source = tmp_path / "cluster.yaml"
    source.write_text("""
cluster: twice
directors: {lvs1: {interfaces: {eth0: [192.0.2.2/24, "2001:db8::2/64"]}}}
realservers: {rs1: [192.0.2.11, "2001:db8::11"]}
services: {web: {vip: [192.0.2.100, "2001:db8::100"], tcp: 80, method: dr, scheduler: rr}}
""")
    made = play.prepare("twice", pipeline.compile(str(source)), tmp_path / "generated").job
    assert len({nic.segment for one in made.machines for nic in one.nics}) == 1
    assert {one.name: nic.addresses for one in made.machines for nic in one.nics if one.folder} == {
        "lvs1": ("192.0.2.2/24", "2001:db8::2/64"),
        "rs1": ("192.0.2.11/24", "2001:db8::11/64"),
    }
