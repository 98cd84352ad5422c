"""`lvsgen lab`: runs a cluster on a real kernel and sends it real traffic; `lab exec` and `lab stop`."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from contextlib import ExitStack
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
    keep: Annotated[
        bool,
        typer.Option("--keep", help="Leave the lab up afterwards, without `stop`, for `lvsgen lab exec`."),
    ] = False,
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
    from lvsgen.lab import change, play, verdicts, visit
    from lvsgen.lab.kernel import CannotPlay

    session: Session = context.obj
    chosen = _properties(only, since)
    if keep and since is not None:
        raise CannotRun("--from ends with the change that it plays; leave --keep out")
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
    shown: list[play.Ending] = []

    def show(endings: tuple[play.Ending, ...]) -> None:
        (ending,) = endings
        if output_format == "json":
            import json

            session.print(json.dumps(verdicts.plain(name, ending.results), indent=2) + "\n")
        else:
            session.print(verdicts.table(name, ending.results))
        session.flush()
        shown.append(ending)

    def stays(endings: tuple[play.Ending, ...]) -> None:
        show(endings)
        say("stays up: `lvsgen lab exec HOST COMMAND...` runs a command there; Ctrl-C or `lvsgen lab stop` ends it")

    try:
        with play.workspace() as text, ExitStack() as stack:
            work = Path(text).resolve()
            spool = play.spool(work) if keep else None
            if since is None:
                ready = play.prepare(name, compilation, work / "generated", chosen, spool)
            else:
                ready = change.since(since, file, compilation, work)
            if spool:
                hosts = tuple(machine.name for machine in ready.job.machines)
                stack.enter_context(visit.announced(visit.Lab(cluster=name, hosts=hosts, spool=spool)))
            endings = play.play([ready], work, machines=1, say=say, tell=tell, kernel=kernel, stays=stays)
    except CannotPlay as error:
        raise CannotRun(str(error)) from error
    except KeyboardInterrupt:
        if not shown:
            raise
    if not shown:
        show(endings)
    (ending,) = shown
    if ending.trouble:
        raise CannotRun(f"the lab did not come to its end: {ending.trouble}")
    return Exit.FINDINGS if verdicts.failed(ending.results) else Exit.CLEAN


def lab_exec(
    context: typer.Context,
    host: Annotated[str, typer.Argument(metavar="HOST", help="A host of the cluster, or a client or router.")],
    command: Annotated[list[str], typer.Argument(metavar="COMMAND...", help="A program and its arguments.")],
) -> int:
    """Run a command inside a host of the lab that `lvsgen lab --keep` left up.

    It has no standard input. What it prints comes back, and so does its exit code.

    Exit codes: those of the command; 2 also if no lab is up or it has no such host.
    """
    from lvsgen.lab import visit
    from lvsgen.lab.kernel import CannotPlay

    session: Session = context.obj
    try:
        found = visit.running()
        if host not in found.hosts:
            raise CannotRun(
                f"the lab of {quote(found.cluster)} has no host {quote(host)}, but {', '.join(found.hosts)}"
            )
        return visit.execute(found, host, command, out=_to(session.print, session.flush), err=_to(session.note))
    except CannotPlay as error:
        raise CannotRun(str(error)) from error


def lab_stop() -> int:
    """End the lab that `lvsgen lab --keep` left up."""
    from lvsgen.lab import visit
    from lvsgen.lab.kernel import CannotPlay

    try:
        visit.stop(visit.running())
    except CannotPlay as error:
        raise CannotRun(str(error)) from error
    return Exit.CLEAN


def _to(write: Callable[[str], None], flush: Callable[[], None] = lambda: None) -> Callable[[bytes], None]:
    """Hands bytes on as text; a character may be cut in two between one call and the next."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def take(data: bytes) -> None:
        write(decoder.decode(data))
        flush()

    return take


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
