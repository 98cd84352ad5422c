"""A kernel for the lab's virtual machine: takes the cache folder, returns an unpacked Debian kernel package.

The package comes from the distribution's own package manager, unprivileged: apt checks it against the signed index of
the archive. It is fetched once; later runs find it unpacked.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

META_PACKAGE = "linux-image-amd64"
"""Depends on the newest kernel of the release. The `cloud` kernels lack 9p, which the machine boots from."""

TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "modprobe": "kmod",
    "depmod": "kmod",
    "ipvsadm": "ipvsadm",
    "python3": "python3",
    "ip": "iproute2",
}
"""What a virtual machine takes, and the Debian and Ubuntu package that holds it."""


class CannotPlay(Exception):
    """The lab cannot run here; the text says why and what to do, without a final period."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """An unpacked kernel package: the folder, the image in it, and its release as `uname -r` has it."""

    folder: Path
    image: Path
    release: str

    @property
    def modules(self) -> Path:
        """The folder of its modules; newer packages have it below /usr."""
        plain = self.folder / "lib/modules" / self.release
        return plain if plain.is_dir() else self.folder / "usr/lib/modules" / self.release


def cache_folder() -> Path:
    """Where kernels are kept (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "lvsgen" / "kernel"


def tool(name: str) -> str:
    """The path of a tool, also from folders that only root has in its PATH."""
    path = find_tool(name)
    if path is None:
        package = TOOLS.get(name)
        cure = f"; install the package {package}" if package else ""
        raise CannotPlay(f"{name} is missing{cure}")
    return path


def find_tool(name: str) -> str | None:
    """The path of a tool, or None."""
    folders = [os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin", "/usr/bin", "/bin"]
    return shutil.which(name, path=os.pathsep.join(folders))


def kernel(folder: Path, say: Callable[[str], None]) -> Kernel:
    """The newest kernel in the cache; an empty cache is filled first."""
    found = _unpacked(folder)
    if found is None:
        say(f"fetching a kernel package into {folder} (about 70 MB, once)")
        _fetch(folder)
        found = _unpacked(folder)
    if found is None:
        raise CannotPlay(f"the kernel package in {folder} holds no kernel; delete that folder and run this again")
    return found


def _unpacked(folder: Path) -> Kernel | None:
    images = list(folder.glob("*/boot/vmlinuz-*"))
    if not images:
        return None
    image = max(images, key=lambda path: [int(number) for number in re.findall(r"\d+", path.name)])
    return Kernel(image.parent.parent, image, image.name.removeprefix("vmlinuz-"))


def _fetch(folder: Path) -> None:
    """Everything happens in a folder of its own, which takes its name in the cache only when it is complete."""
    for name in ("apt-get", "apt-cache", "dpkg", "depmod"):
        if find_tool(name) is None:
            raise CannotPlay(
                f"{name} is missing, so no kernel can be fetched; unpack a Debian kernel package with `dpkg -x` into a "
                f"folder below {folder} and run `depmod -b` on it"
            )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as text:
        work = Path(text)
        package = _package_name()
        _run([tool("apt-get"), "-q", "download", package], work)
        archives = list(work.glob("*.deb"))
        if len(archives) != 1:
            raise CannotPlay(f"apt-get fetched no package {package}")
        new = work / "new"
        _run([tool("dpkg"), "-x", str(archives[0]), str(new)], work)
        images = list(new.glob("boot/vmlinuz-*"))
        if not images:
            raise CannotPlay(f"the package {package} holds no kernel")
        release = images[0].name.removeprefix("vmlinuz-")
        if not (new / "lib").exists():
            (new / "lib").symlink_to("usr/lib")
        _run([tool("depmod"), "-b", str(new), release], work)
        target = folder / release
        if not target.exists():
            new.rename(target)


def _package_name() -> str:
    """The kernel that the meta package stands for."""
    said = _run([tool("apt-cache"), "depends", META_PACKAGE], None)
    names = [line.split()[-1] for line in said.splitlines() if "Depends: linux-image-" in line]
    if not names:
        raise CannotPlay(
            f"apt knows no {META_PACKAGE}: run `apt-get update`, or use a Debian release that has it in its archive"
        )
    return names[0]


def _run(command: Sequence[str], folder: Path | None) -> str:
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise CannotPlay(f"`{' '.join(command)}` fails: {' '.join(last)}")
    return done.stdout
