"""usage (as root, on a kernel with IPVS): python3 in_guest.py FOLDER OUTPUT

Seconds of the quickest of several runs, as JSON, with the tables in FOLDER/large and FOLDER/small: `lvs.sh`, and
`ipvsadm` for the same. Needs nothing but the standard library.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

RUNS = 5


def run(command: str) -> None:
    """It has to succeed."""
    done = subprocess.run(["sh", "-c", command], check=False, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command}: {done.stdout[-300:]}{done.stderr[-300:]}")


def timed(command: str, *, before: str = ":", runs: int = RUNS) -> float:
    """Seconds of the quickest run; `before` each is not counted."""
    best = float("inf")
    for _ in range(runs):
        run(before)
        begin = time.perf_counter()
        run(command)
        best = min(best, time.perf_counter() - begin)
    return best


def main(folder: Path) -> dict[str, float]:
    """Measure all of it; the table of `small` is gone before that of `large` is loaded."""
    os.environ["LVSGEN_HOST"] = "director"
    delta = f"awk -v keep_weights=0 -v quiesce= -f {folder}/delta.awk kind=owned /run/owned kind=wanted"
    listed = "(echo live; ipvsadm -Sn; echo thresholds; ipvsadm -Ln --thresholds) >/run/listed"
    run("ip link set lo up; modprobe ip_vs")
    found = {}
    for size in ("small", "large"):
        script = f"sh {folder}/{size}/lvs.sh"
        load = f"grep ^- {folder}/{size}/ipvs.rules | ipvsadm -R"
        found[f"{size} load"] = timed(load, before="ipvsadm -C", runs=2)
        run(f"{script} apply; {listed}; awk '/^-A/ {{ print $2, $3 }}' {folder}/{size}/ipvs.rules >/run/owned")
        found[f"{size} save"] = timed("ipvsadm -Sn")
        found[f"{size} delta"] = timed(f"{delta} {folder}/{size}/ipvs.rules /run/listed")
        found[f"{size} delta of a change"] = timed(f"{delta} {folder}/{size}/changed.rules /run/listed")
        found[f"{size} apply"] = timed(f"{script} apply")
        run(f"{script} stop; ipvsadm -C")
    return found


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(json.dumps(main(Path(sys.argv[1]))))
