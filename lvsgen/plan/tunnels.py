"""LVS-Tun on a realserver: which devices unwrap the packets.

The combinations of VIP and RIP family with each tunnel type were tried with a request and a large upload on 6.1 and
6.12. The VIP lives on the device: with the VIP elsewhere the device has no IPv4 address, and reverse path filtering
drops every packet that it unwraps, loose mode included (fib_frontend.c, __fib_validate_source).
"""

from __future__ import annotations

from dataclasses import dataclass

from lvsgen.model import Family, IPAddress, Tunnel, family_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Decapsulation:
    """How a realserver unwraps packets for VIPs of one family: modules, links, and the device that gets the VIP."""

    modules: tuple[str, ...]
    lines: tuple[str, ...]
    device: str


_STANDARD: dict[tuple[Family, Family], tuple[str, str]] = {
    ("ipv4", "ipv4"): ("ipip", "tunl0"),
    ("ipv6", "ipv6"): ("ip6_tunnel", "ip6tnl0"),
    ("ipv6", "ipv4"): ("sit", "sit0"),
}
"""Module and catch-all device by VIP family and RIP family. ip6tnl0 takes IPv6 in IPv6 only, hence the gap."""


def decapsulation(tunnel: Tunnel, vip: Family, rip: IPAddress) -> Decapsulation:
    """What unwraps packets of `tunnel` that carry a VIP of a family to a RIP."""
    outer = family_of(rip)
    if tunnel.type == "gre":
        module = "ip_gre" if outer == "ipv4" else "ip6_gre"
        if tunnel.checksum == "csum":
            # gre0 drops packets with a checksum, and a device with icsum those without.
            kind = "gre" if outer == "ipv4" else "ip6gre"
            return _own(module, f"lvs{kind}", f"type {kind} local {rip} icsum")
        device = "gre0" if outer == "ipv4" else "ip6gre0"
        return Decapsulation(modules=(module,), lines=(f"link set {device} up",), device=device)
    if (vip, outer) in _STANDARD:
        module, device = _STANDARD[vip, outer]
        inner = Decapsulation(modules=(module,), lines=(f"link set {device} up",), device=device)
    else:
        inner = _own("ip6_tunnel", "lvs4in6", f"type ip6tnl mode ipip6 local {rip} remote ::")
    if tunnel.type == "ipip":
        return inner
    fou = "fou" if outer == "ipv4" else "fou6"
    port = f"fou add port {tunnel.port} gue" + ("" if outer == "ipv4" else " -6")
    return Decapsulation(modules=(fou, *inner.modules), lines=(port, *inner.lines), device=inner.device)


def _own(module: str, device: str, options: str) -> Decapsulation:
    return Decapsulation(
        modules=(module,), lines=(f"link add {device} {options}", f"link set {device} up"), device=device
    )
