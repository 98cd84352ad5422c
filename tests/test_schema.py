"""The shape of a description: one mistake, one finding, in words."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from lvsgen import schema
from lvsgen.diagnostics import Diagnostic
from lvsgen.resources import read_text as resource
from lvsgen.schema.accept import Acceptor
from lvsgen.source import read, read_text
from lvsgen.source.document import Description, Document
from lvsgen.source.events import parse

CASES = Path(__file__).parent / "schema"
SCHEMA: dict[str, Any] = json.loads(resource("schema/cluster.schema.json"))
MINI = """\
cluster: mini
directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}}
realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12}
services:
  squid: {vip: 192.0.2.100, tcp: 3128, method: dr}
"""
OBJECT: dict[str, Any] = {"type": "object"}


def check(text: str) -> list[Diagnostic]:
    description, problems = read_text(text)
    assert not problems
    return [description.locate(finding) for finding in schema.check(description)]


def judged(value: str, part: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Code, message and help for `k: value` where `k` has the schema `part`."""
    document, problems = parse("x.yaml", f"k: {value}\n")
    assert document is not None
    assert not problems
    found = schema.check_document(document, Acceptor({"properties": {"k": part}}))
    return [(f.code, f.message, f.help) for f in found]


def message(value: str, part: dict[str, Any]) -> str:
    ((code, words, _),) = judged(value, part)
    assert code == "LVS010"
    return words


def test_a_small_description_fits() -> None:
    assert check(MINI) == []


def test_jsonschema_is_not_even_imported_for_what_fits() -> None:
    import subprocess
    import sys

    program = (
        "import sys; from lvsgen.source import read_text; from lvsgen import schema\n"
        f"assert schema.check(read_text({MINI!r})[0]) == ()\n"
        "assert 'jsonschema' not in sys.modules and 'jinja2' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=Path(__file__).parent.parent)


@pytest.mark.parametrize(
    ("value", "part", "words"),
    [
        ("x", {"type": "array"}, "expected a list, found the text `x`"),
        ("[1]", {"type": "object"}, "expected a mapping, found a list of 1 item"),
        ("{}", {"type": ["string", "array"]}, "expected a text or a list, found an empty mapping"),
        ("{a: 1}", {"type": ["number", "string", "null"]}, "expected a number or a text, found a mapping of 1 key"),
        ("", {"type": "string"}, "expected a text, found nothing"),
        ("''", {"type": "integer"}, "expected a whole number, found an empty text"),
        ("[]", {"type": "boolean"}, "expected `true` or `false`, found an empty list"),
        ("true", {"type": "integer"}, "expected a whole number, found `true`"),
        ("80.0", {"type": "integer"}, "expected a whole number, found the number 80.0"),
        ("1", {"type": "null"}, "expected nothing, found the number 1"),
        ("0x50", {"type": "string"}, "expected a text, found the number 80 (written `0x50`)"),
        ("1.30", {"type": "string"}, "expected a text, found the number 1.3 (written `1.30`)"),
        ("0", {"minimum": 1}, "expected a number of at least 1, found the number 0"),
        ("9", {"maximum": 8}, "expected a number of at most 8, found the number 9"),
        ("0", {"minimum": 1, "maximum": 255}, "expected a number from 1 to 255, found the number 0"),
        ("0", {"exclusiveMinimum": 0}, "expected a number of more than 0, found the number 0"),
        ("b", {"enum": ["rr", "wrr", 5, True]}, "expected one of `rr`, `wrr`, `5`, `true`, found the text `b`"),
        ("b", {"const": "a"}, "expected `a`, found the text `b`"),
        ("ab", {"pattern": "^x$"}, "expected a text that matches `^x$`, found the text `ab`"),
        ("''", {"minLength": 1}, "expected a text of at least 1 character, found an empty text"),
        ("abc", {"maxLength": 2}, "expected a text of at most 2 characters, found the text `abc`"),
        ("[]", {"minItems": 1}, "expected a list of at least 1 item, found an empty list"),
        ("[1, 2, 3]", {"maxItems": 2}, "expected a list of at most 2 items, found a list of 3 items"),
        ("{}", {"minProperties": 1}, "expected a mapping of at least 1 key, found an empty mapping"),
        ("{a: 1, b: 2}", {"maxProperties": 1}, "expected a mapping of at most 1 key, found a mapping of 2 keys"),
        ("true", {"not": {"const": True}}, "`true` is not allowed here"),
        ("x", False, "`k` is not allowed here"),
        ("x", {"pattern": "^y", "x-expect": "a name"}, "expected a name, found the text `x`"),
        ("5", {"type": "string", "x-expect": "a name"}, "expected a name, found the number 5"),
        ("0", {"minimum": 1, "x-expect": "a port"}, "expected a port, found the number 0"),
        ("b", {"anyOf": [{"const": 1}]}, "the text `b` is not allowed here"),
        ("[a, b, a]", {"uniqueItems": True}, "the text `a` is listed twice"),
        ('"a\\tb"', {"enum": ["x"]}, "expected one of `x`, found the text `a\\tb`".replace("one of ", "")),
        ('"' + "x" * 99 + '"', {"type": "array"}, "expected a list, found the text `" + "x" * 57 + "...`"),
    ],
)  # fmt: skip  # a table
def test_wrong_values_in_words(value: str, part: dict[str, Any], words: str) -> None:
    assert message(value, part) == words


@pytest.mark.parametrize(
    ("value", "part", "help"),
    [
        ("1.30", {"type": "string"}, 'put it in quotes: "1.30"'),
        ("007", {"type": "string", "pattern": "^[0-9]+$"}, 'put it in quotes: "007"'),
        ("3", {"type": "string", "pattern": "^ftp$"}, ""),
        ("true", {"type": "string"}, 'put it in quotes: "true"'),
        ("1.30", {"type": "string", "x-help": "quote versions"}, "quote versions"),
        ("yes", {"type": "boolean"}, "write `true`"),
        ("Off", {"type": "boolean"}, "write `false`"),
        ('"80"', {"type": "integer"}, "remove the quotes"),
        ("x", {"type": ["array", "null"]}, "write a list, also for one: `[...]`"),
        ("wlcc", {"enum": ["rr", "wlc"], "x-help": "h"}, "did you mean `wlc`?"),
        ("nftables", {"enum": ["iptables", "nft"]}, "did you mean `nft`?"),
        ("zzz", {"enum": ["rr", "wlc"], "x-help": "h"}, "h"),
        ("0", {"minimum": 1, "x-help": "h"}, "h"),
    ],
)
def test_help(value: str, part: dict[str, Any], help: str) -> None:
    ((_, _, found),) = judged(value, part)
    assert found == help


@pytest.mark.parametrize(
    ("right", "wrong", "help"),
    [
        ("tcp: 3128", "tcp: 70000", "write a number from 1 to 65535; names of /etc/services differ from host to host"),
        ("tcp: 3128", "tcp: http", "write a number from 1 to 65535; names of /etc/services differ from host to host"),
        ("tcp: 3128", 'tcp: "80"', "remove the quotes"),
        ("tcp: 3128", "tcp: 80, weight: -1", "write a number from 0 to 65535"),
        ("tcp: 3128", "tcp: 80, ops: 1", "write `true`"),
        ("tcp: 3128", 'tcp: 80, ops: "false"', "remove the quotes"),
        ("tcp: 3128", "tcp: 80, pool: {rs1: 2}", "write `{weight: 2}`"),
        ("tcp: 3128", "tcp: 80, from: {office: }", "write a list: `[office]`"),
        ("tcp: 3128", "port: 80", "did you mean `tcp`?"),
        ("tcp: 3128", "TCP: 80", "did you mean `tcp`?"),
        ("tcp: 3128", "tcp: 80, sorry-server: rs2", "did you mean `sorry_server`?"),
        ("tcp: 3128", "tcp: 80, real_servers: [rs1]", "did you mean `pool`?"),
        ("tcp: 3128", "tcp: 80, lb_algo: rr", "did you mean `scheduler`?"),
        ("tcp: 3128", "tcp: 80, scheduler: WLC", "did you mean `wlc`?"),
        ("tcp: 3128", "tcp: 80, scheduler: round-robin", "did you mean `rr`?"),
        ("tcp: 3128", "tcp: 80, scheduler: weighted least-connection", "did you mean `wlc`?"),
        ("method: dr", "method: DR", "did you mean `dr`?"),
        ("method: dr", "method: direct", "did you mean `dr`?"),
        ("method: dr", "method: gatewaying", "did you mean `dr`?"),
        ("method: dr", "method: masq", "did you mean `nat`?"),
        ("method: dr", "method: masquerading", "did you mean `nat`?"),
        ("method: dr", "method: ipip", "did you mean `tun`?"),
        ("method: dr", "method: tunnel", "did you mean `tun`?"),
        ("vip: 192.0.2.100", "vip: 192.0.2.100/24", "write `192.0.2.100`, only the address"),
        ("vip: 192.0.2.100", 'vip: "192.0.2.100:80"', "write `192.0.2.100`, only the address"),
        ("vip: 192.0.2.100", 'vip: "[2001:db8::1]:80"', 'write `"2001:db8::1"`, only the address'),
        ("rs2: 192.0.2.12", "rs2: 1", "write its address, such as `web1: 192.0.2.11`; a weight stands in a pool"),
        ("{rs1: 192.0.2.11, rs2: 192.0.2.12}", "[rs1]", "write a mapping, `NAME: VALUE` for each, not a list"),
    ],
)
def test_help_for_frequent_mistakes(right: str, wrong: str, help: str) -> None:
    assert right in MINI
    (found,) = check(MINI.replace(right, wrong))
    assert found.help == help


def test_the_ranges_of_vrid_and_sync_id_are_told() -> None:
    text = MINI + "failover: {engine: keepalived, order: [lvs1], vrid: 256, sync: {network: a, id: 0}}\n"
    assert [one.help for one in check(text)] == ["write a number from 1 to 255"] * 2


def test_missing_realservers_are_told_with_an_example() -> None:
    (found,) = check(MINI.replace("realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12}\n", ""))
    assert "realservers: {web1: 192.0.2.11}" in found.help


def test_words_of_a_reference_fill_what_its_target_does_not_say() -> None:
    part = {"$ref": "#/properties/k/$defs/d", "x-help": "outer", "x-expect": "outer", "$defs": {"d": {"type": "array"}}}
    assert judged("x", part) == [("LVS010", "expected outer, found the text `x`", "outer")]
    part["$defs"] = {"d": {"type": "array", "x-help": "inner"}}
    assert judged("x", part) == [("LVS010", "expected outer, found the text `x`", "inner")]
    part["$defs"] = {"d": {"items": {"type": "array"}}}
    assert judged("[x]", part)[0][1] == "expected a list, found the text `x`"


def test_a_wrong_type_hides_what_else_is_wrong_there() -> None:
    part = {"enum": ["a"], "pattern": "x", "allOf": [{"type": "array"}, {"type": "object"}]}
    assert judged("b", part) == [
        ("LVS010", "expected a list, found the text `b`", "write a list, also for one: `[...]`")
    ]


def test_unknown_keys_and_missing_keys() -> None:
    part = {"properties": {"address": {}, "weight": {}}, "additionalProperties": False, "required": ["address"]}
    assert judged("{addres: 1}", part) == [
        ("LVS011", "unknown key `addres` in `k`, and the key `address` is missing", "did you mean `address`?")
    ]
    assert judged("{address: 1, wieght: 2, zzz: 3}", part) == [
        ("LVS011", "unknown key `wieght` in `k`", "did you mean `weight`?"),
        ("LVS011", "unknown key `zzz` in `k`", "known here: `address`, `weight`"),
    ]
    assert judged("{zzz: 1}", {**part, "x-help": "see the reference"}) == [
        ("LVS011", "unknown key `zzz` in `k`", "see the reference"),
        ("LVS012", "the key `address` is missing in `k`", "see the reference"),
    ]
    assert judged('{"a\\nb": 1, address: 1}', part)[0][1] == "unknown key `a\\nb` in `k`"


def test_a_key_that_is_there_already_is_not_suggested() -> None:
    part = {"properties": {"port": {}, "weight": {}}, "additionalProperties": False}
    assert judged("{port: 1, ports: 2}", part)[0][2] == "known here: `port`, `weight`"


def test_missing_keys_of_a_mapping_are_one_finding_also_from_conditions() -> None:
    part = {
        "properties": {"a": {"description": "The first. And more."}},
        "required": ["a", "b"],
        "if": {"required": ["x"]},
        "else": {"required": ["c", "a"]},
    }
    assert judged("{}", part) == [("LVS012", "the keys `a`, `b` and `c` are missing in `k`", "")]
    assert judged("{b: 1, x: 1}", part) == [("LVS012", "the key `a` is missing in `k`", "`a`: the first")]


def test_names_of_keys() -> None:
    part = {
        "propertyNames": {"pattern": "^[a-z]+$", "x-expect": "a name"},
        "additionalProperties": {"type": "integer"},
    }
    assert judged("{Web: x, web: 1}", part) == [
        ("LVS010", "expected a name, found the key `Web`", ""),
        ("LVS010", "expected a whole number, found the text `x`", ""),
    ]


def test_pattern_properties_are_left_to_jsonschema() -> None:
    part = {"patternProperties": {"^x-": {"type": "integer"}}, "additionalProperties": {"type": "string"}}
    assert judged("{x-a: 1, b: c}", part) == []
    assert [m for _, m, _ in judged("{x-a: y, b: 2}", part)] == [
        "expected a whole number, found the text `y`",
        "expected a text, found the number 2",
    ]


@pytest.mark.parametrize(
    ("old", "new", "place", "code", "words"),
    [
        ("cluster: mini", "cluster: Mini", (1, 10), "LVS010", "found the text `Mini`"),
        ("cluster: mini\n", "", (1, 1), "LVS012", "the key `cluster` is missing at the top level"),
        ("tcp: 3128", "tpc: 3128", (5, 29), "LVS011", "unknown key `tpc` in `squid`"),
        ("3128", '"3128"', (5, 34), "LVS010", "found the text `3128`"),
        ("3128", "99999", (5, 34), "LVS010", "found the number 99999"),
        ("method: dr", "method: gateway", (5, 48), "LVS010", "expected"),
        ("{rs1: 192.0.2.11, rs2: 192.0.2.12}", "[rs1]", (3, 14), "LVS010", "found a list of 1 item"),
        ("rs2: 192", "RS2: 192", (3, 32), "LVS010", "found the key `RS2`"),
        ("services:", "versions: {kernel: 6.10}\nservices:", (4, 20), "LVS010", "the number 6.1 (written `6.10`)"),
        ("services:", "service:", (4, 1), "LVS011", "unknown key `service`, and the key `services` is missing"),
    ],
)
def test_mistakes_in_a_description(old: str, new: str, place: tuple[int, int], code: str, words: str) -> None:
    (found,) = check(MINI.replace(old, new))
    assert (found.code, (found.location.span.line, found.location.span.column)) == (code, place)
    assert words in found.message
    assert found.message.isprintable()


@pytest.mark.parametrize("text", ["5", "[a]", "x", "~ # nothing\n---\n".replace("---\n", "")])
def test_a_description_is_a_mapping(text: str) -> None:
    description, problems = read_text(text)
    found = schema.check(description)
    assert [f.message[:18] for f in found] == (["expected a mapping"] if not problems else [])


def test_included_files_are_judged_as_such(tmp_path: Path) -> None:
    (tmp_path / "cluster.yaml").write_text(
        "cluster: a\ndirectors: {d: {interfaces: {e: 10.0.0.1/8}}}\ninclude: [a, b, c]\n"
    )
    (tmp_path / "a").write_text("services: {s: {tcp: 80, vip: 10.0.0.9, method: dr}}\n")
    (tmp_path / "b").write_text("directors: {}\n")
    (tmp_path / "c").write_text("include: []\n")
    description, problems = read(str(tmp_path))
    found = schema.check(description)
    assert [(f.code, f.place.file, f.message) for f in found] == [
        ("LVS011", f"{tmp_path}/b", "unknown key `directors`")
    ]
    assert "root file" in found[0].help
    assert [p.code for p in problems] == ["LVS006"]


def test_what_reading_said_of_an_include_is_not_said_again(tmp_path: Path) -> None:
    (tmp_path / "cluster.yaml").write_text(MINI + 'include: ["*.yaml", ../x, /y, "a$b", 5]\n')
    description, problems = read(str(tmp_path))
    found = schema.check(description)
    assert [f.place.path[1] for f in found] == [3, 4]
    assert len(problems) == 4


@pytest.mark.parametrize("path", sorted((CASES / "valid").glob("*.yaml")), ids=lambda p: p.stem)
def test_valid_cases_draw_nothing(path: Path) -> None:
    assert findings_of(path) == []


@pytest.mark.parametrize("path", sorted((CASES / "invalid").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_invalid_case_is_told_in_words(path: Path) -> None:
    found = findings_of(path)
    assert found
    assert len({(f.place, f.message) for f in found}) == len(found)
    wrong = [f.place for f in found if f.code == "LVS010"]
    assert len(wrong) == len(set(wrong))
    for finding in found:
        assert finding.message.isprintable()
        assert finding.help.isprintable()
        assert "matches `" not in finding.message, "the schema has no words for a pattern"


def findings_of(path: Path) -> list[Any]:
    document, problems = parse(path.name, path.read_text(encoding="utf-8"), may_be_empty=True)
    if document is None:
        pytest.fail(str(problems))
    root: dict[str, Any] = SCHEMA
    if path.name.startswith("included-"):
        root = {"$ref": "#/$defs/included", "$defs": SCHEMA["$defs"]}
    return schema.check_document(document, Acceptor(root))


CHECKER = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
STRICT: Any = extend(Draft202012Validator, type_checker=CHECKER)  # type: ignore[no-untyped-call]  # its stubs lack types
JUDGE = STRICT(SCHEMA)
ACCEPTOR = Acceptor(SCHEMA)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(-1, 70000), st.floats(), st.text(max_size=5),
    st.sampled_from(["rr", "dr", "192.0.2.1", "web1", "auto", "15m", "80-90", "all", "/x", "tcp", "ipip"]),
)  # fmt: skip  # a table
words = st.sampled_from(
    sorted({"web1", "80", "eth0", *(k for d in SCHEMA["$defs"].values() for k in d.get("properties", {}))})
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=8
)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.randoms(use_true_random=False), values)
def test_the_acceptor_agrees_with_jsonschema(choice: random.Random, value: object) -> None:
    path = choice.choice(sorted((CASES / "valid").glob("[!i]*.yaml")))
    document, _ = parse("x", path.read_text(encoding="utf-8"))
    assert document is not None
    data = copy.deepcopy(document.data)
    replace_somewhere(data, value, choice)
    expected = JUDGE.is_valid(data)
    assert ACCEPTOR.accepts(SCHEMA, data) == expected
    mutated = Document(name="x", text=document.text, data=data, spans=document.spans)
    found = schema.check(Description(documents=(mutated,), texts={}))
    assert (not found) == expected
    assert all(f.message.isprintable() for f in found)


def replace_somewhere(data: Any, value: object, choice: random.Random) -> None:
    """Put `value` in the place of something in `data`, or beside it."""
    while True:
        keys = list(data) if isinstance(data, dict) else list(range(len(data)))
        key = choice.choice(keys) if keys else None
        inner = data[key] if key is not None else None
        if isinstance(inner, (dict, list)) and inner and choice.random() < 0.8:
            data = inner
            continue
        if isinstance(data, dict):
            data[key if key is not None and choice.random() < 0.8 else choice.choice(["web1", "tcp", "X"])] = value
        elif key is not None:
            data[key] = value
        return


@pytest.mark.parametrize(
    ("part", "value", "fits"),
    [
        ({"const": 1}, True, False),
        ({"const": 1}, 1.0, True),
        ({"enum": [0]}, False, False),
        ({"uniqueItems": True}, [1, True, "1"], True),
        ({"uniqueItems": True}, [{"a": [1]}, {"a": [1]}], False),
        ({"uniqueItems": True}, [{"a": True}, {"a": 1}], True),
        ({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}, ["a", 1], True),
        ({"prefixItems": [{"type": "string"}], "items": {"type": "integer"}}, [1], False),
        ({"prefixItems": [{"type": "string"}]}, [1], False),
        ({"prefixItems": [{"type": "string"}]}, ["a", 1], True),
        ({"allOf": [{"minimum": 1}, {"maximum": 2}]}, 3, False),
        ({"properties": {"a": False}}, {"a": 1}, False),
        ({"additionalProperties": {"$ref": "#"}}, {"a": {"b": {}}}, True),
        ({"type": "number"}, 1.5, True),
        ({"type": "number"}, True, False),
        ({"maxLength": 1, "minLength": 1}, "ab", False),
        ({"maxItems": 1}, [1, 2], False),
        ({"dependentRequired": {"a": ["b"]}}, {}, None),
        ({"enum": [[1]]}, [1], None),
    ],
)
def test_the_acceptor(part: dict[str, Any], value: object, fits: bool | None) -> None:
    """None: what it does not know is left to jsonschema."""
    assert STRICT(part).is_valid(value) is (fits is not False)
    assert Acceptor(part).accepts(part, value) is (fits is True)
