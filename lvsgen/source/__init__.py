"""Reading: a path becomes a `Description`, documents of plain data with the places of everything in them.

`read` never raises for what a user did: an unreadable file, bad YAML or a bad include is a diagnostic. The stages after
this one see a description only if they may use it; its `texts` are always there, for the excerpts of reports.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from lvsgen.diagnostics import Diagnostic, Finding, Location, Place, Severity, Span, quote
from lvsgen.source import include
from lvsgen.source.document import Description, Document, Lines, Spans
from lvsgen.source.events import parse
from lvsgen.source.problems import NAMES

__all__ = [
    "DEFAULT_NAME",
    "LARGEST",
    "STDIN_NAME",
    "Description",
    "Document",
    "Spans",
    "read",
    "read_text",
    "root_file",
]

DEFAULT_NAME = "cluster.yaml"
"""The root file of a folder."""
STDIN_NAME = "<stdin>"
LARGEST = 64 * 1024 * 1024
"""Bytes of one file."""
_BOM = "\ufeff"


@dataclass(slots=True)
class _Reading:
    """What has been read so far. `instead` has texts that stand for those of files."""

    instead: Mapping[str, str] = field(default_factory=dict)
    documents: list[Document] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def description(self) -> Description:
        return Description(documents=tuple(self.documents), texts=dict(self.texts))

    def problem(self, code: str, name: str, message: str, help: str = "", span: Span | None = None) -> None:
        location = Location(name, span or Span(1, 1, 1, 1))
        self.diagnostics.append(
            Diagnostic(
                code=code, name=NAMES[code], severity=Severity.ERROR, message=message, location=location, help=help
            )
        )

    def document(self, name: str, data: bytes | None, *, is_included: bool = False) -> Document | None:
        """The bytes of a file become a document, if they can."""
        text = None if data is None else self._decoded(name, data)
        if text is None:
            return None
        self.texts[name] = text
        document, diagnostics = parse(name, text, may_be_empty=is_included)
        self.diagnostics += diagnostics
        if document is not None:
            self.documents.append(document)
        return document

    def _decoded(self, name: str, data: bytes) -> str | None:
        try:
            return data.decode("utf-8").removeprefix(_BOM)
        except UnicodeDecodeError as error:
            text = self.texts[name] = data.decode("utf-8", "replace").removeprefix(_BOM)
            start = len(data[: error.start].decode("utf-8").removeprefix(_BOM))
            span = Lines(text).span(start, start + 1)
            if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
                message = "the file is UTF-16, not UTF-8"
            else:
                message = f"the byte 0x{data[error.start]:02x} is not UTF-8"
            self.problem("LVS002", name, message, "save the file as UTF-8", span)
            return None

    def file(self, path: str) -> bytes | None:
        """The bytes of a file, if there are not too many."""
        if path in self.instead:
            return self.instead[path].encode()
        try:
            with open(path, "rb") as stream:
                status = os.fstat(stream.fileno())
                if stat.S_ISREG(status.st_mode) and status.st_size > LARGEST:
                    self._too_large(path)
                    return None
                return self.stream(path, stream)
        except (OSError, ValueError) as error:
            reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
            self.problem("LVS001", path, f"cannot read {quote(path)}: {reason[:1].lower()}{reason[1:]}")
            return None

    def stream(self, name: str, stream: BinaryIO) -> bytes | None:
        """The bytes of a stream, if there are not too many."""
        data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            self._too_large(name)
            return None
        return data

    def _too_large(self, name: str) -> None:
        message = f"{quote(name)} is larger than {LARGEST // 1024**2} MiB"
        self.problem("LVS001", name, message, "a description is made of text that people wrote; split it by `include`")

    def includes(self, root: Document, folder: str, root_path: str | None) -> None:
        """Read what the root document includes."""
        for item in include.resolve(root, folder, root_path):
            if item.problem is not None:
                self.finding(item.problem)
                continue
            document = self.document(item.path, self.file(item.path), is_included=True)
            if document is not None and isinstance(document.data, dict) and include.KEY in document.data:
                place = Place(document.name, (include.KEY,)).key
                message = "an included file cannot include others"
                self.finding(include.bad_include(place, message, "list all files in the root file"))

    def finding(self, finding: Finding) -> None:
        self.diagnostics.append(self.description.locate(finding))


def root_file(path: str) -> str:
    """The file that a path means: itself, or the `cluster.yaml` of a folder."""
    return os.fspath(Path(path) / DEFAULT_NAME) if os.path.isdir(path) else path


def read(
    path: str, stdin: BinaryIO | None = None, instead: Mapping[str, str] | None = None
) -> tuple[Description, tuple[Diagnostic, ...]]:
    """Read a description from a file, from a folder that holds `cluster.yaml`, or for `-` from standard input.

    Any diagnostic is an error, and then the description may lack documents: it can be checked for more mistakes, but
    nothing may be built from it. What standard input includes is relative to the working folder. `instead` has texts by
    the names of files, to read in their place.
    """
    reading = _Reading(instead=instead or {})
    name, root_path, data = STDIN_NAME, None, None
    if path == "-" and name in reading.instead:
        data = reading.file(name)
    elif path == "-":
        try:
            data = reading.stream(name, stdin if stdin is not None else sys.stdin.buffer)
        except (OSError, ValueError) as error:
            reading.problem("LVS001", name, f"cannot read standard input: {error}")
    else:
        name = root_path = root_file(path)
        if name != path and not os.path.lexists(name):
            message = f"the folder {quote(path)} has no {DEFAULT_NAME}"
            reading.problem("LVS001", path, message, "name the file, or another folder")
        else:
            data = reading.file(name)
    return _finish(reading, name, data, root_path)


def read_text(text: str, name: str = STDIN_NAME) -> tuple[Description, tuple[Diagnostic, ...]]:
    """Read a description from a text; what it includes is relative to the working folder."""
    return _finish(_Reading(), name, text.encode("utf-8", "surrogatepass"), None)


def _finish(
    reading: _Reading, name: str, data: bytes | None, root_path: str | None
) -> tuple[Description, tuple[Diagnostic, ...]]:
    root = reading.document(name, data)
    if root is not None:
        reading.includes(root, os.path.dirname(root_path or ""), root_path)
    return reading.description, tuple(reading.diagnostics)
