"""The shape of a description: documents against `schema/cluster.schema.json`, as findings.

The root document is judged by the schema itself, an included one by its `$defs/included`. What surely fits is
recognised by `lvsgen.schema.accept`; jsonschema judges the rest. This module alone imports it, and only when it is
needed.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from lvsgen.resources import read_text
from lvsgen.schema.accept import TYPES, Acceptor
from lvsgen.schema.words import KeyName, Violation, findings
from lvsgen.source import include

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonschema import ValidationError
    from jsonschema.protocols import Validator

    from lvsgen.diagnostics import Finding
    from lvsgen.source.document import Description, Document

_INCLUDED = "#/$defs/included"


def check(description: Description) -> tuple[Finding, ...]:
    """What does not fit the schema, for all documents."""
    root, included = map(Acceptor, _schemas())
    found: list[Finding] = []
    for index, document in enumerate(description.documents):
        problems = check_document(document, root if index == 0 else included)
        found += [finding for finding in problems if not _was_refused(document, finding)]
    return tuple(found)


def _was_refused(document: Document, finding: Finding) -> bool:
    """Was this said before, and better, when includes were read?"""
    path = finding.place.path
    if path == (include.KEY,):
        return finding.code == "LVS011"
    if len(path) != 2 or path[0] != include.KEY or not isinstance(path[1], int):
        return False
    item = document.data[include.KEY][path[1]]
    return isinstance(item, str) and include.spelling(item, finding.place) is not None


def check_document(document: Document, acceptor: Acceptor) -> list[Finding]:
    """What of one document does not fit the schema of an acceptor."""
    if acceptor.accepts(acceptor.root, document.data):
        return []
    return findings(document, _violations(acceptor, document.data))


@cache
def _schemas() -> tuple[dict[str, Any], dict[str, Any]]:
    """The schema of the root document, and that of an included one."""
    schema: dict[str, Any] = json.loads(read_text("schema/cluster.schema.json"))
    return schema, {"$schema": schema["$schema"], "$ref": _INCLUDED, "$defs": schema["$defs"]}


def _violations(acceptor: Acceptor, data: Any) -> Iterator[Violation]:
    """What jsonschema finds."""
    for error in _validator(acceptor).iter_errors(data):
        inner = error.schema if isinstance(error.schema, dict) else {}
        yield Violation(
            path=tuple(error.absolute_path),
            keyword=error.validator if isinstance(error.validator, str) else "",
            argument=error.validator_value,
            value=error.instance,
            schema=inner,
        )


def _validator(acceptor: Acceptor) -> Validator:
    """jsonschema's validator, which only descends into what the acceptor did not accept."""
    from jsonschema import Draft202012Validator, ValidationError
    from jsonschema.validators import extend

    refer = Draft202012Validator.VALIDATORS["$ref"]
    judge_others = Draft202012Validator.VALIDATORS["additionalProperties"]

    def reference(validator: Any, ref: str, value: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
        for error in refer(validator, ref, value, schema) or ():
            if not error.path and isinstance(error.schema, dict):
                error.schema = {**{k: v for k, v in schema.items() if k in ("x-expect", "x-help")}, **error.schema}
            yield error

    def members(validator: Any, properties: dict[str, Any], value: Any, _: object) -> Iterator[ValidationError]:
        for key, part in properties.items() if isinstance(value, dict) else ():
            if key in value and part is False:
                # jsonschema would lose the path here.
                yield ValidationError("key", validator="", path=(key,), instance=value[key], schema=False)
            elif key in value and not acceptor.accepts(part, value[key]):
                yield from validator.descend(value[key], part, path=key, schema_path=key)

    def others(validator: Any, part: Any, value: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
        if "patternProperties" in schema:
            yield from judge_others(validator, part, value, schema) or ()
            return
        unknown = [key for key in value if key not in schema.get("properties", {})] if isinstance(value, dict) else []
        if part is False and unknown:
            yield ValidationError("unknown keys")
        for key in unknown if isinstance(part, dict) else ():
            if not acceptor.accepts(part, value[key]):
                yield from validator.descend(value[key], part, path=key)

    def items(validator: Any, part: Any, value: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
        first = len(schema.get("prefixItems", []))
        for index in range(first, len(value)) if isinstance(value, list) else ():
            if not acceptor.accepts(part, value[index]):
                yield from validator.descend(value[index], part, path=index)

    def names(validator: Any, part: Any, value: Any, _: object) -> Iterator[ValidationError]:
        for key in value if isinstance(value, dict) else ():
            if not acceptor.accepts(part, key):
                yield from validator.descend(key, part, path=KeyName(key))

    keywords = {
        "$ref": reference,
        "properties": members,
        "additionalProperties": others,
        "items": items,
        "propertyNames": names,
    }
    checker = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) in TYPES["integer"])
    base = Draft202012Validator
    judge = extend(base, keywords, type_checker=checker)  # type: ignore[no-untyped-call]  # its stubs lack types
    validator: Validator = judge(acceptor.root)
    return validator
