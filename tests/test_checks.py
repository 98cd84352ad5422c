"""docs/checks.md against the program: codes exist, and what is called impossible cannot be had.

A file `checks/NUMBER-*.yaml` tries to write the mistake and marks the line at which it is refused; `GENERATED` has what
the files that are generated for examples and tests/golden must contain, or must not.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from lvsgen import overrides, pipeline, rules
from lvsgen.catalogue import HOST_CHECKS
from lvsgen.diagnostics import Severity
from lvsgen.rules.documentation import complete
from lvsgen.targets import TARGETS

ROOT = Path(__file__).parent.parent
CASES = sorted((Path(__file__).parent / "checks").glob("*.yaml"))
ROW = re.compile(r"^\| (\d{3}) \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$", re.MULTILINE)
ROWS = {int(n): (where, how) for n, _, where, how in ROW.findall((ROOT / "docs/checks.md").read_text())}
SECTIONS = {1: 21, 2: 25, 3: 31, 4: 18, 5: 40, 6: 23, 7: 20, 8: 25}
"""How many checks each hundred has."""
OF_BIND = {"LVS032"}
"""Codes of earlier stages that the table names."""
MARK = re.compile(r"# <- (LVS\d{3})$", re.MULTILINE)

SOME, NEVER = True, False
GENERATED: dict[int, tuple[tuple[str, str, bool], ...]] = {
    102: (("*/addresses.batch", r"^address replace \S+/(?!32 |128 )", NEVER),),
    103: (("*/keepalived.conf", r"^ +[0-9a-f.:]+/(?!32 |128 )\d+ dev", NEVER),),
    112: (("*/ipvs.rules", r" -[tur] [^\[ ]*:[^ ]*:", NEVER), ("*/ipvs.rules", r"-t \[[0-9a-f:]+\]:\d+ ", SOME)),
    119: (("director/addresses.batch", r"^address replace \S+/128 dev eth\d+(?!.*preferred_lft 0)", NEVER),),
    120: (("*/addresses.batch", r"^address replace \S+/128 dev eth\d+(?!.*nodad)", NEVER),),
    204: (("director/sysctl.conf", r"^net.ipv4.ip_forward = 1$", SOME),),
    206: (
        ("director/sysctl.conf", r"^net.ipv4.conf.all.send_redirects = 0\n(.*\n)*?net.*eth0.send_redirects = 0$", SOME),
    ),
    210: (("director/sysctl.conf", r"^net.ipv4.vs.conntrack = 1$", SOME),),
    211: (("lvs1/sysctl.conf", r"vs.conntrack", NEVER),),
    217: (("director/modules.conf", r"^ip_vs_ftp$", SOME),),
    220: (("director/modprobe.conf", r"^options ip_vs_ftp ports=21,2121$", SOME),),
    328: (("director/sysctl.conf", r"^net.ipv4.vs.expire_quiescent_template = 1$", SOME),),
    403: (
        ("director/iptables.rules", r"--set-mark 21744399$", SOME),
        ("director/ipvs.rules", r"^-A -f 21744399 ", SOME),
    ),
    404: (("director/ipvs.rules", r"^-A -f 22 (.*\n)+-A -f 36 -6 ", SOME),),
    407: (
        ("*/iptables.rules", r"--dports ([^ ,]+,){15}", NEVER),
        ("*/iptables.rules", r"--dports ([^ ,]+,){13}", SOME),
    ),
    413: (("*/iptables.rules", r"^-A (?!.* (-d|--dst-range) ).*MARK", NEVER),),
    417: (("*/iptables.rules", r"OUTPUT|POSTROUTING.*mac-source", NEVER), ("*/iptables.rules", r"--mac-source", SOME)),
    418: (("*/rules.batch", r"^rule add (?!.* priority )", NEVER), ("*/*.batch", r"^rule add .* priority ", SOME)),
    507: (("*/keepalived.conf", r"unicast_src_ip \S+\n(?! +unicast_peer)", NEVER),),
    514: (("*/keepalived.conf", r"virtual_ipaddress\w* \{[^}]*\.\d+/32[^}]*/128", NEVER),),
    519: (
        ("*/keepalived.conf", r"lvs_sync_daemon (?!\S+ inst )", NEVER),
        ("*/keepalived.conf", "lvs_sync_daemon", SOME),
    ),
    601: (("*/sysctl.conf", r"^net.ipv4.conf.all.arp_ignore = 1$", SOME),),
    602: (("*/sysctl.conf", r"conf\.(lo|default)\.arp_", NEVER),),
    603: (("*/sysctl.conf", r"^net.ipv4.conf.all.arp_announce = 2$", SOME),),
    606: (("*/sysctl.conf", r"arp_filter", NEVER),),
    608: (("*/sysctl.conf", r"^net.ipv4.conf.tunl0.rp_filter = 2$", SOME),),
    609: (("a1/addresses.batch", r"dev tunl0$", SOME), ("a1/addresses.batch", r"dev lo$", NEVER)),
    613: (("four/links.batch", r"^fou add port 6080 gue$", SOME), ("*/ipvs.rules", "--tun-port 6080$", SOME)),
    622: (("*/sysctl.conf", r"proxy_ndp", NEVER),),
    713: (("*/sysctl.conf", r"^net.ipv4.vs.expire_quiescent_template = 1$", SOME),),
    801: (("*/lvs.sh", r"ipvsadm (-C|--clear)|^ *ipvsadm-restore", NEVER),),
    810: (("director/modules.conf", r"^ip_vs$", SOME),),
    812: (("*/keepalived.conf", r"auth_pass (?!@)", NEVER),),
}
"""Files of hosts, a regular expression, and whether it must be in some of them or may be in none."""


def test_all_checks_are_there() -> None:
    assert list(ROWS) == [100 * section + n for section, count in SECTIONS.items() for n in range(1, count + 1)]
    assert {where for where, _ in ROWS.values()} == {
        "rule",
        "impossible",
        "verify",
        "lvs.sh",
        "change",
        "report",
        "left out",
    }
    assert all(how for where, how in ROWS.values() if where != "change")


def test_codes_in_the_table_exist_and_rules_are_in_it() -> None:
    known = {rule.code for rule in rules.RULES} | overrides.NAMES.keys() | OF_BIND | verified()
    told = {code for _, how in ROWS.values() for code in re.findall(r"LVS\d{3}", how)}
    assert told <= known
    for number, (where, how) in ROWS.items():
        assert (where == "rule") <= ("LVS" in how), number
        if f"LVS{number}" in known - verified():
            assert (where, f"LVS{number}" in how) == ("rule", True), number


@cache
def verified() -> frozenset[str]:
    """The codes that `lvs.sh verify` prints."""
    (verify,) = (ROOT / "templates/lvs.sh").glob("*-verify.sh")
    return frozenset(re.findall(r"\bLVS\d{3}\b", verify.read_text()))


def test_what_is_said_to_be_verified_is_printed_on_the_host() -> None:
    for number, (where, how) in ROWS.items():
        if where == "verify":
            codes = set(re.findall(r"LVS\d{3}", how))
            assert codes, number
            assert codes <= verified(), number


def test_what_the_host_prints_is_documented() -> None:
    of_host = {entry.code for entry in HOST_CHECKS}
    assert of_host <= verified()
    assert verified() - of_host <= {rule.code for rule in rules.RULES}


@cache
def generated(pattern: str) -> tuple[tuple[str, str], ...]:
    paths = [p for folder in ("examples", "tests/golden") for p in (ROOT / folder).glob(f"*/generated/{pattern}")]
    return tuple((str(path), path.read_text()) for path in sorted(paths))


@pytest.mark.parametrize("number", GENERATED)
def test_what_is_generated_has_it_right(number: int) -> None:
    for files, expression, wanted in GENERATED[number]:
        found = [path for path, text in generated(files) if re.search(expression, text, re.MULTILINE)]
        assert bool(found) is wanted, (expression, found)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_it_cannot_be_written(path: Path, tmp_path: Path) -> None:
    text = complete(path.read_text())
    (tmp_path / "cluster.yaml").write_text(text)
    wanted = {(text[: mark.start()].count("\n") + 1, mark[1]) for mark in MARK.finditer(text)}
    found = pipeline.check(str(tmp_path)).diagnostics
    assert wanted
    assert {(one.location.span.line, one.code) for one in found} == wanted, found
    assert {one.severity for one in found} == {Severity.ERROR}


def test_the_directors_of_a_pair_agree() -> None:
    """Checks 503, 526 and 527."""
    for pair in ("dual-stack-pair/generated/lvs", "nat-pair/generated/lvs", "two-box/generated/box"):
        first, second = (
            [
                line
                for line in (ROOT / f"examples/{pair}{n}/keepalived.conf").read_text().splitlines()
                if not re.search(r"router_id \w+$|priority|unicast_src_ip|^        [0-9a-f.:]+$", line)
            ]
            for n in (1, 2)
        )
        assert first == second


def test_sysctls_are_applied_before_addresses() -> None:
    """Check 617."""
    names = [target.name for target in TARGETS]
    assert names.index("sysctl.conf") < names.index("addresses.batch")


def test_everything_that_is_called_impossible_is_tried() -> None:
    elsewhere = {503, 526, 527, 617, 821}  # 821: the order of a mapping, in test_examples
    tried = {int(path.stem[:3]) for path in CASES} | GENERATED.keys() | elsewhere
    assert {number for number, (where, _) in ROWS.items() if where == "impossible"} == tried
