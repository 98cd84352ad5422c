"""Networks and hosts: which addresses a host has, on which interface, in which network.

A network is found by its prefix. Where none is declared, every distinct prefix on an interface is a network of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_interface
from typing import Any

from lvsgen.bind.context import Context, Entry
from lvsgen.bind.values import address, metadata, network, version
from lvsgen.diagnostics import Place, Related, quote
from lvsgen.model import Host, HostAddress, Interface, IPAddress, IPNetwork, Network, Role, Versions

_ROLES: tuple[tuple[str, Role], ...] = (("directors", "director"), ("realservers", "realserver"))


@dataclass(frozen=True, slots=True)
class _Written:
    """An address as written, before its network is known."""

    ip: IPAddress
    prefix: IPNetwork | None
    interface: str | None
    network: str | None
    place: Place


def as_list(value: Any) -> list[tuple[Any, tuple[int, ...]]]:
    """A value or a list of them, each with the rest of its path."""
    if value is None:
        return []
    if isinstance(value, list):
        return [(item, (index,)) for index, item in enumerate(value)]
    return [(value, ())]


def bind_networks(context: Context) -> dict[str, Network]:
    """The declared networks."""
    networks = {}
    for entry in context.entries("networks"):
        data: Mapping[str, Any] = entry.data
        found = len(context.findings)
        prefixes = [network(context, p, entry.place.at("prefixes", *i)) for p, i in as_list(data.get("prefixes"))]
        lists = {
            key: [address(context, a, entry.place.at(key, *i)) for a, i in as_list(data.get(key))]
            for key in ("gateway", "dip", "snat")
        }
        if len(context.findings) > found:
            context.broken["networks"].add(entry.name)
            continue
        networks[entry.name] = Network(
            name=entry.name,
            prefixes=tuple(p for p in prefixes if p),
            gateways=tuple(a for a in lists["gateway"] if a),
            dips=tuple(a for a in lists["dip"] if a),
            snat=tuple(a for a in lists["snat"] if a),
            clients=data.get("clients"),
            place=entry.place,
        )
    return networks


def bind_hosts(context: Context, networks: dict[str, Network], versions: Versions) -> dict[str, Host]:
    """All hosts by name; adds the networks that follow from their prefixes to `networks`."""
    written: dict[tuple[str, str], list[_Written]] = {}
    for section in ("directors", "realservers"):
        for entry in context.entries(section):
            found = len(context.findings)
            written[section, entry.name] = _addresses(context, entry, section)
            if len(context.findings) > found:
                context.broken[section].add(entry.name)
    for one in sorted((w for ws in written.values() for w in ws), key=lambda w: (w.ip.version, w.ip)):
        known = any(n.prefix_of(one.ip) for n in networks.values())
        if one.prefix and not known and not context.broken["networks"]:
            networks[str(one.prefix)] = Network(name=str(one.prefix), prefixes=(one.prefix,), place=one.place)
    hosts: dict[str, Host] = {}
    for section, role in _ROLES:
        for entry in context.entries(section):
            if entry.name in hosts:
                context.error(
                    "LVS023",
                    "host-twice",
                    f"{quote(entry.name)} is both a director and a realserver",
                    entry.place.key,
                    "a director that also serves is written once, under `directors`; name it in a pool (LocalNode)",
                    [Related(hosts[entry.name].place.key, "the director")],
                )
                continue
            host = _host(context, entry, role, written[section, entry.name], networks, versions)
            if host:
                hosts[entry.name] = host
    return hosts


def _addresses(context: Context, entry: Entry, section: str) -> list[_Written]:
    data = entry.data
    if not isinstance(data, Mapping):
        data = {"addresses": data}
        base = entry.place
    else:
        base = entry.place.at("addresses")
    texts: list[tuple[str, Place, str | None, str | None]] = []
    for text, index in as_list(data.get("addresses")):
        texts.append((text, base.at(*index), None, None))
    for name, value in sorted((data.get("interfaces") or {}).items()):
        place = entry.place.at("interfaces", name)
        inner = value if isinstance(value, Mapping) else {"addresses": value}
        base = place.at("addresses") if isinstance(value, Mapping) else place
        for text, index in as_list(inner.get("addresses")):
            texts.append((text, base.at(*index), name, inner.get("network")))
    if not texts and section == "realservers":
        context.error(
            "LVS024",
            "no-address",
            f"realserver {quote(entry.name)} has no address",
            entry.place.key,
            f"write `{entry.name}: ADDRESS`",
        )
    return [one for text in texts if (one := _written(context, *text))]


def _written(
    context: Context, text: str, place: Place, interface: str | None, network_name: str | None
) -> _Written | None:
    plain, slash, _ = text.partition("/")
    ip = address(context, plain, place)
    if ip is None:
        return None
    prefix = None
    if slash:
        try:
            prefix = ip_interface(text).network
        except ValueError:
            context.error(
                "LVS021",
                "bad-address",
                f"{quote(text)} has no valid prefix length",
                place,
                f"write 0 to {ip.max_prefixlen} after the slash",
            )
            return None
    return _Written(ip, prefix, interface, network_name, place)


def _network_of(context: Context, one: _Written, networks: Mapping[str, Network], director: bool) -> Network | None:
    if one.network:
        if one.network in networks:
            return networks[one.network]
        if one.network not in context.broken["networks"]:
            # Below an interface: section, host, `interfaces`, interface.
            interface = Place(one.place.file, one.place.path[:4])
            context.unknown("network", one.network, networks, interface.at("network"))
        return None
    holding = [n for n in networks.values() if n.prefix_of(one.ip)]
    if len(holding) > 1:
        context.error(
            "LVS025",
            "ambiguous-network",
            f"{one.ip} lies in {' and '.join(quote(n.name) for n in holding)}",
            one.place,
            "write `{addresses: ..., network: NAME}` for this interface",
        )
        return None
    if not holding:
        if director and not context.broken["networks"]:
            context.error(
                "LVS026",
                "no-prefix",
                f"no network holds {one.ip}, so the director's prefix is unknown",
                one.place,
                f"write the prefix length (`{one.ip}/24`), or declare the network under `networks`",
            )
        return None
    prefix = holding[0].prefix_of(one.ip)
    if one.prefix and prefix != one.prefix:
        context.error(
            "LVS027",
            "prefix-differs",
            f"{one.ip} is written with /{one.prefix.prefixlen}, but network {quote(holding[0].name)} is {prefix}",
            one.place,
            "write the prefix length once, on the network",
            [Related(holding[0].place.key, "the network")],
        )
        return None
    return holding[0]


def _host(
    context: Context,
    entry: Entry,
    role: Role,
    written: list[_Written],
    networks: Mapping[str, Network],
    versions: Versions,
) -> Host | None:
    data = entry.data if isinstance(entry.data, Mapping) else {}
    found = len(context.findings)
    addresses = tuple(
        HostAddress(
            ip=w.ip,
            interface=w.interface,
            network=_network_of(context, w, networks, role == "director"),
            place=w.place,
        )
        for w in written
    )
    if len(context.findings) > found:
        context.broken[f"{role}s"].add(entry.name)
        return None
    return Host(
        name=entry.name,
        role=role,
        addresses=addresses,
        interfaces=tuple(
            Interface(
                name=name,
                addresses=tuple(a for a in addresses if a.interface == name),
                mtu=value.get("mtu") if isinstance(value, Mapping) else None,
                mac=value["mac"].lower() if isinstance(value, Mapping) and value.get("mac") else None,
                place=entry.place.at("interfaces", name),
            )
            for name, value in sorted((data.get("interfaces") or {}).items())
        ),
        managed=data.get("managed", True) is not False,
        loopback=data.get("loopback") or "lo",
        os=data.get("os") or "linux",
        versions=bind_versions(data.get("versions") or {}, versions),
        meta=metadata(context, data, entry.place),
        place=entry.place,
    )


DEFAULT_VERSIONS = Versions()


def bind_versions(data: Mapping[str, str], default: Versions = DEFAULT_VERSIONS) -> Versions:
    """Versions that are written, over `default`."""
    return replace(default, **{name: version(text) for name, text in data.items()})
