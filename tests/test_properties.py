"""Properties that hold for every input: no traceback for any bytes, and no generated file that its tool refuses.

The examples are derived from a fixed seed, so that a red run is red again; `HYPOTHESIS_SEED=N` tries others.
"""

from __future__ import annotations

import copy
import io
import json
import os
import random
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, event, given, seed, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from lvsgen import pipeline
from lvsgen.cli.app import run
from lvsgen.cli.session import Session
from lvsgen.diagnostics import Severity
from lvsgen.pipeline import Compilation
from lvsgen.plan.naming import INBOUND, owned, vrrp_name
from lvsgen.report import FORMATS, render
from lvsgen.sums import HEADER, Artifact
from tests.judge import data_lines, objections
from tests.strategies import clusters, interface_names, names, peculiar_clusters, shuffled, text_of
from tests.test_examples import EXAMPLES, GOLDEN

pytestmark = pytest.mark.slow

Test = TypeVar("Test", bound=Callable[..., object])

SHAPE = {"LVS010", "LVS011", "LVS012"}
SMALL = [folder / "cluster.yaml" for folder in (*EXAMPLES, *GOLDEN) if folder.name != "large"]


def examples(number: int) -> Callable[[Test], Test]:
    """So many examples, always the same ones unless the environment names a seed."""
    asked = os.environ.get("HYPOTHESIS_SEED")
    profile = settings(
        max_examples=number,
        derandomize=asked is None,
        database=None,
        deadline=None,
        # Shrinking a cluster takes minutes; a failure is printed as it was found.
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
    )
    return lambda test: profile(seed(int(asked))(test)) if asked else profile(test)


def compiled(text: str | bytes) -> Compilation:
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return pipeline.compile("-", stdin=io.BytesIO(raw))


def assert_sane(compilation: Compilation) -> None:
    """Diagnostics that can be printed, or files; never neither, never both an error and files."""
    errors = [one for one in compilation.diagnostics if one.severity is Severity.ERROR]
    assert compilation.complete != bool(errors)
    assert not (errors and (compilation.artifacts or compilation.plans))
    for one in compilation.diagnostics:
        assert one.message
        assert one.message.isprintable()
        assert one.help.isprintable()
    for form in FORMATS:
        lines = render(form, compilation.diagnostics, compilation.description.texts).split("\n")
        assert all(line.isprintable() for line in lines)


def told(raw: bytes, *arguments: str) -> tuple[int, str, str]:
    """A command line that reads `raw` from standard input: exit code, answer, notes."""
    out, err = io.StringIO(), io.StringIO()
    code = run([*arguments], Session(io.BytesIO(raw), out, err))
    return code, out.getvalue(), err.getvalue()


pieces = st.sampled_from(
    ["cluster: ", "a", "directors", ": ", "{", "}", "[", "]", ", ", "\n", "  ", "- ", "services:\n", "  web:\n", "null",
     "vip: ", "192.0.2.1", "tcp", "80", "*a", "&a ", "!!x ", "<<: ", '"', "'", "|\n", "# lvsgen: ignore[LVS101] x\n",
     "\t", "\0", "\x85", "\ufeff", "\r\n", "---\n", "...\n", "%YAML 1.1\n", "include: [x]\n", "? ", "\ud800"]
)  # fmt: skip  # a value a line would fill pages


@examples(200)
@given(
    st.one_of(
        st.binary(max_size=80), st.lists(pieces, max_size=30).map(lambda p: "".join(p).encode("utf-8", "surrogatepass"))
    )
)
def test_any_bytes_give_diagnostics_or_files(raw: bytes) -> None:
    assert_sane(compiled(raw))
    code, out, err = told(raw, "build", "-", "--stdout")
    assert code in (0, 1)
    assert bool(out) == (code == 0)
    assert "Traceback" not in err


VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 65536, 2**31, 2**63, 1.5, float("inf"), "", " ", "a", "0", "auto", "all", "::", "::/0",
    "0.0.0.0/0", "255.255.255.255", "192.0.2.100", "192.0.2.300", "192.0.2.1/24", "192.0.2.0/33", "192.0.2.9-192.0.2.1",
    "192.0.2.0-2001:db8::1", "fe80::1", "ff02::1", "::ffff:192.0.2.1", "127.0.0.1", "224.0.0.1", "90-80", "0ms",
    "999999999d", "31d", "100%", "dr", "nat", "tun", "lo", "none", "any", "keepalived", "script", "x" * 300, "{name}",
    "{secret.x}", "{{", "}", "../x", "/x", "1e3", "2027-02-29", "6.1", [], {}, [None], {"a": None}, [[]], {"x": {}},
]  # fmt: skip  # a value a line would fill pages


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything in the data but the whole."""
    for key, value in data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ():
        yield (*path, key)
        yield from places(value, (*path, key))


def at(data: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        data = data[key]
    return data


def mutated(data: Any, others: list[Any], luck: random.Random) -> Any:
    """The data with one thing gone, replaced, copied, renamed or taken from elsewhere."""
    data = copy.deepcopy(data)
    known = list(places(data))
    if not known:
        return luck.choice(VALUES)
    path = luck.choice(known)
    parent, key = at(data, path[:-1]), path[-1]
    strange = luck.choice(others)
    foreign = at(strange, luck.choice(list(places(strange))))
    namesakes = [at(other, p) for other in others for p in places(other) if p[-1] == key]
    match luck.randrange(7):
        case 0:
            del parent[key]
        case 1 | 2:
            parent[key] = luck.choice(VALUES)
        case 3:
            parent[key] = copy.deepcopy(at(data, luck.choice(known)))
        case 4:
            parent[key] = copy.deepcopy(foreign)
        case 5:
            parent[key] = copy.deepcopy(luck.choice(namesakes)) if namesakes else None
        case _ if isinstance(parent, dict):
            parent[str(luck.choice(VALUES))] = copy.deepcopy(parent[key])
        case _:
            parent.append(copy.deepcopy(parent[key]))
    return data


@pytest.fixture(scope="module")
def described() -> list[Any]:
    """The data of examples and golden cases."""
    return [YAML(typ="safe", pure=True).load(path) for path in SMALL]


@examples(400)
@given(number=st.integers(0, 2**32), steps=st.integers(1, 4))
def test_any_change_of_an_example_gives_diagnostics_or_files(described: list[Any], number: int, steps: int) -> None:
    luck = random.Random(number)
    data = luck.choice(described)
    for _ in range(steps):
        data = mutated(data, described, luck)
    text = json.dumps(data, indent=1, ensure_ascii=False)
    assert_sane(compiled(text))
    assert_sane(pipeline.check("-", stdin=io.BytesIO(text.encode()), as_of=date(2027, 1, 1)))


@examples(200)
@given(number=st.integers(0, 2**32), steps=st.integers(1, 3))
def test_any_change_of_the_lines_of_an_example_gives_diagnostics_or_files(number: int, steps: int) -> None:
    luck = random.Random(number)
    lines = luck.choice(SMALL).read_text().split("\n")
    for _ in range(steps):
        one, two = sorted(luck.sample(range(len(lines) + 1), 2)) if len(lines) > 1 else (0, 1)
        match luck.randrange(7):
            case 0:
                del lines[one]
            case 1:
                lines[one:one] = lines[one:two]
            case 2:
                lines[one], lines[two - 1] = lines[two - 1], lines[one]
            case 3:
                lines[one] = lines[one][: luck.randrange(len(lines[one]) + 1)]
            case 4:
                lines[one] = luck.choice(["  ", " ", "\t", "- ", "? ", "&a ", "*a ", "# "]) + lines[one]
            case 5:
                lines[one] = lines[one].replace(luck.choice(":,[]{}\"' "), luck.choice([":", "", " ", "\n", "["]), 1)
            case _:
                lines = lines[:two]
        if not lines:
            lines = [""]
    raw = "\n".join(lines).encode()
    assert_sane(compiled(raw[: luck.randrange(len(raw) + 1)] if luck.random() < 0.2 else raw))
    code, _, err = told(raw, "check", "-", "--output-format", luck.choice(sorted(FORMATS)))
    assert code in (0, 1)
    assert "Traceback" not in err


def files(artifacts: tuple[Artifact, ...]) -> dict[str, str]:
    return {f"{one.host}/{one.name}": one.text for one in artifacts}


def assert_real_tools_agree(cluster: Any, seen: list[bool]) -> None:
    text = text_of(cluster)
    compilation = compiled(text)
    assert_sane(compilation)
    assert not {one.code for one in compilation.diagnostics} & SHAPE, (text, compilation.diagnostics)
    seen.append(compilation.complete)
    event("without an error" if compilation.complete else "with an error")
    if not compilation.complete:
        return
    found = objections(compilation.artifacts)
    assert not found, "\n".join([*found, text])
    order = random.Random(len(text))
    assert files(compiled(text_of(shuffled(cluster, order))).artifacts) == files(compilation.artifacts)
    for one in compilation.artifacts:
        assert (one.mode == 0o755) == (one.name == "lvs.sh")
        assert one.name in ("host.conf", "lvs.sh") or data_lines(one.text), f"{one.host}/{one.name} says nothing"


def test_real_tools_take_what_is_made_of_any_cluster() -> None:
    seen: list[bool] = []
    examples(90)(given(clusters())(lambda cluster: assert_real_tools_agree(cluster, seen)))()
    # Or the judge would have judged nothing.
    assert sum(seen) > len(seen) / 2


def test_real_tools_take_what_is_made_of_peculiar_clusters() -> None:
    seen: list[bool] = []
    examples(50)(given(peculiar_clusters())(lambda cluster: assert_real_tools_agree(cluster, seen)))()
    assert sum(seen) > len(seen) / 2


def test_the_judge_objects() -> None:
    bad = {
        "ipvs.rules": "-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.2:80 -r 192.0.2.3:80 -g -w 1\n",
        "sysctl.conf": "net.ipv4.ip_forward = 1; reboot\n",
        "addresses.batch": "address replace 192.0.2.999/32 dev lo\n",
        "iptables.rules": "*mangle\n:x - [0:0]\n-A x --nowhere\nCOMMIT\n",
        "nftables.conf": "table inet x { chain y { what } }\n",
        "keepalived.conf": "vrrp_instance x {\n    interface eth0\n}\n",
        "host.conf": "cluster=a\ncluster=b\n",
        "links.batch": "link set eth0 down\n",
        "lvs.sh": "#!/bin/sh\n",
    }
    for name, text in bad.items():
        assert objections([Artifact("h", name, f"{HEADER}\n{text}")]), name


@examples(40)
@given(cluster=clusters())
def test_a_build_is_done_once(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = tmp_path_factory.mktemp("built")
    raw = text_of(cluster).encode()
    code, _, err = told(raw, "build", "-", "-o", str(folder))
    assert code == int(not compiled(raw).complete), err
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    again, _, err = told(raw, "build", "-", "-o", str(folder))
    assert again == code, err
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    if code == 0:
        assert told(raw, "build", "-", "-o", str(folder), "--check")[0] == 0


@examples(200)
@given(st.lists(names, min_size=2, max_size=2, unique=True))
def test_two_clusters_never_own_the_same_chain(pair: list[str]) -> None:
    clusters = {*pair, pair[0][:60] + INBOUND}
    chains = {owned(name) + suffix for name in clusters for suffix in ("", INBOUND)}
    assert len(chains) == 2 * len(clusters)
    assert max(map(len, chains)) <= 28


@examples(200)
@given(st.sets(st.tuples(names, interface_names), min_size=2, max_size=2))
def test_two_vrrp_instances_never_have_the_same_name(pair: set[tuple[str, str]]) -> None:
    assert len({vrrp_name(declared, interface, "ipv4") for declared, interface in pair}) == 2


def test_an_underscore_does_not_confuse_vrrp_instances() -> None:
    assert vrrp_name("a", "b_c", "ipv4") != vrrp_name("a_b", "c", "ipv4")
