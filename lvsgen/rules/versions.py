"""Features that a director's kernel or tools are too old for."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, Place, quote
from lvsgen.model import Version
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import WARNING, rule, written

SCHEDULERS: dict[str, Version] = {"fo": (3, 18), "ovf": (4, 3), "mh": (4, 18), "twos": (5, 13)}
"""Kernels that first had a scheduler. ipvsadm knows no schedulers, only their flags."""
FLAGS: dict[str, Version] = {"sh": (1, 27), "mh": (1, 30)}
"""Versions of ipvsadm that first had a scheduler's flags."""
TUNNELS: dict[str, Version] = {"gue": (5, 2), "gre": (5, 3)}
"""Kernels that first had a tunnel."""
TUNNELLING: Version = (1, 31)
"""The version of ipvsadm that first had other tunnels than IP in IP."""
LARGE_TABLE = 20
"""The most `table_bits` of kernels before the one below."""
LARGER_TABLES: Version = (6, 1)
"""A kernel whose stable versions take up to 27 (6.5, and what was taken back from it)."""


@rule("LVS216", WARNING)
def too_new_for_director(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A scheduler, its flags, a tunnel or a size of the connection table that is younger than the kernel or the
        ipvsadm that the cluster declares.

    Why:
        The tool or the kernel refuses the line, and with it the virtual service or the realserver.

    Example:
        versions: {kernel: "4.9"}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: mh}  # <- LVS216

    Instead:
        versions: {kernel: "4.19"}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: mh}

    Sources:
        keepalived.conf(5), lvs_method; the history of net/netfilter/ipvs and of ipvsadm
    """
    by_script = facts.cluster.ipvs.writer == "script"
    for what, kernel, ipvsadm, place in _features(facts):
        for director in facts.cluster.directors:
            own = director.versions
            if kernel and own.kernel < kernel:
                tool, needs, has = "kernel", kernel, own.kernel
            elif ipvsadm and by_script and own.ipvsadm < ipvsadm:
                tool, needs, has = "ipvsadm", ipvsadm, own.ipvsadm
            else:
                continue
            yield too_new_for_director.at(
                place,
                f"{what} came with {tool} {_text(needs)}, and director {quote(director.name)} has {_text(has)}",
                f'correct `versions: {{{tool}: "..."}}` if it is newer, or choose something else',
            )
            break


@rule("LVS329", WARNING)
def scheduler_often_missing(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        The scheduler `twos` with a kernel before 6.12.

    Why:
        It is in Linux since 5.13, but distributions leave it out: Debian 12 has none. The kernel refuses the virtual
        service, and all realservers of it.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: twos}  # <- LVS329

    Instead:
        versions: {kernel: "6.12"}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, scheduler: twos}

    Sources:
        CONFIG_IP_VS_TWOS; seen on Debian 12 (6.1: missing) and Debian 13 (6.12: there)
    """
    old = next((d for d in facts.cluster.directors if (5, 13) <= d.versions.kernel < (6, 12)), None)
    if old is None:
        return
    for service in facts.cluster.services:
        if service.scheduler == "twos":
            yield scheduler_often_missing.at(
                service.place.at("scheduler"),
                f"many kernels are built without `twos`, and director {quote(old.name)} has "
                f"{_text(old.versions.kernel)}",
                "look for ip_vs_twos on the directors, or write `scheduler: wlc`",
            )


def _features(facts: Facts) -> Iterator[tuple[str, Version | None, Version | None, Place]]:
    """What is used that came late: the kernel and the ipvsadm that it needs, and its place."""
    bits = facts.cluster.ipvs.table_bits
    if bits and bits > LARGE_TABLE:
        yield f"`table_bits` of {bits}", LARGER_TABLES, None, facts.cluster.ipvs.place.at("table_bits")
    for service, pool in facts.services:
        scheduler = service.scheduler
        if scheduler in SCHEDULERS:
            yield f"scheduler {quote(scheduler)}", SCHEDULERS[scheduler], None, service.place.at("scheduler")
        if service.flags:
            yield f"flags of {quote(scheduler)}", None, FLAGS.get(scheduler), service.place.at("flags")
        told = {"ipip"}
        for member in pool.tunnelled:
            kind = member.tunnel.type
            if kind not in told:
                told.add(kind)
                yield f"tunnel {quote(kind)}", TUNNELS[kind], TUNNELLING, written(member.place, service.place, "tunnel")


def _text(version: Version) -> str:
    return ".".join(str(part) for part in version)
