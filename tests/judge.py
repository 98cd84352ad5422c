"""The judge of what is generated: real tools where they can run, strict grammars of their manuals where they cannot.

`objections` takes generated files and returns what is wrong with them, in words; nothing if all is well. The grammars
are narrower than the tools, so that a line that only happens to be accepted is seen as well.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from ipaddress import ip_address, ip_interface
from pathlib import Path

from lvsgen.resources import read_text
from lvsgen.sums import HEADER, Artifact
from tests.tools import in_namespace, need

_V4 = r"\d{1,3}(?:\.\d{1,3}){3}"
_V6 = r"[0-9a-f:]*:[0-9a-f:.]+"
_IP = rf"(?:{_V4}|{_V6})"
_PREFIX = rf"{_IP}/\d{{1,3}}"
_PORT = r"\d{1,5}"
_SOCKET = rf"(?:{_V4}:{_PORT}|\[{_V6}\]:{_PORT})"
_DEVICE = r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,14}"
_SERVICE = rf"(?:(?:-t|-u|--sctp-service) {_SOCKET}|-f [1-9]\d{{0,9}}(?: -6)?)"
_FLAGS = "(?:sh|mh)-(?:fallback|port)"

_ADD = re.compile(
    rf"-A (?P<service>{_SERVICE}) -s [a-z]+(?: -p [1-9]\d*(?: -M (?:{_V4}|\d{{1,3}}))?)?(?: --pe sip)?(?: --ops)?"
    rf"(?: -b {_FLAGS}(?:,{_FLAGS})?)?"
)
_DESTINATION = re.compile(
    rf"-a (?P<service>{_SERVICE}) -r (?P<real>{_SOCKET}) (?:-g|-m|-i) -w \d{{1,5}}"
    rf"(?: --tun-type (?:gre|gue --tun-port {_PORT})(?: --tun-csum| --tun-remcsum)?)?(?: -x \d+)?(?: -y \d+)?"
)

_LINES = {
    "host.conf": re.compile(
        r"(?:cluster|host)=[a-z0-9][a-z0-9._-]*|roles=(?:director|realserver|director realserver)"
        r"|writer=(?:script|keepalived|none)"
    ),
    "modules.conf": re.compile(r"[a-z0-9_]+"),
    "modprobe.conf": re.compile(r"options [a-z0-9_]+(?: [a-z_]+=\d+(?:,\d+)*)+"),
    "links.batch": re.compile(
        rf"link add name {_DEVICE} type dummy|link set (?:dev )?{_DEVICE} up|fou add port {_PORT} gue(?: -6)?"
        rf"|link add {_DEVICE} type (?:(?:ip6)?gre local {_IP} icsum|ip6tnl mode ipip6 local {_V6} remote ::)"
    ),
    "sysctl.conf": re.compile(
        r"(?:net|kernel|vm|fs)(?:\.[A-Za-z0-9_/-]+)+ = [A-Za-z0-9_.,:/+-](?:[A-Za-z0-9_.,:/+ -]*)"
    ),
    "ipvs.conf": re.compile(
        rf"--set \d+ \d+ \d+|--start-daemon (?:master|backup) --mcast-interface {_DEVICE} --syncid \d+"
        rf"(?: --sync-maxlen \d+)?(?: --mcast-group {_IP})?(?: --mcast-port {_PORT})?(?: --mcast-ttl \d+)?"
    ),
    "ipvs.rules": re.compile(
        rf"{_ADD.pattern}|{_DESTINATION.pattern}".replace("?P<service>", "?:").replace("?P<real>", "?:")
    ),
    "routes.batch": re.compile(
        rf"route replace (?:default|::/0) via {_IP}(?: dev {_DEVICE})?"
        rf"|route replace {_PREFIX} dev {_DEVICE}(?: scope link)?"
        rf"|route del {_PREFIX} dev {_DEVICE}|route replace local (?:0\.0\.0\.0/0|::/0) dev lo table \d+"
        rf"|rule add from (?:0\.0\.0\.0/0|::/0) fwmark \d+ lookup \d+ priority 100"
    ),
    "addresses.batch": re.compile(
        rf"address replace (?:{_V4}/32|{_V6}/128) dev {_DEVICE}(?: nodad)?(?: preferred_lft 0)?"
    ),
    "secrets.conf": re.compile(r"@[0-9a-f]{6}@ /[A-Za-z0-9._/@+:,=-]+"),
    ".service": re.compile(
        r"\[(?:Unit|Service|Install)\]|Description=LVS cluster [a-z0-9._-]+|(?:Wants|After)=network-online\.target"
        r"|Before=keepalived\.service|Type=oneshot|RemainAfterExit=yes|WantedBy=multi-user\.target"
        r"|Exec(?:Start|Stop)=/etc/lvsgen/[a-z0-9._-]+/lvs\.sh (?:apply|stop)"
        r"|ExecStartPre=/bin/sh -c '\[ -e (?P<at>/etc/lvsgen/[a-z0-9._-]+) \] \|\| mv (?P=at)\.lvsgen-new (?P=at)'"
    ),
}
"""What a line may be that is neither empty nor a comment."""
_BY_TOOLS = ("iptables.rules", "ip6tables.rules", "nftables.conf", "keepalived.conf", "lvs.sh")
_ONCE: dict[str, Callable[[str], str]] = {
    "host.conf": lambda line: line.partition("=")[0],
    "modules.conf": str,
    "modprobe.conf": str,
    "links.batch": str,
    "sysctl.conf": lambda line: line.partition(" ")[0],
    "ipvs.rules": lambda line: " ".join(line.split(" -s ")[0].split(" -w ")[0].split()),
    "routes.batch": str,
    "addresses.batch": lambda line: " ".join(line.split()[2:5]),
    "secrets.conf": lambda line: line.partition(" ")[0],
}
"""What must not occur twice in a file."""

_TOOLS = r"""
cd "$1" || exit 99; shift
ip=$1 iptables=$2 ip6tables=$3 nft=$4 keepalived=$5; shift 5
for device; do
	"$ip" link add name "$device" type dummy 2>/dev/null || "$ip" link add name "$device" type veth || exit 99
	"$ip" link set dev "$device" up
done
judge() {
	name=$1; shift
	for file in */"$name"; do
		[ -e "$file" ] || continue
		said=$("$@" "$file" 2>&1) || printf 'objection: %s: %s\n' "$file" "$said"
	done
}
judge iptables.rules "$iptables" --test --noflush
judge ip6tables.rules "$ip6tables" --test --noflush
judge nftables.conf "$nft" -c -f
judge keepalived.conf "$keepalived" -t -f
judge addresses.batch "$ip" -batch
:
"""
_DEVICES = re.compile(
    rf"^(?:address replace \S+ dev|    interface|    lvs_sync_daemon| +{_PREFIX} dev) ({_DEVICE})(?: |$)", re.MULTILINE
)
_TRACKED = re.compile(r"^    track_interface \{\n(.*?)\}", re.MULTILINE | re.DOTALL)
_USER = re.compile(r"^( *(?:script_)?user) \S+$", re.MULTILINE)


def objections(artifacts: Iterable[Artifact]) -> list[str]:
    """Everything that a tool or a grammar has to say against these files."""
    files = list(artifacts)
    found = [f"{one.host}/{one.name}: {text}" for one in files for text in _by_grammar(one)]
    return found + _by_tools(files)


def data_lines(text: str) -> list[str]:
    """Lines that are neither empty nor comments."""
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def _by_grammar(artifact: Artifact) -> Iterator[str]:
    name, text = artifact.name, artifact.text
    if name == "lvs.sh":
        if text != read_text("templates/lvs.sh"):
            yield "is not the script"
        return
    if not text.startswith(HEADER + "\n"):
        yield "has no header"
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield "does not end with one line break"
    unwanted = {c for c in text if not c.isprintable() and c not in "\n\t" and not c.isspace() and ord(c) < 0xA0}
    if unwanted:
        yield f"has control characters: {sorted(map(ord, unwanted))}"
    if len(text.splitlines()) != text.count("\n"):
        yield "has another line break than a line feed"
    lines = data_lines(text)
    if name not in _BY_TOOLS:
        grammar = _LINES[".service" if name.endswith(".service") else name]
        for line in lines:
            if not grammar.fullmatch(line):
                yield f"has the line {line!r}"
    if name in _ONCE:
        yield from (f"says {what!r} {n} times" for what, n in Counter(map(_ONCE[name], lines)).items() if n > 1)
    if name == "ipvs.rules":
        yield from _table(lines)
    if name in ("ipvs.rules", "routes.batch", "addresses.batch"):
        yield from _addresses(lines)


def _table(lines: Iterable[str]) -> Iterator[str]:
    """Each destination below its own virtual service."""
    service = ""
    for line in lines:
        if add := _ADD.fullmatch(line):
            service = add["service"]
            if "--ops" in line and not re.match("-[uf] ", service):
                yield f"has one-packet scheduling without UDP: {line}"
        elif (destination := _DESTINATION.fullmatch(line)) and destination["service"] != service:
            yield f"has a destination of {destination['service']} below {service}"


def _addresses(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        for word in line.split():
            try:
                if re.fullmatch(_SOCKET, word):
                    host, _, port = word.rpartition(":")
                    ip_address(host.strip("[]"))
                    if int(port) > 65535:
                        yield f"has the port {port}"
                elif re.fullmatch(_PREFIX, word):
                    ip_interface(word)
            except ValueError as error:
                yield str(error)


def _by_tools(files: list[Artifact]) -> list[str]:
    """All tools in one network namespace that has all interfaces."""
    judged = {(one.name, one.text): one for one in files if one.name in (*_BY_TOOLS, "addresses.batch")}
    devices: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        for (name, text), one in judged.items():
            path = Path(folder, one.host, name)
            path.parent.mkdir(exist_ok=True)
            if name == "keepalived.conf":
                # With another user than root, keepalived 2.2.7 -t kills itself (lib/notify.c, check_script_secure).
                text = _USER.sub(r"\1 root", text)
                devices.update(word for block in _TRACKED.findall(text) for word in block.split())
            if name != "lvs.sh":
                path.write_text(text, encoding="utf-8")
            if name in ("keepalived.conf", "addresses.batch"):
                devices.update(_DEVICES.findall(text))
        tools = [need(tool) for tool in ("ip", "iptables-restore", "ip6tables-restore", "nft", "keepalived")]
        run = in_namespace(["sh", "-c", _TOOLS, "sh", folder, *tools, *sorted(devices - {"lo"})])
    if run.returncode:
        return [f"the tools did not run: {run.stderr}"]
    return ["objection: " + text for text in run.stdout.split("objection: ") if text]
