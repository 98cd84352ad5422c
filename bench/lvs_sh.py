"""What `lvs.sh` costs beside `ipvsadm`, with a table of 10 000 destinations: on this kernel or in the lab's machine.

python -m bench.lvs_sh
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.measure import Failed, progress
from lvsgen.lab import boot, kernel, machine
from lvsgen.resources import read_text
from tests.lvs_sh.machine import write_folder

SERVICES, MEMBERS = 100, 100
_SECONDS = 900
_PYTHON = "/usr/bin/python3"
_GUEST = Path(__file__).parent / "in_guest.py"

HEADER = ("", "seconds", "beside", "seconds", "ratio", "goal", "")


def rules(services: int, members: int) -> Iterator[str]:
    """A table, as `lvsgen build` writes it."""
    for service in range(services):
        key = f"-t 198.18.1.{service % 20 + 1}:{8000 + service // 20}"
        yield f"-A {key} -s wlc\n"
        for member in range(members):
            yield f"-a {key} -r 198.19.1.{member + 1}:{8000 + service // 20} -g -w {member % 9 + 1}\n"


def prepare(work: Path) -> Path:
    """The folders of a large and a small table, each with another one that has one more weight changed."""
    shutil.rmtree(work, ignore_errors=True)
    for size, services, members in (("large", SERVICES, MEMBERS), ("small", 1, 1)):
        lines = list(rules(services, members))
        write_folder(work / size, "director", {"ipvs.rules": "".join(lines)}, roles="director")
        (work / size / "changed.rules").write_text("".join([*lines[:-1], lines[-1].replace("-w ", "-w 1")]))
    found = re.search(r"^ipvs_delta_awk='\n(.*?^})'\n", read_text("templates/lvs.sh"), re.MULTILINE | re.DOTALL)
    assert found
    (work / "delta.awk").write_text(found[1])
    return work


def measured(work: Path) -> dict[str, float]:
    """Seconds by name, from a kernel with IPVS."""
    words = shlex.join([_PYTHON, str(_GUEST), str(work), str(work / "seconds")])
    if machine.own_kernel_will_do():
        process = subprocess.Popen([kernel.tool("unshare"), "-n", "sh", "-c", words])
    else:
        (work / "out").mkdir()
        found = kernel.kernel(kernel.cache_folder(), progress)
        process = boot.boot(found, words, work, work / "out", processors=2)
    process.wait(_SECONDS)
    if not (work / "seconds").exists():
        log = work / "out" / "log"
        raise Failed(f"the machine died: {log.read_text()[-500:] if log.exists() else ''}")
    return dict(json.loads((work / "seconds").read_text()))


def rows(seconds: dict[str, float]) -> Iterator[tuple[str, ...]]:
    """A row a goal. The fixed cost of an apply is that of one with a single destination."""
    load, save = seconds["large load"], seconds["large save"]
    nothing = seconds["large apply"] - seconds["small apply"]
    for name, mine, other, beside, most in (
        ("the delta, nothing to do", seconds["large delta"], "ipvsadm -R", load, 0.05),
        ("the delta, a weight", seconds["large delta of a change"], "ipvsadm -R", load, 0.05),
        (f"apply, nothing to do, less {seconds['small apply']:.2f} s", nothing, "ipvsadm -Sn", save, 1.5),
    ):
        ratio = mine / beside
        yield (
            name,
            f"{mine:.3f}",
            other,
            f"{beside:.3f}",
            f"{ratio:.3f}",
            f"<= {most}",
            "yes" if ratio <= most else "no",
        )


def main(work: Path) -> list[tuple[str, ...]]:
    """The header and a row a goal; raises CannotPlay where no kernel with IPVS can be had."""
    return [HEADER, *rows(measured(prepare(work)))]


if __name__ == "__main__":
    for row in main(Path(__file__).resolve().parent.parent / ".bench" / "lvs_sh"):
        print("".join(cell.ljust(44 if place == 0 else 14) for place, cell in enumerate(row)).rstrip())
