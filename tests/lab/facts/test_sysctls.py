"""The kernel's settings of IPVS: which there are, and which values they take."""

from __future__ import annotations

from lvsgen.lab.guest.wire import Machine
from lvsgen.rules.sysctls import IPVS, OTHER_IPVS, SINCE
from tests.lab.facts.fact import fact
from tests.lab.facts.ground import Lab, nic

FOLDER = "/proc/sys/net/ipv4/vs"
ELSEWHERE = {"debug_level", "lblc_expiration", "lblcr_expiration"}
"""Of a kernel that is built to debug, and of schedulers that are not loaded."""


@fact(shows=("LVS857", "LVS858"))
def test_settings_and_the_values_that_they_take(lab: Lab) -> None:
    """`/proc/sys/net/ipv4/vs` has the settings of `lvsgen.rules.sysctls`, and the kernel refuses a value outside of the
    range that stands there (ip_vs_ctl.c).
    """
    director = lab.build(Machine(name="director", nics=(nic(0, 1, "192.0.2.2/24"),)))["director"]
    found = set(director.must(f"ls {FOLDER}").split())
    known = {name for name in (*IPVS, *OTHER_IPVS) if SINCE.get(name, ()) <= lab.kernel} - ELSEWHERE
    assert found - ELSEWHERE == known, found ^ known
    assert director.run("sysctl -qw net.ipv4.vs.expire_nodest_con=1").code != 0
    for name, (least, most) in IPVS.items():
        if name in known and abs(most) < 2**31 - 1:
            for value, taken in ((least, True), (most, True), (least - 1, False), (most + 1, False)):
                assert (director.run(f"sysctl -qw net.ipv4.vs.{name}={value}").code == 0) is taken, (name, value)
    for pair, taken in (("3 50", True), ("3 0", True), ("50 3", False), ("-1 3", False)):
        assert (director.run(f"sysctl -qw 'net.ipv4.vs.sync_threshold={pair}'").code == 0) is taken, pair
    for value, taken in ((1, True), (64, True), (3, False), (0, False)):
        assert (director.run(f"sysctl -qw net.ipv4.vs.sync_ports={value}").code == 0) is taken, value
    assert director.run("sysctl -qw net.ipv4.vs.cache_bypass=on").code != 0
