"""Bind: a description that the schema found well-formed -> a `Cluster`.

Defaults are applied here and nowhere else, names are resolved, addresses made canonical. Mistakes come back as
findings, all of them in one go. An object with a mistake is left out together with whatever refers to it, so that one
cause gives one finding and the rules can still judge the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lvsgen.bind.context import Context, gather
from lvsgen.bind.failover import bind_failover
from lvsgen.bind.hosts import bind_hosts, bind_networks, bind_versions
from lvsgen.bind.marks import bind_mark_range
from lvsgen.bind.options import bind_ipvs, bind_notify, bind_raw, bind_secrets, bind_sysctls, bind_tests
from lvsgen.bind.services import ServiceBinder
from lvsgen.bind.values import metadata
from lvsgen.bind.vips import bind_vips
from lvsgen.bind.virtual import virtual_services
from lvsgen.diagnostics import Finding, Place
from lvsgen.model import Cluster, Network, Service, Vip


def bind(
    documents: Iterable[tuple[str, Mapping[str, Any]]], flawed: Iterable[Place] = ()
) -> tuple[Cluster | None, tuple[Finding, ...]]:
    """Binds the documents (file name and plain data, the root first).

    `flawed` are the places of schema errors: what they stand in is left out. The cluster is None where too little is
    left to judge: no director, no name, or no usable failover.
    """
    broken = tuple(flawed)
    context = gather(documents, broken)
    root = context.root
    if any(not p.path or p.path[0] in _WHOLE for p in broken if p.file == context.root_place.file):
        return None, tuple(context.findings)
    name = root["cluster"]
    versions = bind_versions(root.get("versions") or {})
    networks = bind_networks(context)
    hosts = bind_hosts(context, networks, versions)
    directors = tuple(h for h in hosts.values() if h.is_director)
    if not directors:
        return None, tuple(context.findings)
    vips = bind_vips(context, directors)
    secrets = bind_secrets(context)
    services = ServiceBinder(context, hosts, networks, vips, bind_mark_range(context), name).bind()
    _check_follows(context, vips)
    used = _used_vips(vips, services)
    failover = bind_failover(context, name, hosts, networks, vips, used, secrets)
    if failover is None:
        return None, tuple(context.findings)
    cluster = Cluster(
        name=name,
        networks=tuple(networks[key] for key in sorted(networks)),
        client_networks=_client_networks(networks.values(), services),
        directors=directors,
        realservers=tuple(h for h in hosts.values() if not h.is_director),
        failover=failover,
        vips=used,
        services=services,
        virtual_services=virtual_services(services),
        ipvs=bind_ipvs(context, any(s.checked for s in services)),
        firewall=root.get("firewall") or "iptables",
        notify=bind_notify(context),
        sysctls=bind_sysctls(context),
        secrets=tuple(secrets[key] for key in sorted(secrets)),
        keepalived=bind_raw(context),
        tests=bind_tests(context),
        site=root.get("site") or "",
        partial=bool(broken or context.findings),
        meta=metadata(context, root, context.root_place),
        place=context.root_place,
    )
    return cluster, tuple(context.findings)


_WHOLE = ("cluster", "versions", "failover", "ipvs", "marks", "notify", "sysctl", "keepalived", "tests", "firewall")
"""Root keys without names of their own: a schema error within them leaves no cluster to judge."""


def _check_follows(context: Context, vips: Mapping[str, Vip]) -> None:
    services = context.sections["services"]
    for vip in vips.values():
        for index, name in enumerate(vip.follows):
            if name not in services:
                context.unknown("service", name, services, vip.place.at("follows", index))


def _client_networks(networks: Iterable[Network], services: Iterable[Service]) -> frozenset[str]:
    """Names of the networks with clients on them: where nothing is said, those that hold a VIP of LVS-NAT."""
    derived = {
        address.network.name
        for service in services
        if "nat" in service.methods
        for vip in service.vips
        for address in vip.addresses
        if address.network
    }
    return frozenset(n.name for n in networks if (n.name in derived if n.clients is None else n.clients))


def _used_vips(vips: Mapping[str, Vip], services: Iterable[Service]) -> tuple[Vip, ...]:
    """The declared VIPs and those that services name by their address, sorted by name; each address once."""
    found = dict(vips)
    for service in services:
        for vip in service.vips:
            found.setdefault(vip.name, vip)
    return tuple(found[name] for name in sorted(found))
