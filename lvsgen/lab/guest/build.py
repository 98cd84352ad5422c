"""Makes the machines of a job, joins them, and starts their responders."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lvsgen.lab.guest.namespaces import Host, Segments
from lvsgen.lab.guest.responders import CERTIFICATE, respond
from lvsgen.lab.guest.wire import Job

_BASELINE = {"net.ipv4.conf.all.rp_filter": "2", "net.ipv4.conf.default.rp_filter": "2"}
"""What systemd sets on every host of Debian; a new namespace has what the kernel was built with."""


def load(modules: tuple[str, ...]) -> None:
    """Load kernel modules before anything is compared, as no `stop` unloads one. Options follow a space."""
    plain = [module for module in modules if " " not in module]
    commands = [["-a", *plain], *(module.split() for module in modules if " " in module)]
    for words in commands:
        subprocess.run(["modprobe", *words], check=False, capture_output=True)


def build(job: Job, segments: Segments) -> dict[str, Host]:
    """The machines, ready to be used; nothing generated has been applied."""
    hosts: dict[str, Host] = {}
    for machine in job.machines:
        hosts[machine.name] = Host(machine)
    segments.batch(
        line
        for number, host in enumerate(hosts.values())
        for nic in host.machine.nics
        for line in (
            f"link add p{number}{nic.device[:10]} mtu {nic.mtu} type veth peer name {nic.device} netns {host.pid}",
            f"link set p{number}{nic.device[:10]} master s{nic.segment} up",
        )
    )
    for host in hosts.values():
        _configure(host)
    return hosts


def _configure(host: Host) -> None:
    machine = host.machine
    lines = ["link set lo up"]
    for nic in machine.nics:
        lines.append(f"link set {nic.device} address {nic.mac} mtu {nic.mtu} up")
        lines += [
            f"address add {address} dev {nic.device}" + (" nodad" if ":" in address else "")
            for address in nic.addresses
        ]
    lines += [f"route add {route}" for route in machine.routes]
    settings = {**_BASELINE, **machine.sysctls}
    before = [f"echo {value} >/proc/sys/{_path(key)}" for key, value in settings.items()]
    batch = ["ip -batch - <<'END'", *lines, "END"]
    host.must("\n".join(["set -e", *before, *batch, *machine.setup]))


def _path(key: str) -> str:
    """A sysctl key as a path: `/` stands for a dot within an interface name (sysctl(8))."""
    return key.replace("/", "\0").replace(".", "/").replace("\0", ".")


def start(host: Host) -> None:
    """Start all responders of a machine."""
    for responder in host.machine.responders:
        host.spawn(respond, host.machine.name, responder)


def certify(hosts: Mapping[str, Host], work: Path) -> None:
    """One throw-away certificate for all TLS responders, signed by itself."""
    wanting = [h for h in hosts.values() if any(r.speech == "tls" for r in h.machine.responders)]
    if not wanting:
        return
    made = work / "certificate.pem"
    if not made.exists():
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc"]
        command += ["-days", "2", "-subj", "/CN=lab.example", "-keyout", f"{made}.key", "-out", f"{made}.crt"]
        subprocess.run(command, check=True, capture_output=True)
        made.write_bytes(Path(f"{made}.key").read_bytes() + Path(f"{made}.crt").read_bytes())
    for host in wanting:
        host.must(f"cat >{CERTIFICATE} <<'END'\n{made.read_text()}END")


def close(hosts: Mapping[str, Host], segments: Segments, work: Path) -> None:
    """Let everything go."""
    for host in hosts.values():
        host.close()
    segments.close()
    shutil.rmtree(work, ignore_errors=True)
