"""`keepalived -t`: takes the text of a keepalived.conf, returns what keepalived objects to.

It ends with 0 only if it would start with what is written; with 5 where it would repair something and start anyway. It
wants every interface to exist, so it runs in a network namespace of its own that has them; where none can be made,
what it says about interfaces is left out. Scripts and their users are those of the director, and not of this machine:
what it says of missing scripts is left out, and in the copy that is judged their users are root.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

_SECONDS = 60
_REPAIRS = 5
_NAME = "keepalived.conf"
_LINE = re.compile(r"\((?:[^()]*: )?Line (\d+)\) (.*)")
_USER = re.compile(r"^(\s+)(script_user|user) .*$", re.MULTILINE)
_INTERFACE = re.compile(r"interface\b.*\bdoesn't exist|^Non-existent interface specified")
_SCRIPT = re.compile(r"^Disabling (track|misc) script .* not found/accessible$")
_MAKE_INTERFACES = """
ip=$1; shift
while [ "$1" != -- ]; do
	"$ip" link add "$1" type dummy 2>/dev/null || "$ip" link add "$1" type veth || exit 99
	"$ip" link set "$1" up || exit 99
	shift
done
shift
"$ip" link set lo up
exec "$@"
"""


@dataclass(frozen=True, slots=True)
class Remark:
    """What keepalived says, and of which line; 0 where it names none."""

    line: int
    words: str


@dataclass(frozen=True, slots=True)
class Answer:
    """The remarks; or why there is no verdict."""

    remarks: tuple[Remark, ...] = ()
    failure: str = ""


def find(tool: str = "keepalived") -> str | None:
    """Where a tool is, also in the folders that only root has in its PATH."""
    return shutil.which(tool, path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin")))


def ask(tool: str, text: str) -> Answer:
    """Let keepalived read a configuration."""
    with tempfile.TemporaryDirectory(prefix="lvsgen-") as folder:
        path = Path(folder) / _NAME
        path.write_text(_USER.sub(r"\1\2 root", text), encoding="utf-8")
        around = _around(text)
        try:
            ran = subprocess.run(
                [*around, tool, "-t", "-f", str(path)],
                check=False,
                cwd=folder,
                env={**os.environ, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_SECONDS,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return Answer(failure=str(error))
    return understood(ran.returncode, ran.stdout.decode("utf-8", "replace"), has_interfaces=bool(around))


def understood(code: int, output: str, *, has_interfaces: bool) -> Answer:
    """What an exit code and the lines before it mean."""
    if code == 0:
        return Answer()
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if code != _REPAIRS:
        return Answer(failure=f"it ended with {code}" + (f", saying: {lines[-1]}" if lines else ""))
    # Each of its processes reads the file and says the same again.
    heard = dict.fromkeys(_remark(line) for line in lines if not _SCRIPT.match(line))
    kept = tuple(one for one in heard if has_interfaces or not _INTERFACE.search(one.words))
    if not lines:
        return Answer(failure=f"it ended with {code}, and said nothing")
    if heard and not kept:
        return Answer(failure="the interfaces of the director are missing here")
    return Answer(remarks=kept)


def _remark(line: str) -> Remark:
    found = _LINE.fullmatch(line)
    return Remark(int(found[1]), found[2]) if found else Remark(0, line)


def _around(text: str) -> tuple[str, ...]:
    """The words to put before the command, so that the interfaces are there; none if that is not possible here."""
    words = text.split()
    keywords = ("interface", "dev", "lvs_sync_daemon")
    interfaces = sorted({name for word, name in pairwise(words) if word in keywords and name != "lo"})
    namespace, ip = _namespace(), find("ip")
    if namespace is None or ip is None or not all(re.fullmatch(r"[A-Za-z0-9_.-]{1,15}", name) for name in interfaces):
        return ()
    command = (*namespace, "sh", "-c", _MAKE_INTERFACES, "sh", ip, *interfaces, "--")
    made = subprocess.run([*command, "true"], check=False, capture_output=True, timeout=_SECONDS)
    return command if made.returncode == 0 else ()


@cache
def _namespace() -> tuple[str, ...] | None:
    """How to get a network namespace: as root, or as root of a user namespace of one's own."""
    unshare = find("unshare")
    for flags in (("-n",), ("-r", "-n")) if unshare else ():
        command = (unshare or "", *flags)
        if subprocess.run([*command, "true"], check=False, capture_output=True).returncode == 0:
            return command
    return None
