"""The schema of the cluster language: sound in itself, and right about the cases under `tests/schema`.

A case in `valid` is accepted. A case in `invalid` says in its first line which errors it draws, and nowhere else:
`# expect: PATH KEYWORD; PATH KEYWORD`, with `/` for the root of the document. A case called `included-*` is judged as
an included file. Together the valid cases use every key, every form and every enumerated value of the language.
"""

from __future__ import annotations

import datetime
import json
import re
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
SCHEMA: dict[str, Any] = json.loads((ROOT / "schema" / "cluster.schema.json").read_text(encoding="utf-8"))
CASES = Path(__file__).parent / "schema"
VALID = sorted((CASES / "valid").glob("*.yaml"))
INVALID = sorted((CASES / "invalid").glob("*.yaml"))
JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "array": list,
    "object": dict,
    "boolean": bool,
    "integer": int,
    "null": type(None),
}

Pointer = tuple[str | int, ...]


def plain(value: Any) -> Any:
    """YAML data as lvsgen sees it: keys are strings, dates are the text that was written."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def load(path: Path) -> Any:
    return plain(YAML(typ="safe").load(path.read_text(encoding="utf-8")))


@cache
def validator(definition: str) -> Draft202012Validator:
    """The validator of a whole file, or that of an included one."""
    if definition == "root":
        return Draft202012Validator(SCHEMA)
    return Draft202012Validator({"$defs": SCHEMA["$defs"], "$ref": f"#/$defs/{definition}"})


def validator_for(path: Path) -> Draft202012Validator:
    return validator("included" if path.name.startswith("included-") else "root")


def errors(path: Path) -> set[tuple[str, str]]:
    return {
        ("/".join(map(str, error.absolute_path)) or "/", str(error.validator))
        for error in validator_for(path).iter_errors(load(path))
    }


def subschemas(schema: Any, pointer: Pointer = ()) -> Iterator[tuple[Pointer, dict[str, Any]]]:
    """Every schema within a schema, and where it stands."""
    if not isinstance(schema, dict):
        return
    yield pointer, schema
    for key in ("properties", "$defs"):
        for name, inner in schema.get(key, {}).items():
            yield from subschemas(inner, (*pointer, key, name))
    for key in ("items", "additionalProperties", "propertyNames", "if", "then", "else", "not"):
        yield from subschemas(schema.get(key), (*pointer, key))
    for index, inner in enumerate(schema.get("prefixItems", [])):
        yield from subschemas(inner, (*pointer, "prefixItems", index))


ALL = list(subschemas(SCHEMA))
PROPERTIES = [(p, s) for p, s in ALL if len(p) >= 2 and p[-2] == "properties" and "if" not in p]


def show(pointer: Pointer) -> str:
    return "/".join(map(str, pointer))


def in_context(schema: dict[str, Any]) -> Draft202012Validator:
    """A validator of a part of the schema that still finds the definitions."""
    return Draft202012Validator({**schema, "$defs": SCHEMA["$defs"]})


def test_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(("pointer", "schema"), PROPERTIES, ids=lambda v: show(v) if isinstance(v, tuple) else "")
def test_property_is_described_by_true_examples(pointer: Pointer, schema: dict[str, Any]) -> None:
    assert schema["description"].strip().endswith(".")
    assert schema["examples"]
    for value in [*schema["examples"], *([schema["default"]] if "default" in schema else [])]:
        assert not list(in_context(schema).iter_errors(value)), value


def test_forms_are_told_apart_by_type_alone() -> None:
    assert not [show(p) for p, s in ALL if {"oneOf", "anyOf", "allOf"} & s.keys()]


def test_every_mapping_is_closed() -> None:
    """Unknown keys are errors everywhere; a name map says which names it takes."""
    for pointer, schema in ALL:
        if "if" in pointer or "not" in pointer:
            continue
        if "properties" in schema:
            assert schema["additionalProperties"] is False, show(pointer)
        elif isinstance(schema.get("additionalProperties"), dict):
            assert "propertyNames" in schema, show(pointer)
        elif schema.get("type") == "object":
            assert "$ref" in schema or schema.get("maxProperties") == 0, show(pointer)


def test_every_pattern_says_what_is_expected() -> None:
    assert not [show(p) for p, s in ALL if "pattern" in s and not s.get("x-expect")]


@pytest.mark.parametrize("pattern", sorted({s["pattern"] for _, s in ALL if "pattern" in s}))
def test_patterns_mean_the_same_in_every_dialect(pattern: str) -> None:
    """Anchored at both ends, ASCII classes only, and nothing that ECMA 262 in unicode mode lacks."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        re.compile(pattern)
    assert pattern.startswith("^")
    assert pattern.endswith((r"(?!\n)$", r"(?![\s\S])"))
    assert not re.search(r"\(\?[^!:]|\\[AZbBdDwWzp]|\$.*\(\?i\)", pattern)
    assert set(re.findall(r"\\([^u\\])", pattern.replace(r"\\", ""))) <= set(".-[]n$sS(){}|+*?^/")


@pytest.mark.parametrize(
    "pointer_schema", [(p, s) for p, s in ALL if s.get("pattern", "").endswith("$")], ids=lambda v: show(v[0])
)
def test_one_line_is_one_line(pointer_schema: tuple[Pointer, dict[str, Any]]) -> None:
    """No text that goes into a line of a generated file can bring a line break along."""
    pattern = pointer_schema[1]["pattern"]
    for text in ("a", "a1", "/a", "80-90", "192.0.2.1", "auto", "ipip", "any", "00", "1.1", "15m", "net.a", "60%"):
        assert not re.search(pattern, text + "\n")
        assert not re.search(pattern, text + "\r")
        assert not re.search(pattern, "\n" + text)


@pytest.mark.parametrize("path", VALID, ids=lambda p: p.stem)
def test_valid(path: Path) -> None:
    assert errors(path) == set()


@pytest.mark.parametrize("path", INVALID, ids=lambda p: p.stem)
def test_invalid(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# expect: "), "the first line says which errors are expected"
    expected = {tuple(one.rsplit(" ", 1)) for one in first.removeprefix("# expect: ").split("; ")}
    assert errors(path) == expected


def uses(schema: dict[str, Any], value: Any, pointer: Pointer) -> Iterator[tuple[Pointer, str, Any]]:
    """What of a schema a value uses: the place of each schema that judges it, its type and the value."""
    while True:
        kind = next(name for name, types in JSON_TYPES.items() if isinstance(value, types))
        yield pointer, kind, value if isinstance(value, str | int | bool) else None
        if isinstance(value, dict):
            for key, item in value.items():
                if key in schema.get("properties", {}):
                    yield from uses(schema["properties"][key], item, (*pointer, "properties", key))
                elif isinstance(schema.get("additionalProperties"), dict):
                    yield from uses(schema["additionalProperties"], item, (*pointer, "additionalProperties"))
        if isinstance(value, list) and "items" in schema:
            for item in value[len(schema.get("prefixItems", [])) :]:
                yield from uses(schema["items"], item, (*pointer, "items"))
        if "$ref" not in schema:
            return
        name = schema["$ref"].removeprefix("#/$defs/")
        pointer, schema = ("$defs", name), SCHEMA["$defs"][name]


def test_valid_cases_use_the_whole_language() -> None:
    used: set[tuple[Pointer, str, Any]] = set()
    for path in VALID:
        included = path.name.startswith("included-")
        start: Pointer = ("$defs", "included") if included else ()
        used.update(uses(SCHEMA["$defs"]["included"] if included else SCHEMA, load(path), start))
    forms = {(pointer, kind) for pointer, kind, _ in used}
    values = {(pointer, value) for pointer, _, value in used}
    places = {pointer for pointer, _, _ in used}
    missing = [show(p) for p, _ in PROPERTIES if p not in places]
    for pointer, schema in ALL:
        if pointer not in places:
            continue
        kinds = schema["type"] if isinstance(schema.get("type"), list) else []
        missing += [f"{show(pointer)} as {kind}" for kind in kinds if (pointer, kind) not in forms]
        missing += [f"{show(pointer)}: {value}" for value in schema.get("enum", []) if (pointer, value) not in values]
    assert not missing


def test_reference_names_every_key() -> None:
    """docs/language.md has every key of the language in backticks."""
    text = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    words = {word for code in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"[a-z][a-z0-9_]*", code)}
    missing = {str(pointer[-1]) for pointer, _ in PROPERTIES} - words
    assert not missing


def test_reference_names_every_value() -> None:
    """docs/language.md has every enumerated value of the language in backticks."""
    text = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    codes = " ".join(re.findall(r"`([^`\n]+)`", text))
    values = {str(value) for _, schema in ALL for value in schema.get("enum", [])}
    assert not {value for value in values if not re.search(rf"(?<![\w.-]){re.escape(value)}(?![\w.-])", codes)}


def test_examples_of_the_reference_are_valid() -> None:
    """Every YAML block of docs/language.md that describes a whole cluster is accepted; all blocks parse."""
    text = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    blocks = [plain(YAML(typ="safe").load(b)) for b in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    whole = [block for block in blocks if "cluster" in block]
    assert len(whole) >= 2
    for block in whole:
        assert not list(validator("root").iter_errors(block))
    skeleton: dict[str, Any] = {
        "cluster": "x",
        "directors": {"lvs1": {"interfaces": {"eth0": "192.0.2.2/24"}}},
        "realservers": {},
        "services": {},
    }
    for block in blocks:
        assert not list(validator("root").iter_errors({**skeleton, **block})), block
