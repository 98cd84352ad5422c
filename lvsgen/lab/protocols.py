"""Protocols of more than one connection: takes a `Scene`, returns steps for FTP's data connections and SIP's calls."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.lab.endpoints import speech
from lvsgen.lab.guest.steps.calls import Calls
from lvsgen.lab.guest.steps.transfer import Transfer
from lvsgen.lab.guest.wire import Subject
from lvsgen.lab.scene import Scene
from lvsgen.lab.shares import groups_of

_MODES = {"ipv4": ("PASV", "EPSV", "PORT", "EPRT"), "ipv6": ("EPSV", "EPRT")}
"""PASV and PORT have no word for an IPv6 address (RFC 2428)."""

_CALLS = 4


def transfers(scene: Scene) -> Iterator[Transfer]:
    """A file from each realserver in each mode."""
    for endpoint in scene.asked:
        clients = scene.clients(endpoint)
        if speech(endpoint) == "ftp" and clients and not scene.unplayable(endpoint):
            yield Transfer(
                subject=Subject(property="ftp", service=endpoint.shown),
                target=scene.target(endpoint, clients[0]),
                modes=_MODES[endpoint.family],
                sources=clients[0].of(endpoint.family),
                wants=tuple(scene.weights(endpoint)),
                sees=scene.sees(endpoint),
            )


def calls(scene: Scene) -> Iterator[Calls]:
    """A few calls, each from several addresses, of which those of one netmask are one client (ip_vs_pe_sip.c)."""
    for endpoint in scene.asked:
        clients = scene.clients(endpoint)
        if speech(endpoint) == "sip" and clients and not scene.unplayable(endpoint):
            sources = clients[0].of(endpoint.family)[::4]
            groups = groups_of(endpoint, sources)
            wants = tuple(scene.weights(endpoint))
            yield Calls(
                subject=Subject(property="affinity", service=f"{endpoint.shown}: calls"),
                target=scene.target(endpoint, clients[0]),
                calls=_CALLS,
                sources=sources,
                groups=groups,
                wants=wants,
                apart=endpoint.service.scheduler in ("rr", "lc", "wlc") and len(wants) > 1 and len(set(groups)) > 1,
            )
