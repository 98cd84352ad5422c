"""A quick answer to one question: does a value surely fit a subschema?

jsonschema is the judge and says what is wrong, but takes seconds for a large description, of which nearly all is right.
An `Acceptor` answers for the keywords that the schema of lvsgen uses, from closures that are made when first needed;
where it says no, or a keyword is new to it, jsonschema decides. A test holds both against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeAlias

Check: TypeAlias = Callable[[Any], bool]
Schema: TypeAlias = "dict[str, Any] | bool"

TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
"""Types of plain data by their names in a schema. 80.0 is no integer here: the author wrote a point."""

_EVERY_TYPE = (dict, list, str, int, float, bool, type(None))
_SAYS_NOTHING = frozenset(("$schema", "$id", "$defs", "$comment", "title", "description", "default", "examples"))
_WITH_ANOTHER = frozenset(("then", "else", "prefixItems", "additionalProperties", "properties"))


class _UnknownKeywordError(Exception):
    """The schema has a keyword that is left to jsonschema."""


class Acceptor:
    """Tells quickly which values fit the subschemas of `root`."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.root = root
        self._checks: dict[int, Check] = {}

    def accepts(self, schema: Schema, value: object) -> bool:
        """Does `value` surely fit `schema`, a part of the root schema?"""
        try:
            return self._check(schema)(value)
        except _UnknownKeywordError:
            return False

    def _check(self, schema: Schema) -> Check:
        check = self._checks.get(id(schema))
        if check is None:
            check = self._checks[id(schema)] = self._build(schema)
        return check

    def _build(self, schema: Schema) -> Check:
        if isinstance(schema, bool):
            answer = schema
            return lambda value: answer
        specific: dict[type, list[Check]] = {kind: [] for kind in _EVERY_TYPE}
        for keyword, argument in schema.items():
            if keyword in _SAYS_NOTHING or keyword in _WITH_ANOTHER or keyword == "type" or keyword.startswith("x-"):
                continue
            if keyword not in _KEYWORDS:
                raise _UnknownKeywordError(keyword)
            kinds, make = _KEYWORDS[keyword]
            check = make(self, argument, schema)
            for kind in kinds:
                specific[kind].append(check)
        if "properties" in schema or "additionalProperties" in schema:
            specific[dict].append(self._members(schema.get("properties", {}), schema.get("additionalProperties", True)))
        if "prefixItems" in schema and "items" not in schema:
            specific[list].append(self._items(True, schema))
        allowed = _types(schema["type"]) if "type" in schema else _EVERY_TYPE
        by_type = {kind: tuple(specific[kind]) for kind in allowed}

        def run(value: object) -> bool:
            checks = by_type.get(type(value))
            if checks is None:
                return False
            for check in checks:  # noqa: SIM110  # all() takes twice as long here
                if not check(value):
                    return False
            return True

        return run

    def _members(self, properties: dict[str, Schema], additional: Schema) -> Check:
        ready: dict[str, Check] = {}

        def check(value: dict[str, Any]) -> bool:
            for key, member in value.items():
                accept = ready.get(key)
                if accept is None:
                    if key not in properties:
                        if additional is False or (additional is not True and not self._check(additional)(member)):
                            return False
                        continue
                    accept = ready[key] = self._check(properties[key])
                if not accept(member):
                    return False
            return True

        return check

    def _items(self, items: Schema, schema: dict[str, Any]) -> Check:
        first: list[Schema] = schema.get("prefixItems", [])

        def check(value: list[Any]) -> bool:
            if any(not self._check(part)(item) for part, item in zip(first, value, strict=False)):
                return False
            rest = self._check(items)
            return all(rest(item) for item in value[len(first) :])

        return check

    def _names(self, names: Schema, _: dict[str, Any]) -> Check:
        return lambda value: all(map(self._check(names), value))

    def _reference(self, reference: str, _: dict[str, Any]) -> Check:
        target: Any = self.root
        for step in reference.removeprefix("#").split("/")[1:]:
            target = target[step]
        check: Check | None = None

        def follow(value: object) -> bool:
            nonlocal check
            check = check or self._check(target)
            return check(value)

        return follow

    def _not(self, schema: Schema, _: dict[str, Any]) -> Check:
        return lambda value: not self._check(schema)(value)

    def _all_of(self, schemas: list[Schema], _: dict[str, Any]) -> Check:
        return lambda value: all(self._check(schema)(value) for schema in schemas)

    def _if(self, condition: Schema, schema: dict[str, Any]) -> Check:
        then, otherwise = schema.get("then", True), schema.get("else", True)
        return lambda value: self._check(then if self._check(condition)(value) else otherwise)(value)


def _types(names: str | list[str]) -> Iterable[type]:
    return [kind for name in ([names] if isinstance(names, str) else names) for kind in TYPES[name]]


def _same(one: object, other: object) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _scalars(values: list[object]) -> list[object]:
    if any(isinstance(value, (dict, list)) for value in values):
        raise _UnknownKeywordError("enum of lists or mappings")
    return values


def _enum(_: Acceptor, values: list[object], __: dict[str, Any]) -> Check:
    choices = _scalars(values)
    return lambda value: any(_same(choice, value) for choice in choices)


def _pattern(_: Acceptor, pattern: str, __: dict[str, Any]) -> Check:
    good: set[str] = set()
    search: Callable[[str], object] | None = None

    def check(value: str) -> bool:
        nonlocal search
        if value in good:
            return True
        if search is None:
            search = re.compile(pattern).search
        if search(value) is None:
            return False
        good.add(value)
        return True

    return check


def frozen(value: object) -> Hashable:
    """A hashable form that is equal for values that are equal in JSON Schema."""
    if isinstance(value, dict):
        return frozenset((key, frozen(member)) for key, member in value.items())
    if isinstance(value, list):
        return tuple(frozen(item) for item in value)
    return (bool, value) if isinstance(value, bool) else (object, value)


def _unique(_: Acceptor, wanted: bool, __: dict[str, Any]) -> Check:
    return lambda value: not wanted or len({frozen(item) for item in value}) == len(value)


_Make: TypeAlias = Callable[[Acceptor, Any, "dict[str, Any]"], Check]
_NUMBERS = (int, float)

_KEYWORDS: dict[str, tuple[tuple[type, ...], _Make]] = {
    "$ref": (_EVERY_TYPE, Acceptor._reference),
    "allOf": (_EVERY_TYPE, Acceptor._all_of),
    "if": (_EVERY_TYPE, Acceptor._if),
    "not": (_EVERY_TYPE, Acceptor._not),
    "enum": (_EVERY_TYPE, _enum),
    "const": (_EVERY_TYPE, lambda acceptor, value, schema: _enum(acceptor, [value], schema)),
    "pattern": ((str,), _pattern),
    "minLength": ((str,), lambda _, limit, __: lambda value: len(value) >= limit),
    "maxLength": ((str,), lambda _, limit, __: lambda value: len(value) <= limit),
    "minimum": (_NUMBERS, lambda _, limit, __: lambda value: not value < limit),
    "maximum": (_NUMBERS, lambda _, limit, __: lambda value: not value > limit),
    "items": ((list,), Acceptor._items),
    "minItems": ((list,), lambda _, limit, __: lambda value: len(value) >= limit),
    "maxItems": ((list,), lambda _, limit, __: lambda value: len(value) <= limit),
    "uniqueItems": ((list,), _unique),
    "propertyNames": ((dict,), Acceptor._names),
    "required": ((dict,), lambda _, keys, __: lambda value: all(key in value for key in keys)),
    "minProperties": ((dict,), lambda _, limit, __: lambda value: len(value) >= limit),
    "maxProperties": ((dict,), lambda _, limit, __: lambda value: len(value) <= limit),
}
"""Keyword: the types of values that it judges, and what makes its check of its argument and its schema."""
