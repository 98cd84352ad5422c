"""Who writes the IPVS table changes: what lvs.sh hands over to keepalived, and what it takes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import tools
from tests.lvs_sh.machine import Machine, write_folder
from tests.test_lvs_sh import NOTHING, SHELLS, table
from tests.test_lvs_sh_verbs import wait_until

pytestmark = pytest.mark.slow

KEY = "-t 192.0.2.100:80"
MAIL = "-A -t 192.0.2.100:25 -s rr\n-a -t 192.0.2.100:25 -r 10.1.1.11:25 -g -w 1\n"
BEFORE = f"-A {KEY} -s wlc\n-a {KEY} -r 10.1.1.11:80 -g -w 1\n-a {KEY} -r 10.1.1.12:80 -g -w 1\n" + MAIL
FOREIGN = "-A -t 198.51.100.1:80 -s rr"

VRRP = """vrrp_instance shop {
    virtual_ipaddress {
        192.0.2.100/32 dev eth0  # VIP
    }
}
"""
VIRTUAL = """virtual_server 192.0.2.100 80 {
    lvs_sched rr
    lvs_method DR
    protocol TCP
    sorry_server 10.1.1.19 80
    # a comment {
    real_server 10.1.1.12 80 {
        weight 5
        TCP_CHECK {
            weight 7
        }
    }
    real_server 10.1.1.13 80 {
        weight 0  # drained: tired
    }
}
"""
AFTER = [f"-A {KEY} -s rr", f"-a {KEY} -r 10.1.1.12:80 -g -w 5", f"-a {KEY} -r 10.1.1.13:80 -g -w 0"]


@pytest.fixture(params=SHELLS)
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    tools.need(request.param.split()[0])
    made = Machine(tmp_path / "rs1", request.param)
    made.program("keepalived", 'exec MODEL "$@"\n')
    made.run(f"ipvsadm {FOREIGN}")
    yield made
    made.run("kill $(cat /run/keepalived.pid)")
    made.close()


def by_keepalived(machine: Machine, conf: str) -> None:
    files = {"keepalived.conf": conf}
    write_folder(machine.folder, "rs1", files, writer="keepalived", roles="director")


def by_script(machine: Machine, *, vrrp: bool) -> None:
    files = {"ipvs.rules": BEFORE, **({"keepalived.conf": VRRP} if vrrp else {})}
    write_folder(machine.folder, "rs1", files, roles="director")


def of_us(machine: Machine) -> list[str]:
    lines = table(machine)
    assert FOREIGN in lines, "the service of somebody else is gone"
    return [line for line in lines if line != FOREIGN]


@pytest.mark.parametrize("vrrp", [False, True], ids=["starts", "is-reloaded"])
def test_keepalived_gets_the_table_and_gives_it_back(machine: Machine, vrrp: bool) -> None:
    by_script(machine, vrrp=vrrp)
    machine.lvs("apply")
    before = of_us(machine)
    assert before == sorted(BEFORE.splitlines(), key=lambda line: ":80" in line)

    by_keepalived(machine, VRRP + VIRTUAL)
    planned = machine.lvs("plan", check=False).stdout
    done = machine.lvs("apply")
    assert "keepalived writes the IPVS table from now on" in done.stderr
    assert of_us(machine) == AFTER
    # What stays is edited before keepalived comes, and what goes waits until it serves.
    said = done.stdout.splitlines()
    at = next(n for n, line in enumerate(said) if "keepalived started" in line or "keepalived reloaded" in line)
    assert f"~ ipvsadm -E {KEY} -s rr" in said[:at]
    assert f"- ipvsadm -d {KEY} -r 10.1.1.11:80" in said[at:]
    assert said[-1] == "- ipvsadm -D -t 192.0.2.100:25"
    assert [line.partition("  # ")[0] for line in planned.splitlines()] == said
    assert machine.lvs("apply").stdout == NOTHING
    # From now on it is keepalived's: what a check has taken out stays out.
    machine.run(f"ipvsadm -d {KEY} -r 10.1.1.12:80")
    assert machine.lvs("apply").stdout == NOTHING
    assert of_us(machine) == [AFTER[0], AFTER[2]]

    by_script(machine, vrrp=vrrp)
    machine.lvs("apply")
    assert of_us(machine) == before
    assert machine.lvs("apply").stdout == NOTHING
    machine.lvs("rollback")
    assert of_us(machine) == AFTER
    machine.lvs("stop")
    assert of_us(machine) == []


def test_killed_while_it_hands_over_the_rest_goes_later(machine: Machine) -> None:
    by_script(machine, vrrp=False)
    machine.lvs("apply")
    by_keepalived(machine, VRRP + VIRTUAL)
    lines = machine.programs / "lines"
    killer = f"cat >{lines}; ! grep -q ^-d {lines} || kill -9 -$LVS_SH_GROUP; exec MODEL -R <{lines}"
    machine.program("ipvsadm", f'[ "$1" != -R ] || {{ {killer}; }}\nexec MODEL "$@"\n')
    assert machine.lvs("apply", check=False).returncode == -9
    machine.interfere(0, "")
    wait_until(lambda: AFTER[2] in of_us(machine))
    machine.run(f"ipvsadm -e {KEY} -r 10.1.1.12:80 -g -w 0")
    machine.lvs("apply")
    assert of_us(machine) == [AFTER[0], AFTER[1].replace("-w 5", "-w 0"), AFTER[2]], "keepalived has said so"


def test_keepalived_of_somebody_else(machine: Machine) -> None:
    """It runs with a file of its own, which describes a service that ours has as well."""
    conf = "/etc/keepalived/keepalived.conf"
    machine.run(f"printf '%s' '# mine\n{VIRTUAL}' >{conf}; keepalived -f {conf} -p /run/keepalived.pid")
    wait_until(lambda: set(AFTER[1:]) <= set(of_us(machine)))
    by_script(machine, vrrp=True)
    plan = machine.lvs("plan", check=False)
    assert f"your own {conf} is kept as {conf}.before-lvsgen; stop puts it back" in plan.stderr
    assert "~ keepalived reloaded  # its services go and are made again" in plan.stdout
    machine.lvs("apply")
    assert of_us(machine) == sorted(BEFORE.splitlines(), key=lambda line: ":80" in line)
    assert machine.lvs("apply").stdout == NOTHING
    machine.lvs("stop")
    assert machine.run(f"head -n 1 {conf}") == "# mine\n"
    wait_until(lambda: of_us(machine) == AFTER)


def test_keepalived_of_another_cluster_keeps_its_file(machine: Machine) -> None:
    by_keepalived(machine, VRRP)
    machine.lvs("apply")
    before = machine.run("cat /etc/keepalived/keepalived.conf")
    write_folder(machine.folder, "rs1", {"keepalived.conf": VIRTUAL}, writer="keepalived")
    machine.run("mv /run/lvsgen/shop /run/lvsgen/bank")
    for verb in ("plan", "apply", "try"):
        refused = machine.lvs(verb, *(["9"] if verb == "try" else []), check=False)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert "belongs to another cluster on this host, see /run/lvsgen/bank" in refused.stderr
    assert machine.run("cat /etc/keepalived/keepalived.conf") == before
    machine.run("mv /run/lvsgen/bank /run/lvsgen/shop")


# busybox sh calls its own arping, whatever PATH says.
@pytest.mark.parametrize("machine", ["dash"], indirect=True)
def test_verify_looks_at_keepalived_s_services_and_vips(machine: Machine) -> None:
    machine.program("systemctl", "exit 1\n")
    answering = machine.programs / "answering"
    machine.program("arping", f"[ ! -e {answering} ]\n")
    by_keepalived(machine, VRRP + VIRTUAL)
    machine.lvs("apply")
    wait_until(lambda: AFTER[2] in of_us(machine))
    fine = machine.lvs("verify").stdout
    assert f"OK LVS803 service {KEY} " in fine
    assert "OK LVS875 VIP 192.0.2.100 " in fine
    machine.run(f"ipvsadm -E {KEY} -s wlc; touch {answering}")
    bad = machine.lvs("verify", check=False).stdout
    assert f"FAIL LVS806 service {KEY} expected=as described got=different" in bad
    assert "FAIL LVS875 VIP 192.0.2.100 expected=held once got=held here and elsewhere" in bad
    machine.run(f"ipvsadm -D {KEY}; ip address del 192.0.2.100/32 dev eth0")
    bad = machine.lvs("verify", check=False).stdout
    assert f"FAIL LVS803 service {KEY} expected=present got=absent" in bad
    assert "OK LVS875 VIP 192.0.2.100 " in bad, "another director holds it"
    answering.unlink()
    assert "LVS875 VIP 192.0.2.100 expected=held once got=held by nobody" in machine.lvs("verify", check=False).stdout
