"""Sysctls of the description that hurt; `lvsgen.overrides` judges those that contradict a derived value."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import WARNING, rule

DEFENCES = tuple(f"net.ipv4.vs.{name}" for name in ("drop_entry", "drop_packet", "secure_tcp"))
ALWAYS = "3"
"""On for ever; 1 and 2 are on when memory is short (ipvs-sysctl.rst)."""


@rule("LVS825", WARNING)
def defence_for_ever(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A defence against floods that is switched on for ever, without a reason.

    Why:
        `drop_entry`, `drop_packet` and `secure_tcp` drop connections and packets of everybody, also when there is no
        flood. With 1 or 2 the kernel switches them on when memory is short, and off again.

    Example:
        sysctl: {director: {net.ipv4.vs.drop_entry: 3}}  # <- LVS825

    Instead:
        sysctl: {director: {net.ipv4.vs.drop_entry: 1}}

    Sources:
        ipvs-sysctl.rst, drop_entry, drop_packet and secure_tcp
    """
    for one in facts.cluster.sysctls:
        if one.key.replace("/", ".") in DEFENCES and one.value.strip() == ALWAYS and not one.reason:
            yield defence_for_ever.at(
                one.place,
                "this drops legitimate traffic for ever, not only in a flood",
                f"write 1, or say why: `{{value: {ALWAYS}, reason: ...}}`",
            )
