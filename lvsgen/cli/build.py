"""`lvsgen build`: cluster descriptions become folders of files, all of them or none."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from lvsgen.cli.hosts import complete_host, select_hosts
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

if TYPE_CHECKING:
    from lvsgen.pipeline import Compilation
    from lvsgen.tree import Changeset

OUTPUT = "generated"
"""The folder beside the cluster file that is written to."""


def build(
    context: typer.Context,
    paths: PathsArgument = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help=f"Where to write. Default: {OUTPUT}/ beside the cluster file."
        ),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; list what differs, and why.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; print a patch that `git apply` takes.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Give up files that were edited by hand; names them.")] = False,
    host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", autocompletion=complete_host, help="Only this host's folder; may be repeated."),
    ] = None,
    stdout: Annotated[bool, typer.Option("--stdout", help="Write nothing; print the files.")] = False,
    color: Annotated[ColorChoice, typer.Option(help="Whether to colour diagnostics.")] = "auto",
) -> int:
    """Write the files of every host of a cluster.

    Nothing is written if any description has an error, or if a file that lvsgen did not write is in the way.

    Exit codes: 0 done or in sync, 1 errors or differences, 2 could not run.
    """
    from lvsgen import pipeline, report

    session: Session = context.obj
    files = cluster_files(paths)
    if output is not None and len(files) > 1:
        raise CannotRun("--output takes one cluster; without it each is written beside its own file")
    if stdout and (check or diff or force or output is not None):
        raise CannotRun("--stdout only prints; leave out --check, --diff, --force and --output")
    if STDIN in files and output is None and not stdout:
        raise CannotRun("standard input has no folder to write beside; add --stdout or --output DIR")

    compilations = dict(zip(files, pipeline.compile_all(files, stdin=session.stdin), strict=True))
    diagnostics, texts = gathered(compilations.values())
    session.note(report.render("text", diagnostics, texts, color=wants_color(color, session.stderr)))
    if not all(one.complete for one in compilations.values()):
        session.note(f"{report.summary(diagnostics)}; nothing was written\n")
        return Exit.FINDINGS
    chosen = select_hosts(tuple(compilations.values()), host or ())
    if stdout:
        session.print(_printed(compilations, chosen))
        return Exit.CLEAN
    changesets = {
        file: _compared(one, output or os.path.join(os.path.dirname(file), OUTPUT), chosen, force=force)
        for file, one in compilations.items()
        if any(name in chosen for name in one.managed)
    }
    commands = {file: _command(file, output, host) for file in changesets}
    if check or diff:
        return _previewed(session, changesets, commands, patch=diff)
    if any(changeset.blocking for changeset in changesets.values()):
        blocked = {file: changeset for file, changeset in changesets.items() if changeset.blocking}
        return _previewed(session, blocked, commands, patch=False)
    return _applied(session, changesets)


def _compared(compilation: Compilation, output: str, chosen: Sequence[str], *, force: bool) -> Changeset:
    from lvsgen import tree
    from lvsgen.sums import Request

    assert compilation.cluster is not None
    managed = compilation.managed
    only = tuple(name for name in managed if name in chosen)
    changeset = tree.compare(
        Request(
            cluster=compilation.cluster.name,
            hosts=managed,
            artifacts=compilation.artifacts,
            output=output,
            only=() if only == managed else only,
            force=force,
        )
    )
    if isinstance(changeset, tree.TreeFailure):
        raise CannotRun(f"{changeset.path}: {changeset.reason}")
    return changeset


def _previewed(
    session: Session, changesets: Mapping[str, Changeset], commands: Mapping[str, str], *, patch: bool
) -> Exit:
    """List what a build would do. With `patch`, that is what was asked for, and the list stands beside it."""
    from lvsgen.cli.patch import patch as patch_of
    from lvsgen.report import changes

    for file, changeset in changesets.items():
        if patch:
            for part in patch_of(changeset):
                session.print(part)
        listing = changes.render(changeset, command=commands[file])
        (session.note if patch else session.print)(listing)
    return Exit.CLEAN if all(changeset.in_sync for changeset in changesets.values()) else Exit.FINDINGS


def _applied(session: Session, changesets: Mapping[str, Changeset]) -> Exit:
    from lvsgen import tree
    from lvsgen.report import built

    for changeset in changesets.values():
        failure = tree.apply(changeset)
        if failure is not None:
            raise CannotRun(f"{failure.path}: {failure.reason}")
        session.print(built.render(changeset))
    return Exit.CLEAN


def _printed(compilations: Mapping[str, Compilation], chosen: Sequence[str]) -> str:
    """The files one after the other, each under its name, as head(1) prints several."""
    return "\n".join(
        f"==> {artifact.host}/{artifact.name} <==\n{artifact.text}"
        for one in compilations.values()
        for artifact in one.artifacts
        if artifact.host in chosen
    )


def _command(file: str, output: str | None, hosts: Sequence[str] | None) -> str:
    """The build that brings the folder into sync, to copy."""
    from lvsgen.source import DEFAULT_NAME

    folder = os.path.dirname(file) or "."
    named = folder if file == os.path.join(folder, DEFAULT_NAME) else file
    words = ["lvsgen", "build", *([] if file == DEFAULT_NAME else [named])]
    words += ["--output", output] if output is not None else []
    words += [word for name in hosts or () for word in ("--host", name)]
    return shlex.join(words)
