"""One pass over the events of libyaml: the text of a YAML file becomes plain data and spans.

`parse` takes a name and a text and returns a `Document` (None: there is no data to go on with) and diagnostics. This is
the only importer of ruamel.yaml, and imports it late.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from lvsgen.source.document import Children, Document, Spans
from lvsgen.source.errors import describe
from lvsgen.source.problems import Problems
from lvsgen.source.scalars import key_text, resolve

if TYPE_CHECKING:
    from lvsgen.diagnostics import Diagnostic

MOST_NODES = 1_000_000
"""Nodes of a document with every alias written out."""
DEEPEST = 50
"""Lists and mappings within one another."""

_REFUSED = object()
"""Stands for a key that is refused, until its value has been read and can be thrown away."""


class _Mark(Protocol):
    index: int


class _Event(Protocol):
    """What this module reads of libyaml's events; which of the last four there are depends on the kind."""

    start_mark: _Mark
    end_mark: _Mark
    anchor: Any
    ctag: Any
    implicit: Any
    value: Any


class _Parser(Protocol):
    def get_event(self) -> _Event: ...


class _StopError(Exception):
    """A problem was noted after which reading on makes no sense."""


class _Aliases:
    """Anchors with their values, and how much their aliases add to the document."""

    def __init__(self, spans: Spans, problems: Problems) -> None:
        self._spans = spans
        self._problems = problems
        self._anchors: dict[str, tuple[int, Any]] = {}
        self._sizes: dict[int, tuple[int, int]] = {}
        self._expanded = 0

    def define(self, anchor: str, node: int, value: object) -> None:
        """Remember an anchor; of a collection before it is filled."""
        self._anchors[anchor] = (node, value)
        self._sizes[node] = (1, 0)

    def total(self) -> int:
        """Nodes so far, aliases written out."""
        return len(self._spans.starts) + self._expanded

    def finish(self, node: int, before: int, height: int) -> None:
        """A collection has ended; `before` was the total when it began."""
        if node in self._sizes:
            self._sizes[node] = (self.total() - before, height)

    def resolve(self, event: _Event, open_nodes: list[int]) -> tuple[Any, int]:
        """The value for an alias that is about to become the next node, and how high it is."""
        start, end, anchor = event.start_mark.index, event.end_mark.index, event.anchor
        if anchor not in self._anchors:
            self._problems.unknown_alias(anchor, start, end)
            return None, 0
        node, value = self._anchors[anchor]
        if node in open_nodes:
            self._problems.recursive_alias(anchor, start, end)
            raise _StopError
        nodes, height = self._sizes[node]
        self._expanded += nodes - 1
        if self.total() > MOST_NODES:
            self._problems.too_many(MOST_NODES, start, end)
            raise _StopError
        if len(open_nodes) + height > DEEPEST:
            self._problems.too_deep(DEEPEST, start, end)
            raise _StopError
        self._spans.aliases[len(self._spans.starts)] = node
        return value, height


def parse(name: str, text: str, *, may_be_empty: bool = False) -> tuple[Document | None, tuple[Diagnostic, ...]]:
    """Read a text without BOM. A document with a duplicate key is usable (the first one counts), others are not."""
    from ruamel.yaml.cyaml import CParser  # type: ignore[attr-defined]  # a re-export that it does not declare
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    spans = Spans(text)
    problems = Problems(name, spans.lines)
    data = None
    if not problems.file_characters():
        try:
            data = _document(CParser(text), spans, problems)
        except _StopError:
            pass
        except MarkedYAMLError as error:
            problem, at = error.problem, error.problem_mark
            context, begun = error.context or "", error.context_mark
            problems.syntax(describe(text, problem, at.index, context, begun.index if begun else None))
        except YAMLError as error:
            problems.syntax(describe(text, str(error).partition("\n")[0], 0, "", None))
        if data is None and not problems.found and not may_be_empty:
            problems.empty()
    usable = problems.is_sound
    document = Document(name=name, text=text, data=data, spans=spans) if usable else None
    return document, tuple(problems.found)


def _document(parser: _Parser, spans: Spans, problems: Problems) -> object:
    """The data of the only document of a stream; None if there is none."""
    from ruamel.yaml.events import DocumentStartEvent, StreamEndEvent

    parser.get_event()
    if isinstance(parser.get_event(), StreamEndEvent):
        return None
    data = _nodes(parser, spans, problems)
    after = parser.get_event()
    if isinstance(after, DocumentStartEvent):
        problems.second_document(after.start_mark.index, after.end_mark.index)
    return data


def _nodes(parser: _Parser, spans: Spans, problems: Problems) -> object:
    """The data of a document, up to and including its end.

    One flat loop, with everything in local names: it runs once for each of perhaps a million events. `container` is
    the collection being filled, `children` the nodes of what is in it, `key` the key whose value comes next (None: a
    key comes next, if it is a mapping), `height` how many levels its contents have.
    """
    from ruamel.yaml.events import AliasEvent, DocumentEndEvent, MappingStartEvent, ScalarEvent, SequenceStartEvent

    next_event = parser.get_event
    starts, ends = spans.starts, spans.ends
    add_start, add_end = starts.append, ends.append
    aliases = _Aliases(spans, problems)
    values: dict[str, Any] = {}
    keys: dict[str, Any] = {"<<": None}
    outer: list[tuple[Any, Any, bool, Any, int, int]] = []
    open_nodes: list[int] = []
    root: list[Any] = []
    container: Any = root
    children: Any = []
    is_mapping, key, height, before = False, None, 0, 0

    while True:
        event = next_event()
        kind: type[object] = type(event)
        if kind is ScalarEvent:
            node, text = len(starts), event.value
            add_start(event.start_mark.index)
            add_end(event.end_mark.index)
            if event.ctag is not None:
                problems.tag(str(event.ctag), starts[node], ends[node])
            if event.implicit[0]:
                memory = keys if is_mapping and key is None else values
                try:
                    value = memory[text]
                except KeyError:
                    value = memory[text] = key_text(text) if memory is keys else resolve(text)
            else:
                value = text
                if not text.isprintable():
                    problems.escaped_characters(text, starts[node], ends[node])
            if event.anchor is not None:
                aliases.define(event.anchor, node, value)
            if not is_mapping:
                container.append(value)
                children.append(node)
            elif key is not None:
                container[key] = value
                key = None
            elif value is None:
                problems.key(text, starts[node], ends[node])
                key = _REFUSED
            elif value in container:
                first = children[value]
                problems.duplicate(value, starts[node], ends[node], (starts[first], ends[first]))
                key = _REFUSED
            else:
                key = value
                children[key] = node
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            node, start, end = len(starts), event.start_mark.index, event.end_mark.index
            if is_mapping and key is None:
                problems.collection_as_key(start, end)
                raise _StopError
            if len(open_nodes) >= DEEPEST:
                problems.too_deep(DEEPEST, start, end)
                raise _StopError
            if event.ctag is not None:
                problems.tag(str(event.ctag), start, end)
            outer.append((container, children, is_mapping, key, height, before))
            before = aliases.total()
            add_start(start)
            add_end(start)
            is_new_mapping = kind is MappingStartEvent
            value = {} if is_new_mapping else []
            nodes: Children = {} if is_new_mapping else []
            spans.children[node] = nodes
            if event.anchor is not None:
                aliases.define(event.anchor, node, value)
            if is_mapping:
                container[key] = value
            else:
                container.append(value)
                children.append(node)
            container, children, is_mapping, key, height = value, nodes, is_new_mapping, None, 0
            open_nodes.append(node)
        elif kind is AliasEvent:
            if is_mapping and key is None:
                problems.collection_as_key(event.start_mark.index, event.end_mark.index)
                raise _StopError
            value, tall = aliases.resolve(event, open_nodes)
            height = max(height, tall)
            if is_mapping:
                container[key] = value
                key = None
            else:
                container.append(value)
                children.append(len(starts))
            add_start(event.start_mark.index)
            add_end(event.end_mark.index)
        elif kind is DocumentEndEvent:
            return root[0]
        else:
            node = open_nodes.pop()
            ends[node] = event.end_mark.index if event.end_mark.index > event.start_mark.index else starts[node]
            if is_mapping:
                container.pop(_REFUSED, None)
            inner = height + 1
            aliases.finish(node, before, inner)
            container, children, is_mapping, _, height, before = outer.pop()
            key = None
            height = max(height, inner)
