"""Options of tunnels that do not go together."""

from __future__ import annotations

from collections.abc import Iterator

from lvsgen.diagnostics import Finding, quote
from lvsgen.model import Tunnel
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, rule, written


@rule("LVS213", ERROR)
def tunnel_options(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        GUE without a port; a port or a checksum with a tunnel that has none; `remcsum` with GRE.

    Why:
        ipvsadm refuses the whole realserver, and the virtual service runs without it.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: tun, tunnel: {type: gue}}  # <- LVS213
        sysctl: {director: {net.ipv4.vs.pmtu_disc: 0}}

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: tun, tunnel: {type: gue, port: 6080}}
        sysctl: {director: {net.ipv4.vs.pmtu_disc: 0}}

    Sources:
        ipvsadm(8), --tun-type, --tun-port, --tun-csum and --tun-remcsum
    """
    for service, pool in facts.services:
        told = set()
        for member in pool.tunnelled:
            tunnel = member.tunnel
            reason, helping = _wrong(tunnel)
            if reason and tunnel not in told:
                told.add(tunnel)
                yield tunnel_options.at(written(member.place, service.place, "tunnel"), reason, helping)


def _wrong(tunnel: Tunnel) -> tuple[str, str]:
    if tunnel.type == "gue":
        if tunnel.port is None:
            return "GUE runs over UDP and needs a port", "write `tunnel: {type: gue, port: 6080}`"
        return "", ""
    if tunnel.port is not None:
        return f"a tunnel of type {quote(tunnel.type)} has no port", "remove `port`, or write `type: gue`"
    if tunnel.type == "ipip" and tunnel.checksum != "none":
        return "IP in IP has no checksum of its own", "remove `checksum`"
    if tunnel.type == "gre" and tunnel.checksum == "remcsum":
        return "GRE has no remote checksum offload", "write `checksum: csum` or remove it"
    return "", ""
