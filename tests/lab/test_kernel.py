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
