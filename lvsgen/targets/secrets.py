"""secrets.conf: which placeholder in keepalived.conf stands for the contents of which file on the host."""

from __future__ import annotations

import hashlib
from functools import cache
from typing import Any

from lvsgen.plan.host import HostPlan


def view(plan: HostPlan) -> dict[str, Any] | None:
    """The placeholders of the secrets that this host needs; lvs.sh fills them into the installed copy only."""
    if not plan.secrets:
        return None
    return {"secrets": [{"placeholder": placeholder(s.name), "name": s.name, "file": s.file} for s in plan.secrets]}


@cache
def placeholder(name: str) -> str:
    """What stands for a secret: eight characters, for keepalived cuts `auth_pass` there."""
    return f"@{hashlib.sha256(name.encode()).hexdigest()[:6]}@"
