"""What is said about YAML that is well formed or nearly so, and still not part of the language.

`Problems` collects diagnostics of one text; offsets in, lines and columns out.
"""

from __future__ import annotations

from lvsgen.diagnostics import Diagnostic, Edit, Location, Severity, quote
from lvsgen.source.characters import forbidden
from lvsgen.source.document import Lines
from lvsgen.source.errors import Syntax

NAMES = {
    "LVS001": "unreadable-file",
    "LVS002": "bad-characters",
    "LVS003": "yaml-syntax",
    "LVS004": "duplicate-key",
    "LVS005": "unsupported-yaml",
    "LVS006": "bad-include",
}
"""Codes of this stage; all of them are errors."""


class Problems:
    """Diagnostics of the document `name`. `is_sound` turns false when its data does not say what the author meant."""

    def __init__(self, name: str, lines: Lines) -> None:
        self.name = name
        self.lines = lines
        self.found: list[Diagnostic] = []
        self.is_sound = True

    def _location(self, start: int, end: int) -> Location:
        return Location(self.name, self.lines.span(start, end))

    def add(
        self,
        code: str,
        start: int,
        end: int,
        message: str,
        help: str = "",
        related: tuple[Location, ...] = (),
        fix: tuple[Edit, ...] = (),
    ) -> None:
        """Note a problem of the characters from `start` to `end`."""
        self.found.append(
            Diagnostic(
                code=code,
                name=NAMES[code],
                severity=Severity.ERROR,
                message=message,
                location=self._location(start, end),
                help=help,
                related=related,
                fix=fix,
            )
        )

    def _unsupported(self, start: int, end: int, message: str, help: str) -> None:
        self.is_sound = False
        self.add("LVS005", start, end, message, help)

    def syntax(self, error: Syntax) -> None:
        """Note where libyaml could not go on."""
        self.is_sound = False
        related: tuple[Location, ...] = ()
        if error.context:
            at, label = error.context
            related = (Location(self.name, self.lines.span(at, at + 1), label),)
        fix = (Edit(self._location(error.start, error.end), error.replacement),) if error.replacement else ()
        self.add("LVS003", error.start, error.end, error.message, error.help, related, fix)

    def empty(self) -> None:
        """There is no document, or nothing in it."""
        self.is_sound = False
        message = "the file is empty: it has no YAML, or only comments"
        self.add("LVS003", 0, 0, message, "a description begins with `cluster: NAME`")

    def file_characters(self) -> bool:
        """Does the text hold characters that no file may hold?"""
        found = forbidden(self.lines.text)
        if found is None:
            return False
        self.is_sound = False
        self.add("LVS002", found.offset, found.offset + 1, f"the file holds {found.words}", found.help)
        return True

    def escaped_characters(self, value: str, start: int, end: int) -> None:
        """Note such characters in the value of a scalar, where they can only be escapes."""
        found = forbidden(value)
        if found is not None:
            self.add("LVS002", start, end, f"the text holds {found.words} as an escape", "remove the escape")

    def duplicate(self, key: str, start: int, end: int, first: tuple[int, int]) -> None:
        """A key is written again; the first one counts."""
        message = f"the key {quote(key)} is written twice in this mapping, and only one value can count"
        related = (Location(self.name, self.lines.span(*first), "first written here"),)
        self.add("LVS004", start, end, message, "keep one of them", related)

    def tag(self, tag: str, start: int, end: int) -> None:
        """A value has a tag."""
        core = "tag:yaml.org,2002:"
        shown = quote("!!" + tag.removeprefix(core) if tag.startswith(core) else tag)
        help = "leave the tag out: values in quotes are texts, all others are what they look like"
        if "include" in tag:
            help = "list the files under `include` at the top of the root file"
        self._unsupported(start, end, f"the tag {shown} is not supported", help)

    def key(self, text: str, start: int, end: int) -> None:
        """A key is `true`, `null`, nothing, or the merge key."""
        if text == "<<":
            help = "write the keys out, use `defaults`, or let an alias stand for a whole value"
            self._unsupported(start, end, "merge keys (`<<`) are not supported", help)
        else:
            found = quote(text) if text else "nothing"
            self._unsupported(start, end, f"a key must be a text, found {found}", "put it in quotes if it is a name")

    def collection_as_key(self, start: int, end: int) -> None:
        """A key is a list, a mapping or an alias."""
        help = "text that begins with `[`, `{` or `*` must be quoted"
        self._unsupported(start, end, "a key must be a text, found a list, a mapping or an alias", help)

    def unknown_alias(self, name: str, start: int, end: int) -> None:
        """An alias has no anchor."""
        self.is_sound = False
        message = f"the alias {quote('*' + name)} has no anchor {quote('&' + name)} above it"
        self.add("LVS003", start, end, message, "put text that begins with `*` in quotes")

    def recursive_alias(self, name: str, start: int, end: int) -> None:
        """An anchor holds itself."""
        self._unsupported(start, end, f"the alias {quote('*' + name)} stands within its own anchor", "write it out")

    def too_many(self, limit: int, start: int, end: int) -> None:
        """An alias bomb."""
        message = f"with its aliases written out this file has more than {limit} values"
        self._unsupported(start, end, message, "name `pools` and `checks` instead of nesting aliases")

    def too_deep(self, limit: int, start: int, end: int) -> None:
        """Nested without reason."""
        message = f"more than {limit} lists and mappings within one another"
        self._unsupported(start, end, message, "no description needs more than ten")

    def second_document(self, start: int, end: int) -> None:
        """A stream of several documents."""
        help = "one file holds one document; split a description with `include`"
        self._unsupported(start, end, "a second YAML document begins here", help)
