"""What only a checker does, in a cluster whose table lvs.sh writes."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, Place, quote
from lvsgen.model import Service
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule


@rule("LVS750", ERROR)
def checks_without_checker(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Checks in a cluster with `writer: script`.

    Why:
        lvs.sh writes the table once and watches nothing. Who wrote the checks believes that dead realservers are taken
        out.

    Example:
        ipvs: {writer: script}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: tcp}  # <- LVS750

    Instead:
        ipvs: {writer: keepalived}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: tcp}

    Sources:
        keepalived.conf(5), real_server
    """
    if facts.cluster.ipvs.writer != "script":
        return
    for service, pool in facts.services:
        if service.checked:
            yield checks_without_checker.at(
                next(c.place for c in pool.checks),
                "nothing runs this check: lvs.sh writes the table of this cluster",
                "write `ipvs: {writer: keepalived}` or leave `writer` out, or remove all checks",
                [(facts.cluster.ipvs.place.at("writer"), "who writes the table")],
            )
            return


@rule("LVS751", ERROR)
def nothing_to_watch(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Quorum, sorry server, `on_failure`, `follows`, notify commands or raw keepalived text of a service, where lvs.sh
        writes the table.

    Why:
        They need somebody who watches the realservers. Without a check there is none: the sorry server never appears,
        the VIP is never given up.

    Example:
        realservers: {rs1: 192.0.2.11, page: 192.0.2.21}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [rs1], sorry_server: page}  # <- LVS751

    Instead:
        realservers: {rs1: 192.0.2.11, page: 192.0.2.21}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [rs1], sorry_server: page, check: tcp}

    Sources:
        keepalived.conf(5), virtual_server
    """
    cluster = facts.cluster
    # Without a word on the writer it follows from the checks, and a broken service may have had one.
    if cluster.ipvs.writer != "script" or (cluster.partial and not cluster.ipvs.pinned):
        return
    for field, place in _watching(facts):
        yield nothing_to_watch.at(
            place,
            f"{quote(field)} does nothing: lvs.sh writes the table of this cluster, and nothing checks the realservers",
            "write a `check`, or `ipvs: {writer: keepalived}`; or remove it",
        )


def _watching(facts: Facts) -> Iterator[tuple[str, Place]]:
    for service in facts.cluster.services:
        field = next((name for name, given in _fields(service) if given), None)
        if field:
            yield field, service.place.at(field)
    for vip in facts.cluster.vips:
        if (vip.follows or vip.follows_mode) and vip.managed:
            yield "follows", vip.place.at("follows")
    notify = facts.cluster.notify
    root = facts.cluster.place.at("notify")
    if notify.quorum:
        yield "quorum", root.at("quorum")
    if notify.realserver:
        yield "realserver", root.at("realserver")


def _fields(service: Service) -> tuple[tuple[str, bool], ...]:
    return (
        ("sorry_server", service.sorry_server is not None),
        ("quorum", service.quorum != 1),
        ("hysteresis", service.hysteresis != 0),
        ("on_failure", service.on_failure != "remove"),
        ("notify", bool(service.notify)),
        ("keepalived", bool(service.keepalived.strip())),
    )
