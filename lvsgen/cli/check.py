"""`lvsgen check`: every mistake of every description, in one run."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import typer

from lvsgen.cli.codes import complete_code, selected
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
        Literal["text", "concise", "json", "github", "sarif"], typer.Option(help="How to print what was found.")
    ] = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count, too.")] = False,
    exit_zero: Annotated[bool, typer.Option("--exit-zero", help="End with 0 whatever was found.")] = False,
    select: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CODES", autocompletion=complete_code, help="Report these only: codes, names, beginnings."
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="CODES", autocompletion=complete_code, help="Do not report these."),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="Also report what has expired on this day (YYYY-MM-DD).")
    ] = None,
    color: Annotated[ColorChoice, typer.Option(help="Whether to colour what is printed.")] = "auto",
) -> int:
    """Report every mistake in cluster descriptions.

    CODES is a comma-separated list. What keeps the rules from judging is always reported. `build` heeds none of this.

    Exit codes: 0 no errors, 1 errors (with --strict: or warnings), 2 could not run.
    """
    from lvsgen import pipeline, report
    from lvsgen.report import facts

    session: Session = context.obj
    day = _date(as_of)
    selected((), select, ignore)  # a misspelt code is told before anything is read
    compilations = pipeline.check_all(cluster_files(paths), stdin=session.stdin, as_of=day)
    everything, texts = gathered(compilations)
    diagnostics = selected(everything, select, ignore)
    colored = wants_color(color, session.stdout)
    session.print(report.render(output_format, diagnostics, texts, color=colored))
    if output_format == "text":
        for one in compilations:
            if one.cluster is not None and one.complete:
                session.note(facts.render(one.cluster) + "\n")
        session.note(report.summary(diagnostics) + "\n")
    counted = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    found = any(one.severity in counted for one in diagnostics)
    return Exit.FINDINGS if found and not exit_zero else Exit.CLEAN


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
