"""Documents that were read, and where in their text everything stands.

A `Document` holds plain data and a `Spans`: for each node of the YAML the offsets of its text, in the order of the
text. Lines and columns are only worked out for what has to be shown. A `Description` is the root document with its
includes; it turns symbolic places into lines and columns.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from lvsgen.diagnostics import Diagnostic, Edit, Finding, Key, Location, Place, Rewrite, Span

Children: TypeAlias = "dict[str, int] | list[int]"
"""Of a mapping: the nodes of its keys (a value is the node after its key). Of a list: the nodes of its items."""

_LINE_BREAK = re.compile(r"\r\n?|\n")


class Lines:
    """The lines of a text: offsets to lines and columns, both from 1."""

    __slots__ = ("_starts", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts: list[int] | None = None

    @property
    def starts(self) -> list[int]:
        """The offset of the first character of every line."""
        if self._starts is None:
            self._starts = [0, *(found.end() for found in _LINE_BREAK.finditer(self.text))]
        return self._starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of the character at `offset`."""
        line = bisect_right(self.starts, offset)
        return line, offset - self.starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        """The span of the characters from `start` up to but not including `end`."""
        line, column = self.position(start)
        return Span(line, column, *self.position(max(start, end)))


class Spans:
    """Where the nodes of a document stand. Nodes are numbered in the order in which the text has them; 0 is the root.

    The `ends` of a block collection is its start, because its end is nothing a reader would call its end.
    """

    __slots__ = ("aliases", "children", "ends", "lines", "starts")

    def __init__(self, text: str) -> None:
        self.lines = Lines(text)
        self.starts = array("L")
        self.ends = array("L")
        self.children: dict[int, Children] = {}
        self.aliases: dict[int, int] = {}

    def find(self, path: Sequence[Key]) -> tuple[int, int | None] | None:
        """The nodes of the value at `path` and of its key (None: it is an item of a list); None if nothing is there."""
        if not self.starts:
            return None
        value, key = 0, None
        for step in path:
            children = self.children.get(self.aliases.get(value, value))
            if isinstance(children, dict):
                key = children.get(str(step))
                if key is None:
                    return None
                value = key + 1
            elif isinstance(children, list) and isinstance(step, int) and 0 <= step < len(children):
                value, key = children[step], None
            else:
                return None
        return value, key

    def offsets(self, value: int, key: int | None) -> tuple[int, int]:
        """From where to where a value is underlined: itself, its key (block collection, nothing), its first line."""
        node = self.aliases.get(value, value)
        if self.ends[node] > self.starts[node]:
            return self.starts[node], self.ends[node]
        if key is not None and node == value:
            return self.starts[key], self.ends[key]
        return self.starts[node], self._end_of_first(node)

    def _end_of_first(self, node: int) -> int:
        """Where the first scalar or flow collection of a block collection ends."""
        end = self.starts[node]
        children = self.children.get(node)
        while end == self.starts[node] and children:
            node = next(iter(children.values() if isinstance(children, dict) else children))
            end, children = self.ends[node], self.children.get(node)
        return end

    def is_within_scalar(self, offset: int) -> bool:
        """Is the character at `offset` part of a scalar (and so a `#` there no comment)?"""
        node = bisect_right(self.starts, offset) - 1
        if node < 0 or node in self.children or offset >= self.ends[node]:
            return False
        text, start = self.lines.text, self.starts[node]
        is_block = text[start] in "|>"
        return not (is_block and self.lines.position(start)[0] == self.lines.position(offset)[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML file. `name` is its path as it is shown; places within it have it as their `file`."""

    name: str
    text: str
    data: Any
    spans: Spans

    def written(self, path: Sequence[Key]) -> str:
        """The characters of the value at `path` as the file has them; empty for block collections and nothing."""
        found = self.spans.find(path)
        if found is None:
            return ""
        node = self.spans.aliases.get(found[0], found[0])
        return self.text[self.spans.starts[node] : self.spans.ends[node]]


class _Found(NamedTuple):
    """A place that exists: the nodes of its value and of its key (None: it is an item of a list)."""

    document: Document
    place: Place
    value: int
    key: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """All documents of a cluster, the root first, includes in the order of the list.

    `texts` also has those that could be read but not understood, for the excerpts of reports.
    """

    documents: tuple[Document, ...]
    texts: Mapping[str, str]

    def locate(self, finding: Finding) -> Diagnostic:
        """The finding with lines and columns."""
        related = (self._location(r.place, r.label) for r in finding.related)
        return Diagnostic(
            code=finding.code,
            name=finding.name,
            severity=finding.severity,
            message=finding.message,
            location=self.span(finding.place),
            help=finding.help,
            related=tuple(related),
            subject=self._subject(finding.place),
            fix=self._edits(finding.fix),
        )

    def span(self, place: Place) -> Location:
        """Where a place is: itself, else the first of its `otherwise` that exists, else its nearest existing parent."""
        return self._location(place, "")

    def _location(self, place: Place, label: str) -> Location:
        existing = self._existing(place)
        if existing is None:
            return Location(place.file, Span(1, 1, 1, 1), label)
        document, there, value, key = existing
        spans, is_key = document.spans, there.part == "key" and key is not None
        start, end = (spans.starts[key], spans.ends[key]) if is_key and key is not None else spans.offsets(value, key)
        return Location(document.name, spans.lines.span(start, end), label)

    def _existing(self, place: Place) -> _Found | None:
        """What stands for a place in the text, be it a parent."""
        parents = (Place(place.file, place.path[:length]) for length in range(len(place.path) - 1, -1, -1))
        return self._written(place) or next(filter(None, map(self._exact, parents)), None)

    def _written(self, place: Place) -> _Found | None:
        """What stands for a place in the text: itself, else the first of its `otherwise` that exists."""
        candidate: Place | None = place
        while candidate is not None:
            if exact := self._exact(candidate):
                return exact
            candidate = candidate.otherwise
        return None

    def _exact(self, place: Place) -> _Found | None:
        document = next((d for d in self.documents if d.name == place.file), None)
        found = document.spans.find(place.path) if document else None
        return _Found(document, place, *found) if document and found else None

    def _subject(self, place: Place) -> str:
        """`services.web.pool[rs1]`: the keys on the way, and items by what they say, for their position may change."""
        existing = self._existing(place)
        if existing is None:
            return ""
        document, there, _, _ = existing
        subject, data = "", document.data
        for step in there.path:
            if isinstance(data, list) and isinstance(step, int):
                data = data[step]
                subject += f"[{step if isinstance(data, (dict, list)) else data}]"
            else:
                data = data[str(step)]
                subject += f".{step}" if subject else str(step)
        return subject

    def _edits(self, rewrites: tuple[Rewrite, ...]) -> tuple[Edit, ...]:
        """The edits of a remedy; none if a part of it is not written in plain sight (an alias, an anchor, a block)."""
        edits = []
        for rewrite in rewrites:
            found = self._written(rewrite.place)
            if found is None:
                return ()
            document, _, value, _ = found
            spans = document.spans
            start, end = spans.starts[value], spans.ends[value]
            if value in spans.children or value in spans.aliases or start == end or document.text[start] in "&!|>":
                return ()
            edits.append(Edit(Location(document.name, spans.lines.span(start, end)), rewrite.text))
        return tuple(edits)
