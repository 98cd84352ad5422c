"""`lvsgen lab`: runs a cluster on a real kernel and sends it real traffic."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lvsgen.cli.session import STDIN, CannotRun, Exit, Session, cluster_file, gathered, wants_color
from lvsgen.diagnostics import quote

if TYPE_CHECKING:
    from lvsgen.lab.guest.wire import Result


def lab(
    context: typer.Context,
    path: Annotated[
        str, typer.Argument(metavar="[PATH]", help="A cluster file, or a folder with a cluster.yaml.")
    ] = ".",
    only: Annotated[
        str | None,
        typer.Option(metavar="WORDS", help="Only these properties, separated by commas: `arp,failover`."),
    ] = None,
    kernel: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="The kernel of another Debian release (`trixie`), or one in the cache by what `uname -r` says.",
        ),
    ] = "",
    since: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="REV",
            help="Apply this Git revision first, then the files as they are now under load: what did clients notice?",
        ),
    ] = None,
    output_format: Annotated[
        Literal["text", "json"], typer.Option("--output-format", help="A table, or JSON for machines.")
    ] = "text",
) -> int:
    """Run the generated files of every host on a real kernel, and see what clients get.

    Every host is a network namespace. This kernel is used if it has IPVS and the caller is root, else one in a
    virtual machine (qemu, no KVM needed); its kernel package is fetched once, by apt. With --kernel it is always a
    virtual machine.

    Exit codes: 0 all passed, 1 something failed or the description has errors, 2 could not run.
    """
    from lvsgen import pipeline
    from lvsgen import report as reports
    from lvsgen.lab import change, play, verdicts
    from lvsgen.lab.kernel import CannotPlay

    session: Session = context.obj
    chosen = _properties(only, since)
    file = cluster_file(path)
    if since is not None and file == STDIN:
        raise CannotRun("--from takes a file in a Git repository, not standard input")
    compilation = pipeline.compile(file, stdin=session.stdin)
    if not compilation.complete:
        diagnostics, texts = gathered([compilation])
        session.note(reports.render("text", diagnostics, texts, color=wants_color("auto", session.stderr)))
        session.note(reports.summary(diagnostics) + "\n")
        return Exit.FINDINGS
    assert compilation.cluster is not None

    def say(text: str) -> None:
        session.note(f"lab: {text}\n")
        session.stderr.flush()

    def tell(result: Result) -> None:
        say(" ".join(word for word in (result.verdict, result.subject.property, result.subject.service) if word))

    name = compilation.cluster.name
    try:
        with play.workspace() as text:
            work = Path(text).resolve()
            if since is None:
                ready = play.prepare(name, compilation, work / "generated", chosen)
            else:
                ready = change.since(since, file, compilation, work)
            (ending,) = play.play([ready], work, machines=1, say=say, tell=tell, kernel=kernel)
    except CannotPlay as error:
        raise CannotRun(str(error)) from error
    if output_format == "json":
        import json

        session.print(json.dumps(verdicts.plain(name, ending.results), indent=2) + "\n")
    else:
        session.print(verdicts.table(name, ending.results))
    if ending.trouble:
        raise CannotRun(f"the lab did not come to its end: {ending.trouble}")
    return Exit.FINDINGS if verdicts.failed(ending.results) else Exit.CLEAN


def _properties(only: str | None, since: str | None) -> frozenset[str]:
    from lvsgen.lab.scenarios import PROPERTIES

    words = frozenset(word.strip() for word in only.split(",")) if only is not None else frozenset()
    for word in sorted(words):
        if word not in PROPERTIES:
            raise CannotRun(f"the lab knows no property {quote(word)}; there are {', '.join(PROPERTIES)}")
    if since is None and "change" in words:
        raise CannotRun("`change` is from one revision to another: say --from REV")
    if since is not None and words - {"change"}:
        raise CannotRun("--from plays `change` and nothing else; leave --only out")
    return words
