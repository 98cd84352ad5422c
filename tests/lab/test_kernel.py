"""Where the kernel and the tools come from, and what is said if they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from lvsgen.lab import kernel


def test_the_newest_kernel_in_the_cache_is_used(tmp_path: Path) -> None:
    for release in ("6.1.0-56-amd64", "6.12.1-amd64", "6.9.7-amd64"):
        (tmp_path / release / "boot").mkdir(parents=True)
        (tmp_path / release / "boot" / f"vmlinuz-{release}").touch()
    found = kernel.kernel(tmp_path, pytest.fail)
    assert found.release == "6.12.1-amd64"
    assert found.modules == found.folder / "usr/lib/modules" / found.release


def cached(folder: Path, release: str) -> None:
    (folder / release / "boot").mkdir(parents=True)
    (folder / release / "boot" / f"vmlinuz-{release}").touch()


def test_a_kernel_is_chosen_by_its_debian_release_or_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"VERSION_CODENAME": "bookworm"})
    cached(tmp_path, "6.1.0-9-amd64")
    cached(tmp_path / "trixie", "6.12.5-amd64")
    cached(tmp_path / "trixie", "6.12.48-amd64")
    chosen = {
        "": "6.1.0-9-amd64",
        "bookworm": "6.1.0-9-amd64",
        "trixie": "6.12.48-amd64",
        "6.12.5-amd64": "6.12.5-amd64",
        "6.1.0-9-amd64": "6.1.0-9-amd64",
    }
    assert {name: kernel.kernel(tmp_path, pytest.fail, name).release for name in chosen} == chosen


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ("6.9", "there is no kernel `6.9` in .*, but 6.1.0-9-amd64; name a Debian release to fetch one"),
        ("../trixie", "`../trixie` is neither a Debian release, such as `trixie`, nor a kernel's"),
        ("trixie main\n", "is neither a Debian release"),
    ],
)
def test_other_names_are_refused(tmp_path: Path, wanted: str, says: str) -> None:
    cached(tmp_path, "6.1.0-9-amd64")
    with pytest.raises(kernel.CannotPlay, match=says):
        kernel.kernel(tmp_path, pytest.fail, wanted)
    assert [path.name for path in tmp_path.iterdir()] == ["6.1.0-9-amd64"]


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert kernel.cache_folder() == tmp_path / "lvsgen" / "kernel"


def test_a_missing_tool_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(kernel.TOOLS, "no-such-tool", "no-such-package")
    with pytest.raises(kernel.CannotPlay, match="no-such-tool is missing; install the package no-such-package"):
        kernel.tool("no-such-tool")


def test_without_apt_the_cure_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kernel, "find_tool", lambda name: None)
    with pytest.raises(kernel.CannotPlay, match=r"apt-get is missing, so no kernel can be fetched; .*dpkg -x"):
        kernel.kernel(tmp_path / "none", lambda text: None)
