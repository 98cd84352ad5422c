"""Sysctls of the description that hurt, or that no kernel takes.

`lvsgen.overrides` judges those that contradict a derived value.
"""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import SysctlOverride, Version
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, WARNING, rule

DEFENCES = tuple(f"net.ipv4.vs.{name}" for name in ("drop_entry", "drop_packet", "secure_tcp"))
ALWAYS = "3"
"""On for ever; 1 and 2 are on when memory is short (ipvs-sysctl.rst)."""
OF_IPVS = "net.ipv4.vs."
ANY = (-(2**31), 2**31 - 1)
IPVS: dict[str, tuple[int, int]] = {
    "am_droprate": ANY,
    "amemthresh": ANY,
    "backup_only": ANY,
    "cache_bypass": ANY,
    "conn_reuse_mode": ANY,
    "conntrack": ANY,
    "debug_level": ANY,
    "drop_entry": (0, 3),
    "drop_packet": (0, 3),
    "est_nice": (-20, 19),
    "expire_nodest_conn": ANY,
    "expire_quiescent_template": ANY,
    "ignore_tunneled": ANY,
    "lblc_expiration": ANY,
    "lblcr_expiration": ANY,
    "nat_icmp_send": ANY,
    "pmtu_disc": ANY,
    "run_estimation": ANY,
    "schedule_icmp": ANY,
    "secure_tcp": (0, 3),
    "sloppy_sctp": ANY,
    "sloppy_tcp": ANY,
    "snat_reroute": ANY,
    "sync_persist_mode": ANY,
    "sync_qlen_max": (0, 2**63 - 1),
    "sync_refresh_period": ANY,
    "sync_retries": (0, 3),
    "sync_sock_size": ANY,
    "sync_version": (0, 1),
}
"""Settings of one number, and what the kernel takes (ip_vs_ctl.c, vs_vars)."""
OTHER_IPVS = ("est_cpulist", "sync_ports", "sync_threshold")
SINCE: dict[str, Version] = {"est_cpulist": (6, 2), "est_nice": (6, 2), "run_estimation": (5, 15)}
"""Kernels that brought a setting, where any that is in use lacks it."""
LARGEST_NUMBER_OF_PORTS = 64


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


@rule("LVS857", ERROR)
def unknown_setting(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A setting of IPVS that no kernel has, or not the director's, without a reason; or any under `realserver`.

    Why:
        `lvs.sh apply` ends when it comes to it, before it touches the table: the director gets no change any more, and
        after a boot no service. A machine that is no director has no IPVS.

    Example:
        sysctl: {director: {net.ipv4.vs.expire_nodest_con: 1}}  # <- LVS857

    Instead:
        sysctl: {director: {net.ipv4.vs.expire_nodest_conn: 1}}

    Sources:
        ipvs-sysctl.rst; ip_vs_ctl.c, vs_vars
    """
    for one, name in _of_ipvs(facts):
        if one.reason:
            continue
        if one.role == "realserver":
            yield unknown_setting.at(
                one.place.key,
                f"{quote(one.key)} is a setting of directors: a realserver has no IPVS",
                "move it to `director`, or remove it",
            )
        elif name not in IPVS and name not in OTHER_IPVS:
            yield unknown_setting.at(
                one.place.key,
                f"IPVS has no setting {quote(name)}, and `lvs.sh apply` ends when it comes to it",
                f"{_meant(name)}; if your kernel has it, say so: `{{value: {one.value}, reason: ...}}`",
            )
        else:
            needs = SINCE.get(name, ())
            old = next((d for d in facts.cluster.directors if d.versions.kernel < needs), None)
            if old:
                spelt = [".".join(map(str, version)) for version in (needs, old.versions.kernel)]
                yield unknown_setting.at(
                    one.place.key,
                    f"{quote(name)} came with kernel {spelt[0]}, and director {quote(old.name)} has {spelt[1]}",
                    'correct `versions: {kernel: "..."}` if it is newer, or remove it',
                )


@rule("LVS858", ERROR)
def setting_refused(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A value of a setting of IPVS that the kernel refuses.

    Why:
        `lvs.sh apply` ends when it comes to it, before it touches the table: the director gets no change any more, and
        after a boot no service.

    Example:
        sysctl: {director: {net.ipv4.vs.drop_entry: 4}}  # <- LVS858

    Instead:
        sysctl: {director: {net.ipv4.vs.drop_entry: 1}}

    Sources:
        ipvs-sysctl.rst; ip_vs_ctl.c, vs_vars, proc_do_defense_mode, proc_do_sync_threshold and proc_do_sync_ports
    """
    for one, name in _of_ipvs(facts):
        wanted = _refused(name, one.value) if one.role == "director" else ""
        if wanted:
            yield setting_refused.at(
                one.place, f"the kernel takes no {quote(one.value)} for {quote(name)}", f"write {wanted}"
            )


def _of_ipvs(facts: Facts) -> Iterator[tuple[SysctlOverride, str]]:
    """The settings of IPVS in the description, and their names."""
    for one in facts.cluster.sysctls:
        if one.key.startswith(OF_IPVS):
            yield one, one.key.removeprefix(OF_IPVS)


def _meant(name: str) -> str:
    import difflib  # only mistakes need it

    near = difflib.get_close_matches(name, [*IPVS, *OTHER_IPVS], 1)
    return f"did you mean `{OF_IPVS}{near[0]}`" if near else "see ipvs-sysctl.rst for the names"


def _refused(name: str, value: str) -> str:
    """What the kernel takes instead of a value; empty if it takes it."""
    try:
        numbers = [int(word, 10) for word in value.split()]
    except ValueError:
        return "" if name == "est_cpulist" or name not in (*IPVS, *OTHER_IPVS) else "a number"
    if name == "sync_threshold":
        # The second is the period; without one (0) only the first packet counts.
        fine = len(numbers) == 2 and min(numbers) >= 0 and (numbers[0] < numbers[1] or not numbers[1])
        return "" if fine else "two numbers, the first smaller than the second: `3 50`"
    if name == "sync_ports":
        fine = len(numbers) == 1 and numbers[0] in (2**n for n in range(LARGEST_NUMBER_OF_PORTS.bit_length()))
        return "" if fine else f"a power of two from 1 to {LARGEST_NUMBER_OF_PORTS}"
    if name not in IPVS:
        return ""
    least, most = IPVS[name]
    fine = len(numbers) == 1 and least <= numbers[0] <= most
    return "" if fine else f"a number from {least} to {most}"
