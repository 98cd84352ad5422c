"""`lvsgen check`: every mistake of every description, in one run."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import typer

from lvsgen.cli.session import (
    CannotRun,
    ColorChoice,
    Exit,
    PathsArgument,
    Session,
    cluster_files,
    gathered,
    wants_color,
)
from lvsgen.diagnostics import Severity, quote


def check(
    context: typer.Context,
    paths: PathsArgument = None,
    output_format: Annotated[
        Literal["text", "concise", "json", "github"], typer.Option(help="How to print what was found.")
    ] = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count, too.")] = False,
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="Also report what has expired on this day (YYYY-MM-DD).")
    ] = None,
    color: Annotated[ColorChoice, typer.Option(help="Whether to colour what is printed.")] = "auto",
) -> int:
    """Report every mistake in cluster descriptions.

    Exit codes: 0 no errors, 1 errors (with --strict: or warnings), 2 could not run.
    """
    from lvsgen import pipeline, report
    from lvsgen.report import facts

    session: Session = context.obj
    day = _date(as_of)
    compilations = pipeline.check_all(cluster_files(paths), stdin=session.stdin, as_of=day)
    diagnostics, texts = gathered(compilations)
    colored = wants_color(color, session.stdout)
    session.print(report.render(output_format, diagnostics, texts, color=colored))
    if output_format == "text":
        for one in compilations:
            if one.cluster is not None and one.complete:
                session.note(facts.render(one.cluster) + "\n")
        session.note(report.summary(diagnostics) + "\n")
    counted = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    return Exit.FINDINGS if any(d.severity in counted for d in diagnostics) else Exit.CLEAN


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    # Python takes 20240101 and 2024-W01-1, too.
    if day is None or day.isoformat() != text:
        raise CannotRun(f"--as-of takes a day as YYYY-MM-DD, not {quote(text)}")
    return day
