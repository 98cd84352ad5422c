"""FTP through LVS-NAT: the data connections that ip_vs_ftp adds to a control connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from lvsgen.model import Ports, Service

_UNPRIVILEGED = (1024, 65535)


class Data(NamedTuple):
    """Data connections: first and last port of the VIP and of the realserver, which opens the `active` ones."""

    active: bool
    ports: tuple[int, int]
    real: tuple[int, int]


def data_connections(service: Service, ports: Ports, real: int) -> Iterator[Data]:
    """The data connections of a service by LVS-NAT, where `ports` hold a control port that is mapped to `real`.

    Active transfers come from the port below the control port, passive ones go to a port that the realserver chooses;
    ip_vs_ftp takes that one for the VIP too (ip_vs_ftp.c, ip_vs_ftp_out and ip_vs_ftp_in).
    """
    helper = service.helper
    if helper is None or helper.kind != "ftp":
        return
    for control in helper.ports:
        if ports.first <= control <= ports.last:
            below = (control if ports.is_range else real) - 1
            if helper.active:
                yield Data(True, (control - 1, control - 1), (below, below))
            passive = helper.passive or _UNPRIVILEGED
            yield Data(False, passive, passive)
