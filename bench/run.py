"""`make bench`: what lvsgen costs, beside the linters of its input and the judge of its output, in one run.

Prints what was measured next to what is aimed for, and asserts nothing: a busy machine must not fail a build. Ratios
are of the quickest of several runs on the same machine and file. Work files go to .bench/.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bench import generate, lvs_sh
from bench.measure import Cost, Failed, measure, progress
from lvsgen.lab.kernel import CannotPlay
from tests.tools import find, in_namespace_command

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".bench"
SCHEMA = ROOT / "schema" / "cluster.schema.json"
STARTUP_RUNS = 20

Row = Sequence[str]


def tool(name: str) -> str:
    """Path of a program of this environment or this machine."""
    path = find(name)
    if path is None:
        raise Failed(f"{name} is missing: run `make bench`, which installs it")
    return path


def write_cluster(name: str, lines: Iterable[str]) -> Path:
    """A fresh folder with this cluster.yaml."""
    folder = WORK / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with open(folder / "cluster.yaml", "w", encoding="utf-8") as file:
        file.writelines(lines)
    return folder


def lvsgen(folder: Path, command: str, *options: str, runs: int = 3) -> Cost:
    """The cost of a command on a cluster; `build` starts from nothing each time."""
    progress(f"lvsgen {command} {' '.join(options)} {folder.name}")
    arguments = [tool("lvsgen"), command, str(folder), *options]
    log = folder / "output.txt"
    if command != "build" or "--check" in options:
        return measure(arguments, runs=runs, output=log)
    costs = []
    for _ in range(runs):
        shutil.rmtree(folder / "generated", ignore_errors=True)
        costs.append(measure(arguments, runs=1, output=log))
    return Cost(min(c.seconds for c in costs), max(c.megabytes for c in costs))


def table(title: str, header: Row, rows: Iterable[Row]) -> None:
    """Print a table with aligned columns."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    print(f"\n{title}")
    for line in lines:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def line_count(path: Path) -> int:
    """Lines of a file, read piece by piece: see `measure` on memory."""
    with open(path, "rb") as file:
        return sum(piece.count(b"\n") for piece in iter(lambda: file.read(1 << 16), b""))


def against_others() -> None:
    """1000 services with their members written out, beside the linters of the same file and keepalived's own test."""
    folder = write_cluster("written-out", generate.written_out(1000))
    cluster = folder / "cluster.yaml"
    lines = line_count(cluster)
    check, build = lvsgen(folder, "check"), lvsgen(folder, "build")
    unchanged = lvsgen(folder, "build", "--check")
    progress("yamllint")
    yamllint = measure([tool("yamllint"), "-d", "relaxed", str(cluster)], runs=1, expect=(0, 1))
    progress("check-jsonschema")
    schema = measure([tool("check-jsonschema"), "--schemafile", str(SCHEMA), str(cluster)], runs=1, expect=(0, 1))
    rows = [
        ("lvsgen check", check, ""),
        ("lvsgen build", build, "<= 0.25 of yamllint, < 400 MB"),
        ("lvsgen build --check, unchanged", unchanged, ""),
        ("yamllint, same file", yamllint, ""),
        ("check-jsonschema, same file", schema, ""),
    ]
    if judged := keepalived_test(folder):
        rows.append(("keepalived -t, generated file", judged, ""))
    table(
        f"1000 services of {generate.MEMBERS} members each, written out: {lines} lines of YAML",
        ("", "seconds", "peak MB", "of yamllint", "goal"),
        [
            (name, f"{c.seconds:.2f}", f"{c.megabytes:.0f}", f"{c.seconds / yamllint.seconds:.2f}", goal)
            for name, c, goal in rows
        ],
    )


def keepalived_test(folder: Path) -> Cost | None:
    """keepalived's own judgement of the first director's file, where its interfaces exist only as dummies."""
    config = next(folder.glob("generated/*/keepalived.conf"), None)
    keepalived = find("keepalived")
    namespace = in_namespace_command(["eth0", "eth1"])
    if config is None or keepalived is None or namespace is None:
        progress("keepalived -t is left out: no keepalived, no network namespaces, or no keepalived.conf")
        return None
    progress("keepalived -t")
    # A complaint of keepalived is for the tests to judge; here only the time counts.
    return measure([*namespace, keepalived, "-t", "-f", str(config)], runs=1, expect=None)


def growth(title: str, sizes: Sequence[int], make: Callable[[int], Iterable[str]], per_size: int) -> None:
    """How time and memory grow with the number of destinations."""
    rows: list[Row] = []
    first: Cost | None = None
    for size in sizes:
        folder = write_cluster(f"growth-{size}", make(size))
        check, build = lvsgen(folder, "check", runs=2), lvsgen(folder, "build", runs=2)
        unchanged = lvsgen(folder, "build", "--check", runs=2)
        first = first or build
        rows.append(
            (
                f"{size * per_size}",
                f"{check.seconds:.2f}",
                f"{build.seconds:.2f}",
                f"{unchanged.seconds:.2f}",
                f"{build.megabytes:.0f}",
                f"{size // sizes[0]}x",
                f"{build.seconds / first.seconds:.1f}x",
            )
        )
    header = ("destinations", "check s", "build s", "build --check s", "peak MB", "destinations", "build time")
    table(f"{title} (goal: time grows no faster than destinations, peak < 400 MB)", header, rows)


def startup() -> None:
    """What every commit waits for."""
    progress("start-up")
    pairs = [
        (["lvsgen", "--version"], ["yamllint", "--version"], "<= 1.2"),
        (["lvsgen", "check", str(ROOT / "examples" / "telnet-squid")], ["check-jsonschema", "--version"], "<= 1.0"),
    ]
    rows = []
    for ours, theirs, goal in pairs:
        mine = measure([tool(ours[0]), *ours[1:]], runs=STARTUP_RUNS)
        other = measure([tool(theirs[0]), *theirs[1:]], runs=STARTUP_RUNS)
        names = (" ".join(os.path.relpath(a, ROOT) if os.path.isabs(a) else a for a in ours), " ".join(theirs))
        ratio = mine.seconds / other.seconds
        rows.append((names[0], f"{mine.seconds:.3f}", names[1], f"{other.seconds:.3f}", f"{ratio:.2f}", goal))
    table("Start-up", ("", "seconds", "beside", "seconds", "ratio", "goal"), rows)


def on_the_host() -> None:
    """What a host pays for `lvs.sh`, on a kernel with IPVS."""
    progress("lvs.sh")
    try:
        header, *rows = lvs_sh.main(WORK / "lvs_sh")
    except CannotPlay as reason:
        progress(f"lvs.sh is left out: {reason}")
        return
    table(f"lvs.sh on a host with {lvs_sh.SERVICES * lvs_sh.MEMBERS} destinations", header, rows)


def main() -> None:
    """Measure everything and print it."""
    machine = f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    print(f"{machine}; times are those of the quickest of several runs")
    startup()
    against_others()
    growth("Members written out", (250, 500, 1000), generate.written_out, generate.MEMBERS)
    growth(f"Through pools of {generate.POOL}", (25_000, 50_000, 100_000), generate.pooled, 1)
    on_the_host()
    progress("stages of check")
    print("\nStages of check, processor time", flush=True)
    # In a process of its own: this one must stay small (see measure).
    subprocess.run([sys.executable, "-m", "bench.stages"], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
