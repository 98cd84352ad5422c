"""What the lab found: takes the results of one cluster, returns a table for people or plain values for machines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lvsgen.lab.guest.wire import Result

_HEADINGS = ("property", "service", "verdict", "seen")


def failed(results: Sequence[Result]) -> bool:
    """Whether something failed."""
    return any(result.verdict == "fail" for result in results)


def plain(name: str, results: Sequence[Result]) -> dict[str, Any]:
    """Everything about one cluster, for JSON."""
    return {
        "cluster": name,
        "passed": not failed(results),
        "counts": _counts(results),
        "results": [
            {
                "property": r.subject.property,
                "service": r.subject.service,
                "verdict": r.verdict,
                "seen": r.seen,
                "cause": r.cause,
                "seconds": r.seconds,
            }
            for r in results
        ],
    }


def table(name: str, results: Sequence[Result]) -> str:
    """A line for each result; below a failure, its cause."""
    rows = [(r.subject.property, r.subject.service or "-", r.verdict, r.seen) for r in results]
    widths = [max(len(row[column]) for row in [_HEADINGS, *rows]) for column in range(3)]

    def line(row: Sequence[str]) -> str:
        return "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3]]).rstrip()

    lines = [line(_HEADINGS)]
    for row, result in zip(rows, results, strict=True):
        lines.append(line(row))
        if result.cause:
            lines.append(f"    because: {result.cause}")
    counts = _counts(results)
    summary = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    return "\n".join([*lines, f"{name}: {summary or 'nothing to test'}"]) + "\n"


def _counts(results: Sequence[Result]) -> dict[str, int]:
    verdicts = [result.verdict for result in results]
    return {
        "passed": verdicts.count("pass"),
        "failed": verdicts.count("fail"),
        "not tested": verdicts.count("not tested"),
    }
