"""Hostile input: whatever stands in a field, a path or a file, it is refused in words or it does no harm.

tests/hostile holds clusters that fill every field of the language which takes a text. Each payload is put into each of
these fields, and into each key that people choose.
"""

from __future__ import annotations

import copy
import io
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lvsgen import pipeline
from lvsgen.diagnostics import Diagnostic, Severity
from lvsgen.resources import read_text
from lvsgen.source import LARGEST
from lvsgen.sums import Artifact
from tests.conftest import Lvsgen
from tests.judge import objections
from tests.test_examples import ROOT, files_below

SCHEMA = json.loads(read_text("schema/cluster.schema.json"))
CLUSTERS = sorted(path for path in (ROOT / "tests/hostile").glob("*.yaml") if path.name != "included.yaml")

SHELL = [
    "$(touch CANARY)",
    "`touch CANARY`",
    "; touch CANARY",
    "| touch CANARY",
    "a' ; touch CANARY ; '",
    "&& touch CANARY #",
]
PATHS = ["../../etc/cron.d/x", "/../../etc/passwd", "/etc/passwd", "..", "a/b", "~root", "C:\\x"]
BREAKS = [
    "x\ntouch CANARY",
    "x\r-A INPUT",
    'x\n    script "/bin/true"\n',
    "x\0y",
    "x\x1b[2Jy",
    "x\x85y",
    "x\u2028y",
    "x\x7fy",
]
TRICKS = [
    "x\u202ey",
    "x\u200by",
    "\ufeffx",
    "\uff45\uff54\uff48\uff10",
    "x\ud800y",
    "é" * 300,
    "x" * 10_000,
    "",
    " ",
    "\t",
]
TEMPLATES = ["{{7*7}}", "{% raw %}", "{#", "${HOME}", "%n%s%x", "@include /etc/passwd", "{header}"]
MARKUP = [
    '"',
    "'",
    'x" y',
    "\\",
    "x\\",
    "# x",
    "! x",
    "x } global_defs {",
    "}",
    "COMMIT",
    "-j DROP",
    "--help",
    "!",
    "*",
    "<<",
    "&a",
]
PAYLOADS = [*SHELL, *PATHS, *BREAKS, *TRICKS, *TEMPLATES, *MARKUP]

Step = str | int


@dataclass(frozen=True)
class Field:
    """A text of a cluster: the position in the schema that allows it, and its path; `is_key` if it is the last key."""

    position: str
    path: tuple[Step, ...]
    is_key: bool = False


def resolved(schema: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    """A schema, and those that it refers to."""
    yield pointer, schema
    if isinstance(schema, dict) and "$ref" in schema:
        target = schema["$ref"]
        yield from resolved(SCHEMA["$defs"][target.removeprefix("#/$defs/")], target)


def takes_text(schema: Any) -> bool:
    """Whether a text may stand there."""
    for _, part in resolved(schema, ""):
        if "enum" in part:
            return any(isinstance(value, str) for value in part["enum"])
        if "type" in part:
            return "string" in ([part["type"]] if isinstance(part["type"], str) else part["type"])
    return any("pattern" in part for _, part in resolved(schema, ""))


def slots(schema: dict[str, Any], pointer: str) -> Iterator[tuple[str, Any]]:
    """The positions within a schema: of values, items and keys."""
    for name, part in schema.get("properties", {}).items():
        yield f"{pointer}/properties/{name}", part
    for number, part in enumerate(schema.get("prefixItems", ())):
        yield f"{pointer}/prefixItems/{number}", part
    for keyword in ("items", "additionalProperties", "propertyNames"):
        if isinstance(schema.get(keyword), dict):
            yield f"{pointer}/{keyword}", schema[keyword]


def positions() -> set[str]:
    """Every position of the schema that takes a text."""
    found: set[str] = set()
    todo = [("#", SCHEMA), *((f"#/$defs/{name}", part) for name, part in SCHEMA["$defs"].items())]
    while todo:
        pointer, schema = todo.pop()
        for inner, part in slots(schema, pointer):
            if takes_text(part):
                found.add(inner)
            todo.append((inner, part))
    return found


def fields(data: Any, schema: Any, pointer: str = "#", path: tuple[Step, ...] = ()) -> Iterator[Field]:
    """Every text below some data."""
    for where, part in resolved(schema, pointer):
        if isinstance(data, list):
            prefix = part.get("prefixItems", ())
            for number, item in enumerate(data):
                if number < len(prefix):
                    yield from field(item, prefix[number], f"{where}/prefixItems/{number}", (*path, number))
                elif "items" in part:
                    yield from field(item, part["items"], f"{where}/items", (*path, number))
        if isinstance(data, dict):
            for key, value in data.items():
                if key in part.get("properties", {}):
                    yield from field(value, part["properties"][key], f"{where}/properties/{key}", (*path, key))
                    continue
                if "propertyNames" in part:
                    yield Field(f"{where}/propertyNames", (*path, key), is_key=True)
                if isinstance(part.get("additionalProperties"), dict):
                    yield from field(value, part["additionalProperties"], f"{where}/additionalProperties", (*path, key))


def field(value: Any, schema: Any, pointer: str, path: tuple[Step, ...]) -> Iterator[Field]:
    """A value in its position, and every text below it."""
    if isinstance(value, str):
        yield Field(pointer, path)
    yield from fields(value, schema, pointer, path)


def load(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path)


def known_fields(path: Path) -> list[Field]:
    """One field for each position."""
    return list({one.position: one for one in fields(load(path), SCHEMA)}.values())


def test_every_field_that_takes_a_text_is_attacked() -> None:
    included = {
        one.position
        for one in fields(load(ROOT / "tests/hostile/included.yaml"), SCHEMA["$defs"]["included"], "#/$defs/included")
    }
    attacked = {one.position for path in CLUSTERS for one in known_fields(path)} | included
    assert positions() - attacked == set()


def put(data: Any, where: list[Field], payload: str) -> Any:
    """The data with a payload in some fields; keys are renamed from the inside out, for paths lead through them."""
    data = copy.deepcopy(data)
    for one in sorted(where, key=lambda one: (one.is_key, -len(one.path))):
        parent = data
        for step in one.path[:-1]:
            parent = parent[step]
        last = one.path[-1]
        if one.is_key:
            renamed = {payload if key == last else key: value for key, value in parent.items()}
            parent.clear()
            parent.update(renamed)
        else:
            parent[last] = payload
    return data


def written(data: Any, path: tuple[Step, ...] = (), depth: int = 0) -> Iterator[tuple[tuple[Step, ...], str]]:
    """The data as JSON, which is YAML: a line for each scalar and bracket, with its path."""
    indent = " " * depth
    items: list[tuple[Step, str, Any]] = []
    if isinstance(data, dict):
        items = [(key, f"{json.dumps(key)}: ", value) for key, value in data.items()]
    elif isinstance(data, list):
        items = [(index, "", value) for index, value in enumerate(data)]
    opening, closing = ("{", "}") if isinstance(data, dict) else ("[", "]")
    yield path, indent + opening
    for index, (key, label, value) in enumerate(items):
        comma = "," if index + 1 < len(items) else ""
        if value and isinstance(value, (dict, list)):
            inner = list(written(value, (*path, key), depth + 1))
            yield inner[0][0], f"{indent} {label}{inner[0][1].strip()}"
            yield from inner[1:-1]
            yield inner[-1][0], inner[-1][1] + comma
        else:
            yield (*path, key), f"{indent} {label}{json.dumps(value)}{comma}"
    yield path, indent + closing


@dataclass(frozen=True)
class Attack:
    """A cluster with a payload in some fields, and what became of it."""

    where: list[Field]
    compilation: pipeline.Compilation
    lines: dict[tuple[Step, ...], int]

    def is_named(self, one: Field, payload: str) -> bool:
        """Whether an error points at a field, or at another place because of it."""
        steps = [
            payload if Field("", one.path[: i + 1], True) in self._keys else step for i, step in enumerate(one.path)
        ]
        line = self.lines[tuple(steps)]
        return any(
            place.span.line <= line <= place.span.end_line
            for found in errors(self.compilation)
            for place in (found.location, *found.related)
        )

    @property
    def _keys(self) -> set[Field]:
        return {replace(one, position="") for one in self.where if one.is_key}


def attack(data: Any, where: list[Field], payload: str) -> Attack:
    lines = list(written(put(data, where, payload)))
    numbers: dict[tuple[Step, ...], int] = {}
    for number, (path, _) in enumerate(lines, 1):
        numbers.setdefault(path, number)
    text = "\n".join(line for _, line in lines) + "\n"
    return Attack(where, pipeline.compile("-", stdin=io.BytesIO(text.encode())), numbers)


def errors(compilation: pipeline.Compilation) -> list[Diagnostic]:
    return [one for one in compilation.diagnostics if one.severity is Severity.ERROR]


RAW = re.compile(r"^ *# raw text of .*?^ *# end of raw text$\n", re.MULTILINE | re.DOTALL)
COMMENT_OR_QUOTED = re.compile(r'#.*$|"(?:[^"\\]|\\.)*"', re.MULTILINE)


def skeleton(artifact: Artifact) -> list[str]:
    """The lines of a file without what people wrote: comments, and what keepalived takes as quoted texts."""
    text = artifact.text
    if artifact.name == "keepalived.conf":
        text = COMMENT_OR_QUOTED.sub(lambda match: match[0][0].strip("#"), RAW.sub("", text))
    elif artifact.name != "lvs.sh":
        text = re.sub(r"^(\s*#).*$", r"\1", text, flags=re.MULTILINE)
    return [line.rstrip() for line in text.split("\n")]


WORD = re.compile(r"[\w./:@%+,=-]+", re.ASCII)
"""What no tool takes for more than one word. `..` and an early `/` are for the fields to refuse."""
RAW_FIELD = re.compile(r"/(?:global|instance|keepalived)$")
"""Fields whose text is lines of keepalived.conf; it has to stay within its marks."""
SYSCTL = re.compile(r"sysctl/properties|sysctlValue")
"""Fields whose text is a setting of its own, or its value; the grammar judges it."""


def assert_harmless(made: Attack, usual: pipeline.Compilation, payload: str) -> None:
    """The same files with the same lines, in which only comments and quoted texts differ, or single words."""
    may_differ = WORD.fullmatch(payload) or any(SYSCTL.search(one.position) for one in made.where)
    before = {(one.host, one.name): skeleton(one) for one in usual.artifacts}
    after = {(one.host, one.name): skeleton(one) for one in made.compilation.artifacts}
    assert before.keys() == after.keys(), (made.where, payload)
    for key, lines in after.items():
        assert len(lines) == len(before[key]), (made.where, payload, key)
        assert may_differ or lines == before[key], (made.where, payload, key)


@pytest.mark.parametrize("path", CLUSTERS, ids=lambda path: path.stem)
@pytest.mark.slow
def test_every_payload_in_every_field_is_refused_there_or_harmless(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    data = load(path)
    usual = attack(data, [], "").compilation
    assert usual.complete, [one.message for one in errors(usual)]
    assert objections(usual.artifacts) == []
    known = known_fields(path)
    values, keys = ([one for one in known if one.is_key is is_key] for is_key in (False, True))
    judged: list[Artifact] = []
    for payload in PAYLOADS:
        # All at once first: what is refused then need not be tried alone.
        together = [attack(data, fields, payload) for fields in (values, keys)]
        refused = {one.position for many in together for one in many.where if many.is_named(one, payload)}
        left = [one for one in known if one.position not in refused]
        whole = [one for one in left if not RAW_FIELD.search(one.position) and not SYSCTL.search(one.position)]
        at_once = attack(data, whole, payload)
        if not errors(at_once.compilation):
            assert_harmless(at_once, usual, payload)
            judged += at_once.compilation.artifacts
            left = [one for one in left if one not in whole]
        for one in left:
            alone = attack(data, [one], payload)
            if errors(alone.compilation):
                said = [(found.message, found.location.span) for found in errors(alone.compilation)]
                assert alone.is_named(one, payload), (one, payload, said)
            else:
                assert_harmless(alone, usual, payload)
                judged += () if RAW_FIELD.search(one.position) else alone.compilation.artifacts
    unlike = {(one.name, one.text): replace(one, host=f"{number}-{one.host}") for number, one in enumerate(judged)}
    assert unlike
    found = objections(unlike.values())
    assert not found, "\n".join(found)


ESCAPE = re.compile(r"\\(\\|[0-7]{3})")
COMMAND = re.compile(
    r'^ *(?:startup_script|quorum_up|quorum_down|notify_up|notify_down|notify|script|misc_path) "(.*)"'
)


def arguments_of(written: str) -> list[str]:
    """A command as keepalived 2.2.7 takes it apart: a quoted string, then words (lib/parser.c, notify.c)."""

    def decoded(text: str) -> str:
        return ESCAPE.sub(lambda match: "\\" if match[1] == "\\" else chr(int(match[1], 8)), text)

    return [decoded(single or word) for single, word in re.findall(r"'([^']*)'|([^ ']+)", decoded(written))]


def test_no_shell_command_runs_more_than_it_should(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs what keepalived would run by a shell, with stand-ins for all programs that change something."""
    path = ROOT / "tests/hostile/pair.yaml"
    monkeypatch.chdir(path.parent)
    data = load(path)
    programs, place = tmp_path / "bin", tmp_path / "place"
    programs.mkdir()
    place.mkdir()
    for name in ("ip", "rm", "runuser"):
        (programs / name).write_text("#!/bin/sh\nexit 0\n")
        (programs / name).chmod(0o755)
    (programs / "touch").write_text('#!/bin/sh\n: >"$1"\n')
    (programs / "touch").chmod(0o755)
    shells = set()
    for payload in (*SHELL, "a b", "*", "~", "> CANARY", "x & touch CANARY"):
        where = [one for one in known_fields(path) if "argv/items" in one.position or "argv/prefix" in one.position]
        notify = Field("#/$defs/argv/items", ("services", "http", "notify", 1))
        for one in (*where, notify):
            made = attack(data, [one], payload).compilation
            for artifact in made.artifacts:
                if artifact.name == "keepalived.conf":
                    found = [match[1] for line in artifact.text.split("\n") if (match := COMMAND.match(line))]
                    shells |= {tuple(words) for text in found if (words := arguments_of(text))[0] == "/bin/sh"}
    assert any("touch CANARY" in word for words in shells for word in words)
    for arguments in sorted(shells):
        script = arguments[2].replace("/run/", f"{place}/")
        subprocess.run(
            ["/bin/sh", "-c", script], cwd=place, env={"PATH": str(programs)}, capture_output=True, timeout=20
        )
    assert not (place / "CANARY").exists()


def test_an_included_file_is_no_way_around(tmp_path: Path) -> None:
    folder = ROOT / "tests/hostile"
    root, part = load(folder / "secret.yaml"), load(folder / "included.yaml")
    (tmp_path / "cluster.yaml").write_text(json.dumps(root))
    usual = 0
    for payload in (SHELL[0], PATHS[0], BREAKS[0], BREAKS[2], TRICKS[0], TEMPLATES[0], MARKUP[0]):
        for one in fields(part, SCHEMA["$defs"]["included"], "#/$defs/included"):
            (tmp_path / "included.yaml").write_text(json.dumps(put(part, [one], payload), indent=1))
            made = pipeline.compile(str(tmp_path))
            assert errors(made), (one, payload)
            assert any(found.location.path.endswith("included.yaml") for found in errors(made))
            usual += 1
    assert usual > 100


GOOD = (ROOT / "examples/telnet-squid/cluster.yaml").read_bytes()
BOMB = b"a: &a [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + i, 98 + i, b", ".join([b"*%c" % (97 + i)] * 10)) for i in range(9)
)


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\0" * 1000, id="zeros"),
        pytest.param(GOOD + b"\0", id="a zero at the end"),
        pytest.param(GOOD.replace(b"squid", b"squ\xffid"), id="not UTF-8"),
        pytest.param(GOOD.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(GOOD[: len(GOOD) // 2] + b"\xf0\x9f", id="half a character"),
        pytest.param(GOOD.replace(b"  ", b"\t"), id="tabs"),
        pytest.param(BOMB, id="alias bomb"),
        pytest.param(b"cluster: " + b"[" * 100_000, id="deep lists"),
        pytest.param(b"cluster: " + b"{a: " * 100_000, id="deep mappings"),
        pytest.param(b"".join(b" " * i + b"a:\n" for i in range(3000)), id="deep blocks"),
        pytest.param(b"- " * 100_000, id="deep sequences"),
        pytest.param(b"? " * 50_000, id="deep keys"),
        pytest.param(b"a: &a [*a]", id="an anchor in itself"),
        pytest.param(b"cluster: " + b"x" * 3_000_000, id="a long text"),
        pytest.param(b"cluster: " + b"9" * 100_000, id="a long number"),
        pytest.param(b"x" * 100_000 + b": a", id="a long key"),
        pytest.param(b"cluster: 'x" + b"\n" * 100_000, id="an endless text"),
        pytest.param(b"!!python/object/apply:os.system ['touch CANARY']", id="a tag of Python"),
        pytest.param(GOOD + GOOD, id="twice"),
        pytest.param(GOOD + b"---\n" + GOOD, id="two documents"),
        pytest.param(b"\x1b]0;x\x07\x1b[2J: \x9b31m", id="escape sequences"),
        pytest.param("cluster: \u202egpj.exe".encode(), id="reversed"),
    ],
)
def test_a_hostile_file_is_one_exit_code_and_no_traceback(raw: bytes, lvsgen: Lvsgen, tmp_path: Path) -> None:
    file = tmp_path / "cluster.yaml"
    file.write_bytes(raw)
    for told in (lvsgen("build", file), lvsgen("build", "-", "-o", tmp_path / "generated", stdin=raw)):
        assert told.code == 1
        assert told.out == ""
        assert "error[LVS0" in told.err
        assert all(character.isprintable() or character == "\n" for character in told.err)
        assert len(told.err) < 20_000
    assert [path.name for path in tmp_path.iterdir()] == ["cluster.yaml"]


@pytest.mark.parametrize(
    "raw", [b"\xef\xbb\xbf" + GOOD, GOOD.replace(b"\n", b"\r\n"), GOOD.rstrip(), GOOD + b"\n" * 9999]
)
def test_what_editors_do_to_a_file_changes_nothing(raw: bytes, lvsgen: Lvsgen) -> None:
    assert lvsgen("build", "-", "--stdout", stdin=raw) == lvsgen("build", "-", "--stdout", stdin=GOOD)


def test_a_huge_file_is_not_read(lvsgen: Lvsgen, tmp_path: Path) -> None:
    with (tmp_path / "cluster.yaml").open("wb") as file:
        file.truncate(LARGEST + 1)
    told = lvsgen("build", tmp_path)
    assert (told.code, told.out) == (1, "")
    assert "LVS001" in told.err
    assert lvsgen("check", "/dev/zero", "--output-format", "concise").code == 1


@pytest.mark.parametrize(
    "item",
    [
        "/etc/passwd",
        "../outside.yaml",
        "a/../../outside.yaml",
        "link.yaml",
        "loop.yaml",
        "dangling.yaml",
        "linked/x.yaml",
        "cluster.yaml",
        "./cluster.yaml",
        "folder",
        "pipe",
        "missing.yaml",
        "",
        ".",
        "*.yaml",
        "~/x.yaml",
        "x" * 300,
        "a/" * 3000 + "x",
        "x\0y",
        "x\ny",
        "$(touch CANARY)",
        "part.yaml/",
        "part.yaml/x",
        "-",
        "/dev/stdin",
        "/proc/self/mem",
    ],
)
def test_an_include_stays_in_its_folder(item: str, lvsgen: Lvsgen, tmp_path: Path) -> None:
    folder = tmp_path / "root"
    (folder / "folder").mkdir(parents=True)
    (tmp_path / "outside.yaml").write_text("realservers: {rs9: 192.0.2.99}\n")
    (folder / "part.yaml").write_text("realservers: {rs1: 192.0.2.11}\n")
    (folder / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (folder / "loop.yaml").symlink_to("loop.yaml")
    (folder / "dangling.yaml").symlink_to("nowhere")
    (folder / "linked").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe")
    description = {
        "cluster": "demo",
        "include": ["part.yaml", item],
        "directors": {"lvs": {"interfaces": {"eth0": "192.0.2.2/24"}}},
        "services": {"web": {"vip": "192.0.2.100", "tcp": 80, "method": "dr"}},
    }
    (folder / "cluster.yaml").write_text(json.dumps(description))
    told = lvsgen("build", folder)
    assert (told.code, told.out) == (1, "")
    assert "rs9" not in told.err
    assert "root:" not in told.err
    assert not (folder / "generated").exists()
    description["include"] = ["part.yaml", "part.yaml"]
    (folder / "cluster.yaml").write_text(json.dumps(description))
    assert lvsgen("build", folder).code == 1


def one_line(text: str) -> bool:
    return text.startswith("lvsgen: ") and text.count("\n") == 1 and "Traceback" not in text


@pytest.mark.parametrize("output", ["file", "file/below", "/proc/lvsgen", "/dev/null", "x" * 300, "loop"])
def test_an_output_that_cannot_be_is_one_line(output: str, lvsgen: Lvsgen, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "loop").symlink_to("loop")
    before = files_below(tmp_path)
    told = lvsgen("build", ROOT / "examples/telnet-squid", "-o", tmp_path / output)
    assert (told.code, told.out) == (2, "")
    assert one_line(told.err), told.err
    assert files_below(tmp_path) == before


def test_a_link_to_the_output_is_followed_and_none_below_it(lvsgen: Lvsgen, tmp_path: Path) -> None:
    real, outside = tmp_path / "real", tmp_path / "outside"
    real.mkdir()
    outside.mkdir()
    (tmp_path / "link").symlink_to(real)
    example = ROOT / "examples/telnet-squid"
    assert lvsgen("build", example, "-o", tmp_path / "link").code == 0
    assert (tmp_path / "link").is_symlink()
    assert files_below(real) == files_below(example / "generated")
    for path in (real / "rs1").iterdir():
        path.unlink()
    (real / "rs1").rmdir()
    (real / "rs1").symlink_to(outside)
    before = files_below(real)
    told = lvsgen("build", example, "-o", tmp_path / "link", "--force")
    assert told.code == 1
    assert "rs1" in told.out
    assert files_below(real) == before
    assert not list(outside.iterdir())


def start(*arguments: object, **options: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "lvsgen", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **options
    )


def limited() -> None:
    """No file may grow beyond two kilobytes, as on a disk that is full by then."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048))


def changed(folder: Path, to: str) -> Path:
    """A cluster like an example, but every generated file of it differs from the example's."""
    text = (ROOT / "examples/dual-stack-pair/cluster.yaml").read_text()
    folder.mkdir(exist_ok=True)
    (folder / "cluster.yaml").write_text(text.replace("2001:db8:0:1::100", to).replace("192.0.2.100", "192.0.2.200"))
    return folder


def test_a_full_disk_leaves_the_old_files(lvsgen: Lvsgen, tmp_path: Path) -> None:
    output = tmp_path / "generated"
    assert lvsgen("build", ROOT / "examples/dual-stack-pair", "-o", output).code == 0
    before = files_below(output)
    run = start("build", changed(tmp_path / "new", "2001:db8:0:1::200"), "-o", output, preexec_fn=limited)
    out, err = run.communicate(timeout=60)
    assert (run.returncode, out) == (2, "")
    assert one_line(err), err
    assert files_below(output) == before


def test_a_build_that_was_killed_is_completed_by_the_next(lvsgen: Lvsgen, tmp_path: Path) -> None:
    output, luck = tmp_path / "generated", random.Random(1)
    clusters = [changed(tmp_path / "one", "2001:db8:0:1::200"), changed(tmp_path / "two", "2001:db8:0:1::300")]
    wanted = []
    for cluster in clusters:
        assert lvsgen("build", cluster, "-o", output).code == 0
        wanted.append(files_below(output))
    assert wanted[0] != wanted[1]
    whole = set(wanted[0].items()) | set(wanted[1].items())
    for number in range(12):
        run = start("build", clusters[number % 2], "-o", output)
        time.sleep(luck.uniform(0.02, 0.45))
        run.kill()
        run.communicate(timeout=60)
        for item in files_below(output).items():
            # Every file is one of the two, or a temporary one, or the bridge between two sum files.
            assert item in whole or item[0].endswith((".tmp", "lvsgen.sum")), item[0]
    told = lvsgen("build", clusters[0], "-o", output)
    assert told.code == 0, told.err
    assert files_below(output) == wanted[0]
