"""What is said beside the rules: overrides of sysctls, waivers, dates, and the words of other tools."""

from __future__ import annotations

from lvsgen.diagnostics import Severity
from lvsgen.rules.documentation import Entry, documented

ERROR, WARNING = Severity.ERROR, Severity.WARNING


@documented("LVS855", ERROR)
def override_without_reason() -> None:
    """What it finds:
        A sysctl of the description that contradicts the value which lvsgen derives, and gives no reason.

    Why:
        Each derived sysctl keeps something working. Who sets another value may be right, and then says why: the reason
        is printed beside the value.

    Example:
        sysctl:
          realserver: {net.ipv4.conf.all.arp_ignore: 0}  # <- LVS855

    Instead:
        sysctl:
          realserver: {net.ipv4.conf.all.arp_ignore: {value: 0, reason: "the VIP is filtered by arptables"}}

    Sources:
        ip-sysctl.rst, arp_ignore
    """


@documented("LVS901", WARNING)
def bad_waiver() -> None:
    """What it finds:
        A comment `# lvsgen:` that is no waiver, or a waiver without a reason.

    Why:
        It has no effect. A waiver without a reason is one that nobody dares to remove.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: fo}  # lvsgen: ignore[LVS312]  # <- LVS312, LVS901

    Instead:
        services:
          # lvsgen: ignore[LVS312] either may go first
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: fo}

    Sources:
        docs/check.md, waivers
    """


@documented("LVS902", WARNING)
def unknown_waiver() -> None:
    """What it finds:
        A waiver of a code or name that no rule has.

    Why:
        What it should waive is still reported, or nobody knows any more what it was about.

    Example:
        services:
          # lvsgen: ignore[LVS999] either may go first  # <- LVS902
          web: {vip: 192.0.2.100, tcp: 80, method: dr}

    Instead:
        services:
          # lvsgen: ignore[LVS312] either may go first
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: fo}

    Sources:
        docs/check.md, waivers
    """


@documented("LVS903", WARNING)
def unused_waiver() -> None:
    """What it finds:
        A waiver of something that is not found on its line, or that is an error there.

    Why:
        It would hide the next mistake of that kind. Errors cannot be waived: what would be generated is wrong. `--fix`
        removes a waiver that has no use.

    Example:
        services:
          # lvsgen: ignore[LVS312] either may go first  # <- LVS903
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: wlc}

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: wlc}

    Sources:
        docs/check.md, waivers
    """


@documented("LVS910", WARNING)
def expired() -> None:
    """What it finds:
        Something whose `expires` has passed, with `lvsgen check --as-of DATE` only.

    Why:
        It was meant to be gone by now. A build never asks for the day, for its files must not depend on it.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, expires: 2020-12-31}  # <- LVS910

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, expires: 2999-12-31}

    Sources:
        docs/language.md
    """


@documented("LVS920", ERROR)
def keepalived_objects() -> None:
    """What it finds:
        Something in a generated keepalived.conf that `keepalived -t` does not take as it is written, with
        `lvsgen check --with-tools` only.

    Why:
        keepalived does not refuse to start: it leaves out or replaces what it does not like, and runs with a
        configuration that nobody has read. Mostly raw text is at fault, which lvsgen does not understand.

    Example:
        keepalived:
          global: |
            vrrp_strct  # <- LVS920
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: tcp}

    Instead:
        keepalived:
          global: |
            process_names
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: tcp}

    Sources:
        keepalived(8), --config-test; seen with keepalived 2.2.7
    """


BESIDE: tuple[Entry, ...] = (
    override_without_reason,
    bad_waiver,
    unknown_waiver,
    unused_waiver,
    expired,
    keepalived_objects,
)
"""In the order of their codes."""
