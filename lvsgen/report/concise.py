"""One line for each diagnostic: `cluster.yaml:12:7: error[LVS202]: message`. For editors and grep."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lvsgen.diagnostics import Diagnostic
from lvsgen.report.words import title


def render(diagnostics: Sequence[Diagnostic], texts: Mapping[str, str], color: bool = False) -> str:
    """The report; `texts` are not needed."""
    return "".join(title(diagnostic, color) + "\n" for diagnostic in diagnostics)
