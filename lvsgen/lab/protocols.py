"""Protocols of more than one connection: takes a `Scene`, returns steps for FTP's data connections."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.lab.endpoints import speech
from lvsgen.lab.guest.steps.transfer import Transfer
from lvsgen.lab.guest.wire import Subject
from lvsgen.lab.scene import Scene

_MODES = {"ipv4": ("PASV", "EPSV", "PORT", "EPRT"), "ipv6": ("EPSV", "EPRT")}
"""PASV and PORT have no word for an IPv6 address (RFC 2428)."""


def transfers(scene: Scene) -> Iterator[Transfer]:
    """A file from each realserver in each mode."""
    for endpoint in scene.asked:
        clients = scene.clients(endpoint)
        if speech(endpoint) == "ftp" and clients and endpoint.active:
            yield Transfer(
                subject=Subject(property="ftp", service=endpoint.shown),
                target=scene.target(endpoint, clients[0]),
                modes=_MODES[endpoint.family],
                sources=clients[0].of(endpoint.family),
                wants=tuple(scene.weights(endpoint)),
            )
