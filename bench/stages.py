"""Processor time of what `lvsgen check` does to a large cluster: parsing, the schema, binding, the rules.

python -m bench.stages
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

from bench import generate
from lvsgen import rules, schema, source
from lvsgen.bind import bind

RUNS = 5
CLUSTERS: dict[str, Callable[[], Iterable[str]]] = {
    "10 000 destinations, written out": lambda: generate.written_out(1000),
    "10 000 destinations through pools": lambda: generate.pooled(10_000),
}

_Result = TypeVar("_Result")


def timed(work: Callable[[], _Result]) -> tuple[float, _Result]:
    """The processor time of a piece of work, and what came of it."""
    begin = time.process_time()
    result = work()
    return time.process_time() - begin, result


def stages(text: str) -> dict[str, float]:
    """Seconds of each stage, each from scratch."""
    parsing, (description, _) = timed(lambda: source.read_text(text))
    judging, _ = timed(lambda: schema.check(description))
    binding, (cluster, _) = timed(lambda: bind(tuple((one.name, one.data) for one in description.documents)))
    assert cluster is not None
    return {"parsing": parsing, "schema": judging, "bind": binding, "rules": timed(lambda: rules.check(cluster))[0]}


def rows() -> list[tuple[str, ...]]:
    """A row a cluster: the quickest of several runs, and the rules beside parsing."""
    found = []
    for name, make in CLUSTERS.items():
        text = "".join(make())
        runs = [stages(text) for _ in range(RUNS)]
        best = {stage: min(run[stage] for run in runs) for stage in runs[0]}
        ratio = f"{best['rules'] / best['parsing']:.2f}"
        found.append((name, *(f"{seconds:.3f}" for seconds in best.values()), ratio, "<= 1"))
    return found


HEADER = ("cluster", "parsing s", "schema s", "bind s", "rules s", "rules : parsing", "goal")


if __name__ == "__main__":
    for row in (HEADER, *rows()):
        print("".join(cell.ljust(36 if place == 0 else 17) for place, cell in enumerate(row)).rstrip())
