"""`lvsgen report`: what lvsgen does not do itself, for the people who do."""

from __future__ import annotations

from typing import Annotated

import typer

from lvsgen.cli.hosts import complete_host, select_hosts
from lvsgen.cli.session import Exit, Session, cluster_file, gathered, wants_color


def report(
    context: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PATH", help="A cluster file, or a folder with a cluster.yaml.")] = ".",
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", autocompletion=complete_host, help="Only this host; may be repeated."),
    ] = None,
) -> int:
    """Say what others must do: the owners of unmanaged hosts, and whoever runs the packet filters.

    Exit codes: 0 done, 1 the description has errors, 2 could not run.
    """
    from lvsgen import pipeline
    from lvsgen import report as reports
    from lvsgen.render import render
    from lvsgen.report import duties

    session: Session = context.obj
    compilation = pipeline.compile(cluster_file(path), stdin=session.stdin)
    if not compilation.complete:
        diagnostics, texts = gathered([compilation])
        session.note(reports.render("text", diagnostics, texts, color=wants_color("auto", session.stderr)))
        session.note(reports.summary(diagnostics) + "\n")
        return Exit.FINDINGS
    chosen = select_hosts([compilation], host or (), unmanaged=True)
    plans = [plan for plan in compilation.plans if plan.host.name in chosen]
    session.print(render("report.txt.j2", duties.view(plans)))
    return Exit.CLEAN
