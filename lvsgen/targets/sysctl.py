"""sysctl.conf: kernel settings in the format of sysctl.d(5), each with what breaks without it."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from lvsgen.plan.host import HostPlan


def view(plan: HostPlan) -> dict[str, Any] | None:
    """Settings grouped by reason, in order."""
    if not plan.sysctls:
        return None
    return {
        "groups": [
            {"reason": reason, "sysctls": list(group)}
            for reason, group in groupby(plan.sysctls, key=lambda s: s.reason)
        ]
    }
