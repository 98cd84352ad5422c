"""Rules about the source itself: who imports what, who prints, which words are used."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "lvsgen").rglob("*.py"))

IMPORTERS = {
    "ruamel": ("lvsgen/source/events.py",),
    "_ruamel_yaml": ("lvsgen/source/events.py",),
    "jsonschema": ("lvsgen/schema/__init__.py",),
    "jinja2": ("lvsgen/render.py",),
    "typer": ("lvsgen/cli/",),
}
"""Third-party package: the modules, or the folder, that may import it."""


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported module of a file, wherever in it, with its line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)}:{node.lineno}: relative import"
            yield node.module or "", node.lineno


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_third_party_packages_are_imported_by_their_module_alone(path: Path) -> None:
    for module, line in imports(path):
        package = module.partition(".")[0]
        if package == "lvsgen" or package in sys.stdlib_module_names:
            continue
        assert package in IMPORTERS, f"{name_of(path)}:{line}: {package} is not one of the four libraries"
        assert name_of(path).startswith(IMPORTERS[package]), f"{name_of(path)}:{line}: {package}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_the_command_line_knows_the_command_line(path: Path) -> None:
    # The guest of the lab is a program of its own, in another kernel.
    if name_of(path).startswith(("lvsgen/cli/", "lvsgen/__main__.py", "lvsgen/lab/guest/")):
        return
    for module, line in imports(path):
        assert not module.startswith("lvsgen.cli"), f"{name_of(path)}:{line}"
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in {"print", "exit", "quit", "sys.exit", "os._exit"}, f"{name_of(path)}:{node.lineno}"
            assert not called.startswith(("sys.stdout.", "sys.stderr.")), f"{name_of(path)}:{node.lineno}"


STAGES = (
    "diagnostics",
    "resources",
    "render",
    "model",
    "source",
    "schema",
    "bind",
    "rules",
    "plan",
    "overrides",
    "expiry",
    "waivers",
    "sums",
    "targets",
    "pipeline",
    "fixes",
    "rewrite",
    "tree",
    "report",
    "scaffold",
)
"""In the order in which data flows, after what all of them share. None knows a later one."""


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_no_stage_knows_a_later_one(path: Path) -> None:
    own = name_of(path).removeprefix("lvsgen/").removesuffix(".py").partition("/")[0]
    if own not in STAGES:
        return
    for module, line in imports(path):
        other = module.removeprefix("lvsgen.").partition(".")[0]
        if module.startswith("lvsgen.") and other in STAGES:
            assert STAGES.index(other) <= STAGES.index(own), f"{name_of(path)}:{line}: {own} imports {other}"


def lines_of_code(text: str) -> int:
    """Lines that are neither empty, nor comments, nor documentation."""
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            assert node.end_lineno
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return sum(1 for line in lines if line.strip() and not line.strip().startswith("#"))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_says_what_it_is_and_stays_readable(path: Path) -> None:
    text = path.read_text()
    assert ast.get_docstring(ast.parse(text)), name_of(path)
    if path.name != "model.py":
        assert lines_of_code(text) <= 250, name_of(path)


WORDS = re.compile(r"\b(backends?|front-?ends?|nodes?|servers?)\b", re.IGNORECASE)

ALLOWED = re.compile(
    r"""
      Linux[ ]Virtual[ ]Server
    | (sorry|mail|smtp|name|yaml-language)[ _-]server s?       # what these are called everywhere
    | \b(virtual|real)_server(_group)?\b                        # keywords of keepalived.conf(5)
    | --(real|add|edit|delete)-server                           # options of ipvsadm(8)
    | (?<=["'`{., ])server(?=["'`:=])(?!:[ ]?$)                   # the field `server` of `notify.email`: a mail server
    | email\.server
    """,
    re.IGNORECASE | re.VERBOSE,
)

NODES_OF_YAML = re.compile(r"lvsgen/source/\w+\.py")
"""The parser: YAML's own specification calls its scalars, lists and mappings nodes."""


def texts() -> Iterator[tuple[str, str]]:
    """Every text of the repository that a reader meets, by name."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in sorted(listed.stdout.decode().split("\0")):
        path = ROOT / name
        if name and path.is_file() and name != "tests/test_architecture.py":
            try:
                yield name, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def lines(prefixes: tuple[str, ...] = ("",)) -> Iterator[tuple[str, str]]:
    """Every line below these folders, with its place."""
    for name, text in texts():
        if name.startswith(prefixes):
            yield from ((f"{name}:{number}", line) for number, line in enumerate(text.splitlines(), 1))


def test_the_words_are_those_of_lvs() -> None:
    wrong = [
        f"{place}: {found[0]}"
        for place, line in lines(
            ("lvsgen/", "templates/", "schema/", "docs/", "examples/", "README", "CHANGELOG", "bench/")
        )
        if (found := WORDS.search(ALLOWED.sub("", line)))
        and not (NODES_OF_YAML.match(place) and found[0].lower().startswith("node"))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "word", ["backend", "Backends", "front-end", "node", "the server", "real server", "virtual servers"]
)
def test_the_test_of_words_finds(word: str) -> None:
    assert WORDS.search(ALLOWED.sub("", f"a {word} is chosen"))


@pytest.mark.parametrize(
    "text", ["Linux Virtual Server", "sorry_server:", "a mail server", "real_server 192.0.2.1 80 {", '"server": {']
)
def test_the_test_of_words_allows(text: str) -> None:
    assert not WORDS.search(ALLOWED.sub("", text))


def test_nothing_of_one_machine_is_in_the_repository() -> None:
    home = re.compile(r"/(root|home/\w+|work/\w+|Users/\w+)/|/tmp/[a-z]|file:///")
    wrong = [f"{place}: {line.strip()}" for place, line in lines() if home.search(line)]
    assert not wrong, "\n".join(wrong)


SWITCH = re.compile(r"#\s*(noqa|type:\s*ignore|(?:fmt|ruff|isort|yapf):|pragma:|pylint:|mypy:)(.*)", re.IGNORECASE)
REASON = re.compile(r"\s#\W*\w+\W+\w+")


def unexplained(line: str) -> bool:
    """Whether the line switches a check off, and no second comment on it says why."""
    found = SWITCH.search(line)
    return found is not None and not REASON.search(found[2])


def test_no_comment_switches_a_check_off_without_a_reason() -> None:
    wrong = [place for place, line in lines(("lvsgen/", "tests/", "bench/")) if unexplained(line)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "switch", ["noqa", "noqa: E501", "type: ignore", "type: ignore[misc]", "fmt: off", "fmt: skip", "ruff: noqa: S101"]
)
def test_the_test_of_switches_finds(switch: str) -> None:
    assert unexplained(f"x = 1  # {switch}")
    assert not unexplained(f"x = 1  # {switch}  # the table below is aligned by hand")
