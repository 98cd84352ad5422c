"""A kernel for the lab's virtual machine: takes the cache folder, returns an unpacked Debian kernel package.

The package comes from the distribution's own package manager, unprivileged: apt checks it against the signed index of
the archive. It is fetched once; later runs find it unpacked. That of this machine's release lies in the cache folder
itself, those of other Debian releases each in a folder of that name, with an index of their own.
"""

from __future__ import annotations

import os
import platform
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lvsgen.diagnostics import quote

META_PACKAGE = "linux-image-amd64"
"""Depends on the newest kernel of the release. The `cloud` kernels lack 9p, which the machine boots from."""

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
"""What every Debian release is signed with (package debian-archive-keyring)."""

TOOLS = {
    "qemu-system-x86_64": "qemu-system-x86",
    "busybox": "busybox-static",
    "cpio": "cpio",
    "modprobe": "kmod",
    "depmod": "kmod",
    "ipvsadm": "ipvsadm",
    "python3": "python3",
    "ip": "iproute2",
    "unshare": "util-linux",
}
"""What the lab takes, and the Debian and Ubuntu package that holds it."""


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


def kernel(folder: Path, say: Callable[[str], None], wanted: str = "") -> Kernel:
    """The newest kernel of a Debian release; if the cache has none, it is fetched. `wanted` is the name of that release
    (this machine's own, if empty), or what `uname -r` says of a kernel that is in the cache.
    """
    if wanted[:1].isdigit():
        return _of_release(folder, wanted)
    if not re.fullmatch(r"[a-z][a-z-]*|", wanted):
        raise CannotPlay(f"{quote(wanted)} is neither a Debian release, such as `trixie`, nor a kernel's")
    archive = "" if wanted == _own_release() else wanted
    place = folder / archive
    found = max(_unpacked(place), key=_age, default=None)
    if found is None:
        say(f"fetching a kernel package into {place} (about 100 MB, once)")
        _fetch(folder, archive)
        found = max(_unpacked(place), key=_age, default=None)
    if found is None:
        raise CannotPlay(f"the kernel package in {place} holds no kernel; delete that folder and run this again")
    return found


def _of_release(folder: Path, wanted: str) -> Kernel:
    cached = [*_unpacked(folder), *(one for place in sorted(folder.glob("*/")) for one in _unpacked(place))]
    for one in cached:
        if one.release == wanted:
            return one
    names = ", ".join(one.release for one in cached) or "no kernel at all"
    raise CannotPlay(f"there is no kernel {quote(wanted)} in {folder}, but {names}; name a Debian release to fetch one")


def _own_release() -> str:
    """The code name of this machine's distribution (os-release(5)); it may have none."""
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


def _unpacked(folder: Path) -> list[Kernel]:
    images = folder.glob("*/boot/vmlinuz-*")
    return [Kernel(image.parent.parent, image, image.name.removeprefix("vmlinuz-")) for image in images]


def _age(one: Kernel) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", one.release)]


def _fetch(folder: Path, archive: str) -> None:
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
        config = _index(archive, work) if archive else None
        package = _package_name(config)
        _run([tool("apt-get"), "-q", "download", package], work, config)
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
        target = folder / archive / release
        target.parent.mkdir(exist_ok=True)
        if not target.exists():
            new.rename(target)


def _index(archive: str, work: Path) -> Path:
    """A configuration of apt for another release of the distribution, with an index of its own below `work`, from where
    this machine has its packages. apt takes it only with a signature of the distribution's own keys.
    """
    wanted = "$(ORIGIN) $(LABEL) $(COMPONENT) $(REPO_URI)"
    said = _run([tool("apt-get"), "indextargets", "--format", wanted, "Created-By: Packages"])
    places = [words[3] for line in said.splitlines() if (words := line.split())[:3] == ["Debian", "Debian", "main"]]
    if not places:
        raise CannotPlay(
            f"apt has no index of Debian here, so no kernel of {quote(archive)} can be fetched: run `apt-get update`, "
            "or use a machine with Debian"
        )
    if not KEYRING.exists():
        raise CannotPlay(f"{KEYRING} is missing; install the package debian-archive-keyring")
    settings = {
        "Dir::Etc::sourcelist": work / "sources.list",
        "Dir::Etc::sourceparts": "-",
        "Dir::State::lists": work / "lists",
        "Dir::Cache": work / "cache",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": pwd.getpwuid(os.geteuid()).pw_name,
    }
    for name in ("lists", "cache"):
        (work / name).mkdir()
    (work / "sources.list").write_text(f"deb [signed-by={KEYRING}] {places[0]} {archive} main\n")
    config = work / "apt.conf"
    config.write_text("".join(f'{key} "{value}";\n' for key, value in settings.items()))
    _run([tool("apt-get"), "-q", "update"], work, config)
    return config


def _package_name(config: Path | None) -> str:
    """The kernel that the meta package stands for."""
    said = _run([tool("apt-cache"), "depends", META_PACKAGE], config=config)
    names = [line.split()[-1] for line in said.splitlines() if "Depends: linux-image-" in line]
    if not names:
        raise CannotPlay(
            f"apt knows no {META_PACKAGE}: run `apt-get update`, or use a Debian release that has it in its archive"
        )
    return names[0]


def _run(command: Sequence[str], folder: Path | None = None, config: Path | None = None) -> str:
    """What a command says, with a configuration of apt in addition to this machine's (apt.conf(5))."""
    more = {"APT_CONFIG": str(config)} if config else {}
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, env={**os.environ, **more})
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise CannotPlay(f"`{' '.join(command)}` fails: {' '.join(last)}")
    return done.stdout
