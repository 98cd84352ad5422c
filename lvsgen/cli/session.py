"""What every command needs: its streams, whether to colour, which file an argument means, and how to end.

Exit codes are the same for every command: `Exit`. A command ends early by raising `CannotRun`, whose text is the one
line that the user sees.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal, TextIO, TypeAlias

import typer

from lvsgen.diagnostics import Diagnostic, quote

if TYPE_CHECKING:
    from lvsgen.pipeline import Compilation

STDIN = "-"

ColorChoice: TypeAlias = Literal["auto", "always", "never"]
PathsArgument: TypeAlias = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH...",
        show_default=False,
        help="Cluster files, or folders with a cluster.yaml. Default: the current folder; `-`: standard input.",
    ),
]


class Exit(IntEnum):
    """0: clean, or in sync. 1: findings, drift or a difference. 2: could not run."""

    CLEAN = 0
    FINDINGS = 1
    CANNOT_RUN = 2


class CannotRun(Exception):
    """The command cannot do its work; the text is one line, without a final period."""


class StreamFailed(Exception):
    """Standard output or standard error takes no more. The text says why; it is empty if nobody can be told.

    Not an OSError: typer has its own opinion on those.
    """


@dataclass(frozen=True, slots=True)
class Session:
    """The streams of this run. Nothing below `lvsgen.cli` knows them."""

    stdin: BinaryIO
    stdout: TextIO
    stderr: TextIO

    def print(self, text: str) -> None:
        """The answer: what the command was asked for. `text` brings its own newlines."""
        try:
            self.stdout.write(text)
        except OSError as error:
            raise StreamFailed(_why_stdout(error)) from error

    def flush(self) -> None:
        """Write out what has been printed."""
        try:
            self.stdout.flush()
        except OSError as error:
            raise StreamFailed(_why_stdout(error)) from error

    def note(self, text: str) -> None:
        """What stands beside the answer. `text` brings its own newlines."""
        try:
            if text:  # even nothing is too much for a full disk
                self.stderr.write(text)
                self.stderr.flush()
        except OSError as error:
            raise StreamFailed from error


def _why_stdout(error: OSError) -> str:
    """Nothing for a reader that went away (`lvsgen ... | head`): it knows."""
    return "" if isinstance(error, BrokenPipeError) else f"cannot write to standard output: {reason(error)}"


def reason(error: OSError) -> str:
    """The system's words, in the style of ours."""
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def wants_color(choice: ColorChoice, stream: TextIO) -> bool:
    """`--color`, else NO_COLOR, else FORCE_COLOR (each if it is not empty), else whether `stream` is a terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def cluster_file(argument: str) -> str:
    """The file that `argument` means: itself, or the cluster.yaml of a folder. `-` is standard input."""
    if argument == STDIN:
        return argument
    from lvsgen.source import DEFAULT_NAME, root_file

    file = root_file(argument)
    try:
        is_folder = stat.S_ISDIR(os.stat(file).st_mode)
    except FileNotFoundError:
        if file == argument:
            raise CannotRun(f"{quote(argument)} does not exist") from None
        raise CannotRun(f"{quote(argument)} holds no {DEFAULT_NAME}; `lvsgen init` writes one") from None
    except OSError as error:
        raise CannotRun(f"cannot read {quote(file)}: {reason(error)}") from None
    if is_folder:
        raise CannotRun(f"{quote(file)} is a folder, not a file")
    return file


def cluster_files(arguments: Sequence[str] | None) -> tuple[str, ...]:
    """The files that the arguments mean, each once, in their order. No argument: the current folder."""
    unique: dict[str, str] = {}
    for argument in arguments or (".",):
        file = cluster_file(argument)
        unique.setdefault(file if file == STDIN else os.path.realpath(file), file)
    return tuple(unique.values())


def gathered(compilations: Iterable[Compilation]) -> tuple[tuple[Diagnostic, ...], dict[str, str]]:
    """What is to be said about all of them, each thing once, and the texts that excerpts are taken from."""
    diagnostics: dict[Diagnostic, None] = {}
    texts: dict[str, str] = {}
    for one in compilations:
        diagnostics |= dict.fromkeys(one.diagnostics)
        texts |= one.description.texts
    return tuple(diagnostics), texts
