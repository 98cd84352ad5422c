"""`lvsgen init`: a new description to start from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from lvsgen.cli.session import CannotRun, Exit, Session, reason


def init(
    context: typer.Context,
    folder: Annotated[
        str, typer.Argument(metavar="DIR", help="The folder of the new cluster; its name becomes the cluster's.")
    ],
    method: Annotated[
        Literal["dr", "nat", "tun"],
        typer.Option(
            help="How packets reach the realservers: direct routing, address translation, or through a tunnel."
        ),
    ] = "dr",
    failover: Annotated[
        Literal["none", "keepalived"],
        typer.Option(help="One director, or two with keepalived (VRRP and health checks)."),
    ] = "none",
) -> int:
    """Write a commented description of a new cluster, its schema for editors, and .gitattributes.

    Nothing that exists is overwritten.
    """
    from lvsgen import scaffold
    from lvsgen.report.words import visible

    session: Session = context.obj
    if not folder:
        raise CannotRun("the folder has no name; `.` is the current one")
    target = Path(folder)
    texts = scaffold.files(cluster=scaffold.cluster_name(target), method=method, failover=failover)
    if existing := scaffold.existing(target, texts):
        raise CannotRun(f"{visible(folder)} has {', '.join(existing)} already; nothing was written")
    try:
        scaffold.write(target, texts)
    except OSError as error:
        raise CannotRun(f"{visible(str(error.filename or folder))}: {reason(error)}") from error
    session.print("".join(f"{visible(str(target / name))}\n" for name in texts))
    named = visible(shlex.quote(folder))
    session.note(
        f"next: edit {visible(str(target / 'cluster.yaml'))}, then `lvsgen check {named}` and `lvsgen build {named}`\n"
    )
    return Exit.CLEAN
