"""Placeholders and sources of health checks."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import Check, FileProbe, HttpProbe, ScriptProbe
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule

PLACEHOLDERS = ("name", "address", "port", "vip", "service")
_PREFIX = "secret."
_BRACES = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def _texts(check: Check) -> Iterator[tuple[str, bool]]:
    """The texts of a check that may hold placeholders, and whether a secret may be among these."""
    probe = check.probe
    if isinstance(probe, HttpProbe):
        yield probe.sni, False
        for url in probe.urls:
            yield url.path, False
            yield url.host, False
    elif isinstance(probe, ScriptProbe):
        yield from ((argument, True) for argument in probe.command)
    elif isinstance(probe, FileProbe):
        yield probe.path, False


@rule("LVS753", ERROR)
def unknown_placeholder(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A placeholder in a check that means nothing, a lone brace, or a secret that is not declared or not in a script.

    Why:
        It would be sent as it is written: the check asks for the wrong thing, and every realserver is down.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {http: "/healthz?host={hostname}"}}  # <- LVS753

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {http: "/healthz?host={name}"}}

    Sources:
        keepalived.conf(5), HTTP_GET and MISC_CHECK
    """
    secrets = {secret.name for secret in facts.cluster.secrets}
    told = set()
    for _, pool in facts.pools:
        for check in pool.checks:
            for text, may_be_secret in _texts(check):
                for match in _BRACES.finditer(text) if "{" in text or "}" in text else ():
                    problem = _problem(match, secrets, may_be_secret, facts.cluster.partial)
                    if problem and (check.place, text) not in told:
                        told.add((check.place, text))
                        yield unknown_placeholder.at(check.place.at(check.kind), *problem)


def _problem(match: re.Match[str], secrets: set[str], may_be_secret: bool, partial: bool) -> tuple[str, str] | None:
    if match[0] in ("{{", "}}"):
        return None
    name = match[1]
    if name is None:
        return f"{quote(match[0])} stands alone", f"write {quote(match[0] * 2)} for the brace itself"
    if name in PLACEHOLDERS:
        return None
    if name.startswith(_PREFIX):
        if not may_be_secret:
            return f"the secret {quote(name)} may only stand in a script", "pass it to a script check"
        if name.removeprefix(_PREFIX) in secrets or partial:
            return None
        known = ", ".join(quote(f"{{secret.{s}}}") for s in sorted(secrets)) or "none is declared under `secrets`"
        return f"there is no secret called {quote(name.removeprefix(_PREFIX))}", f"known here: {known}"
    close = difflib.get_close_matches(name, PLACEHOLDERS, 1, 0.5)
    known = ", ".join(quote(f"{{{one}}}") for one in PLACEHOLDERS)
    return (
        f"{quote(match[0])} is no placeholder",
        (f"did you mean {quote(f'{{{close[0]}}}')}? " if close else "") + f"known are {known}; `{{{{` is a brace",
    )


@rule("LVS756", ERROR)
def check_from_foreign_address(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        The source address of a check that not every director has.

    Why:
        Every director checks, and one that does not have the address cannot bind to it: its checks fail, and all
        realservers are down there.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {tcp: , source: 192.0.2.2}}  # <- LVS756

    Instead:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {tcp: }}

    Sources:
        keepalived.conf(5), bindto
    """
    told = set()
    for _, pool in facts.pools:
        for check in pool.checks:
            if check.source is None or check.place in told:
                continue
            far = next((d for d in facts.cluster.directors if all(a.ip != check.source for a in d.addresses)), None)
            if far:
                told.add(check.place)
                yield check_from_foreign_address.at(
                    check.place.at("source"),
                    f"director {quote(far.name)} does not have the address {check.source}, so its checks would "
                    "all fail",
                    "remove `source`: each director then uses its own address",
                    [(far.place.at("interfaces"), "its addresses")],
                )
