"""`make mutants`: tries all mutants that nothing is known of, and writes docs/mutants.md."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from lvsgen.lab import kernel, machine, play
from tests.mutants import choose, examples, page, run

MACHINES = 2
ROUNDS = 5
"""The examples, the first places, the second ones, and twice those whose machine was lost."""

KEPT = examples.ROOT / ".mutants/results.jsonl"
PAGE = examples.ROOT / "docs/mutants.md"


def say(text: str) -> None:
    """Progress."""
    sys.stderr.write(f"mutants: {text}\n")
    sys.stderr.flush()


def main() -> int:
    """Run what is left, round after round; the page says what is known in the end."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    own = machine.own_kernel_will_do()
    release = os.uname().release if own else kernel.kernel(kernel.cache_folder(), say).release
    folders = examples.folders()
    mutants = choose.mutants(folders)
    with play.workspace() as text:
        lab = run.Lab(mutants, Path(text), run.Kept(KEPT), release)
        for _ in range(ROUNDS):
            todo = lab.todo()
            say(f"{len(todo)} to do")
            for start in range(0, len(todo), run.BATCH):
                lab.run(todo[start : start + run.BATCH], MACHINES, say)
        PAGE.write_text(page.page(lab.fates(), choose.exempt(folders), release))
        return 1 if lab.broken() else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except kernel.CannotPlay as error:
        say(str(error))
        sys.exit(2)
