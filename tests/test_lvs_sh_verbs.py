"""The verbs of lvs.sh beside apply and stop, on hosts of their own."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from lvsgen.catalogue import catalogue
from lvsgen.resources import read_text
from tests import tools
from tests.lvs_sh.machine import Machine, write_folder
from tests.test_lvs_sh import DIRECTOR, NOTHING, REALSERVER, SHELLS, table

pytestmark = pytest.mark.slow

OLD = "-A -t 192.0.2.100:80 -s wlc\n-a -t 192.0.2.100:80 -r 10.1.1.11:80 -g -w 1\n"
NEW = OLD.replace(".11:80", ".12:80")
FOREIGN = "-A -t 198.51.100.1:80 -s rr"


@pytest.fixture(params=SHELLS)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    tools.need(request.param.split()[0])
    made = Machine(tmp_path / "rs1", request.param)
    yield made
    made.close()


def director(machine: Machine, rules: str, **more: str) -> None:
    addresses = "address replace 192.0.2.100/32 dev eth0\n"
    write_folder(machine.folder, "rs1", {"ipvs.rules": rules, "addresses.batch": addresses, **more}, roles="director")


def ended(done: subprocess.CompletedProcess[str]) -> tuple[int, str]:
    return done.returncode, done.stdout


# --- plan -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [REALSERVER, DIRECTOR], ids=["realserver", "director"])
def test_plan_says_what_apply_then_does_and_changes_nothing(machine: Machine, files: dict[str, str]) -> None:
    write_folder(machine.folder, "rs1", files)
    before = machine.snapshot()
    plan = machine.lvs("plan", check=False)
    assert (plan.returncode, plan.stderr) == (1, "")
    assert machine.snapshot() == before
    assert table(machine) == []
    planned = [line.partition("  # ")[0] for line in plan.stdout.splitlines()]
    assert planned == machine.lvs("apply").stdout.splitlines()
    assert all("  # " in line for line in plan.stdout.splitlines())
    assert ended(machine.lvs("plan")) == (0, NOTHING)


def test_plan_cannot_tell_of_a_damaged_folder(machine: Machine) -> None:
    director(machine, OLD)
    (machine.folder / "ipvs.rules").write_text(NEW)
    assert machine.lvs("plan", check=False).returncode == 2
    director(machine, OLD)
    machine.run("echo '-A -t 192.0.2.100:80 -s rr --flavour sour' | ipvsadm -R")
    machine.program("ipvsadm", "echo '-A -t 192.0.2.100:80 -s rr --flavour sour'\n")
    done = machine.lvs("plan", check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the IPVS table is left as it is: cannot understand `--flavour`" in done.stderr


def test_plan_loads_no_module(machine: Machine) -> None:
    """ipvsadm loads ip_vs when it is called, and iptables its own modules (ipvsadm.c, modprobe_ipvs)."""
    called = machine.programs / "called"
    for name in ("ipvsadm", "iptables", "nft"):
        machine.program(name, f"echo {name} >>{called}\n")
    director(machine, OLD, **{"iptables.rules": REALSERVER["iptables.rules"]})
    (machine.folder.parent / "ip_vs").unlink()
    assert "+ ipvsadm -A -t 192.0.2.100:80" in machine.lvs("plan", check=False).stdout
    assert not called.exists()


EFFECTS = {
    "weight": ("-s wlc", "-s wlc", "-w 1", "-w 5", "hitless"),
    "weight with sh": ("-s sh", "-s sh", "-w 1", "-w 5", "moves affinity: sh deals many clients anew"),
    "weight with mh": ("-s mh", "-s mh", "-w 1", "-w 5", "moves affinity: some clients get another realserver"),
    "persistence wins over the hash": ("-s sh -p 60", "-s sh -p 60", "-w 1", "-w 5", "hitless"),
    "drain": ("-s wlc", "-s wlc", "-w 1", "-w 0", "hitless: drains; new clients go elsewhere"),
    "drain without fallback": ("-s sh", "-s sh", "-w 1", "-w 0", "refuses its new clients"),
    "drain with fallback": ("-s mh -b mh-fallback", "-s mh -b mh-fallback", "-w 1", "-w 0", "hitless: drains"),
    "scheduler": ("-s wlc", "-s rr", "-w 1", "-w 1", "another scheduler: new connections may be refused"),
    "persistence ends": ("-s rr -p 60", "-s rr", "-w 1", "-w 1", "moves affinity: persistence ends at once"),
    "method": ("-s rr", "-s rr", "-g -w 1", "-m -w 1", "established connections keep the old method"),
}


def test_plan_says_what_connections_notice(machine: Machine) -> None:
    for name, (service, service_then, member, member_then, effect) in EFFECTS.items():
        machine.run("rm -f $IPVSADM_TABLE")
        for options, weight, apply in ((service, member, True), (service_then, member_then, False)):
            method = "" if weight.startswith(("-g", "-m")) else "-g "
            key = "-t 192.0.2.100:80"
            director(machine, f"-A {key} {options}\n-a {key} -r 10.1.1.11:80 {method}{weight}\n")
            if apply:
                machine.lvs("apply")
        [line] = machine.lvs("plan", check=False).stdout.splitlines()
        assert line.partition("  # ")[2].startswith(effect), name


# --- apply, with its options ------------------------------------------------------------------------------------------


def test_weights_of_somebody_else_are_kept_on_request(machine: Machine) -> None:
    director(machine, OLD)
    machine.lvs("apply")
    machine.run("echo '-e -t 192.0.2.100:80 -r 10.1.1.11:80 -g -w 7' | ipvsadm -R")
    assert machine.lvs("apply", "--keep-weights").stdout == NOTHING
    assert machine.lvs("apply").stdout == "~ ipvsadm -e -t 192.0.2.100:80 -r 10.1.1.11:80 -g -w 1\n"


CONNECTED = """\
count=$(cat DIRECTORY/left 2>/dev/null || echo 0)
if [ "$2" = --thresholds ]; then
    [ "$count" = 0 ] || echo $((count - 1)) >DIRECTORY/left
    MODEL "$@" | sed "/10.1.1.11:80/s/ 0  *0 *$/ $count 0/"
else
    exec MODEL "$@"
fi
"""
"""ipvsadm with connections at one realserver, one less each time."""


@pytest.mark.parametrize(("seconds", "left"), [("30", 2), ("1", 40)])
def test_drain_waits_for_connections_or_its_time(machine: Machine, seconds: str, left: int) -> None:
    machine.program("ipvsadm", CONNECTED.replace("DIRECTORY", str(machine.programs)))
    director(machine, OLD)
    machine.lvs("apply")
    director(machine, NEW)
    (machine.programs / "left").write_text(f"{left + 3}\n")
    assert "# ends connections: " in machine.lvs("plan", check=False).stdout
    (machine.programs / "left").write_text(f"{left + 3}\n")
    done = machine.lvs("apply", f"--drain={seconds}")
    assert done.stdout.splitlines() == [
        "+ ipvsadm -a -t 192.0.2.100:80 -r 10.1.1.12:80 -g -w 1",
        "~ ipvsadm -e -t 192.0.2.100:80 -r 10.1.1.11:80 -g -w 0",
        "- ipvsadm -d -t 192.0.2.100:80 -r 10.1.1.11:80",
    ]
    assert "connections to end, at most" in done.stderr
    assert (f"still there after {seconds} s: they end now" in done.stderr) == (left > 2)


def test_options_are_for_apply_and_plan(machine: Machine) -> None:
    director(machine, OLD)
    for words in (["apply", "--drain=x"], ["apply", "--dry"], ["stop", "--drain"], ["try"], ["try", "soon"]):
        assert machine.lvs(*words, check=False).returncode == 2, words
    # The shell counts 08 down to an error: nobody would go back, and a drain would end half way.
    for words in (["apply", "--drain=08"], ["try", "08"]):
        assert "not a number of seconds" in machine.lvs(*words, check=False).stderr, words
    assert table(machine) == []


# --- rollback and try -------------------------------------------------------------------------------------------------


def test_rollback_goes_back_without_the_old_folder(machine: Machine) -> None:
    machine.run(f"echo '{FOREIGN}' | ipvsadm -R")
    before = machine.snapshot()
    director(machine, OLD)
    machine.lvs("apply")
    old = (machine.snapshot(), table(machine))
    director(machine, NEW, **{"sysctl.conf": "net.ipv4.conf.all.arp_ignore = 1\n"})
    machine.lvs("apply")
    assert "is what the next apply, or the next boot, makes of this host" in machine.lvs("rollback").stderr
    assert (machine.snapshot(), table(machine)) == old
    machine.lvs("rollback")
    assert "-a -t 192.0.2.100:80 -r 10.1.1.12:80 -g -w 1" in table(machine), "back from going back"
    machine.lvs("stop")
    assert (machine.snapshot(), table(machine)) == (before, [FOREIGN])


def test_files_that_lack_one_are_others(machine: Machine) -> None:
    """The first or the last of the list is gone: what is left of it stands in the list of before."""
    settings = {"sysctl.conf": "net.ipv4.conf.eth0.arp_announce = 2\n"}
    director(machine, OLD, **settings)
    machine.lvs("apply")
    before = machine.snapshot()
    addresses = "address replace 192.0.2.100/32 dev eth0\n"
    for files in ({"ipvs.rules": OLD, **settings}, {"ipvs.rules": OLD, "addresses.batch": addresses}):
        write_folder(machine.folder, "rs1", files, roles="director")
        assert "says something else than what was applied" in machine.lvs("status").stdout
        machine.lvs("apply")
        assert "are applied" in machine.lvs("status").stdout
        assert machine.snapshot() != before
        machine.lvs("rollback")
        assert machine.snapshot() == before


def test_before_the_first_apply_was_nothing(machine: Machine) -> None:
    before = machine.snapshot()
    director(machine, OLD)
    assert machine.lvs("rollback", check=False).returncode == 2
    machine.lvs("try", "100")
    assert "there was nothing" in machine.lvs("rollback").stderr
    assert (machine.snapshot(), table(machine)) == (before, [])

    # After a boot there is no older state either: nobody wants to be without the cluster then.
    machine.lvs("apply")
    refused = machine.lvs("rollback", check=False)
    assert (refused.returncode, "lvs.sh stop takes away" in refused.stderr) == (2, True)
    assert table(machine) == OLD.splitlines()


def test_try_goes_back_unless_confirmed(machine: Machine) -> None:
    director(machine, OLD)
    machine.lvs("apply")
    old = table(machine)
    director(machine, NEW)
    assert "goes back in 1 s unless you say" in machine.lvs("try", "1").stderr
    wait_until(lambda: table(machine) == old and machine.lvs("plan", check=False).returncode == 1)
    assert machine.lvs("confirm", check=False).returncode == 2

    # Long enough for a slow machine to confirm it; from then on nobody is left who could go back.
    machine.lvs("try", "100")
    assert watched(machine)
    assert machine.lvs("confirm").stdout == "lvs.sh: it stays\n"
    wait_until(lambda: not watched(machine))
    assert table(machine) == NEW.splitlines()


def test_try_never_goes_back_to_what_is_not_the_state_before_it(machine: Machine) -> None:
    director(machine, OLD)
    machine.lvs("apply")
    old = table(machine)
    director(machine, NEW)
    machine.lvs("apply")
    # These were applied for good: going back would lead to those before them.
    machine.run("ipvsadm -e -t 192.0.2.100:80 -r 10.1.1.12:80 -g -w 7")
    refused = machine.lvs("try", "1", check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "nothing to try" in refused.stderr

    director(machine, OLD)
    machine.lvs("apply")
    director(machine, NEW)
    machine.lvs("try", "60")
    # Other files while the first wait for an answer would make the unconfirmed ones the way back.
    director(machine, NEW.replace("-w 1", "-w 3"))
    refused = machine.lvs("try", "1", check=False)
    assert refused.returncode == 2
    assert "another try waits" in refused.stderr
    # The same ones again set another time, also if nothing is left to do: that confirms nothing.
    director(machine, NEW)
    assert NOTHING in machine.lvs("try", "1").stdout
    wait_until(lambda: table(machine) == old)


def test_try_goes_back_also_if_another_run_is_at_work_when_the_time_is_up(machine: Machine) -> None:
    director(machine, OLD)
    machine.lvs("apply")
    old = table(machine)
    director(machine, NEW)
    machine.lvs("try", "1")
    machine.run("flock /run/lvsgen/shop/lock sleep 3")
    wait_until(lambda: table(machine) == old)


def test_an_apply_confirms_no_try(machine: Machine) -> None:
    """A timer, or a colleague, may run it while nobody can reach the host."""
    director(machine, OLD)
    machine.lvs("apply")
    old = table(machine)
    director(machine, NEW)
    machine.lvs("try", "60")
    refused = machine.lvs("apply", check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "a try waits for its answer: lvs.sh confirm or lvs.sh rollback first" in refused.stderr
    assert "until then, apply refuses" in machine.lvs("plan").stderr
    machine.lvs("rollback")
    assert table(machine) == old
    machine.lvs("apply")
    assert table(machine) == NEW.splitlines()


def test_a_stop_that_fails_ends_the_try(machine: Machine) -> None:
    director(machine, OLD)
    machine.lvs("apply")
    director(machine, NEW)
    machine.lvs("try", "60")
    machine.program("ipvsadm", '[ "$1" != -R ] || exit 1\nexec MODEL "$@"\n')
    assert machine.lvs("stop", check=False).returncode == 1
    assert machine.lvs("confirm", check=False).returncode == 2


def test_a_rollback_that_failed_goes_on_the_same_way(machine: Machine) -> None:
    director(machine, OLD)
    machine.lvs("apply")
    old = table(machine)
    director(machine, NEW)
    machine.lvs("apply")
    machine.program("ipvsadm", '[ "$1" != -R ] || exit 1\nexec MODEL "$@"\n')
    assert machine.lvs("rollback", check=False).returncode == 1
    machine.interfere(0, "")
    machine.lvs("rollback")
    assert table(machine) == old
    # From its end on, back means the other way again.
    machine.lvs("rollback")
    assert table(machine) == NEW.splitlines()


def test_killed_between_two_renames_there_is_still_a_way_back(machine: Machine) -> None:
    director(machine, OLD)
    machine.lvs("apply")
    old = table(machine)
    director(machine, NEW)
    machine.lvs("apply")
    machine.run("cd /run/lvsgen/shop && mv current next")
    machine.lvs("apply")
    machine.lvs("rollback")
    assert table(machine) == old


def test_thresholds_that_somebody_has_set_are_seen(machine: Machine) -> None:
    director(machine, OLD)
    machine.lvs("apply")
    machine.run("ipvsadm -e -t 192.0.2.100:80 -r 10.1.1.11:80 -g -w 1 -x 9")
    assert machine.lvs("apply").stdout == "~ ipvsadm -e -t 192.0.2.100:80 -r 10.1.1.11:80 -g -w 1\n"
    assert machine.lvs("apply").stdout == NOTHING


def test_a_killed_apply_leaves_no_claim_to_a_service(machine: Machine) -> None:
    """What it was about to make, and somebody else makes later, is not ours."""
    director(machine, OLD)
    machine.lvs("apply")
    director(machine, OLD + FOREIGN + "\n")
    machine.program("ipvsadm", '[ "$1" != -R ] || kill -9 -$LVS_SH_GROUP\nexec MODEL "$@"\n')
    assert machine.lvs("apply", check=False).returncode == -9
    machine.interfere(0, "")
    director(machine, OLD)
    machine.lvs("apply")
    machine.run(f"ipvsadm {FOREIGN}")
    director(machine, NEW)
    machine.lvs("apply")
    assert table(machine) == [*NEW.splitlines(), FOREIGN]


def test_the_table_is_known_only_with_the_files_that_made_it(machine: Machine) -> None:
    director(machine, OLD)
    machine.lvs("apply")
    old = table(machine)
    director(machine, NEW)
    machine.run("mkdir /run/lvsgen/shop/table.sums.new")
    assert "cannot save" in machine.lvs("apply", check=False).stderr
    machine.run("rmdir /run/lvsgen/shop/table.sums.new")
    assert table(machine) == NEW.splitlines()
    director(machine, OLD)
    machine.lvs("apply")
    assert table(machine) == old


def test_a_table_that_somebody_changes_meanwhile_is_not_known(machine: Machine) -> None:
    """After it was written, and before it is noted as what is in order."""
    director(machine, OLD)
    machine.program("ip", '[ "$1" != -4 ] || ipvsadm -d -t 192.0.2.100:80 -r 10.1.1.11:80\nexec /usr/sbin/ip "$@"\n')
    machine.lvs("apply")
    machine.interfere(0, "")
    assert table(machine) == OLD.splitlines()[:1]
    machine.lvs("apply")
    assert table(machine) == OLD.splitlines()
    assert machine.lvs("apply").stdout == NOTHING


def test_try_goes_back_after_its_own_death(machine: Machine) -> None:
    director(machine, OLD)
    machine.lvs("apply")
    old = table(machine)
    director(machine, NEW)
    killer = '[ "$1" != -R ] || { MODEL -R; kill -9 -$LVS_SH_GROUP; }\nexec MODEL "$@"\n'
    machine.program("ipvsadm", killer)
    assert machine.lvs("try", "1", check=False).returncode == -9
    machine.interfere(0, "")
    assert table(machine) != old
    wait_until(lambda: table(machine) == old)


def watched(machine: Machine) -> bool:
    words = f"{machine.folder}/lvs.sh\0watch\0".encode()
    return any(words in text for text in map(command_line, Path("/proc").glob("[0-9]*/cmdline")))


def command_line(path: Path) -> bytes:
    with suppress(OSError):
        return path.read_bytes()
    return b""


def wait_until(holds: object) -> None:
    assert callable(holds)
    for _ in range(200):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("it did not come to pass")


# --- verify, status, report -------------------------------------------------------------------------------------------


def test_verify_is_all_ok_after_apply_and_names_what_is_wrong(machine: Machine) -> None:
    director(machine, OLD, **{name: REALSERVER[name] for name in ("sysctl.conf", "iptables.rules", "routes.batch")})
    default = machine.folder.parent / "etc" / "default" / "ipvsadm"
    default.parent.mkdir(parents=True)
    default.write_text('AUTO="false"\n')
    machine.lvs("apply")
    fine = machine.lvs("verify")
    assert {line.split()[0] for line in fine.stdout.splitlines()} == {"OK"}
    before = machine.snapshot()
    machine.run(
        "ip address del 192.0.2.100/32 dev eth0; echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore; "
        "iptables -t mangle -F lvsgen-shop; ip route del default metric 0; "
        "echo '-e -t 192.0.2.100:80 -r 10.1.1.11:80 -g -w 0' | ipvsadm -R"
    )
    broken = machine.snapshot()
    done = machine.lvs("verify", check=False)
    assert done.returncode == 1
    wrong = {line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAIL")}
    assert wrong == {"LVS203", "LVS307", "LVS403", "LVS517", "LVS601", "LVS806"}
    assert machine.snapshot() == broken != before
    assert all(re.fullmatch(r"(OK|WARN|FAIL) LVS\d{3} .+ expected=.+ got=.+", x) for x in done.stdout.splitlines())


def test_verify_looks_at_each_sync_daemon(machine: Machine) -> None:
    machine.program("systemctl", "exit 1\n")
    daemons = [f"--start-daemon {role} --mcast-interface eth0 --syncid 51\n" for role in ("master", "backup")]
    director(machine, OLD, **{"ipvs.conf": "".join(daemons)})
    machine.lvs("apply")
    assert machine.lvs("verify").stdout.count("OK LVS524") == 2
    machine.run("ipvsadm --stop-daemon backup")
    done = machine.lvs("verify", check=False)
    assert (done.returncode, done.stdout.count("FAIL LVS524 sync daemon backup")) == (1, 1)


def test_verify_looks_at_the_timeouts(machine: Machine) -> None:
    machine.program("systemctl", "exit 1\n")
    director(machine, OLD, **{"ipvs.conf": "--set 7200 0 300\n"})
    machine.lvs("apply")
    assert "OK LVS874 timeouts of tcp, tcpfin, udp expected=7200 0 300 " in machine.lvs("verify").stdout
    machine.run("ipvsadm --set 0 60 0")
    assert machine.lvs("verify").returncode == 0, "0 leaves it to whoever has set it"
    machine.run("ipvsadm --set 900 60 300")
    said = machine.lvs("verify", check=False).stdout
    assert "FAIL LVS874 timeouts of tcp, tcpfin, udp expected=7200 0 300 got=900 60 300\n" in said


def test_every_code_of_verify_can_be_explained() -> None:
    codes = set(re.findall(r"\bLVS\d{3}\b", read_text("templates/lvs.sh")))
    assert len(codes) > 20
    assert codes <= {entry.code for entry in catalogue()}


def test_status_is_one_screen(machine: Machine) -> None:
    director(machine, OLD + NEW.splitlines()[1].replace("-w 1", "-w 0") + "\n")
    assert "never applied" in machine.lvs("status").stdout
    machine.lvs("apply")
    lines = machine.lvs("status").stdout.splitlines()
    assert lines[0] == "cluster shop, host rs1 (director), IPVS table written by script"
    assert any(re.match(r"VIPs +192\.0\.2\.100 ", line) for line in lines)
    assert any(re.match(r"  -> 10\.1\.1\.12:80 .* weight 0 .* drained", line) for line in lines)
    assert len(lines) < 24


def test_a_failed_check_is_told_from_a_drained_realserver(machine: Machine) -> None:
    members = "".join(
        f"    real_server 10.1.1.{n} 80 {{\n        weight {weight}\n    }}\n"
        for n, weight in ((1, 1), (2, 0), (3, 5), (4, 2))
    )
    conf = f"virtual_server 192.0.2.100 80 {{\n    protocol TCP\n{members}}}\n"
    write_folder(machine.folder, "rs1", {"keepalived.conf": conf}, writer="keepalived", roles="director")
    key = "-t 192.0.2.100:80"
    lines = [f"-A {key} -s rr", *(f"-a {key} -r 10.1.1.{n}:80 -g -w {w}" for n, w in ((1, 1), (2, 0), (3, 0)))]
    machine.run("printf '%s\\n' " + " ".join(f"'{line}'" for line in lines) + " | ipvsadm -R")
    said = machine.lvs("verify", check=False).stdout
    assert f"WARN LVS873 realserver {key} -r 10.1.1.3:80 expected=weight 5 got=its check fails\n" in said
    assert f"WARN LVS873 realserver {key} -r 10.1.1.4:80 expected=weight 2 got=its check fails\n" in said
    assert f"OK LVS873 drained realserver {key} -r 10.1.1.2:80 " in said
    status = machine.lvs("status").stdout
    assert re.search(r"10\.1\.1\.2:80 .* drained\n", status)
    assert re.search(r"10\.1\.1\.3:80 .* CHECK FAILS\n", status)
    assert re.search(r"10\.1\.1\.4:80 .*CHECK FAILS, taken out by keepalived", status)


def test_a_report_shows_roles_and_no_addresses(machine: Machine) -> None:
    director(machine, OLD)
    machine.lvs("apply")
    text = machine.lvs("report").stdout
    assert "VIP1:80" in text
    assert "RIP1:80" in text
    assert "default via DGW1 dev eth0" in text
    assert not re.search(r"192\.0\.2|10\.1\.1|2001:db8|\brs1\b", text)


def test_a_report_hides_link_local_addresses_and_the_host_as_a_word(machine: Machine) -> None:
    machine.run("ip link add rs1x type bridge; ip link add rs1 type bridge; ip address add fe80::7/64 dev rs1x nodad")
    machine.run("ip route add 198.51.100.0/24 dev rs1x; ip link set rs1x up; ip link set rs1 up")
    director(machine, OLD)
    text = machine.lvs("report").stdout
    assert re.search(r"^rs1x .*\bLL\d+/64", text, re.MULTILINE)
    assert re.search(r"^HOST ", text, re.MULTILINE)
    assert not re.search(r"fe80:[0-9a-f:]*[1-9a-f]", text)


# --- install ----------------------------------------------------------------------------------------------------------

SYSTEMCTL = """\
cd DIRECTORY || exit
while [ "${1#--}" != "$1" ]; do shift; done
case $1 in
    is-enabled) [ -e "enabled-${2%.service}" ] ;;
    enable) : >"enabled-${2%.service}" ;;
    disable) rm -f "enabled-${2%.service}" ;;
esac
"""


def test_install_twice_and_uninstall(machine: Machine) -> None:
    machine.program("systemctl", SYSTEMCTL.replace("DIRECTORY", str(machine.programs)))
    etc = machine.folder.parent / "etc"
    (etc / "sysctl.d").mkdir(parents=True)
    (etc / "sysctl.d" / "90-other.conf").write_text("# mine\n")
    director(machine, OLD, **{"sysctl.conf": "net.ipv4.ip_forward = 1\n", "lvsgen-shop.service": "[Unit]\n"})
    first = machine.lvs("install").stdout
    assert (etc / "lvsgen/shop/ipvs.rules").read_bytes() == (machine.folder / "ipvs.rules").read_bytes()
    assert (etc / "systemd/system/lvsgen-shop.service").exists()
    assert (etc / "sysctl.d/90-lvsgen-shop.conf").read_text().endswith("net.ipv4.ip_forward = 1\n")
    assert "~ systemctl enable lvsgen-shop.service" in first
    assert machine.lvs("install").stdout == NOTHING
    machine.lvs("uninstall")
    assert [p.name for p in etc.rglob("*") if p.is_file() and "lvsgen/shop" not in str(p)] == ["90-other.conf"]
    assert machine.lvs("uninstall").stdout == NOTHING


# busybox sh calls its own mv, rm and sync, whatever PATH says.
@pytest.mark.parametrize("machine", ["dash"], indirect=True)
def test_install_leaves_a_whole_folder_at_every_moment(machine: Machine) -> None:
    """What a power failure would leave, before and after each step, is the old one or the new one beside its place."""
    machine.program("systemctl", SYSTEMCTL.replace("DIRECTORY", str(machine.programs)))
    etc = machine.folder.parent / "etc/lvsgen"
    director(machine, OLD)
    machine.lvs("install")
    director(machine, NEW)
    seen = machine.programs / "seen"
    look = (
        f"for folder in {etc}/shop {etc}/shop.lvsgen-new; do "
        f'(cd $folder && sha256sum -c lvsgen.sum) >/dev/null 2>&1 && echo "${{folder##*/}}" && break; done >>{seen}\n'
    )
    for name in ("mv", "rm", "sync"):
        machine.program(name, f'{look}/bin/{name} "$@"; code=$?\n{look}exit $code\n')
    machine.lvs("install")
    moments = seen.read_text().split()
    assert {"shop", "shop.lvsgen-new"} == set(moments)
    assert len(moments) == seen.read_text().count("\n")
    assert [p.name for p in etc.iterdir()] == ["shop"]
    assert "10.1.1.12" in (etc / "shop/ipvs.rules").read_text()


def test_install_refuses_what_would_empty_the_table(machine: Machine) -> None:
    machine.program("systemctl", SYSTEMCTL.replace("DIRECTORY", str(machine.programs)))
    (machine.programs / "enabled-ipvsadm").touch()
    default = machine.folder.parent / "etc" / "default" / "ipvsadm"
    default.parent.mkdir(parents=True)
    director(machine, OLD)
    for text, code in (('AUTO="true"\n', 2), ('AUTO="false"\n', 0)):
        default.write_text(text)
        assert machine.lvs("install", check=False).returncode == code
        assert ("FAIL LVS811" in machine.lvs("verify", check=False).stdout) == bool(code)


def test_install_deletes_no_file_beside_its_own(machine: Machine) -> None:
    machine.program("systemctl", SYSTEMCTL.replace("DIRECTORY", str(machine.programs)))
    director(machine, OLD)
    machine.lvs("install")
    secrets = machine.folder.parent / "etc/lvsgen/shop/secrets"
    secrets.mkdir()
    director(machine, NEW)
    refused = machine.lvs("install", check=False)
    assert refused.returncode == 2
    assert f"{secrets} is not part of it" in refused.stderr
    secrets.rmdir()
    # A part of the name of one of its own, a name with two dots before it, a link that leads nowhere.
    for name in ("ipvs", "..old", "link"):
        theirs = secrets.parent / name
        theirs.symlink_to("nowhere") if name == "link" else theirs.write_text("mine\n")
        assert f"{theirs} is not part of it" in machine.lvs("install", check=False).stderr
        theirs.unlink()
    machine.lvs("install")
    assert "10.1.1.12" in (secrets.parent / "ipvs.rules").read_text()


def test_install_touches_no_file_of_somebody_else(machine: Machine) -> None:
    machine.program("systemctl", SYSTEMCTL.replace("DIRECTORY", str(machine.programs)))
    unit = machine.folder.parent / "etc/systemd/system/lvsgen-shop.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("# mine\n")
    director(machine, OLD, **{"lvsgen-shop.service": "[Unit]\n"})
    assert machine.lvs("install", check=False).returncode == 2
    machine.lvs("uninstall")
    assert unit.read_text() == "# mine\n"
