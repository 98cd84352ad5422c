"""The lab itself, on a real kernel: every example passes, and clusters that were broken on purpose do not."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from lvsgen import pipeline
from lvsgen.lab import kernel, play, verdicts
from tests.conftest import Lvsgen
from tests.lab import kernels, together

ROOT = Path(__file__).resolve().parent.parent.parent
EXAMPLES = sorted(path.parent.name for path in (ROOT / "examples").glob("*/cluster.yaml"))


@pytest.fixture(scope="module")
def all_tools() -> None:
    together.need_tools()


def plays(folder: Path, asked: frozenset[str]) -> Iterator[play.Play]:
    for name in sorted(asked & set(EXAMPLES)):
        yield play.prepare(name, pipeline.compile(str(ROOT / "examples" / name / "cluster.yaml")), folder / name)
    for name in sorted(asked & BROKEN.keys()):
        yield prepare_broken(name, BROKEN[name], folder)


@pytest.mark.lab
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_passes(name: str, endings: Mapping[str, play.Ending]) -> None:
    ending = endings[name]
    assert not ending.trouble, ending.trouble
    assert not verdicts.failed(ending.results), verdicts.table(name, ending.results)
    assert {"apply", "table", "again", "traffic", "stop"} <= {r.subject.property for r in ending.results}


@pytest.mark.lab
def test_a_machine_that_dies_is_no_pass(
    all_tools: None, lvsgen: Lvsgen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kernel image that is none: the virtual machine ends without a word of its guest."""
    real = kernel.kernel(kernel.cache_folder(), lambda text: None)
    folder = tmp_path / "lvsgen" / "kernel" / real.release
    (folder / "boot").mkdir(parents=True)
    (folder / "boot" / real.image.name).write_bytes(bytes(4096))
    (folder / "lib").symlink_to(real.folder / "lib")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "cluster.yaml").write_text(DIRECT)
    ran = lvsgen("lab", tmp_path, "--kernel", real.release)
    assert ran.code == 2
    assert "the machine died; its last words: " in ran.err
    assert "nothing to test" in ran.out


DIRECT = """
cluster: direct
directors: {director: {interfaces: {eth0: 192.0.2.2/24}}}
realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12}
services: {web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: rr}}
"""
MARKED = """
cluster: marked
directors: {director: {interfaces: {eth0: 192.0.2.2/24}}}
realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12}
services: {web: {vip: 192.0.2.100, tcp: [80, 443], mark: auto, persistence: 5m, method: dr, scheduler: rr}}
"""
TRANSLATED = """
cluster: translated
networks:
  outside: {prefixes: [192.0.2.0/24], gateway: 192.0.2.1}
  inside: {prefixes: [10.1.1.0/24]}
directors: {director: {interfaces: {eth0: 192.0.2.2, eth1: 10.1.1.1}}}
realservers: {rs1: 10.1.1.11, rs2: 10.1.1.12}
services: {web: {vip: 192.0.2.100, tcp: 80, method: nat, scheduler: rr}}
"""
TUNNELLED = """
cluster: tunnelled
networks:
  outside: {prefixes: [192.0.2.0/24], gateway: 192.0.2.1}
  away: {prefixes: [198.51.100.0/24]}
directors: {director: {interfaces: {eth0: 192.0.2.2}}}
realservers: {rs1: {interfaces: {eth0: 198.51.100.11}}, rs2: {interfaces: {eth0: 198.51.100.12}}}
services: {web: {vip: 192.0.2.100, tcp: 80, method: tun, scheduler: rr}}
"""
PAIR = """
cluster: pair
directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}, lvs2: {interfaces: {eth0: 192.0.2.3/24}}}
realservers: {rs1: 192.0.2.11}
failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
services: {web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: rr}}
"""


@dataclass(frozen=True)
class Broken:
    """A cluster, one change of a generated file, the property that suffers, and what the lab must say of it."""

    cluster: str
    file: str
    change: Callable[[str], str]
    property: str
    says: str


def without(pattern: str) -> Callable[[str], str]:
    return lambda text: re.sub(rf"^.*{pattern}.*\n", "", text, flags=re.MULTILINE)


def instead(pattern: str, new: str) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, new, text)


BROKEN = {
    "no arp_ignore": Broken(
        DIRECT, "rs1/sysctl.conf", without("arp_ignore"), "arp", "rs1 answers ARP for 192.0.2.100 .*arp_ignore = 0"
    ),
    "VIP on eth0": Broken(
        DIRECT, "rs2/addresses.batch", instead("dev lo", "dev eth0"), "arp", "rs2 holds 192.0.2.100 on eth0"
    ),
    "realserver without VIP": Broken(
        DIRECT, "rs2/addresses.batch", without("192.0.2.100/32"), "traffic", "rs2 does not hold 192.0.2.100"
    ),
    "no return route": Broken(
        TRANSLATED, "rs1/routes.batch", without("route"), "traffic", "replies of rs1 do not go back through a director"
    ),
    "strict rp_filter": Broken(
        TUNNELLED,
        "rs1/sysctl.conf",
        instead("tunl0.rp_filter = .*", "tunl0.rp_filter = 1\nnet.ipv4.conf.all.rp_filter = 1"),
        "traffic",
        "rs1 drops what comes out of tunl0.*rp_filter = 1",
    ),
    "mark rule missing": Broken(
        MARKED,
        "director/iptables.rules",
        without("--set-mark"),
        "traffic",
        "no packet filter rule on director sets mark",
    ),
    "two masters": Broken(
        PAIR,
        "lvs2/keepalived.conf",
        instead("virtual_router_id 51", "virtual_router_id 52"),
        "arp",
        "two masters: lvs1",
    ),
}


def break_it(folder: Path, broken: Broken) -> None:
    """Change a generated file and its line in lvsgen.sum, as if it had been generated so."""
    path = folder / broken.file
    old = path.read_text()
    new = broken.change(old)
    assert new != old
    path.write_text(new)
    sums = path.parent / "lvsgen.sum"
    before, after = (hashlib.sha256(text.encode()).hexdigest() for text in (old, new))
    assert before in sums.read_text()
    sums.write_text(sums.read_text().replace(before, after))


def prepare_broken(name: str, broken: Broken, folder: Path) -> play.Play:
    place = name.replace(" ", "-")
    source = folder / f"{place}.yaml"
    source.write_text(broken.cluster)
    compilation = pipeline.compile(str(source))
    assert compilation.complete, compilation.diagnostics
    prepared = play.prepare(name, compilation, folder / place, frozenset({broken.property}))
    break_it(folder / place, broken)
    return prepared


@pytest.mark.lab
@pytest.mark.long
def test_the_kernel_of_another_release_will_do(all_tools: None, tmp_path: Path) -> None:
    """The same clusters, whole, on the kernel that this machine does not have by itself."""
    other = next(name for name in kernels.KERNELS if name != kernels.first())
    assert kernels.need(other).release.startswith(f"{kernels.KERNELS[other]}.")
    with play.workspace() as folder:
        plays = []
        for name, text in {
            "direct": DIRECT,
            "marked": MARKED,
            "translated": TRANSLATED,
            "tunnelled": TUNNELLED,
        }.items():
            path = tmp_path / f"{name}.yaml"
            path.write_text(text)
            plays.append(play.prepare(name, pipeline.compile(str(path)), Path(folder) / name))
        endings = together.run(plays, Path(folder), other)
    for name, ending in endings.items():
        assert not ending.trouble, ending.trouble
        assert not verdicts.failed(ending.results), verdicts.table(name, ending.results)
        assert {"apply", "table", "again", "traffic", "stop"} <= {r.subject.property for r in ending.results}


@pytest.mark.lab
@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_fails_with_its_cause(name: str, endings: Mapping[str, play.Ending]) -> None:
    broken, ending = BROKEN[name], endings[name]
    assert not ending.trouble, ending.trouble
    causes = [r.cause for r in ending.results if r.subject.property == broken.property and r.verdict == "fail"]
    assert any(re.search(broken.says, cause) for cause in causes), verdicts.table(name, ending.results)


@pytest.mark.lab
def test_a_lab_that_stays_up_runs_the_commands_of_visitors(all_tools: None, lvsgen: Lvsgen, tmp_path: Path) -> None:
    (tmp_path / "cluster.yaml").write_text(DIRECT)
    words = [sys.executable, "-m", "lvsgen", "lab", str(tmp_path), "--only", "apply", "--keep"]
    with subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as keeper:
        assert keeper.stderr
        said = []
        for line in keeper.stderr:
            said.append(line)
            if "stays up" in line:
                break
        else:
            pytest.fail("".join(said))
        listed = lvsgen("lab", "exec", "director", "ipvsadm", "-Sn")
        assert (listed.code, listed.err) == (0, "")
        assert "-A -t 192.0.2.100:80 -s rr" in listed.out
        both = lvsgen("lab", "exec", "rs1", "sh", "-c", "uname -n; echo no >&2; exit 7")
        assert (both.code, both.out, both.err) == (7, "rs1\n", "no\n")
        assert lvsgen("lab", "exec", "rs1", "no-such-program").code == 127
        again = lvsgen("lab", tmp_path, "--keep")
        assert (again.code, "a lab is up already" in again.err) == (2, True)
        assert lvsgen("lab", "stop").code == 0
        assert keeper.wait(60) == 0
    assert lvsgen("lab", "exec", "director", "true").code == 2
