"""The kernels that the lab is tried on: those of two Debian releases."""

from __future__ import annotations

import functools
import platform

import pytest

from lvsgen.lab import kernel
from lvsgen.lab.kernel import CannotPlay, Kernel
from tests import tools

KERNELS = {"bookworm": "6.1", "trixie": "6.12"}
"""Debian release: its kernel."""


def first() -> str:
    """The one of them that is this machine's own, or else the oldest."""
    own = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    return own if own in KERNELS else next(iter(KERNELS))


@functools.cache
def find(name: str) -> Kernel | str:
    """The kernel of a Debian release, or why there is none."""
    try:
        return kernel.kernel(kernel.cache_folder(), lambda text: None, name)
    except CannotPlay as error:
        return f"no kernel of {name}: {error}"


def need(name: str) -> Kernel:
    """The kernel of a Debian release. Where it cannot be had the test fails; on another distribution it is skipped, as
    there is no index of Debian there.
    """
    found = find(name)
    if isinstance(found, str):
        if platform.freedesktop_os_release().get("ID") != "debian":
            pytest.skip(found)
        tools.lacking(found)
    assert found.release.startswith(f"{KERNELS[name]}.")
    return found
