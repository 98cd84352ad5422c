"""An operator's day of docs/host.md: the commands are run in their order, and say what the page shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import tools
from tests.lvs_sh.machine import Machine, write_folder
from tests.test_lvs_sh import SHELLS

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parent.parent / "docs" / "host.md").read_text()
HOME = "/etc/lvsgen/shop"
KEY = "-t 192.0.2.100:80"


def rules(*members: str) -> str:
    return f"-A {KEY} -s wlc\n" + "".join(f"-a {KEY} -r 10.1.1.{member}\n" for member in members)


BEFORE = rules("11:80 -g -w 1", "12:80 -g -w 1")
AFTER = rules("12:80 -g -w 2", "13:80 -g -w 1")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_day_goes_as_the_page_says(tmp_path: Path, shell: str) -> None:
    tools.need(shell.split()[0])
    shown = "".join(re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    commands = re.findall(r"^\$ lvs\.sh (.*)$", shown, re.MULTILINE)
    assert {line.split()[0] for line in commands} == {"plan", "apply", "rollback", "try", "confirm", "verify", "report"}
    machine = Machine(tmp_path / "rs1", shell)
    try:
        machine.program("systemctl", "exit 1\n")
        for table in (BEFORE, AFTER):
            files = {"ipvs.rules": table, "addresses.batch": "address replace 192.0.2.100/32 dev eth0\n"}
            write_folder(machine.folder, "rs1", files, roles="director")
            if table == BEFORE:
                machine.lvs("apply")
        said = ""
        for command in commands:
            said += f"$ lvs.sh {command}\n" + machine.run(f"{shell} {machine.folder}/lvs.sh {command} 2>&1")
    finally:
        machine.close()
    assert said.replace(str(machine.folder), HOME) == shown
