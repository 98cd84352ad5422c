"""The writer, on real folders: what it decides, what it writes, and what is left when it is stopped at any point."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lvsgen.sums import Artifact, Request, Status
from lvsgen.tree import Changeset, TreeFailure, apply, compare

ROOT = Path(__file__).parents[1]
TWO = (
    Artifact("lvs1", "ipvs.rules", "-A -t 192.0.2.10:80\n"),
    Artifact("lvs1", "lvs.sh", "#!/bin/sh\n", 0o755),
    Artifact("rs1", "sysctl.conf", "net.ipv4.conf.all.arp_ignore = 1\n"),
)
LATER = (Artifact("lvs1", "ipvs.rules", "-A -t 192.0.2.10:443\n"), *TWO[1:])


def request(output: Path, artifacts: tuple[Artifact, ...] = TWO, **other: Any) -> Request:
    hosts = other.pop("hosts", tuple(sorted({artifact.host for artifact in artifacts})))
    return Request(cluster=other.pop("cluster", "shop"), hosts=hosts, artifacts=artifacts, output=str(output), **other)


def compared(output: Path, artifacts: tuple[Artifact, ...] = TWO, **other: Any) -> Changeset:
    changeset = compare(request(output, artifacts, **other))
    assert isinstance(changeset, Changeset)
    return changeset


def build(output: Path, artifacts: tuple[Artifact, ...] = TWO, **other: Any) -> Changeset:
    """A build that must succeed; returns what it had to change."""
    changeset = compared(output, artifacts, **other)
    assert changeset.blocking == ()
    assert apply(changeset) is None
    return changeset


def statuses(changeset: Changeset) -> dict[str, str]:
    return {change.path: str(change.status) for change in changeset.changes if change.status is not Status.UNCHANGED}


def tree(output: Path) -> dict[str, str]:
    """Every file that is not a sum file, and its text."""
    files = (path for path in output.rglob("*") if path.is_file() and path.name != "lvsgen.sum")
    return {str(path.relative_to(output)): path.read_text() for path in files}


def texts(artifacts: tuple[Artifact, ...]) -> dict[str, str]:
    return {f"{artifact.host}/{artifact.name}": artifact.text for artifact in artifacts}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output folder with a finished build."""
    build(tmp_path / "generated")
    return tmp_path / "generated"


# What is written


def test_a_first_build_makes_every_folder(tmp_path: Path) -> None:
    first = build(tmp_path / "deep/er/generated")
    assert statuses(first) == {
        "lvs1/ipvs.rules": "create",
        "lvs1/lvs.sh": "create",
        "lvs1/lvsgen.sum": "create",
        "rs1/lvsgen.sum": "create",
        "rs1/sysctl.conf": "create",
    }
    assert tree(tmp_path / "deep/er/generated") == texts(TWO)
    assert compared(tmp_path / "deep/er/generated").in_sync


def test_sha256sum_agrees(output: Path) -> None:
    for host in ("lvs1", "rs1"):
        subprocess.run(["sha256sum", "--check", "--strict", "lvsgen.sum"], cwd=output / host, check=True)
    listed = [line.split("  ")[1] for line in (output / "lvs1/lvsgen.sum").read_text().splitlines()[3:]]
    assert listed == ["ipvs.rules", "lvs.sh"]


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_modes_do_not_depend_on_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        build(tmp_path)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "lvs1").iterdir()}
    assert modes == {"ipvs.rules": 0o644, "lvs.sh": 0o755, "lvsgen.sum": 0o644}


def test_a_checkout_under_another_umask_is_in_sync(output: Path) -> None:
    (output / "lvs1/ipvs.rules").chmod(0o664)
    (output / "lvs1/lvs.sh").chmod(0o700)
    assert compared(output).in_sync


def test_only_what_changed_is_written(output: Path) -> None:
    def times() -> dict[str, tuple[int, int]]:
        found = {str(p.relative_to(output)): p.stat() for p in output.rglob("*") if p.is_file()}
        return {path: (info.st_ino, info.st_mtime_ns) for path, info in found.items()}

    before = times()
    assert statuses(build(output, LATER)) == {"lvs1/ipvs.rules": "update", "lvs1/lvsgen.sum": "stale"}
    after = times()
    assert {path for path in after if after[path] != before[path]} == {"lvs1/ipvs.rules", "lvs1/lvsgen.sum"}
    assert tree(output) == texts(LATER)


def test_nothing_is_touched_by_a_build_without_changes(output: Path) -> None:
    times = {path: path.stat().st_mtime_ns for path in (output, output / "lvs1", output / "lvs1/lvsgen.sum")}
    assert build(output).in_sync
    assert {path: path.stat().st_mtime_ns for path in times} == times


def test_a_lost_executable_bit_is_an_update(output: Path) -> None:
    (output / "lvs1/lvs.sh").chmod(0o644)
    (output / "rs1/lvsgen.sum").chmod(0o755)
    changeset = build(output)
    assert {c.path: c.reason for c in changeset.written} == {
        "lvs1/lvs.sh": "must be executable",
        "rs1/lvsgen.sum": "must not be executable",
    }
    assert (output / "lvs1/lvs.sh").stat().st_mode & 0o777 == 0o755
    assert compared(output).in_sync


def test_the_other_end_of_a_hard_link_is_not_written_through(output: Path, tmp_path: Path) -> None:
    os.link(output / "lvs1/ipvs.rules", tmp_path / "kept")
    build(output, LATER)
    assert (tmp_path / "kept").read_text() == TWO[0].text


def test_what_is_no_longer_generated_is_deleted(output: Path) -> None:
    assert statuses(build(output, (TWO[0], TWO[2]))) == {"lvs1/lvs.sh": "delete", "lvs1/lvsgen.sum": "stale"}
    assert not (output / "lvs1/lvs.sh").exists()
    assert compared(output, (TWO[0], TWO[2])).in_sync


def test_the_folder_of_a_host_that_left_is_removed(output: Path) -> None:
    assert statuses(build(output, TWO[:2])) == {"rs1/lvsgen.sum": "delete", "rs1/sysctl.conf": "delete"}
    assert [path.name for path in output.iterdir()] == ["lvs1"]


def test_a_host_without_any_file_has_no_folder(output: Path) -> None:
    build(output, TWO[:2], hosts=("lvs1", "rs1"))
    assert [path.name for path in output.iterdir()] == ["lvs1"]


def test_a_strangers_file_keeps_the_folder_of_a_host_that_left(output: Path) -> None:
    (output / "rs1/notes.txt").write_text("mine")
    assert statuses(build(output, TWO[:2]))["rs1/notes.txt"] == "unmanaged"
    assert [path.name for path in (output / "rs1").iterdir()] == ["notes.txt"]
    assert compared(output, TWO[:2]).in_sync


# What is somebody else's


def test_an_edited_file_stops_the_whole_build(output: Path) -> None:
    (output / "rs1/sysctl.conf").write_text("by hand\n")
    changeset = compared(output, LATER)
    assert [(c.path, c.status) for c in changeset.blocking] == [("rs1/sysctl.conf", Status.EDITED)]
    with pytest.raises(ValueError, match="in the way"):
        apply(changeset)
    assert tree(output) == texts(TWO) | {"rs1/sysctl.conf": "by hand\n"}


def test_force_names_its_victims(output: Path) -> None:
    (output / "rs1/sysctl.conf").write_text("by hand\n")
    (output / "lvs1/lvs.sh").write_text("by hand\n")
    (output / "lvs1/modules.conf").write_text("by hand\n")
    wanted = (TWO[0], TWO[2], Artifact("lvs1", "modules.conf", "ip_vs\n"))
    changeset = build(output, wanted, force=True)
    assert {c.path: str(c.status) for c in changeset.victims} == {
        "lvs1/lvs.sh": "edited",
        "lvs1/modules.conf": "foreign",
        "rs1/sysctl.conf": "edited",
    }
    assert tree(output) == texts(wanted)
    assert compared(output, wanted).in_sync


def test_without_edits_force_has_no_victims(output: Path) -> None:
    assert build(output, LATER, force=True).victims == ()


def test_a_foreign_file_stops_the_build(tmp_path: Path) -> None:
    (tmp_path / "lvs1").mkdir()
    (tmp_path / "lvs1/ipvs.rules").write_text("by hand\n")
    changeset = compared(tmp_path)
    assert [(c.path, c.status) for c in changeset.blocking] == [("lvs1/ipvs.rules", Status.FOREIGN)]


def test_the_bytes_that_would_be_generated_are_fine_whatever_the_sum_says(output: Path) -> None:
    (output / "lvs1/ipvs.rules").write_text(LATER[0].text)
    assert statuses(build(output, LATER)) == {"lvs1/lvsgen.sum": "stale"}
    assert compared(output, LATER).in_sync


def test_an_unmanaged_file_is_reported_and_left_alone(output: Path) -> None:
    (output / "lvs1/notes.txt").write_text("mine")
    (output / "lvs1/old").mkdir()
    (output / "lvs1/link").symlink_to("/etc/hostname")
    changeset = build(output, LATER)
    assert statuses(changeset) == {
        "lvs1/ipvs.rules": "update",
        "lvs1/link": "unmanaged",
        "lvs1/lvsgen.sum": "stale",
        "lvs1/notes.txt": "unmanaged",
        "lvs1/old": "unmanaged",
    }
    assert (output / "lvs1/notes.txt").read_text() == "mine"
    assert not compared(output, LATER).in_sync


def test_a_folder_of_another_cluster_is_refused(output: Path) -> None:
    for force in (False, True):
        changeset = compared(output, LATER, cluster="mall", force=force)
        assert {c.path: c.reason for c in changeset.blocking} == {
            "lvs1": "is a folder of the cluster `shop`",
            "rs1": "is a folder of the cluster `shop`",
        }


def test_clusters_share_an_output_folder(output: Path) -> None:
    mall = (Artifact("lvs9", "ipvs.rules", "-A -u 192.0.2.20:53\n"),)
    assert statuses(build(output, mall, cluster="mall")) == {"lvs9/ipvs.rules": "create", "lvs9/lvsgen.sum": "create"}
    assert compared(output).in_sync
    assert compared(output, mall, cluster="mall").in_sync


def test_other_folders_are_nobodys_business(output: Path) -> None:
    (output / "docs").mkdir()
    (output / "docs/ipvs.rules").write_text("mine")
    (output / "README").write_text("mine")
    (output / "link").symlink_to(output / "rs1")
    (output / "my docs").mkdir()
    (output / "my docs/lvsgen.sum").write_text("mine")
    assert compared(output).in_sync


def test_restricted_to_hosts_others_are_not_looked_at(output: Path) -> None:
    (output / "rs1/sysctl.conf").write_text("by hand\n")
    (output / "rs1/lvsgen.sum").write_bytes(b"\0")
    changeset = build(output, LATER, only=("lvs1",))
    assert {c.host for c in changeset.changes} == {"lvs1"}
    assert tree(output) == texts(LATER) | {"rs1/sysctl.conf": "by hand\n"}
    assert {c.host for c in compared(output, TWO[:2], only=("lvs1",)).changes} == {"lvs1"}


# The sum file is not trusted


def test_a_missing_sum_file_is_written_again(output: Path) -> None:
    (output / "lvs1/lvsgen.sum").unlink()
    assert statuses(build(output)) == {"lvs1/lvsgen.sum": "missing"}
    assert compared(output).in_sync


@pytest.mark.parametrize(
    "name", ["../victim", "/etc/hostname", "..", "", "a/b", "a\0b", "a b", "lvsgen.sum", "x\n<<<<<<< HEAD"]
)
def test_nothing_is_deleted_through_a_damaged_sum_file(output: Path, name: str) -> None:
    (output / "victim").write_text("mine")
    (output / "lvs1/notes.txt").write_text("mine")
    digest = "e" * 64
    with (output / "lvs1/lvsgen.sum").open("a") as file:
        file.write(f"{digest}  notes.txt\n{digest}  {name}\n")
    assert statuses(build(output)) == {"lvs1/lvsgen.sum": "damaged", "lvs1/notes.txt": "unmanaged"}
    assert (output / "victim").read_text() == "mine"
    assert statuses(compared(output)) == {"lvs1/notes.txt": "unmanaged"}


def test_a_huge_sum_file_is_damaged(output: Path) -> None:
    os.truncate(output / "lvs1/lvsgen.sum", 1 << 40)
    assert statuses(build(output)) == {"lvs1/lvsgen.sum": "damaged"}


def test_with_a_damaged_sum_file_a_changed_file_is_foreign(output: Path) -> None:
    (output / "lvs1/lvsgen.sum").write_text("garbage")
    assert [c.path for c in compared(output, LATER).blocking] == ["lvs1/ipvs.rules"]


def test_a_damaged_sum_file_keeps_the_folder_of_a_host_that_left(output: Path) -> None:
    (output / "rs1/lvsgen.sum").write_text("garbage")
    assert statuses(build(output, TWO[:2])) == {"rs1/lvsgen.sum": "unmanaged"}
    assert (output / "rs1/sysctl.conf").exists()


def test_both_sides_of_a_union_merge_count_as_ours(output: Path, tmp_path: Path) -> None:
    build(tmp_path / "theirs", LATER)
    theirs = (tmp_path / "theirs/lvs1/lvsgen.sum").read_text()
    with (output / "lvs1/lvsgen.sum").open("a") as file:
        file.writelines(theirs.splitlines(keepends=True)[3:])
    third = (Artifact("lvs1", "ipvs.rules", "-A -t 192.0.2.10:8080\n"), *TWO[1:])
    for side in (TWO, LATER):
        (output / "lvs1/ipvs.rules").write_text(side[0].text)
        assert statuses(compared(output, side)) == {"lvs1/lvsgen.sum": "stale"}
        assert statuses(compared(output, third)) == {"lvs1/ipvs.rules": "update", "lvs1/lvsgen.sum": "stale"}
    build(output, third)
    assert compared(output, third).in_sync


# Links, and other things that are no files


def test_the_output_folder_itself_may_be_a_link(output: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(output)
    build(tmp_path / "link", LATER)
    assert tree(output) == texts(LATER)


def test_a_link_in_place_of_a_hosts_folder_is_refused(output: Path, tmp_path: Path) -> None:
    (output / "lvs1").rename(tmp_path / "elsewhere")
    (output / "lvs1").symlink_to(tmp_path / "elsewhere")
    changeset = compared(output, LATER, force=True)
    assert {c.path: c.reason for c in changeset.blocking} == {"lvs1": "is a symbolic link"}


@pytest.mark.parametrize("name", ["ipvs.rules", "lvsgen.sum"])
@pytest.mark.parametrize("kind", ["link", "dangling", "folder", "pipe"])
def test_what_is_no_file_is_refused(output: Path, tmp_path: Path, name: str, kind: str) -> None:
    path = output / "lvs1" / name
    path.rename(tmp_path / "target")
    match kind:
        case "link":
            path.symlink_to(tmp_path / "target")
        case "dangling":
            path.symlink_to(tmp_path / "nowhere")
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
    changeset = compared(output, force=True)
    words = {"folder": "is a folder", "pipe": "is a named pipe"}
    assert {c.path: c.reason for c in changeset.blocking} == {f"lvs1/{name}": words.get(kind, "is a symbolic link")}
    assert not (tmp_path / "nowhere").exists()


def test_a_listed_name_that_became_a_link_is_not_deleted(output: Path, tmp_path: Path) -> None:
    (output / "lvs1/lvs.sh").rename(tmp_path / "lvs.sh")
    (output / "lvs1/lvs.sh").symlink_to(tmp_path / "lvs.sh")
    assert [c.path for c in compared(output, (TWO[0], TWO[2]), force=True).blocking] == ["lvs1/lvs.sh"]


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lvs1").write_text("mine")
    assert {c.path: c.reason for c in compared(tmp_path).blocking} == {"lvs1": "is not a folder"}


@pytest.mark.parametrize(
    "artifact",
    [
        Artifact("lvs1", "../x", ""),
        Artifact("lvs1", "..", ""),
        Artifact("lvs1", "lvsgen.sum", ""),
        Artifact("lvs1", ".lvsgen-0.tmp", ""),
        Artifact("..", "x", ""),
        Artifact("a/b", "x", ""),
    ],
)
def test_no_artifact_can_leave_its_folder(tmp_path: Path, artifact: Artifact) -> None:
    with pytest.raises(ValueError, match="plain"):
        request(tmp_path, (artifact,))


def test_two_artifacts_cannot_have_one_path(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="path of its own"):
        request(tmp_path, (TWO[0], LATER[0]))
    with pytest.raises(ValueError, match="host of the cluster"):
        request(tmp_path, TWO, hosts=("lvs1",))


# What cannot be written


def test_an_output_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "generated").write_text("mine")
    path = str(tmp_path / "generated")
    assert compare(request(tmp_path / "generated")) == TreeFailure(path, "not a directory")
    assert compare(request(tmp_path / "generated/deeper")) == TreeFailure(f"{path}/deeper", "not a directory")


@contextmanager
def nobody(*unreadable: str) -> Iterator[Path]:
    """A folder with a finished build, of which the user that tests run as meanwhile may not write anything."""
    base = Path(tempfile.mkdtemp(prefix="lvsgen-test-"))
    build(base / "generated")
    folders = [base, *(path for path in base.rglob("*") if path.is_dir())]
    user = os.geteuid()
    try:
        for folder in folders:
            folder.chmod(0o555)
        for path in unreadable:
            (base / "generated" / path).chmod(0)
        if user == 0:
            os.seteuid(65534)
        yield base / "generated"
    finally:
        if user == 0:
            os.seteuid(0)
        for folder in folders:
            folder.chmod(0o755)
        shutil.rmtree(base)


@pytest.mark.parametrize(
    ("artifacts", "path"),
    [
        (LATER, "/lvs1/lvsgen.sum"),
        (TWO[:2], "/rs1"),
        ((*TWO, Artifact("rs2", "a.conf", "")), "/rs2/lvsgen.sum"),
    ],
)
def test_an_unwritable_folder_is_one_message(artifacts: tuple[Artifact, ...], path: str) -> None:
    with nobody() as output:
        failure = apply(compared(output, artifacts))
        assert failure == TreeFailure(f"{output}{path}", "permission denied")
        assert compared(output).in_sync
        assert apply(compared(output.parent / "other")) == TreeFailure(f"{output.parent}/other", "permission denied")


def test_an_unreadable_file_is_refused() -> None:
    with nobody("lvs1/ipvs.rules", "rs1") as output:
        assert {c.path: c.reason for c in compared(output, force=True).blocking} == {
            "lvs1/ipvs.rules": "cannot be read: permission denied",
            "rs1": "permission denied",
        }


FULL_DISK = """
import json, os, resource, sys
from lvsgen.sums import Artifact, Request
from lvsgen.tree import apply, compare

def run(output, text):
    artifacts = (Artifact("lvs1", "a", text), Artifact("lvs2", "a", text), Artifact("lvs2", "b", text * size))
    request = Request(cluster="shop", hosts=("lvs1", "lvs2"), artifacts=artifacts, output=output)
    failure = apply(compare(request))
    return failure and [os.path.relpath(failure.path, output), failure.reason]

def files(output):
    return {os.path.join(folder, name): open(os.path.join(folder, name)).read()
            for folder, _, names in os.walk(output) for name in names}

output, limit = sys.argv[1], sys.argv[2] == "limit"
size = 1
results = [run(output, "old")]
before = files(output)
if limit:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
size = 100_000
results.append(run(output, "new"))
results.append(files(output) == before)
results.append(run(output + "/other", "new"))
results.append(os.path.exists(output + "/other"))
size = 1
results.append(run(output, "new"))
print(json.dumps(results))
"""
HAS_MOUNTS = subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode == 0


@pytest.mark.parametrize("full", ["limit", "disk"] if HAS_MOUNTS else ["limit"])
def test_a_full_disk_leaves_the_old_output(tmp_path: Path, full: str) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / "out"), full]
    if full == "disk":
        (tmp_path / "out").mkdir()
        mount = 'mount -t tmpfs -o size=128k tmpfs "$4" && exec "$@"'
        command = ["unshare", "-rm", "sh", "-c", mount, "sh", *command]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.stderr == ""
    reason = "file too large" if full == "limit" else "no space left on device"
    assert json.loads(done.stdout) == [None, ["lvs2/b", reason], True, ["lvs2/b", reason], False, None]


def test_a_second_build_at_the_same_time_is_refused(output: Path) -> None:
    changeset = compared(output, LATER)
    descriptor = os.open(output, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert apply(changeset) == TreeFailure(str(output), "another build is writing there")
    finally:
        os.close(descriptor)
    assert tree(output) == texts(TWO)


PAUSED = """
import os, sys
from lvsgen.sums import Artifact, Request
from lvsgen.tree import apply, compare
rename, waited = os.rename, []

def slow_rename(*arguments, **folders):
    if not waited:
        waited.append(True)
        print("renaming", flush=True)
        sys.stdin.readline()
    rename(*arguments, **folders)

artifacts = tuple(Artifact("lvs1", f"{name}.conf", "first\\n") for name in "ab")
changeset = compare(Request(cluster="shop", hosts=("lvs1",), artifacts=artifacts, output=sys.argv[1]))
os.rename = slow_rename
print(apply(changeset))
"""


def test_of_two_builds_at_the_same_time_one_is_refused(tmp_path: Path) -> None:
    """The second one begins when the first is about to replace its first file."""
    output = tmp_path / "generated"
    mine = tuple(Artifact("lvs1", f"{name}.conf", "second\n") for name in "ab")
    with subprocess.Popen(
        [sys.executable, "-c", PAUSED, str(output)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as first:
        assert first.stdin
        assert first.stdout
        assert first.stdout.readline() == "renaming\n"
        assert apply(compared(output, mine)) == TreeFailure(str(output), "another build is writing there")
        said, _ = first.communicate("\n")
    assert (first.returncode, said) == (0, "None\n")
    assert tree(output) == {"lvs1/a.conf": "first\n", "lvs1/b.conf": "first\n"}
    build(output, mine)
    assert tree(output) == texts(mine)


def test_what_changes_after_the_comparison_is_not_overwritten(output: Path) -> None:
    changeset = compared(output, LATER)
    (output / "lvs1/ipvs.rules").write_text("by hand\n")
    failure = apply(changeset)
    assert failure == TreeFailure(str(output), "has changed since it was read; nothing was written")
    assert (output / "lvs1/ipvs.rules").read_text() == "by hand\n"


# A build that is stopped


class Crash(BaseException):
    """The end of the process, as far as the disk can tell."""


class Fuse:
    """Ends `apply` at its n-th system call that changes or opens something, and at every one after that.

    An audit hook sees these calls before they happen and needs no seam in the code. What the program would do to
    clean up after an exception fails too, as it would not run at all after a SIGKILL.
    """

    EVENTS = frozenset({"open", "os.chmod", "os.listdir", "os.mkdir", "os.remove", "os.rename", "os.rmdir"})

    def __init__(self) -> None:
        self.armed = False
        self.left = 0
        sys.addaudithook(self.hook)

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.armed or event not in self.EVENTS or (event == "open" and isinstance(arguments[0], int)):
            return
        self.left -= 1
        if self.left < 0:
            raise Crash

    def apply(self, changeset: Changeset, steps: int) -> bool:
        """Whether it came to its end."""
        self.left, self.armed = steps, True
        try:
            assert apply(changeset) is None
        except Crash:
            return False
        finally:
            self.armed = False
        return True


@pytest.fixture(scope="session")
def fuse() -> Fuse:
    return Fuse()


def assert_whole(output: Path, before: dict[str, str], artifacts: tuple[Artifact, ...]) -> None:
    """Every path is as it was or as it should be (which may be: not there)."""
    now, after = tree(output), texts(artifacts)
    for path in {*before, *now, *after}:
        if not Path(path).name.startswith(".lvsgen-"):
            assert now.get(path) in (before.get(path), after.get(path)), path


THIRD = (
    Artifact("lvs1", "ipvs.rules", "-A -t 192.0.2.10:8080\n"),
    Artifact("lvs2", "lvs.sh", "#!/bin/sh\n", 0o755),
    Artifact("rs1", "modules.conf", "ip_vs\n"),
)


@pytest.mark.parametrize("then", [TWO, LATER, THIRD], ids=["back", "on", "elsewhere"])
@pytest.mark.parametrize("target", [LATER, TWO[:1], THIRD], ids=["change", "prune", "both"])
def test_stopped_at_every_step(
    tmp_path: Path, fuse: Fuse, target: tuple[Artifact, ...], then: tuple[Artifact, ...]
) -> None:
    for steps in range(1000):
        output = tmp_path / str(steps)
        build(output)
        finished = fuse.apply(compared(output, target), steps)
        assert_whole(output, texts(TWO), target)
        build(output, then)
        assert compared(output, then).in_sync
        assert tree(output) == texts(then)
        if finished:
            break
    assert 20 < steps < 1000


artifact_sets = st.dictionaries(
    st.tuples(st.sampled_from(["lvs1", "lvs2", "rs1"]), st.sampled_from(["a.conf", "b.rules", "lvs.sh"])),
    st.tuples(st.sampled_from(["", "1\n", "2\n", "3\n"]), st.sampled_from([0o644, 0o755])),
    max_size=6,
).map(lambda files: tuple(Artifact(*path, *content) for path, content in files.items()))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(artifact_sets, st.none() | st.integers(0, 60)), min_size=2, max_size=5))
def test_any_builds_stopped_anywhere_can_be_completed(
    fuse: Fuse, builds: list[tuple[tuple[Artifact, ...], int | None]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder)
        for artifacts, steps in builds:
            before = tree(output)
            changeset = compared(output, artifacts)
            assert changeset.blocking == ()
            finished = fuse.apply(changeset, 10_000 if steps is None else steps)
            assert_whole(output, before, artifacts)
            if finished:
                assert compared(output, artifacts).in_sync
                assert tree(output) == texts(artifacts)
        build(output, THIRD)
        assert tree(output) == texts(THIRD)


ENDLESS = """
import itertools, sys
from lvsgen.sums import Artifact, Request
from lvsgen.tree import apply, compare
for number in itertools.count():
    hosts = ("lvs1", "lvs2", f"rs{number % 2}")
    artifacts = tuple(Artifact(host, f"{n}.conf", f"{number} {n}\\n" * 2000) for host in hosts for n in range(4))
    assert apply(compare(Request(cluster="shop", hosts=hosts, artifacts=artifacts, output=sys.argv[1]))) is None
    print(number, flush=True)
"""


def test_killed_at_any_moment(tmp_path: Path) -> None:
    for attempt in range(8):
        command = [sys.executable, "-c", ENDLESS, str(tmp_path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}) as process:
            assert process.stdout
            assert process.stdout.readline() == b"0\n"
            time.sleep(0.013 * attempt)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        for path, text in tree(tmp_path).items():
            if not Path(path).name.startswith(".lvsgen-"):
                lines = text.splitlines()
                assert len(lines) == 2000
                assert len(set(lines)) == 1
        if attempt % 2:
            build(tmp_path, TWO)
            assert tree(tmp_path) == texts(TWO)


def test_what_a_killed_build_left_is_reported_and_removed(output: Path) -> None:
    (output / "lvs1/.lvsgen-0.tmp").write_text("half")
    (output / "rs7").mkdir()
    (output / "rs7/.lvsgen-1.tmp").write_text("half")
    changeset = build(output)
    assert statuses(changeset) == {"lvs1/.lvsgen-0.tmp": "delete", "rs7/.lvsgen-1.tmp": "delete"}
    assert tree(output) == texts(TWO)
    assert not (output / "rs7").exists()
