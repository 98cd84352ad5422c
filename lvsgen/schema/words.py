"""Words for what does not fit the schema: a `Violation` becomes a `Finding`.

The schema brings its own words: `x-expect` says what a value must be, `x-help` what to write instead; without them the
keywords are put into words. The rules here make one mistake one finding: keys that are missing from a mapping are named
together, an unknown key that looks like a missing one stands for both, and a place has one wrong value at most.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from lvsgen.diagnostics import Finding, Key, Place, Related, Rewrite, Severity, quote
from lvsgen.schema.accept import frozen
from lvsgen.schema.habits import bare_address, boolean, form, meant
from lvsgen.source.document import Document

_TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "`true` or `false`",
}
_MOST_LISTED = 20
_NUMBER = re.compile(r"[0-9][0-9.]*")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,9}")
_PLAIN = re.compile(r"""[A-Za-z0-9/][A-Za-z0-9._/-]*|"[^"\\\n]*"|'[^'\n]*'""")
"""A scalar that says the same between brackets."""


class KeyName(str):
    """Last step of a path that means a key itself, not its value."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """A keyword of a schema that a value breaks. `keyword` is empty where the schema is `false`."""

    path: tuple[Key, ...]
    keyword: str
    argument: Any
    value: Any
    schema: dict[str, Any]

    def place(self, document: Document) -> Place:
        """Where the value (or key) stands."""
        place = Place(document.name, tuple(str(step) if isinstance(step, KeyName) else step for step in self.path))
        return place.key if self.path and isinstance(self.path[-1], KeyName) else place


def findings(document: Document, violations: Iterable[Violation]) -> list[Finding]:
    """What to say about a document, in the order of the schema's keywords."""
    missing: dict[tuple[Key, ...], list[Violation]] = {}
    unknown: dict[tuple[Key, ...], Violation] = {}
    wrong: dict[Place, tuple[bool, Finding]] = {}
    for violation in violations:
        if violation.keyword == "required":
            missing.setdefault(violation.path, []).append(violation)
        elif violation.keyword == "additionalProperties":
            unknown.setdefault(violation.path, violation)
        else:
            finding, is_type = _wrong(document, violation), violation.keyword == "type"
            if finding.place not in wrong or (is_type and not wrong[finding.place][0]):
                wrong[finding.place] = (is_type, finding)
    keys = [
        finding
        for path in dict.fromkeys([*unknown, *missing])
        for finding in _keys(document, path, unknown.get(path), missing.get(path, []))
    ]
    about = {finding.place for finding in keys if finding.code == "LVS011"}
    return keys + [finding for _, finding in wrong.values() if finding.place not in about]


def _keys(
    document: Document, path: tuple[Key, ...], unknown: Violation | None, missing: list[Violation]
) -> Iterable[Finding]:
    """Findings about the keys of one mapping."""
    mapping = Place(document.name, path)
    absent = list(dict.fromkeys(key for v in missing for key in v.argument if key not in v.value))
    named = f" in {quote(path[-1])}" if path and isinstance(path[-1], str) else ""
    if unknown is not None:
        known = list(unknown.schema.get("properties", {}))
        unused = [key for key in known if key not in unknown.value]
        for key in [key for key in unknown.value if key not in known]:
            message, close = f"unknown key {quote(key)}{named}", meant(key, absent) or meant(key, unused)
            if close in absent:
                absent.remove(close)
                message += f", and the key {quote(close)} is missing"
            if close:
                help = f"did you mean {quote(close)}?"
            else:
                help = unknown.schema.get("x-help") or _listed("known here: ", known)
            yield _finding("LVS011", message, mapping.at(key).key, help)
    if absent:
        names = " and ".join(filter(None, (", ".join(map(quote, absent[:-1])), quote(absent[-1]))))
        where = named or ("" if path else " at the top level")
        verb = "the key {} is missing{}" if len(absent) == 1 else "the keys {} are missing{}"
        schema = next(v.schema for v in missing)
        about = schema.get("properties", {}).get(absent[0], {})
        described = about.get("description", "") if isinstance(about, dict) else ""
        help = schema.get("x-help") or (_first_sentence(absent[0], described) if len(absent) == 1 else "")
        yield _finding("LVS012", verb.format(names, where), mapping.key, help)


def _wrong(document: Document, violation: Violation) -> Finding:
    """A finding about a value, or about a key that is no possible name."""
    place, schema = violation.place(document), violation.schema
    is_key = place.part == "key"
    value, help = violation.value, schema.get("x-help", "")
    if violation.keyword == "":
        key = violation.path[-1] if violation.path else ""
        return _finding("LVS010", f"{quote(key)} is not allowed here", place.key, help)
    if violation.keyword == "uniqueItems":
        first, again = _repeated(value)
        related = (Related(place.at(first), "first listed here"),)
        message = f"{_found(value[again], '')} is listed twice"
        return replace(_finding("LVS010", message, place.at(again), "remove one of them"), related=related)
    if violation.keyword in ("enum", "const"):
        choices = violation.argument if violation.keyword == "enum" else [violation.argument]
        close = meant(value, [c for c in choices if isinstance(c, str)]) if isinstance(value, str) else ""
        help = f"did you mean {quote(close)}?" if close else help
    written = "" if is_key else document.written(violation.path)
    remedy = "" if is_key else _remedy(violation, written)
    fix = (Rewrite(place, remedy),) if remedy else ()
    if remedy and remedy == value:
        help = "remove the quotes"
    elif not is_key and violation.keyword == "pattern" and "IPv4" in help:
        help = bare_address(value) or help
    found = f"the key {quote(value)}" if is_key else _found(value, written)
    expected = schema.get("x-expect") or _expected(violation)
    if not expected:
        return _finding("LVS010", f"{found} is not allowed here", place, help)
    finding = _finding("LVS010", f"expected {expected}, found {found}", place, help or _habit(violation, written))
    return replace(finding, fix=fix)


def _expected(violation: Violation) -> str:
    """The words for a keyword whose schema has none of its own; empty where there are none."""
    argument, schema = violation.argument, violation.schema
    match violation.keyword:
        case "type":
            names = [argument] if isinstance(argument, str) else argument
            *others, last = [_TYPES[name] for name in names if name in _TYPES] or ["nothing"]
            return f"{', '.join(others)} or {last}" if others else last
        case "enum" | "const":
            choices = argument if violation.keyword == "enum" else [argument]
            return _listed("one of " if len(choices) > 1 else "", [_plain(c) for c in choices])
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            low, high = schema.get("minimum"), schema.get("maximum")
            if low is not None and high is not None:
                return f"a number from {low} to {high}"
            words = {"minimum": "at least", "maximum": "at most", "exclusiveMinimum": "more than"}
            return f"a number of {words.get(violation.keyword, 'less than')} {argument}"
        case "pattern":
            return f"a text that matches {quote(argument)}"
        case "minLength" | "maxLength":
            word = "at least" if violation.keyword == "minLength" else "at most"
            return f"a text of {word} {_count(argument, 'character')}"
        case "minItems" | "maxItems":
            word = "at least" if violation.keyword == "minItems" else "at most"
            return f"a list of {word} {_count(argument, 'item')}"
        case "minProperties" | "maxProperties":
            word = "at least" if violation.keyword == "minProperties" else "at most"
            return f"a mapping of {word} {_count(argument, 'key')}"
        case _:
            return ""


def _found(value: object, written: str) -> str:
    """A value in words; a number also as it was written, if that differs (`1.30` is the number 1.3)."""
    match value:
        case None:
            return "nothing"
        case bool():
            return quote(_plain(value))
        case int() | float():
            return f"the number {value}" + (f" (written {quote(written)})" if written not in ("", str(value)) else "")
        case str():
            return f"the text {quote(value)}" if value else "an empty text"
        case list():
            return f"a list of {_count(len(value), 'item')}" if value else "an empty list"
        case dict():
            return f"a mapping of {_count(len(value), 'key')}" if value else "an empty mapping"
    return quote(value)


def _habit(violation: Violation, written: str) -> str:
    """Help for values that YAML reads differently from what many expect."""
    low, high = violation.schema.get("minimum"), violation.schema.get("maximum")
    if violation.keyword in ("minimum", "maximum") and low is not None and high is not None:
        return f"write a number from {low} to {high}"
    if violation.keyword != "type":
        return ""
    allowed = [violation.argument] if isinstance(violation.argument, str) else violation.argument
    value = violation.value
    fits = re.search(violation.schema.get("pattern", ""), written) is not None
    if "string" in allowed and isinstance(value, (int, float)) and written.isprintable() and fits:
        return f'put it in quotes: "{written}"'
    if isinstance(value, str) and "boolean" in allowed and (word := boolean(value)):
        return f"write {quote(word)}"
    if isinstance(value, str) and "integer" in allowed and value.isascii() and value.isdigit():
        return "remove the quotes"
    if "array" in allowed and "string" not in allowed and isinstance(value, str) and value.isprintable():
        return "write a list, also for one: `[...]`"
    return form(value, allowed, violation.schema)


def _remedy(violation: Violation, written: str) -> str:
    """The same value in the type that is due, as YAML; empty where more than one reading is left."""
    value, types = violation.value, violation.schema.get("type", [])
    wanted = {types} if isinstance(types, str) else set(types) - {"null"}
    if violation.keyword == "pattern" and "integer" in wanted and written != value:
        return value if _WHOLE.fullmatch(value) else ""
    if violation.keyword != "type":
        return ""
    if wanted == {"string"}:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        fits = re.search(violation.schema.get("pattern", ""), written) is not None
        return f'"{written}"' if is_number and fits and _NUMBER.fullmatch(written) else ""
    if wanted == {"boolean"} and isinstance(value, str) and written == value:
        return boolean(value)
    if wanted <= {"integer", "number"} and isinstance(value, str):
        return value if _WHOLE.fullmatch(value) else ""
    if wanted == {"array"} and isinstance(value, (str, int)) and not isinstance(value, bool):
        return f"[{written}]" if _PLAIN.fullmatch(written) else ""
    return ""


def _repeated(items: list[Any]) -> tuple[int, int]:
    """Indices of the first two items that are equal."""
    seen: dict[Any, int] = {}
    for index, item in enumerate(items):
        if (first := seen.setdefault(frozen(item), index)) != index:
            return first, index
    return 0, 0


def _listed(before: str, words: list[str]) -> str:
    shown = ", ".join(quote(word) for word in words[:_MOST_LISTED])
    more = ", ..." if len(words) > _MOST_LISTED else ""
    return f"{before}{shown}{more}" if words else ""


def _first_sentence(key: str, description: str) -> str:
    sentence = description.partition(". ")[0].rstrip(".")
    return f"{quote(key)}: {sentence[:1].lower()}{sentence[1:]}" if sentence else ""


def _plain(value: object) -> str:
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else json.dumps(value)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _finding(code: str, message: str, place: Place, help: str) -> Finding:
    name = {"LVS010": "wrong-value", "LVS011": "unknown-key", "LVS012": "missing-key"}[code]
    return Finding(code=code, name=name, severity=Severity.ERROR, message=message, place=place, help=help)
