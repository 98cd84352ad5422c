"""What is done, and under which load, between two revisions of a cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsgen import pipeline
from lvsgen.lab import change, play
from lvsgen.lab.guest.steps.asking import Ask
from lvsgen.lab.guest.steps.load import Load, Phase, Unload
from lvsgen.lab.guest.steps.scripts import Apply, Stop
from lvsgen.lab.guest.steps.watch import Unwatch, Watch
from lvsgen.lab.guest.wire import Step

PAIR = """
cluster: pair
directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}, lvs2: {interfaces: {eth0: 192.0.2.3/24}}}
realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12}
failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
services:
  web: {vip: 192.0.2.100, tcp: 80, method: dr}
"""


def compiled(text: str, folder: Path) -> pipeline.Compilation:
    folder.mkdir()
    (folder / "cluster.yaml").write_text(text)
    compilation = pipeline.compile(str(folder / "cluster.yaml"))
    assert compilation.complete, compilation.diagnostics
    return compilation


def prepared(old: str, new: str, folder: Path) -> play.Play:
    return change.prepare("pair", compiled(old, folder / "a"), compiled(new, folder / "b"), folder / "generated")


def kinds(steps: tuple[Step, ...]) -> list[str]:
    return [type(one).__name__ for one in steps]


def under_load(found: play.Play) -> list[Step]:
    steps = found.job.steps
    last_phase = max(n for n, one in enumerate(steps) if isinstance(one, Phase))
    first_unload = next(n for n, one in enumerate(steps) if isinstance(one, Unload))
    return list(steps[last_phase + 1 : first_unload])


def test_realservers_then_directors_the_preferred_one_last(tmp_path: Path) -> None:
    found = prepared(PAIR, PAIR.replace("rs2: 192.0.2.12}", "rs2: 192.0.2.12, rs3: 192.0.2.13}"), tmp_path)
    new = [one for one in under_load(found) if isinstance(one, Apply)]
    assert [one.machine for one in new] == ["rs1", "rs2", "rs3", "lvs2", "lvs1"]
    assert {Path(one.folder).parent.name for one in new} == {"new"}
    old = [one for one in found.job.steps if isinstance(one, Apply) and one not in new]
    assert [one.machine for one in old] == ["rs1", "rs2", "lvs1", "lvs2"]
    assert {Path(one.folder).parent.name for one in old} == {"old"}
    assert all(Path(one.folder, "lvsgen.sum").exists() for one in (*old, *new))
    assert [one.seen for one in found.notes] == ["rs3 is new: the lab has it up from the beginning"]


def test_a_host_that_leaves_is_stopped_at_the_end(tmp_path: Path) -> None:
    found = prepared(PAIR, PAIR.replace(", rs2: 192.0.2.12}", "}"), tmp_path)
    stop = [one for one in under_load(found) if isinstance(one, Apply | Stop)][-1]
    assert isinstance(stop, Stop)
    assert stop.machines == ("rs2",)
    (machine,) = (one for one in found.job.machines if one.name == "rs2")
    assert machine.folder == str(tmp_path / "generated/old/rs2")
    assert [one.seen for one in found.notes] == ["rs2 leaves the cluster: its part is stopped last"]


def test_every_service_that_both_have_is_loaded_and_the_new_one_is_asked(tmp_path: Path) -> None:
    more = "  dns: {vip: 192.0.2.101, udp: 53, method: dr}\n"
    old = PAIR + more + "  old: {vip: 192.0.2.102, tcp: 80, method: dr}\n"
    new = PAIR + more + "  new: {vip: 192.0.2.103, tcp: 80, method: dr}\n"
    found = prepared(old, new, tmp_path)
    loads = {one.name: one for one in found.job.steps if isinstance(one, Load)}
    assert {name: (one.rate, one.held) for name, one in loads.items()} == {"web": (50, 6), "dns": (50, 0)}
    assert all(one.window == 0 for one in found.job.steps if isinstance(one, Phase)), "not one connection may fail"
    assert [one.subject.service for one in found.job.steps if isinstance(one, Ask)] == ["new: new service"]
    assert [one.seen for one in found.notes] == ["old is gone: what its clients meet"]
    assert {item.subject.property for item in found.items} == {"apply", "change"}


def test_who_holds_the_vip_is_asked_all_the_time(tmp_path: Path) -> None:
    found = prepared(PAIR, PAIR, tmp_path)
    steps = found.job.steps
    order = [kind for kind in kinds(steps) if kind in ("Watch", "Load", "Phase", "Unload", "Unwatch")]
    assert order == ["Watch", "Load", "Phase", "Unload", "Unwatch"]
    (watch,) = (one for one in steps if isinstance(one, Watch))
    assert watch.ips == ("192.0.2.100",)
    assert any(isinstance(one, Unwatch) and one.name == watch.name for one in steps)


def test_clients_have_addresses_that_nobody_has_in_either(tmp_path: Path) -> None:
    found = prepared(PAIR, PAIR.replace("192.0.2.12}", "192.0.2.254}"), tmp_path)
    (client,) = (one for one in found.job.machines if one.name.startswith("client@"))
    rs2 = next(one for one in found.job.machines if one.name == "rs2")
    assert set(rs2.nics[0].addresses) == {"192.0.2.254/24", "192.0.2.12/24"}
    assert not set(rs2.nics[0].addresses) & set(client.nics[0].addresses)
    assert [one.seen for one in found.notes] == ["rs2: eth0 has other addresses; it has both from the beginning"]


def test_a_network_and_an_interface_that_are_new_are_named(tmp_path: Path) -> None:
    both = PAIR.replace("eth0: 192.0.2.2/24", "eth0: 192.0.2.2/24, eth1: 10.1.1.2/24").replace(
        "eth0: 192.0.2.3/24", "eth0: 192.0.2.3/24, eth1: 10.1.1.3/24"
    )
    found = prepared(PAIR, both, tmp_path)
    assert [one.seen for one in found.notes] == [
        "lvs1: eth1 is new; it is there from the beginning",
        "lvs2: eth1 is new; it is there from the beginning",
        "network 10.1.1.0/24 is new: the lab has it all the time",
    ]
    assert all(one.verdict == "not tested" for one in found.notes)


def test_no_two_interfaces_have_one_mac(tmp_path: Path) -> None:
    old = PAIR.replace("{rs1: 192.0.2.11, rs2: 192.0.2.12}", "{a1: 192.0.2.21, a2: 192.0.2.22}")
    found = prepared(old, PAIR, tmp_path)
    macs = [nic.mac for one in found.job.machines for nic in one.nics]
    assert len(macs) == len(set(macs))
    assert {one.name for one in found.job.machines} >= {"a1", "a2", "rs1", "rs2", "lvs1", "lvs2"}


def test_a_member_that_is_disabled_in_between_is_no_reason_to_leave_its_service_out(tmp_path: Path) -> None:
    found = prepared(PAIR, PAIR.replace("method: dr", "method: dr, pool: {rs1: , rs2: {disable: disks}}"), tmp_path)
    assert [one.name for one in found.job.steps if isinstance(one, Load)] == ["web"]


@pytest.mark.parametrize("example", ["dual-stack-pair", "large", "tun"])
def test_examples_change_to_themselves(example: str, tmp_path: Path) -> None:
    path = Path(__file__).resolve().parent.parent.parent / "examples" / example / "cluster.yaml"
    both = pipeline.compile(str(path))
    found = change.prepare(example, both, both, tmp_path)
    loads = [one for one in found.job.steps if isinstance(one, Load)]
    assert loads
    assert sum(one.rate for one in loads) == pytest.approx(change.RATE)
    assert all("new" not in note.seen and "gone" not in note.seen for note in found.notes)
