"""The command line: which commands there are, and what becomes of everything that can go wrong in one.

Commands return an exit code. This module and its neighbours are the only importers of typer, and each command imports
what it needs when it runs, so that `--help` and shell completion stay quick.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from typing import Annotated, Any, NoReturn, TextIO

import typer
from typer.core import TyperCommand

from lvsgen import __version__
from lvsgen.cli.build import build
from lvsgen.cli.check import check
from lvsgen.cli.explain import explain
from lvsgen.cli.init import init
from lvsgen.cli.lab import lab, lab_exec, lab_stop
from lvsgen.cli.report import report
from lvsgen.cli.schema import schema
from lvsgen.cli.session import CannotRun, Exit, Session, StreamFailed

_COMMANDS = (init, check, explain, build, lab, lab_exec, lab_stop, report, schema)
"""An underscore in a name is a blank for the user: `lab exec`."""

# 128 and the signal's number, as shells report it.
_INTERRUPTED = 130


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"lvsgen {__version__}")
        raise typer.Exit


def _start(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Compile one YAML description of a Linux Virtual Server cluster into the files of every host.

    Exit codes: 0 clean or in sync, 1 findings or drift, 2 could not run.
    """


class _Command(TyperCommand):
    """A command whose usage has no braces around what must be given."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        return [piece.strip("{}") for piece in super().collect_usage_pieces(ctx)]


def application() -> typer.Typer:
    """The commands. Plain help: with rich, a CI system would get escape sequences, and everybody a slower start."""
    app = typer.Typer(
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_start)
    for command in _COMMANDS:
        # What follows the host is a command line of its own, options and all.
        settings = {"allow_interspersed_args": command is not lab_exec}
        app.command(_name(command), cls=_Command, context_settings=settings)(command)
    return app


def _name(command: Callable[..., int]) -> str:
    return command.__name__.replace("_", " ")


def _joined(arguments: Sequence[str]) -> list[str]:
    """The arguments, with a command of two words in one. A folder `exec` is `./exec` for `lvsgen lab`."""
    first = " ".join(arguments[:2])
    return [first, *arguments[2:]] if first in {_name(c) for c in _COMMANDS if "_" in c.__name__} else [*arguments]


def run(arguments: Sequence[str], session: Session) -> int:
    """Run one command line on the streams of `session`; returns the exit code."""
    # What typer itself prints goes through the session as well: a stream may fail.
    out, err = io.StringIO(), io.StringIO()
    try:
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = application()(_joined(arguments), prog_name="lvsgen", standalone_mode=False, obj=session)
        except SystemExit as end:  # completion ends like this
            code = end.code
        session.print(out.getvalue())
        session.note(err.getvalue())
    except CannotRun as error:
        session.note(f"lvsgen: {error}\n")
        return Exit.CANNOT_RUN
    except typer.TyperException as error:
        text = error.format_message()
        session.note(f"lvsgen: {text or 'see `lvsgen --help`'}\n" if arguments else f"{text}\n")
        return Exit.CANNOT_RUN
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED
    return int(code or Exit.CLEAN)


def run_process(arguments: Sequence[str]) -> int:
    """Run with this process's own streams. A stream that fails, or a bug, is exit code 2 and never 1."""
    session = Session(
        sys.stdin.buffer if sys.stdin else _ClosedInput(), sys.stdout or _ClosedOutput(), sys.stderr or io.StringIO()
    )
    for stream in (session.stdout, session.stderr):
        _never_fail_to_encode(stream)
    try:
        code = run(arguments, session)
        session.flush()
    except StreamFailed as failure:
        with suppress(StreamFailed):
            session.note(f"lvsgen: {failure}\n" if str(failure) else "")
        _forget(session.stdout, session.stderr)
        return Exit.CANNOT_RUN
    except Exception:
        import traceback

        with suppress(StreamFailed):
            session.note(traceback.format_exc())
            session.note("lvsgen: this is a bug in lvsgen; please report it with the lines above\n")
        return Exit.CANNOT_RUN
    return code


class _ClosedInput(io.BytesIO):
    """Standard input of a process that was started without one."""

    def read(self, size: int | None = -1, /) -> NoReturn:
        raise CannotRun("standard input is closed")


class _ClosedOutput(io.StringIO):
    """The same for standard output. It fails only if there is something to say."""

    def write(self, text: str, /) -> int:
        if text:
            raise OSError(errno.EBADF, "it is closed")
        return 0


def _forget(*streams: TextIO) -> None:
    """Let go of what could not be written: Python would try again at exit, and complain (library reference, signal)."""
    for stream in streams:
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _never_fail_to_encode(stream: TextIO) -> None:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure:
        reconfigure(errors="backslashreplace")
