"""`lvsgen check`: every mistake of every description, in one run."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lvsgen.cli.codes import complete_code, selected
from lvsgen.cli.fix import fixed
from lvsgen.cli.session import (
    STDIN,
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

if TYPE_CHECKING:
    from lvsgen.pipeline import Compilation


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
    fix: Annotated[bool, typer.Option("--fix", help="Write what surely is meant; comments and format stay.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="With --fix: write nothing, print the patch.")] = False,
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="Also report what has expired on this day (YYYY-MM-DD).")
    ] = None,
    with_tools: Annotated[
        bool, typer.Option("--with-tools", help="Also ask keepalived, if it is installed, about the generated files.")
    ] = False,
    color: Annotated[ColorChoice, typer.Option(help="Whether to colour what is printed.")] = "auto",
) -> int:
    """Report every mistake in cluster descriptions.

    CODES is a comma-separated list. What keeps the rules from judging is always reported. `build` heeds none of this.

    Exit codes: 0 no errors, 1 errors (with --strict: or warnings; with --diff: or a patch), 2 could not run.
    """
    from lvsgen import pipeline, report
    from lvsgen.report import facts

    session: Session = context.obj
    day = _date(as_of)
    selected((), select, ignore)  # a misspelt code is told before anything is read
    files = cluster_files(paths)
    # What is printed is the patch, or the mended text: what is left to say stands beside it.
    is_answer = not (diff or (fix and STDIN in files))
    changed = False
    if diff and not fix:
        raise CannotRun("--diff shows what --fix would write; add --fix")
    if not is_answer and (output_format != "text" or (len(files) > 1 and STDIN in files)):
        raise CannotRun("standard output takes one thing: leave out --output-format, and other files beside `-`")
    if fix:
        compilations, changed = fixed(session, files, day, lambda all: selected(all, select, ignore), diff=diff)
    else:
        compilations = pipeline.check_all(files, stdin=session.stdin, as_of=day)
    if with_tools:
        compilations = tuple(_with_verdicts(session, one) for one in compilations)
    everything, texts = gathered(compilations)
    diagnostics = selected(everything, select, ignore)
    stream, write = (session.stdout, session.print) if is_answer else (session.stderr, session.note)
    write(report.render(output_format, diagnostics, texts, color=wants_color(color, stream)))
    if output_format == "text":
        for one in compilations:
            if one.cluster is not None and one.complete:
                session.note(facts.render(one.cluster) + "\n")
        session.note(report.summary(diagnostics) + "\n")
    counted = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    found = any(one.severity in counted for one in diagnostics) or (diff and changed)
    return Exit.FINDINGS if found and not exit_zero else Exit.CLEAN


def _with_verdicts(session: Session, checked: Compilation) -> Compilation:
    """What other tools say beside what has been said. What they could not say is noted."""
    from lvsgen import judges, pipeline

    verdicts = judges.ask(pipeline.with_files(checked))
    for note in verdicts.notes:
        session.note(f"{note}\n")
    return replace(checked, diagnostics=(*checked.diagnostics, *verdicts.diagnostics))


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
