"""Where things are on a host: its interface in a network, and what holds and announces a VIP on a director."""

from __future__ import annotations

from lvsgen.model import Family, Host, HostAddress, Network, Vip, VipAddress, family_of


def interface_in(host: Host, network: Network, family: Family | None = None) -> str | None:
    """A host's interface in a network; with a family the one that has such an address there."""
    here = (a for a in host.addresses if a.network is network and family in (None, a.family))
    return next((a.interface for a in here if a.interface), None)


def interface_towards(director: Host, network: Network | None, family: Family) -> str | None:
    """A director's interface in a network; for addresses of no network (routed to it) the one to its gateway."""
    inside = interface_in(director, network, family) if network else None
    if inside:
        return inside
    own = [a for a in director.addresses if a.interface and a.family == family]
    outside = [a for a in own if a.network and any(family_of(g) == family for g in a.network.gateways)]
    return next((a.interface for a in (*outside, *own)), None)


def vip_device(director: Host, vip: Vip, address: VipAddress) -> str | None:
    """The device that holds a VIP on a director: an interface, `lo` or `none`; None where no interface fits."""
    return vip.device or interface_towards(director, address.network, address.family)


def vip_speaker(director: Host, vip: Vip, address: VipAddress) -> str | None:
    """The interface whose VRRP instance moves a VIP; None if VRRP does not move it.

    It is not the VIP's device where that one has no address of the director: VRRP speaks from one.
    """
    device = vip_device(director, vip, address)
    if not vip.managed or device in (None, "lo", "none"):
        return None
    if own_address(director, device, address.family):
        return device
    return interface_towards(director, address.network, address.family) or device


def own_address(
    host: Host, interface: str | None, family: Family, network: Network | None = None
) -> HostAddress | None:
    """A host's own address on an interface, the one in a network if there is one."""
    own = [a for a in host.addresses if a.interface == interface and a.family == family]
    near = [a for a in own if network is not None and a.network is network]
    return next(iter(near or own), None)
