"""VRRP by keepalived, where two have one VRID, one priority or one VIP"""

from __future__ import annotations

import re
import time
from pathlib import Path

from lvsgen.lab.guest.clients import TIMEOUT, who_has
from lvsgen.lab.guest.namespaces import Host
from lvsgen.lab.guest.wire import Machine
from tests.lab.facts.fact import fact
from tests.lab.facts.ground import Lab, nic, until

SCENES = Path(__file__).resolve().parent / "scenes"
DIRECTORS = {"lvs1": 2, "lvs2": 3, "lvs8": 8, "lvs9": 9}
PAIRS = {"shop": ("lvs1", "lvs2"), "mail": ("lvs8", "lvs9")}
FOREIGN = "not present in MASTER advert"
SLOW = 60
"""Seconds that an election may take here."""

_LOG = "/run/keepalived.log"


class Play:
    """The directors of a scene, with the keepalived.conf that is built for them, and a client."""

    def __init__(self, lab: Lab, scene: str) -> None:
        self.folder = SCENES / scene
        names = sorted(path.name for path in self.folder.iterdir())
        machines = (
            Machine(name=name, nics=(nic(0, DIRECTORS[name], f"192.0.2.{DIRECTORS[name]}/24"),)) for name in names
        )
        hosts = lab.build(Machine(name="client", nics=(nic(0, 99, "192.0.2.1/24"),)), *machines)
        self.client: Host = hosts["client"]
        self.directors = {name: hosts[name] for name in names}

    def start(self, *names: str) -> None:
        """Start keepalived on these, or on all."""
        for name in names or self.directors:
            file = self.folder / name / "keepalived.conf"
            command = f"keepalived --vrrp --log-console --dont-fork -f {file}"
            self.directors[name].must(f": >{_LOG}; {command} >{_LOG} 2>&1 &")

    def log(self, name: str) -> str:
        """What keepalived said."""
        return Path(f"/proc/{self.directors[name].pid}/root{_LOG}").read_text()

    def is_master(self, name: str, instance: str) -> bool:
        """Whether that is what it said last."""
        said = re.findall(rf"\({instance}_\S+\) Entering (\w+) STATE", self.log(name))
        return bool(said) and said[-1] == "MASTER"

    def both_serve(self) -> bool:
        """Whether each pair has a master."""
        return all(any(self.is_master(name, pair) for name in names) for pair, names in PAIRS.items())

    def answering(self, vip: str) -> list[str]:
        """The MACs that answer ARP for it."""
        return list(self.client.call(who_has, "eth0", vip, TIMEOUT))

    def heard(self, name: str) -> set[int]:
        """The last numbers of the addresses whose advertisements were compared with its own."""
        return set(map(int, re.findall(r"advert from 192\.0\.2\.(\d+)", self.log(name))))


def apart(lab: Lab, scene: str) -> None:
    """Nobody hears of the other pair."""
    play = Play(lab, scene)
    play.start()
    assert until(play.both_serve, SLOW)
    time.sleep(8)
    assert play.both_serve()
    for names in PAIRS.values():
        for name in names:
            assert FOREIGN not in play.log(name)
            assert play.heard(name) <= {DIRECTORS[one] for one in names}


@fact(shows=("LVS565",))
def test_unicast_keeps_one_vrid_apart(lab: Lab) -> None:
    """Two pairs of directors with one VRID that send by unicast: each has its master, and none hears the other pair."""
    apart(lab, "LVS565")


@fact(shows=("LVS565",))
def test_unicast_and_multicast_do_not_meet(lab: Lab) -> None:
    """The same where one of the pairs sends by multicast."""
    apart(lab, "LVS565-mixed")


@fact(shows=("LVS566",))
def test_multicast_mixes_one_vrid(lab: Lab) -> None:
    """Where both send by multicast, each drops the other's advertisements, as they name other VIPs, and complains of
    every one; both have their master.

    keepalived 2.2.7, vrrp.c, vrrp_check_packet.
    """
    play = Play(lab, "LVS566")
    play.start()
    assert until(play.both_serve, SLOW)
    assert until(lambda: all(play.log(name).count(FOREIGN) >= 3 for name in play.directors), SLOW)
    assert until(play.both_serve, SLOW)
    for names in PAIRS.values():
        for name in names:
            assert play.heard(name) <= {DIRECTORS[one] for one in names}


@fact(shows=("LVS502",))
def test_one_vrid_twice_is_refused(lab: Lab) -> None:
    """Two instances of a pair with one VRID on one interface: keepalived ends, and nobody holds a VIP."""
    play = Play(lab, "LVS502")
    play.start()
    assert until(lambda: all("Stopped Keepalived" in play.log(name) for name in play.directors), SLOW)
    assert all("duplicate VRID conflict" in play.log(name) for name in play.directors)
    assert [play.answering(f"192.0.2.{number}") for number in (100, 101)] == [[], []]


@fact(shows=("LVS118",))
def test_a_vip_of_two_instances_is_given_up(lab: Lab) -> None:
    """A VIP in two instances: two directors are master of one each, and a director that loses one instance gives the
    VIP up, which the other one of its instances should hold.
    """
    play = Play(lab, "LVS118")
    play.start("lvs1")
    assert until(lambda: play.is_master("lvs1", "one") and play.is_master("lvs1", "two"), SLOW)
    assert until(lambda: play.answering("192.0.2.100") == ["02:00:00:00:00:02"], SLOW)
    play.start("lvs2")
    assert until(lambda: play.is_master("lvs2", "two") and not play.is_master("lvs1", "two"), SLOW)
    assert until(lambda: play.answering("192.0.2.100") == ["02:00:00:00:00:03"], SLOW)
    assert play.is_master("lvs1", "one")


def takes_it_back(lab: Lab, scene: str) -> bool:
    """Whether lvs1 does, when it comes after lvs2."""
    play = Play(lab, scene)
    play.start("lvs2")
    assert until(lambda: play.is_master("lvs2", "one"), SLOW)
    play.start("lvs1")
    assert until(lambda: "Entering BACKUP STATE" in play.log("lvs1"), SLOW)
    time.sleep(8)
    taken = "lower priority" in play.log("lvs1")
    lab.close()
    return taken


@fact(shows=("LVS504",))
def test_equal_priorities_forget_the_order(lab: Lab) -> None:
    """With one priority the first in `order` does not take the VIP back from the second; with a higher one it does.

    keepalived.conf(5), priority; vrrp.c, vrrp_state_backup.
    """
    assert {scene: takes_it_back(lab, scene) for scene in ("LVS504", "LVS504-not")} == {
        "LVS504": False,
        "LVS504-not": True,
    }
