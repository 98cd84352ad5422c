"""What lvsgen has to say about a cluster description, as values.

A stage that finds a mistake returns a `Finding`, which names a *symbolic* place in the YAML (a path of keys). The
description that was read turns it into a `Diagnostic` with lines and columns (`lvsgen.source.Description.locate`).
Nothing here prints, and no user's mistake is an exception.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

Key: TypeAlias = str | int
"""One step of a path: the key of a mapping, or the index of an item of a list."""


class Severity(StrEnum):
    """How bad it is: an error would make a generated file wrong, a warning is a known trap, a hint is advice."""

    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


@dataclass(frozen=True, slots=True)
class Place:
    """A symbolic place: `path` within the document called `file`.

    `part` says whether the key or the value of the last step is meant. A place that does not exist in the document
    falls back to `otherwise` (a service's field that came from `defaults`), then to its nearest existing parent.
    """

    file: str
    path: tuple[Key, ...] = ()
    part: Literal["key", "value"] = "value"
    otherwise: Place | None = None

    def at(self, *keys: Key) -> Place:
        """The place of something inside this one."""
        inner = self.otherwise.at(*keys) if self.otherwise else None
        return Place(self.file, (*self.path, *keys), "value", inner)

    @property
    def key(self) -> Place:
        """The key of this place instead of its value."""
        return Place(self.file, self.path, "key", self.otherwise.key if self.otherwise else None)


@dataclass(frozen=True, slots=True)
class Related:
    """A second place that a reader must see to understand a finding, with a few words on why."""

    place: Place
    label: str


@dataclass(frozen=True, slots=True)
class Rewrite:
    """Part of a remedy: the scalar at `place` is written as `text`, which is YAML."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A mistake at a symbolic place. `message` says what is wrong, `help` what to write instead.

    Style: lower case, no final period, identifiers in backticks, no control characters (see `quote`). A finding has a
    `fix` only if one reading of the text is left, so that `lvsgen check --fix` may write it without asking.
    """

    code: str
    name: str
    severity: Severity
    message: str
    place: Place
    help: str = ""
    related: tuple[Related, ...] = ()
    fix: tuple[Rewrite, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Lines and columns of a text, both from 1; the end is exclusive. Columns count characters."""

    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True, slots=True)
class Location:
    """A concrete place: a span of the file at `path` (as the user wrote it), with the label of a related place."""

    path: str
    span: Span
    label: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """Part of a remedy: the characters at `location` become `text`."""

    location: Location
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """A finding with its concrete places; what every report prints.

    `subject` is the path of keys to what it is about (`services.web.tcp`), which stays when lines move; it is empty
    where there is none. `fix` are the edits that mend it, empty where nobody but its author can.
    """

    code: str
    name: str
    severity: Severity
    message: str
    location: Location
    help: str = ""
    related: tuple[Location, ...] = ()
    subject: str = ""
    fix: tuple[Edit, ...] = ()

    @property
    def sort_key(self) -> tuple[str, Span, str, str]:
        """Stable order: by file, place, code, message."""
        return (self.location.path, self.location.span, self.code, self.message)


def quote(value: object) -> str:
    """`value` in backticks, safe to print: shortened, control characters escaped."""
    text = str(value)
    if len(text) > 60:
        text = text[:57] + "..."
    return "`" + "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text) + "`"
