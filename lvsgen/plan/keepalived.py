"""What keepalived does on a director: VRRP, the IPVS table, the sync daemon, and addresses that follow services."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lvsgen.model import AddressKey, Cluster, Host, MarkKey, ScriptProbe, Secret, Vip, VipAddress
from lvsgen.plan.director import sync_daemon
from lvsgen.plan.host import Follow, Keepalived, VrrpInstance
from lvsgen.plan.places import vip_device
from lvsgen.plan.vrrp import sync_groups, vrrp_instances

SECRET_REFERENCE = re.compile(r"\{\{|\{secret\.([^{}]+)\}")
"""`{secret.NAME}` within the argument of a script; `{{` is a brace."""


def keepalived_of(cluster: Cluster, director: Host) -> Keepalived | None:
    """keepalived's part of a director; None if it has nothing to do there."""
    instances = vrrp_instances(cluster, director)
    writes = cluster.ipvs.writer == "keepalived" and any(v.destinations for v in cluster.virtual_services)
    if not instances and not writes:
        return None
    return Keepalived(
        router_id=director.name,
        instances=instances,
        groups=sync_groups(cluster, instances),
        writes_table=writes,
        # keepalived's VRRP process starts the daemon (vrrp_daemon.c): without an instance there is none.
        sync=sync_daemon(cluster, director, instances[0].name) if instances else None,
        follows=tuple(_follows(cluster, director, instances)) if writes else (),
    )


def secrets_of(cluster: Cluster, keepalived: Keepalived | None) -> tuple[Secret, ...]:
    """The secrets that keepalived.conf of a host refers to, sorted by name."""
    if keepalived is None:
        return ()
    names = set()
    if cluster.failover.secret and any(one.version == 2 for one in keepalived.instances):
        names.add(cluster.failover.secret.name)
    if keepalived.writes_table and cluster.secrets:
        checks = {id(check): check for s in cluster.services for member in s.members for check in member.checks}
        for check in checks.values():
            if isinstance(check.probe, ScriptProbe):
                names.update(name for text in check.probe.command for name in SECRET_REFERENCE.findall(text) if name)
    return tuple(secret for secret in cluster.secrets if secret.name in names)


def _follows(cluster: Cluster, director: Host, instances: tuple[VrrpInstance, ...]) -> Iterator[Follow]:
    """Addresses that are given up with their services. Where lvs.sh holds them on an interface, they stay."""
    holders = {a.ip: one.name for one in instances for a in (*one.addresses, *one.excluded)}
    for vip in cluster.vips:
        if not vip.managed or not (vip.follows or vip.follows_mode):
            continue
        for address in vip.addresses:
            keys = _keys(cluster, vip, address)
            device = vip_device(director, vip, address)
            if device and keys and (vip.device == "lo" or address.ip in holders):
                yield Follow(
                    ip=address.ip,
                    device=device,
                    mode="all" if vip.follows_mode == "all" else "any",
                    keys=keys,
                    instance=holders.get(address.ip),
                )


def _keys(cluster: Cluster, vip: Vip, address: VipAddress) -> tuple[AddressKey | MarkKey, ...]:
    """The virtual services that an address follows: of each service those on this address, else on its family."""
    named = vip.follows or tuple(s.name for s in cluster.services if any(v.name == vip.name for v in s.vips))
    keys: list[AddressKey | MarkKey] = []
    for name in sorted(named):
        own = [
            v.key
            for v in cluster.virtual_services
            if v.service.name == name and v.family == address.family and v.destinations
        ]
        keys += [k for k in own if isinstance(k, AddressKey) and k.ip == address.ip] or own
    return tuple(dict.fromkeys(keys))
