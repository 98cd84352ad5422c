"""templates/lvs.sh on hosts of their own (network namespaces), and its IPVS delta against a model of the table."""

from __future__ import annotations

import copy
import fcntl
import os
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import tools
from tests.lvs_sh.ipvsadm import Service, Table
from tests.lvs_sh.machine import SCRIPT, Machine, write_folder

SHELLS = ("dash", "busybox sh")
NOTHING = "lvs.sh: nothing to do\n"

REALSERVER = {
    "links.batch": "link add lvs0 type bridge\nlink set lvs0 up\n",
    "sysctl.conf": (
        "# answers no ARP for the VIP\nnet.ipv4.conf.all.arp_ignore = 1\nnet.ipv4.conf.all.arp_announce = 2\n"
        "net.ipv4.conf.eth0.rp_filter = 2\nnet.ipv4.ip_forward = 1\nnet.ipv6.conf.all.forwarding = 1\n"
    ),
    "iptables.rules": (
        "*mangle\n:lvsgen-shop - [0:0]\n"
        "-A lvsgen-shop -d 192.0.2.100/32 -p tcp -m multiport --dports 80,443 -j MARK --set-mark 7\nCOMMIT\n"
        "*nat\n:lvsgen-shop - [0:0]\n-A lvsgen-shop -s 10.1.1.0/24 ! -d 10.1.1.0/24 -j SNAT --to-source 10.1.1.1\n"
        "COMMIT\n*nat\n:lvsgen-shop-in - [0:0]\n-A lvsgen-shop-in -p tcp --dport 8 -j REDIRECT\nCOMMIT\n"
    ),
    "ip6tables.rules": (
        "*mangle\n:lvsgen-shop - [0:0]\n"
        "-A lvsgen-shop -d 2001:db8::100/128 -p tcp --dport 80 -j MARK --set-mark 7\nCOMMIT\n"
    ),
    "routes.batch": (
        "route replace 10.1.1.254/32 dev eth0 scope link\nroute replace default via 10.1.1.254 dev eth0\n"
        "route del 10.1.1.0/24 dev eth0\nroute replace local 0.0.0.0/0 dev lo table 33322732\n"
        "rule add from 0.0.0.0/0 fwmark 33322732 lookup 33322732 priority 100\n"
        "route replace local ::/0 dev lo table 7\nrule add from ::/0 fwmark 7 lookup 7 priority 100\n"
        "route replace default via 2001:db8::9\n"
    ),
    "addresses.batch": (
        "address replace 192.0.2.100/32 dev lo\naddress replace 2001:db8::100/128 dev lo\n"
        "address replace 2001:db8::101/128 dev eth0 nodad preferred_lft 0\n"
    ),
}
DIRECTOR = {
    "ipvs.rules": (
        "# service web: the shop\n-A -t 192.0.2.100:80 -s wlc -p 300\n"
        "-a -t 192.0.2.100:80 -r 10.1.1.11:80 -g -w 1 -x 100 -y 50\n-a -t 192.0.2.100:80 -r 10.1.1.12:80 -g -w 2\n"
        "-A -f 7 -6 -s rr\n-a -f 7 -6 -r [2001:db8::11]:0 -g -w 1\n"
    ),
    "ipvs.conf": "--set 900 60 300\n--start-daemon master --mcast-interface eth0 --syncid 51\n",
    "addresses.batch": "address replace 192.0.2.100/32 dev eth0\n",
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    tools.need(request.param.split()[0])
    return str(request.param)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "rs1")
    yield made
    made.close()


def table(machine: Machine) -> list[str]:
    return machine.run("ipvsadm -Sn").splitlines()


# --- the text ---------------------------------------------------------------------------------------------------------


def test_shellcheck_has_nothing_to_say() -> None:
    done = subprocess.run([tools.need("shellcheck"), "--shell=sh", SCRIPT], capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("", 0)


def test_both_shells_parse_it(shell: str) -> None:
    assert subprocess.run([*shell.split(), "-n", SCRIPT], capture_output=True).stderr == b""


def test_every_example_has_this_very_text() -> None:
    found = [path.read_bytes() for path in Path(__file__).parent.parent.glob("examples/*/generated/*/lvs.sh")]
    assert len(found) > 50
    assert set(found) == {SCRIPT.read_bytes()}


def test_help_needs_nothing(shell: str) -> None:
    done = subprocess.run([*shell.split(), SCRIPT], capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0
    assert "lvs.sh apply" in done.stdout


# --- what it refuses --------------------------------------------------------------------------------------------------


def test_files_are_for_one_host(machine: Machine) -> None:
    for host, name, accepted in (
        ("rs1", "rs1", True),
        ("rs1", "rs1.example.org", True),
        ("rs1.example.org", "rs1", True),
        ("rs1.example.org", "rs1.example.com", False),
        ("rs1", "rs11", False),
        ("rs1", "rs2.rs1", False),
    ):
        write_folder(machine.folder, host, {})
        machine.environment["LVSGEN_HOST"] = name
        done = machine.lvs("apply", check=False)
        assert done.returncode == (0 if accepted else 2), (host, name)
        assert accepted or f"these files are for `{host}` and this is `{name}`" in done.stderr


def test_damaged_folders_are_refused(machine: Machine, shell: str) -> None:
    machine.shell = shell.split()
    before = machine.snapshot()
    files = {"addresses.batch": "address replace 192.0.2.100/32 dev lo\n"}

    def refusal() -> str:
        done = machine.lvs("apply", check=False)
        assert done.returncode == 2
        assert [line for line in machine.snapshot() if line != "shop"] == before
        return done.stderr

    write_folder(machine.folder, "rs1", files)
    (machine.folder / "addresses.batch").write_text("address replace 192.0.2.101/32 dev lo\n")
    assert re.search(r"damaged or was edited(.|\n)*addresses.batch", refusal())
    write_folder(machine.folder, "rs1", files)
    (machine.folder / "addresses.batch").unlink()
    assert re.search(r"damaged or was edited(.|\n)*addresses.batch", refusal())
    write_folder(machine.folder, "rs1", files)
    (machine.folder / "sysctl.conf").write_text("net.ipv4.ip_forward = 1\n")
    assert "not in lvsgen.sum, so not part of this build: sysctl.conf" in refusal()
    write_folder(machine.folder, "rs1", files)
    (machine.folder / "lvsgen.sum").unlink()
    assert "lvsgen.sum is missing" in refusal()
    write_folder(machine.folder, "rs1", files)
    (machine.folder / "host.conf").write_text("cluster=../../etc\nhost=rs1\n")
    assert "names no cluster" in refusal()


def test_two_runs_at_once_are_refused(tmp_path: Path, machine: Machine) -> None:
    machine.environment["LVSGEN_RUN"] = str(tmp_path / "run")
    write_folder(machine.folder, "rs1", {})
    machine.lvs("apply")
    with (tmp_path / "run" / "shop" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = machine.lvs("apply", check=False)
    assert (done.returncode, "another lvs.sh is at work" in done.stderr) == (2, True)
    assert machine.lvs("apply").stdout == NOTHING


def test_only_root_may() -> None:
    base = Path(tempfile.mkdtemp(prefix="lvsgen-test-"))  # pytest's own folders are closed to other users
    try:
        base.chmod(0o755)
        folder = write_folder(base / "rs1", "rs1", {})
        folder.chmod(0o755)
        done = subprocess.run(
            [tools.need("dash"), folder / "lvs.sh", "apply"],
            capture_output=True,
            text=True,
            user=65534 if os.geteuid() == 0 else None,
            cwd="/",
            env={**os.environ, "LVSGEN_HOST": "rs1"},
        )
    finally:
        shutil.rmtree(base)
    assert (done.returncode, done.stderr) == (2, "lvs.sh: this takes root\n")


def test_unknown_verbs_are_refused() -> None:
    assert subprocess.run(["dash", SCRIPT, "aply"], capture_output=True).returncode == 2
    assert subprocess.run(["dash", SCRIPT, "apply", "stop"], capture_output=True).returncode == 2


# --- apply and stop on a live kernel ----------------------------------------------------------------------------------


def test_apply_twice_and_stop_leave_everything_as_before(machine: Machine, shell: str) -> None:
    machine.shell = shell.split()
    write_folder(machine.folder, "rs1", REALSERVER)
    before = machine.snapshot()
    first = machine.lvs("apply")
    assert "+ address replace 192.0.2.100/32 dev lo\n" in first.stdout
    assert first.stderr == ""
    applied = machine.snapshot()
    for line in (
        "ipv4/conf/all/arp_announce:2",
        "ipv6/conf/eth0/forwarding:1",
        "-A PREROUTING -j lvsgen-shop",
        "-A PREROUTING -j lvsgen-shop-in",
        "-A POSTROUTING -j lvsgen-shop",
        "default via 10.1.1.254 dev eth0 ",
        "10.1.1.254 dev eth0 scope link ",
        "local default dev lo table 33322732 scope host ",
        "100:\tfrom all fwmark 0x7 lookup 7",
        "default via 2001:db8::9 dev eth0 metric 1024 pref medium",
    ):
        assert line in applied
    assert not [line for line in applied if line.startswith("10.1.1.0/24 ")]
    assert "deprecated" in machine.run("ip -6 address show dev eth0 to 2001:db8::101")
    assert machine.lvs("apply").stdout == NOTHING
    assert machine.snapshot() == applied
    machine.lvs("stop")
    assert machine.snapshot() == before
    assert machine.lvs("stop").stdout == NOTHING


def test_settings_come_before_the_vip_and_go_after_it(machine: Machine) -> None:
    write_folder(machine.folder, "rs1", REALSERVER)
    up, down = machine.lvs("apply").stdout, machine.lvs("stop").stdout
    assert up.index("arp_ignore = 1") < up.index("firewall") < up.index("route replace") < up.index("192.0.2.100/32")
    assert down.index("192.0.2.100/32") < down.index("rule add") < down.index("firewall") < down.index("arp_ignore = 0")


def test_what_is_no_longer_described_goes(machine: Machine) -> None:
    before = machine.snapshot()
    write_folder(machine.folder, "rs1", REALSERVER)
    machine.lvs("apply")
    changed = {
        "links.batch": "link add lvs1 type bridge\n",
        "sysctl.conf": "net.ipv4.conf.all.arp_ignore = 2\n",
        "routes.batch": "route replace default via 10.1.1.253\n",
        "addresses.batch": (
            "address replace 192.0.2.100/32 dev lvs1\naddress replace 2001:db8::101/128 dev eth0 nodad\n"
        ),
    }
    write_folder(machine.folder, "rs1", changed)
    done = machine.lvs("apply").stdout
    assert "- address replace 192.0.2.100/32 dev lo\n" in done
    now = machine.snapshot()
    assert "default via 10.1.1.253 dev eth0 " in now
    assert "ipv4/conf/all/arp_ignore:2" in now
    assert "ipv4/ip_forward:0" in now
    assert "100:\tfrom all fwmark 0x7 lookup 7" not in now
    assert not [line for line in now if "lvsgen-shop" in line or "lvs0" in line]
    assert machine.lvs("apply").stdout == NOTHING
    machine.lvs("stop")
    assert machine.snapshot() == before


def test_foreign_state_stays(machine: Machine) -> None:
    write_folder(machine.folder, "rs1", REALSERVER)
    machine.run(
        "ip address add 192.0.2.100/32 dev lo; ip rule add fwmark 7 lookup 8 priority 99; "
        "iptables -t mangle -A PREROUTING -p udp -j MARK --set-mark 3; echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore"
    )
    before = machine.snapshot()
    assert "192.0.2.100/32" not in machine.lvs("apply").stdout
    machine.lvs("stop")
    assert machine.snapshot() == before


def test_drift_is_repaired(machine: Machine) -> None:
    write_folder(machine.folder, "rs1", REALSERVER)
    machine.lvs("apply")
    applied = machine.snapshot()
    machine.run(
        "ip address del 192.0.2.100/32 dev lo; ip rule del priority 100; ip route del default metric 0; "
        "ip address replace 2001:db8::101/128 dev eth0 preferred_lft forever; iptables -t mangle -F lvsgen-shop; "
        "iptables -t nat -D POSTROUTING -j lvsgen-shop; echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore"
    )
    assert len(machine.lvs("apply").stdout.splitlines()) == 8
    assert sorted(machine.snapshot()) == sorted(applied)


def test_nft_table(machine: Machine) -> None:
    text = (
        "table inet lvsgen-shop\ndelete table inet lvsgen-shop\ntable inet lvsgen-shop {\n\tchain mark-in {\n"
        "\t\ttype filter hook prerouting priority mangle;\n"
        "\t\tip daddr 192.0.2.100 tcp dport { 80, 443 } counter meta mark set 7\n\t}\n}\n"
    )
    before = machine.snapshot()
    write_folder(machine.folder, "rs1", {"nftables.conf": text})
    assert machine.lvs("apply").stdout == "~ firewall nft inet lvsgen-shop\n"
    assert machine.lvs("apply").stdout == NOTHING
    machine.run("nft flush chain inet lvsgen-shop mark-in")
    assert machine.lvs("apply").stdout == "~ firewall nft inet lvsgen-shop\n"
    assert "dport { 80, 443 }" in machine.run("nft list table inet lvsgen-shop")
    machine.lvs("stop")
    assert machine.snapshot() == before


def test_a_setting_that_the_kernel_lacks_stops_it_before_the_vip(machine: Machine) -> None:
    files = {"sysctl.conf": "net.ipv4.conf.eth9/1.rp_filter = 2\n", "addresses.batch": REALSERVER["addresses.batch"]}
    write_folder(machine.folder, "rs1", files)
    before = machine.snapshot()
    done = machine.lvs("apply", check=False)
    assert done.returncode == 1
    assert "the kernel has no setting net/ipv4/conf/eth9.1/rp_filter" in done.stderr
    machine.lvs("stop")
    assert machine.snapshot() == before


# --- the IPVS table ---------------------------------------------------------------------------------------------------


def test_director(machine: Machine, shell: str) -> None:
    machine.shell = shell.split()
    before = machine.snapshot()
    write_folder(machine.folder, "rs1", DIRECTOR)
    machine.run("echo '-A -t 198.51.100.1:80 -s rr' | ipvsadm -R")
    up = machine.lvs("apply").stdout
    assert up.index("+ ipvsadm -A") < up.index("--start-daemon") < up.index("+ address")
    assert "-a -t 192.0.2.100:80 -r 10.1.1.12:80 -g -w 2" in table(machine)
    assert "100" in machine.run("ipvsadm -Ln --thresholds")
    assert machine.run("ipvsadm -Ln --timeout").endswith("900 60 300\n")
    assert machine.lvs("apply").stdout == NOTHING

    # A weight and a daemon change, a service and its VIP go.
    files = {
        "ipvs.rules": "".join(DIRECTOR["ipvs.rules"].splitlines(True)[:4]).replace("-w 2", "-w 0"),
        "ipvs.conf": "--start-daemon master --mcast-interface eth0 --syncid 52\n",
    }
    write_folder(machine.folder, "rs1", files)
    change = machine.lvs("apply").stdout.splitlines()
    assert change == [
        "~ ipvsadm -e -t 192.0.2.100:80 -r 10.1.1.12:80 -g -w 0",
        "- sync daemon master",
        "+ ipvsadm --start-daemon master --mcast-interface eth0 --syncid 52",
        "- address replace 192.0.2.100/32 dev eth0",
        "~ ipvsadm --set 900 120 300",
        "- ipvsadm -D -f 7 -6",
    ]
    down = machine.lvs("stop").stdout
    assert "- ipvsadm -D -t 192.0.2.100:80\n" in down
    assert table(machine) == ["-A -t 198.51.100.1:80 -s rr"]
    assert machine.run("ipvsadm -Ln --daemon; ipvsadm -Ln --timeout") == "Timeout (tcp tcpfin udp): 900 120 300\n"
    assert machine.snapshot() == before


def test_a_refused_line_stops_it_before_the_vip(machine: Machine) -> None:
    machine.program("ipvsadm", '[ "$1" != -R ] || { grep -v 10.1.1.12 | MODEL -R; exit 0; }\nexec MODEL "$@"\n')
    write_folder(machine.folder, "rs1", DIRECTOR)
    done = machine.lvs("apply", check=False)
    assert done.returncode == 1
    assert "left to do:\n  -a -t 192.0.2.100:80 -r 10.1.1.12:80 -g -w 2" in done.stderr
    assert "192.0.2.100" not in machine.run("ip address show dev eth0")


def test_a_service_that_was_there_is_adopted(machine: Machine) -> None:
    write_folder(machine.folder, "rs1", DIRECTOR)
    machine.run("echo '-A -t 192.0.2.100:80 -s rr' | ipvsadm -R")
    done = machine.lvs("apply")
    assert "the service -t 192.0.2.100:80 was there already: it is managed by shop from now on" in done.stderr
    assert "~ ipvsadm -E -t 192.0.2.100:80 -s wlc -p 300" in done.stdout
    assert machine.lvs("apply").stderr == ""


KEYS = ["-t 192.0.2.1:80", "-u 192.0.2.1:53", "-f 7", "-f 8 -6", "-t [2001:db8::1]:443", "--sctp-service 192.0.2.1:9"]
service_options = st.sampled_from(
    ["-s rr", "-s wlc -p 360", "-s wlc -p", "-s sh -b sh-fallback,sh-port", "-s rr -p 50 -M 255.255.255.0", "-s rr -o"]
)
destination_options = st.tuples(
    st.sampled_from(["-g", "-m", "-i", "-i --tun-type ipip", "-i --tun-type gue --tun-port 6080 --tun-nocsum"]),
    st.sampled_from(["-w 0", "-w 1", "-w 5", ""]),
    st.sampled_from(["", "", "-x 10", "-x 10 -y 5"]),
).map(" ".join)


@st.composite
def tables(draw: st.DrawFn, keys: list[str]) -> list[str]:
    """The lines that load a table."""
    lines = []
    for key in draw(st.lists(st.sampled_from(keys), unique=True)):
        lines.append(f"-A {key} {draw(service_options)}")
        for number in draw(st.lists(st.integers(1, 4), unique=True)):
            address = f"[2001:db8::{number}]" if "[" in key or "-6" in key else f"10.1.1.{number}"
            lines.append(f"-a {key} -r {address}:{0 if '-f' in key else 80} {draw(destination_options)}")
    return lines


def load(lines: list[str]) -> Table:
    made = Table()
    for line in lines:
        made.do(line)
    return made


@st.composite
def changed(draw: st.DrawFn, now: list[str]) -> list[str]:
    """A table spelt as ipvsadm prints it, most lines of which stay; others have another place or weight, or go."""
    services: list[list[str]] = []
    for line in load(now).saved().splitlines():
        if line.startswith("-A"):
            services.append([])
        services[-1].append(line)
    lines = []
    for first, *members in draw(st.permutations(services)):
        lines.append(first)
        members = draw(st.permutations(members)) if draw(st.booleans()) else members
        for member in members:
            fate = draw(st.sampled_from(["stays", "stays", "stays", "changes", "goes"]))
            if fate != "goes":
                lines.append(member if fate == "stays" else re.sub(r"-w \d", "-w 7", member))
    return lines


changes = tables(KEYS).flatmap(lambda now: st.tuples(st.just(now), st.one_of(changed(now), tables(KEYS[:4]))))


def delta_command(awk: str) -> list[str]:
    """The function of lvs.sh, alone, with the awk to be tested."""
    found = re.search(r"^ipvs_delta_awk='\n(.*?)^}'\n", SCRIPT.read_text(), re.MULTILINE | re.DOTALL)
    assert found
    return [*awk.split(), f"{found[1]}}}"]


def normal(service: Service) -> tuple[object, ...]:
    def known(given: dict[str, str]) -> dict[str, str]:
        return {k: v for k, v in given.items() if k != "--tun-nocsum" and not (k == "-M" and "-p" not in given)}

    return known(service.options), {name: known(d) for name, d in service.destinations.items()}


@pytest.mark.parametrize("awk", ["mawk", "busybox awk"])
@settings(
    max_examples=120, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(change=changes, owned=st.lists(st.sampled_from(KEYS), unique=True))
def test_delta(tmp_path: Path, awk: str, change: tuple[list[str], list[str]], owned: list[str]) -> None:
    now, wanted = change
    live, goal = load(now), load(wanted)
    start = copy.deepcopy(live)
    files = [tmp_path / name for name in ("owned", "wanted", "live")]

    def delta() -> list[str]:
        now = f"live\n{live.saved()}thresholds\n{live.thresholds()}"
        for file, text in zip(files, ("\n".join(owned), "".join(f"{w}\n" for w in wanted), now), strict=True):
            file.write_text(text)
        kinds: list[str | Path] = ["kind=owned", files[0], "kind=wanted", *files[1:]]
        done = subprocess.run([*delta_command(awk), *kinds], capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")
        assert all(line.partition("\t")[2] for line in done.stdout.splitlines()), "no word on what connections notice"
        return [line.partition("\t")[0] for line in done.stdout.splitlines()]

    lines = delta()
    for line in lines:
        live.do(line)
        for key, service in live.services.items():
            if all(key in table.services and table.services[key].live() for table in (start, goal)):
                assert service.live(), f"{key} is without a live realserver after {line}"
    foreign = set(start.services) - set(goal.services) - set(owned)
    assert set(live.services) == set(goal.services) | foreign
    assert all(normal(live.services[key]) == normal(goal.services[key]) for key in goal.services)
    assert all(vars(live.services[key]) == vars(start.services[key]) for key in foreign)
    assert lines == sorted(lines, key=lambda line: line.startswith("-D"))
    assert delta() == []


@pytest.mark.parametrize("awk", ["mawk", "busybox awk"])
def test_a_table_that_is_not_understood_is_left_alone(tmp_path: Path, awk: str) -> None:
    member = "  -> 10.1.1.11:80                 7          0          0          0         \n"
    service = "-A -t 192.0.2.1:80 -s rr --flavour sour\n-a -t 192.0.2.1:80 -r 10.1.1.11:80 -g -w 1\n"
    (tmp_path / "now").write_text(f"{service}thresholds\nTCP  192.0.2.1:80 rr\n{member}")
    (tmp_path / "owned").write_text("-t 192.0.2.1:80\n")
    kinds: list[str | Path] = ["kind=live", tmp_path / "now"]
    done = subprocess.run(
        [*delta_command(awk), "kind=owned", tmp_path / "owned", *kinds], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (3, "")
    assert "cannot understand `--flavour`" in done.stderr
    # Of somebody else it is no reason to stop.
    done = subprocess.run([*delta_command(awk), *kinds], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# --- killed and full --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("calls", [2, 20, 37])
def test_killed_anywhere_the_next_run_goes_on(machine: Machine, calls: int) -> None:
    write_folder(machine.folder, "rs1", REALSERVER | DIRECTOR)
    before = machine.snapshot()
    for verb in ("apply", "stop"):
        machine.interfere(calls, "kill -9 -$LVS_SH_GROUP")
        assert machine.lvs(verb, check=False).returncode == -signal.SIGKILL, "it did not call that many programs"
        machine.interfere(0, "")
        machine.lvs(verb)
        assert machine.lvs(verb).stdout == NOTHING
    assert machine.snapshot() == before
    assert table(machine) == []


def test_a_full_disk_is_seen_before_the_first_change(machine: Machine, shell: str) -> None:
    machine.shell = shell.split()
    write_folder(machine.folder, "rs1", REALSERVER)
    machine.run("mkdir /run/lvsgen; mount -t tmpfs -o size=64k state /run/lvsgen")
    before = machine.snapshot()
    done = machine.lvs("apply", check=False)
    assert done.returncode != 0
    assert "disk full?): nothing was changed" in done.stderr
    assert [line for line in machine.snapshot() if line != "shop"] == before


@pytest.mark.parametrize(("shell", "calls"), [("dash", 3), ("busybox sh", 4), ("busybox sh", 14), ("dash", 19)])
def test_what_a_disk_that_fills_up_stopped_can_be_undone(machine: Machine, shell: str, calls: int) -> None:
    machine.shell = shell.split()
    write_folder(machine.folder, "rs1", REALSERVER)
    before = machine.snapshot()
    machine.run("mkdir /run/lvsgen; mount -t tmpfs -o size=2m state /run/lvsgen")
    machine.interfere(calls, "cat /dev/zero >/run/lvsgen/fill 2>/dev/null")
    done = machine.lvs("apply", check=False)
    assert done.returncode == 1
    assert "full" in done.stderr
    machine.interfere(0, "")
    machine.run("rm /run/lvsgen/fill")
    machine.lvs("stop")
    machine.run("umount /run/lvsgen; rmdir /run/lvsgen")
    assert machine.snapshot() == before


# --- keepalived -------------------------------------------------------------------------------------------------------

KEEPALIVED = """
global_defs {
    router_id rs1
}
vrrp_instance shop {
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 100
    advert_int 1
    authentication {
        auth_type PASS
        auth_pass @3fa9c1@
    }
    virtual_ipaddress {
        192.0.2.100/32 dev eth0
    }
}
"""


def keepalived_files(secret: Path) -> dict[str, str]:
    return {"keepalived.conf": KEEPALIVED, "secrets.conf": f"@3fa9c1@ {secret}\n"}


def test_keepalived(tmp_path: Path, machine: Machine) -> None:
    tools.need("keepalived")
    conf = "/etc/keepalived/keepalived.conf"
    secret = tmp_path / "secret"
    secret.write_text("pa&th.x\n")
    before = machine.snapshot()
    write_folder(machine.folder, "rs1", keepalived_files(secret), writer="keepalived")
    try:
        first = machine.lvs("apply")
        assert first.stdout == f"~ {conf}\n+ keepalived started\n"
        assert machine.run(f"stat -c %a {conf}; grep auth_pass {conf}") == "600\n        auth_pass pa&th.x\n"
        assert machine.lvs("apply").stdout == NOTHING
        pid = machine.run("cat /run/keepalived.pid")

        # A change is a reload, not a restart.
        secret.write_text("other\n")
        second = machine.lvs("apply")
        assert second.stdout == f"~ {conf}\n~ keepalived reloaded\n"
        assert machine.run("cat /run/keepalived.pid") == pid
        assert machine.run("ls -A /etc/keepalived") == "keepalived.conf\n"

        # What keepalived refuses is not put in place, and its complaint shows no secret.
        installed = machine.run(f"cat {conf}")
        bad = keepalived_files(secret) | {"keepalived.conf": KEEPALIVED.replace("advert_int 1", "advert_int @3fa9c1@")}
        write_folder(machine.folder, "rs1", bad, writer="keepalived")
        refused = machine.lvs("apply", check=False)
        assert refused.returncode == 1
        assert "keepalived refuses the new file, the old one stays" in refused.stderr
        assert "(secret)" in refused.stderr
        for output in (first, second, refused):
            assert not re.search("pa&th.x|other", output.stdout + output.stderr)
        assert machine.run(f"cat {conf}; ls -A /etc/keepalived") == installed + "keepalived.conf\n"
    finally:
        stopped = machine.lvs("stop")
    assert "- keepalived stopped\n" in stopped.stdout
    assert machine.run("pgrep -F /run/keepalived.pid") == ""
    assert machine.snapshot() == before


def test_a_foreign_keepalived_conf_is_kept_and_put_back(tmp_path: Path, machine: Machine) -> None:
    tools.need("keepalived")
    secret = tmp_path / "secret"
    secret.write_text("word\n")
    machine.run("echo '# mine' >/etc/keepalived/keepalived.conf")
    before = machine.snapshot()
    write_folder(machine.folder, "rs1", keepalived_files(secret), writer="keepalived")
    try:
        assert "is kept as /etc/keepalived/keepalived.conf.before-lvsgen" in machine.lvs("apply").stderr
        assert machine.lvs("apply").stdout == NOTHING
    finally:
        machine.lvs("stop")
    assert machine.snapshot() == before


def test_secrets_that_keepalived_cannot_carry(tmp_path: Path, machine: Machine) -> None:
    secret = tmp_path / "secret"
    write_folder(machine.folder, "rs1", keepalived_files(secret), writer="keepalived")
    texts = ("q z", 'q"z', "q'z", "q}z", "q$z", "q#z", "q!z", "q\tz", "qäz", "q\\z", "q\nz", "", "\n")
    for text in texts:
        secret.write_text(text)
        done = machine.lvs("apply", check=False)
        assert done.returncode == 1, text
        assert f"the secret in {secret} " in done.stderr
        assert not re.search("q.z", done.stderr, re.DOTALL)
        assert machine.run("ls -A /etc/keepalived") == ""
