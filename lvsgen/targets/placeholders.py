"""Placeholders of checks: `{name} {address} {port} {vip} {service}`, and `{secret.NAME}`; `{{` is a brace."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from lvsgen.model import (
    AddressKey,
    Check,
    FileProbe,
    Host,
    HttpProbe,
    IPAddress,
    Probe,
    ScriptProbe,
    VirtualService,
)
from lvsgen.targets.secrets import placeholder

Fill: TypeAlias = Callable[[str], str]

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(name|address|port|vip|service|secret\.[^{}]+)\}")


def has_placeholder(probe: Probe) -> bool:
    """Whether a check is another text for every realserver."""
    return any("{" in text for text in _texts(probe))


def values_of(virtual: VirtualService, host: Host, ip: IPAddress, port: int) -> dict[str, str]:
    """What the placeholders stand for. With a mark, `vip` is its lowest address of the family."""
    key = virtual.key
    own = [a.ip for v in virtual.service.vips for a in v.addresses if a.family == key.family]
    vip = key.ip if isinstance(key, AddressKey) else min(own, key=int)
    return {
        "name": host.name,
        "address": str(ip),
        "port": str(port),
        "vip": str(vip),
        "service": virtual.service.name,
    }


def filling(values: Mapping[str, str], check: Check | None = None) -> Fill:
    """Fills placeholders in. What is none is left alone, so that nothing disappears unseen."""
    if check is not None and check.port:
        values = {**values, "port": str(check.port)}

    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return match[0][0]
        if name.startswith("secret."):
            return placeholder(name.removeprefix("secret."))
        return values.get(name, match[0])

    return lambda text: _PLACEHOLDER.sub(replace, text) if "{" in text or "}" in text else text


def _texts(probe: Probe) -> tuple[str, ...]:
    """The texts of a check that may hold placeholders."""
    match probe:
        case HttpProbe():
            return (probe.sni, *(text for url in probe.urls for text in (url.path, url.host)))
        case ScriptProbe():
            return probe.command
        case FileProbe():
            return (probe.path,)
        case _:
            return ()
