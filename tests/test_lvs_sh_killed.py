"""lvs.sh killed before each step that changes something, on the way there and back, on a host of its own."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lvs_sh.machine import Machine, write_folder
from tests.test_lvs_sh import DIRECTOR, REALSERVER

STEPS = {
    "ip": "*' -batch -' | *' route replace '*",
    "ipvsadm": "-R | --set* | --start-daemon* | --stop-daemon*",
    "iptables": "*' -I '* | *' -D '* | *' -F '* | *' -X '*",
    "ip6tables": "*' -I '* | *' -D '* | *' -F '* | *' -X '*",
    "iptables-restore": "*",
    "ip6tables-restore": "*",
    "mv": "*",
    "cp": "*",
    "mkdir": "*",
    "rm": "'-rf '*",
}
"""By program, which calls of it change something."""


FILES = {
    **DIRECTOR,
    "sysctl.conf": REALSERVER["sysctl.conf"],
    "links.batch": REALSERVER["links.batch"],
    "routes.batch": "route replace default via 10.1.1.254 dev eth0\nroute del 10.1.1.0/24 dev eth0\n",
    "iptables.rules": "*mangle\n:lvsgen-shop - [0:0]\n-A lvsgen-shop -d 192.0.2.100/32 -j MARK --set-mark 7\nCOMMIT\n",
}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "rs1")
    yield made
    made.close()


def kill_at(machine: Machine, step: int) -> None:
    """Before the call of this number, all of lvs.sh dies."""
    counter = machine.programs / "calls"
    counter.write_text("0\n")
    for name, calls in STEPS.items():
        real = "MODEL" if name == "ipvsadm" else shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
        machine.program(
            name,
            f'case "$*" in\n{calls})\nread -r calls <{counter}\necho $((calls + 1)) >{counter}\n'
            f'[ $calls != {step} ] || kill -9 -$LVS_SH_GROUP;;\nesac\nexec {real} "$@"\n',
        )


def seen(machine: Machine) -> list[str]:
    """All but what a device that was made anew gets by itself."""
    lines = machine.snapshot() + machine.run("ipvsadm -Sn; ipvsadm -Ln --timeout; ipvsadm -Ln --daemon").splitlines()
    return [line for line in lines if "fe80" not in line and "multicast ff00" not in line]


@pytest.mark.slow
def test_killed_before_each_step_the_next_run_comes_to_the_same_end(machine: Machine) -> None:
    write_folder(machine.folder, "rs1", FILES)
    ends = {"stop": seen(machine)}
    killed = {"apply": 0, "stop": 0}
    step = 0
    while step <= max(killed.values()):
        for verb in killed:
            kill_at(machine, step)
            if machine.lvs(verb, check=False).returncode == -signal.SIGKILL:
                killed[verb] += 1
                kill_at(machine, -1)
                machine.lvs(verb)
            now = seen(machine)
            assert now == ends.setdefault(verb, now), (verb, step)
        step += 1
    assert ends["apply"] != ends["stop"]
    assert min(killed.values()) > 15
