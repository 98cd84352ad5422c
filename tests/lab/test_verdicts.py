"""The table and the plain values."""

from __future__ import annotations

from lvsgen.lab import verdicts
from lvsgen.lab.guest.wire import Result, Subject

RESULTS = (
    Result(job="shop", subject=Subject(property="arp", service="www"), verdict="pass", seen="192.0.2.100: lvs1"),
    Result(job="shop", subject=Subject(property="traffic"), verdict="fail", seen="1 rs1", cause="nothing from rs2"),
    Result(job="shop", subject=Subject(property="hosts"), verdict="not tested", seen="mx1"),
)


def test_the_table_names_the_cause_below_the_failure() -> None:
    assert verdicts.table("shop", RESULTS) == (
        "property  service  verdict     seen\n"
        "arp       www      pass        192.0.2.100: lvs1\n"
        "traffic   -        fail        1 rs1\n"
        "    because: nothing from rs2\n"
        "hosts     -        not tested  mx1\n"
        "shop: 1 passed, 1 failed, 1 not tested\n"
    )


def test_plain_values() -> None:
    plain = verdicts.plain("shop", RESULTS)
    assert (plain["passed"], plain["counts"]) == (False, {"passed": 1, "failed": 1, "not tested": 1})
    assert plain["results"][1]["cause"] == "nothing from rs2"


def test_what_is_not_tested_has_not_failed() -> None:
    assert not verdicts.failed((RESULTS[0], RESULTS[2]))
