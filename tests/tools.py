"""Real tools that judge what lvsgen generates: where they are, and what to do when one is missing.

`need("keepalived")` gives a test the path of a tool. A missing tool fails the test, with the one command that installs
everything; `LVSGEN_ALLOW_MISSING_TOOLS=1` skips it instead, but never under CI. Run as a program, this module says
what the machine lacks (`make test` does that first) or, with `--packages`, lists the Debian packages (`.ci/run`).
It imports nothing but the standard library, so that it runs before there is an environment.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from typing import NoReturn

PACKAGES = {
    "busybox": "busybox-static",
    "cpio": "cpio",
    "dash": "dash",
    "depmod": "kmod",
    "git": "git",
    "ip": "iproute2",
    "ip6tables-restore": "iptables",
    "iptables-restore": "iptables",
    "ipvsadm": "ipvsadm",
    "keepalived": "keepalived",
    "nft": "nftables",
    "openssl": "openssl",
    "qemu-system-x86_64": "qemu-system-x86",
    "sha256sum": "coreutils",
    "unshare": "util-linux",
}
"""Tool: the Debian and Ubuntu package that holds it."""

FROM_PYPI = ("check-jsonschema", "shellcheck", "yamllint")
"""Tools that come with the `dev` extra, into the environment of this interpreter."""


def find(tool: str) -> str | None:
    """Path of `tool`: from this environment, from PATH, or from the folders that only root has in its PATH."""
    folders = [sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
    return shutil.which(tool, path=os.pathsep.join(folders))


def missing() -> tuple[str, ...]:
    """The tools that are not there, sorted."""
    return tuple(sorted(tool for tool in (*PACKAGES, *FROM_PYPI) if find(tool) is None))


def packages_for(tools: Sequence[str]) -> list[str]:
    """The Debian packages that hold `tools`."""
    return sorted({PACKAGES[tool] for tool in tools if tool in PACKAGES})


def install_command(tools: Sequence[str]) -> str:
    """The one command that installs `tools`."""
    packages = packages_for(tools)
    root = "" if os.geteuid() == 0 else "sudo "
    commands = [f"{root}apt-get install -y --no-install-recommends {' '.join(packages)}"] if packages else []
    if any(tool in FROM_PYPI for tool in tools):
        commands.append(f"{sys.executable} -m pip install -e '.[dev]'")
    return " && ".join(commands)


def may_skip() -> bool:
    """Whether a missing tool may skip its tests. Under CI it never may."""
    return os.environ.get("LVSGEN_ALLOW_MISSING_TOOLS") == "1" and os.environ.get("CI", "") in ("", "0", "false")


def lacking(reason: str) -> NoReturn:
    """End the test that cannot run here: it fails, or is skipped where that is allowed."""
    import pytest  # here, because the program below runs without it

    if may_skip():
        pytest.skip(reason)
    pytest.fail(reason, pytrace=False)


def need(tool: str) -> str:
    """Path of a tool that the test cannot do without."""
    path = find(tool)
    if path is None:
        lacking(f"{tool} is missing: {install_command(missing())}")
    return path


@functools.cache
def _namespace_command() -> tuple[str, ...] | None:
    """How to get a network namespace here: as root, or as root of a user namespace of one's own."""
    for flags in (["-n"], ["-r", "-n"]):
        command = [find("unshare") or "unshare", *flags]
        if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return tuple(command)
    return None


_IN_NAMESPACE = """
ip=$1; shift
while [ "$1" != -- ]; do
	# Some kernels have one of the two.
	"$ip" link add "$1" type dummy 2>/dev/null || "$ip" link add "$1" type veth || exit 99
	"$ip" link set "$1" up || exit 99
	shift
done
shift
"$ip" link set lo up
exec "$@"
"""


def in_namespace_command(interfaces: Sequence[str] = ()) -> list[str] | None:
    """The words to put before a command so that it runs as `in_namespace` says; None: not possible here."""
    namespace, ip = _namespace_command(), find("ip")
    return [*namespace, "sh", "-c", _IN_NAMESPACE, "sh", ip, *interfaces, "--"] if namespace and ip else None


def in_namespace(
    command: Sequence[str], *, interfaces: Sequence[str] = (), stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `command` in a network namespace of its own that has `lo` and these interfaces, all up.

    keepalived -t wants its interfaces to exist, and iptables-restore --test reads the tables of the namespace it is
    in: neither may see or touch those of this machine.
    """
    need("unshare")
    need("ip")
    prefix = in_namespace_command(interfaces)
    if prefix is None:
        lacking("network namespaces are not allowed here: run the tests as root")
    return subprocess.run([*prefix, *command], input=stdin, capture_output=True, text=True, timeout=60)


def main(arguments: Sequence[str]) -> int:
    """Say what is missing here, and how to get it."""
    if list(arguments) == ["--packages"]:
        print(*packages_for(missing()))
        return 0
    lack = missing()
    if not lack:
        return 0
    print(f"This machine lacks: {', '.join(lack)}", file=sys.stderr)
    print(f"Install with:       {install_command(lack)}", file=sys.stderr)
    if may_skip():
        print("LVSGEN_ALLOW_MISSING_TOOLS=1: tests that need them are skipped.", file=sys.stderr)
        return 0
    print("Or run what can run: LVSGEN_ALLOW_MISSING_TOOLS=1 make test", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
