"""Sysctls of the description against those that are derived: takes a cluster, returns findings.

Not a rule, for rules judge what is written and know no plan. An override that says the same as lvsgen, or of a key that
lvsgen does not set, needs no word; one that says the opposite needs a `reason`, which is printed beside it.
"""

from __future__ import annotations

from dataclasses import replace

from lvsgen.diagnostics import Finding, Severity, quote
from lvsgen.model import Cluster

NAMES = {"LVS855": "override-without-reason"}
"""Codes of this stage."""


def check(cluster: Cluster) -> tuple[Finding, ...]:
    """An error for each override that contradicts a derived value and gives no reason.

    The cluster has passed the rules: it can be planned.
    """
    unexplained = [one for one in cluster.sysctls if not one.reason]
    if not unexplained:
        return ()
    from lvsgen.plan import derive

    plans = derive(replace(cluster, sysctls=()))
    derived = [(plan.host, plan.roles, sysctl) for plan in plans for sysctl in plan.sysctls]
    findings = []
    for one in unexplained:
        needs = ((h, s) for h, roles, s in derived if s.key == one.key and one.role in roles)
        for host, sysctl in needs:
            if sysctl.value.split() != one.value.split():
                findings.append(
                    Finding(
                        code="LVS855",
                        name=NAMES["LVS855"],
                        severity=Severity.ERROR,
                        message=f"{host.role} {quote(host.name)} needs the value {sysctl.value}: {sysctl.reason}",
                        place=one.place,
                        help=f"remove it, or say why: `{{value: {one.value}, reason: ...}}`",
                    )
                )
                break
    return tuple(findings)
