"""A description as it was in a revision, and revisions that cannot be had."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lvsgen.lab.kernel import CannotPlay
from lvsgen.lab.revision import copy
from tests import tools
from tests.conftest import Lvsgen

ROOT_FILE = "cluster: shop\ninclude: [teams/web.yaml]\n"


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", "-C", folder, *identity, *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Two commits: in the first one the description is `old`; the work tree has changes that were never committed."""
    tools.need("git")
    top = tmp_path / "repository"
    folder = top / "sites" / "shop"
    (folder / "teams").mkdir(parents=True)
    git(tmp_path, "init", "-q", str(top))
    (folder / "cluster.yaml").write_text(ROOT_FILE)
    (folder / "teams/web.yaml").write_text("# old\n")
    (folder / "notes.txt").write_text("not part of it\n")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "old")
    git(top, "tag", "v1")
    (folder / "teams/web.yaml").write_text("# new\n")
    (folder / "cluster.yaml").write_text("cluster: shop\n")
    git(top, "commit", "-qam", "new")
    (folder / "cluster.yaml").write_text("cluster: uncommitted\n")
    return top


def test_the_files_are_those_of_the_revision(repository: Path, tmp_path: Path) -> None:
    before = git(repository, "status", "--porcelain"), (repository / ".git/index").read_bytes()
    root = copy(str(repository / "sites/shop/cluster.yaml"), "v1", tmp_path / "out")
    assert root == tmp_path / "out/cluster.yaml"
    assert root.read_text() == ROOT_FILE
    assert (root.parent / "teams/web.yaml").read_text() == "# old\n"
    assert sorted(path.name for path in root.parent.rglob("*")) == ["cluster.yaml", "teams", "web.yaml"]
    assert (git(repository, "status", "--porcelain"), (repository / ".git/index").read_bytes()) == before


@pytest.mark.parametrize("revision", ["HEAD~1", "main~", "v1^{commit}"])
def test_any_name_of_a_commit_will_do(repository: Path, tmp_path: Path, revision: str) -> None:
    assert copy(str(repository / "sites/shop/cluster.yaml"), revision, tmp_path / "out").read_text() == ROOT_FILE


@pytest.mark.parametrize("revision", ["", "--output=/etc/passwd", "-p", "a\nb", "\0"])
def test_a_revision_is_never_an_option(repository: Path, tmp_path: Path, revision: str) -> None:
    with pytest.raises(CannotPlay, match="is no revision: name a commit"):
        copy(str(repository / "sites/shop/cluster.yaml"), revision, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "revision", "says"),
    [
        ("cluster.yaml", "v2", "the repository has no revision `v2`"),
        ("cluster.yaml", "v1:sites/shop/notes.txt", "the repository has no revision"),
        ("cluster.yaml", "v1^{tree}", "the repository has no revision"),
        ("other.yaml", "v1", "`sites/shop/other.yaml` does not exist in `v1`"),
        ("teams", "v1", "`sites/shop/teams` is not a file in `v1`"),
    ],
)
def test_what_is_not_there(repository: Path, tmp_path: Path, name: str, revision: str, says: str) -> None:
    with pytest.raises(CannotPlay) as error:
        copy(str(repository / "sites/shop" / name), revision, tmp_path / "out")
    assert says in str(error.value)


def test_a_link_is_not_followed(repository: Path, tmp_path: Path) -> None:
    folder = repository / "sites/shop"
    (folder / "cluster.yaml").unlink()
    (folder / "cluster.yaml").symlink_to("/etc/passwd")
    git(repository, "commit", "-qam", "link")
    with pytest.raises(CannotPlay, match=r"is not a file in `HEAD` \(a folder, or a symbolic link\)"):
        copy(str(folder / "cluster.yaml"), "HEAD", tmp_path / "out")


def test_nothing_outside_of_the_folder_is_taken(repository: Path, tmp_path: Path) -> None:
    folder = repository / "sites/shop"
    (folder / "cluster.yaml").write_text("include: [../secret.yaml, /etc/passwd, teams/web.yaml]\n")
    (folder.parent / "secret.yaml").write_text("# secret\n")
    git(repository, "add", "-A")
    git(repository, "commit", "-qm", "outside")
    copy(str(folder / "cluster.yaml"), "HEAD", tmp_path / "out/in")
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.yaml")) == ["cluster.yaml", "web.yaml"]


def test_without_a_repository(tmp_path: Path) -> None:
    tools.need("git")
    (tmp_path / "cluster.yaml").write_text("cluster: shop\n")
    with pytest.raises(CannotPlay, match="is in no Git repository"):
        copy(str(tmp_path / "cluster.yaml"), "HEAD", tmp_path / "out")


def test_a_hook_has_its_own_repository(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a hook, git's environment names the repository that the hook is of."""
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "elsewhere/index"))
    assert copy(str(repository / "sites/shop/cluster.yaml"), "v1", tmp_path / "out").exists()


VALID = """
cluster: {name}
directors: {{director: {{interfaces: {{eth0: 192.0.2.2/24}}}}}}
realservers: {{rs1: 192.0.2.11}}
services: {{web: {{vip: 192.0.2.100, tcp: 80, method: dr, {more}}}}}
"""


@pytest.mark.parametrize(
    ("old", "says"),
    [
        ("cluster: [\n", "the description of `HEAD` has errors, such as LVS003 in cluster.yaml:2: "),
        (VALID.format(name="other", more=""), "the cluster was called other: another name is another cluster"),
    ],
)
def test_an_old_description_that_cannot_be_played(lvsgen: Lvsgen, tmp_path: Path, old: str, says: str) -> None:
    tools.need("git")
    git(tmp_path, "init", "-q")
    (tmp_path / "cluster.yaml").write_text(old)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "old")
    (tmp_path / "cluster.yaml").write_text(VALID.format(name="shop", more=""))
    ran = lvsgen("lab", tmp_path, "--from", "HEAD")
    assert ran.code == 2
    assert says in ran.err
    assert str(tmp_path) not in ran.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--only", "change"], "`change` is from one revision to another: say --from REV"),
        (["--from", "HEAD", "--only", "arp"], "--from plays `change` and nothing else"),
        (["--from=--help"], "`--help` is no revision"),
    ],
)
def test_what_does_not_go_together(lvsgen: Lvsgen, tmp_path: Path, arguments: list[str], says: str) -> None:
    (tmp_path / "cluster.yaml").write_text(VALID.format(name="shop", more=""))
    ran = lvsgen("lab", tmp_path, *arguments)
    assert ran.code == 2
    assert says in ran.err


def test_standard_input_has_no_revisions(lvsgen: Lvsgen) -> None:
    ran = lvsgen("lab", "-", "--from", "HEAD", stdin=VALID.format(name="shop", more="").encode())
    assert (ran.code, "not standard input" in ran.err) == (2, True)
