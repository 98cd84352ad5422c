"""Why some mutants are not caught: what the lab cannot see, and why the line is there all the same."""

from __future__ import annotations

import re

REASONS: tuple[tuple[str, str, str, str], ...] = ()
"""A file, patterns of the shape and of the change, and the reason; the first that fits counts."""

NONE = "none known: the line is superfluous, or the lab should look for it"


def reason(file: str, shape: str, what: str) -> str:
    """Why this mutant is not caught."""
    for name, pattern, change, why in REASONS:
        if name == file and re.search(pattern, shape) and re.search(change, what):
            return why
    return NONE
