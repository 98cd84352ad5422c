"""VIPs: named ones with all their addresses, and the literal addresses that services name directly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from ipaddress import ip_network, summarize_address_range
from typing import Any

from lvsgen.bind.context import Context
from lvsgen.bind.hosts import as_list
from lvsgen.bind.values import address, metadata, network
from lvsgen.diagnostics import Place, quote
from lvsgen.model import Host, IPAddress, IPNetwork, Network, Vip, VipAddress

MOST_ADDRESSES = 1024
"""Addresses that one range may expand to; more is a mistake or wants a mark and `device: none`."""


def bind_vips(context: Context, directors: Iterable[Host]) -> dict[str, Vip]:
    """The declared VIPs by name."""
    networks = director_networks(directors)
    vips = {}
    for entry in context.entries("vips"):
        data: Mapping[str, Any] = entry.data if isinstance(entry.data, Mapping) else {"addresses": entry.data}
        base = entry.place.at("addresses") if isinstance(entry.data, Mapping) else entry.place
        found = len(context.findings)
        addresses = tuple(
            VipAddress(
                ip=prefix.network_address,
                prefix=prefix,
                network=network_of(prefix.network_address, networks),
                place=base.at(*index),
            )
            for text, index in as_list(data.get("addresses"))
            for prefix in _expand(context, text, data.get("device") == "none", base.at(*index))
        )
        if len(context.findings) > found:
            context.broken["vips"].add(entry.name)
            continue
        follows = data.get("follows")
        vips[entry.name] = Vip(
            name=entry.name,
            addresses=addresses,
            device=data.get("device"),
            follows=tuple(follows) if isinstance(follows, list) else (),
            follows_mode="any" if follows == "any" else "all" if follows == "all" else None,
            managed=data.get("managed", True) is not False,
            meta=metadata(context, data, entry.place),
            place=entry.place,
        )
    return vips


class VipIndex:
    """Finds the VIP that a service names by its address: one address of a declared VIP, or a VIP of its own."""

    def __init__(self, vips: Mapping[str, Vip], networks: tuple[Network, ...]) -> None:
        self._declared = {one.ip: (vip, one) for vip in vips.values() for one in vip.addresses}
        self._networks = networks

    def find(self, ip: IPAddress, place: Place) -> Vip:
        """The VIP of an address; `place` is where it is named."""
        if ip in self._declared:
            vip, one = self._declared[ip]
            return replace(vip, addresses=(one,))
        one = VipAddress(ip=ip, prefix=ip_network(ip), network=network_of(ip, self._networks), place=place)
        return Vip(name=str(ip), addresses=(one,), place=place)


def director_networks(directors: Iterable[Host]) -> tuple[Network, ...]:
    """The networks that the directors are attached to."""
    found = {a.network.name: a.network for host in directors for a in host.addresses if a.network}
    return tuple(found[name] for name in sorted(found))


def network_of(ip: IPAddress, networks: Iterable[Network]) -> Network | None:
    """The network that holds an address."""
    return next((n for n in networks if n.prefix_of(ip)), None)


def _expand(context: Context, text: str, whole: bool, place: Place) -> list[IPNetwork]:
    """What `192.0.2.100`, `192.0.2.100-192.0.2.110` or `192.0.2.32/27` means: single addresses, or with `whole` as
    few prefixes as possible.
    """
    first, dash, last = text.partition("-")
    if dash:
        ends = [address(context, end.strip(), place) for end in (first, last)]
        if not ends[0] or not ends[1]:
            return []
        if ends[0].version != ends[1].version or int(ends[1]) < int(ends[0]):
            context.error(
                "LVS028",
                "bad-range",
                f"{quote(text)} does not run upwards within one family",
                place,
                "write `LOW-HIGH`",
            )
            return []
        prefixes: list[IPNetwork] = list(summarize_address_range(ends[0], ends[1]))
    elif "/" in text:
        prefix = network(context, text, place)
        prefixes = [prefix] if prefix else []
    else:
        ip = address(context, text, place)
        prefixes = [ip_network(ip)] if ip else []
    if whole:
        return prefixes
    count = sum(prefix.num_addresses for prefix in prefixes)
    if count > MOST_ADDRESSES:
        context.error(
            "LVS028",
            "bad-range",
            f"{quote(text)} are {count} addresses, more than {MOST_ADDRESSES}",
            place,
            "write a smaller range; whole networks are for a mark with `device: none`",
        )
        return []
    return [ip_network(ip) for prefix in prefixes for ip in prefix]
