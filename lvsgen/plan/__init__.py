"""Plan: a `Cluster` -> one `HostPlan` for each of its hosts: all that must hold on that machine."""

from __future__ import annotations

from collections.abc import Iterable

from lvsgen.model import Cluster, Host, Role
from lvsgen.plan import director as director_part
from lvsgen.plan.firewall import director_firewall, realserver_firewall
from lvsgen.plan.host import HostPlan, Sysctl
from lvsgen.plan.keepalived import keepalived_of, secrets_of
from lvsgen.plan.realserver import Membership, memberships, realserver


def derive(cluster: Cluster) -> tuple[HostPlan, ...]:
    """The plans of all hosts, directors first; unmanaged hosts too, for their owners are told what to do."""
    serving = memberships(cluster)
    return tuple(_plan(cluster, host, serving.get(host.name, ())) for host in cluster.hosts)


def _plan(cluster: Cluster, host: Host, serves: tuple[Membership, ...]) -> HostPlan:
    part = realserver(cluster, host, serves)
    if not host.is_director:
        return HostPlan(
            cluster=cluster,
            host=host,
            roles=("realserver",),
            modules=tuple(part.modules.values()),
            links=tuple(part.links.values()),
            sysctls=_with_overrides(cluster, ("realserver",), part.sysctls.values()),
            firewall=realserver_firewall(cluster, serves),
            routes=tuple(part.routes.values()),
            addresses=tuple(sorted(part.addresses.values(), key=lambda a: (a.device, a.ip.version, a.ip))),
        )
    roles: tuple[Role, ...] = ("director", "realserver") if serves else ("director",)
    keepalived = keepalived_of(cluster, host)
    own = {(a.ip, a.device): a for a in director_part.addresses(cluster, host)}
    derived = {s.key: s for s in (*part.sysctls.values(), *director_part.sysctls(cluster, host))}
    return HostPlan(
        cluster=cluster,
        host=host,
        roles=roles,
        modules=(*director_part.modules(cluster), *part.modules.values()),
        links=tuple(part.links.values()),
        sysctls=_with_overrides(cluster, roles, derived.values()),
        virtual_services=cluster.virtual_services,
        timeouts=cluster.ipvs.timeouts,
        sync=None if keepalived and keepalived.sync else director_part.sync_daemon(cluster, host),
        firewall=director_firewall(cluster, host),
        routes=(*director_part.routes(cluster), *part.routes.values()),
        addresses=tuple(sorted((part.addresses | own).values(), key=lambda a: (a.device, a.ip.version, a.ip))),
        keepalived=keepalived,
        secrets=secrets_of(cluster, keepalived),
    )


def _with_overrides(cluster: Cluster, roles: tuple[Role, ...], derived: Iterable[Sysctl]) -> tuple[Sysctl, ...]:
    """Derived settings, each replaced by what the description says instead, then what it says besides."""
    found = {s.key: s for s in derived}
    for override in cluster.sysctls:
        if override.role in roles:
            reason = override.reason or (found[override.key].reason if override.key in found else "asked for")
            found[override.key] = Sysctl(key=override.key, value=override.value, reason=reason)
    return tuple(found.values())
