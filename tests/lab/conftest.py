"""Clusters that are played, all of a run together; and facts about the kernel, tried on those of two Debian releases:
all facts of a kernel in one boot of it, beside the clusters that are played meanwhile and wait often enough.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lvsgen.lab import boot, kernel, play
from lvsgen.lab.kernel import Kernel
from tests import tools
from tests.lab import kernels, together
from tests.lab.facts import scenes
from tests.lab.facts.fact import FACTS

ROOT = Path(__file__).resolve().parent.parent.parent
_PYTHON = "/usr/bin/python3"
_SECONDS = 600


@dataclass(frozen=True)
class Seen:
    """What came of the facts of a kernel, by name; its logs are in `out`."""

    out: Path
    results: Mapping[str, Mapping[str, Any]]


@dataclass
class Machine:
    """A kernel that tries some facts, from when it is started on."""

    out: Path
    facts: Sequence[str]
    program: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self, kernel: Kernel) -> None:
        self.out.mkdir()
        (self.out / "results").touch()
        command = shlex.join([_PYTHON, "-m", "tests.lab.facts.guest", f"{self.out}/results", *self.facts])
        line = f"(PYTHONPATH={shlex.quote(str(self.program))} exec {command})"
        self.process = boot.boot(kernel, line, self.out, self.out, processors=1)

    def end(self) -> None:
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def seen(self) -> Seen:
        assert self.process
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(_SECONDS)
        self.end()
        lines = [json.loads(line) for line in (self.out / "results").read_text().splitlines()]
        return Seen(self.out, {line["fact"]: line for line in lines})


@pytest.fixture(scope="session")
def endings(request: pytest.FixtureRequest) -> Iterator[Mapping[str, play.Ending]]:
    """How each cluster ended that tests of this run are about."""
    together.need_tools()
    with play.workspace() as folder:
        yield together.played(together.asked(request.session.items), Path(folder))


@pytest.fixture(scope="session")
def machines(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Machine]]:
    """The machines of all kernels that are asked for, each with the facts that are asked for; one of them begins."""
    for tool in sorted({*kernel.TOOLS, "iptables-restore", "keepalived"} & set(tools.PACKAGES)):
        tools.need(tool)
    wanted: dict[str, list[str]] = {}
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.originalname in FACTS:
            wanted.setdefault(str(item.callspec.params["seen"]), []).append(item.originalname)
    top = tmp_path_factory.mktemp("facts")
    program = top / "program"
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lvsgen", program / "lvsgen", ignore=ignore)
    shutil.copytree(ROOT / "templates", program / "templates")
    shutil.copytree(Path(__file__).parent / "facts", program / "tests/lab/facts", ignore=ignore)
    scenes.write(program / "tests/lab/facts/scenes")
    subprocess.run([_PYTHON, "-m", "compileall", "-q", program], capture_output=True)
    made = {name: Machine(top / name, facts, program) for name, facts in wanted.items()}
    if (machine := made.get(kernels.first())) and isinstance(found := kernels.find(kernels.first()), Kernel):
        machine.start(found)
    yield made
    for machine in made.values():
        machine.end()


@pytest.fixture(scope="session", params=kernels.KERNELS)
def seen(request: pytest.FixtureRequest, machines: Mapping[str, Machine]) -> Seen:
    """What was seen on a kernel."""
    found, machine = kernels.need(request.param), machines[request.param]
    if machine.process is None:
        machine.start(found)
    return machine.seen()


@pytest.fixture
def lab(seen: Seen) -> None:
    """In the guest: a `Lab` of the fact's own."""


@pytest.fixture
def cluster(seen: Seen) -> None:
    """In the guest: the `Cluster` that facts share."""


@pytest.fixture(scope="session", autouse=True)
def _begin(request: pytest.FixtureRequest) -> None:
    if any(_is_fact(item) for item in request.session.items):
        request.getfixturevalue("machines")


def _is_fact(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and item.originalname in FACTS


def pytest_itemcollected(item: pytest.Item) -> None:
    """`make test` tries the facts that show the failure of a rule, on one kernel; `make lab` tries all on all."""
    if isinstance(item, pytest.Function) and _is_fact(item):
        item.add_marker("lab")
        if item.callspec.params["seen"] != kernels.first() or not FACTS[item.originalname].shows:
            item.add_marker("long")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Facts come last: what was seen of them is there by then."""
    items.sort(key=_is_fact)


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """The function has been called in the guest."""
    if pyfuncitem.originalname not in FACTS:
        return None
    seen = pyfuncitem.funcargs["seen"]
    assert isinstance(seen, Seen)
    result = seen.results.get(pyfuncitem.originalname)
    if result is None:
        logs = [path for name in ("qemu", "console", "log") if (path := seen.out / name).exists()]
        words = [line for path in logs for line in path.read_text(errors="replace").splitlines()[-8:]]
        pytest.fail("the machine did not come to this fact; its last words:\n" + "\n".join(words), pytrace=False)
    if result["wrong"]:
        pytest.fail(result["wrong"], pytrace=False)
    return True
