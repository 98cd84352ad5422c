"""Several clusters of one call: what two of them must not both have.

Each rule looks at a cluster and at those before it (`Facts.earlier`), so that a conflict is told once, in the
later one, with the place in the other file beside it. Clusters of two sites are not compared (`rules.check_all`).
Within a site two networks are one where their prefixes overlap; private prefixes are used again behind each pair of
directors, so there different names, both declared, tell networks apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from lvsgen.diagnostics import Finding, Place, quote
from lvsgen.model import AddressKey, Family, Host, HostAddress, Instance, IPAddress, IPNetwork, MarkKey, Network
from lvsgen.rules.facts import Facts
from lvsgen.rules.rule import ERROR, WARNING, rule

_PRIVATE = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7"))
)
"""What is not unique in the world (RFC 1918, RFC 6598, RFC 3927, RFC 4193)."""


def _is_one(a: Network, b: Network) -> bool:
    """Whether two networks of two descriptions are the same segment."""
    named_apart = a.name != b.name and "/" not in a.name and "/" not in b.name
    return any(
        p.version == q.version and p.overlaps(q) and not (named_apart and _is_private(p) and _is_private(q))
        for p in a.prefixes
        for q in b.prefixes
    )


def _is_private(prefix: IPNetwork) -> bool:
    return any(prefix.network_address in n and prefix.broadcast_address in n for n in _PRIVATE)


def _networks(facts: Facts, name: str) -> Network | None:
    return next((n for n in facts.cluster.networks if n.name == name), None)


def _shared_directors(facts: Facts, other: Facts) -> Iterator[tuple[Host, Host, IPAddress]]:
    """Directors of both clusters: one machine, whatever it is called, where an address in one network is the same."""
    for host in facts.cluster.directors:
        for address in host.addresses if host.managed else ():
            twins = (t for t in other.owners.get(address.ip, ()) if t[0].is_director and t[0].managed)
            twin = next((owner for owner, there in twins if _together(address.network, there.network)), None)
            if twin:
                yield host, twin, address.ip
                break


@rule("LVS158", ERROR, across=True)
def address_of_two_clusters(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A VIP or DIP that another cluster of the same call also has: as a VIP, as a DIP, or as the address of a host. A
        host with `managed: false` may be that cluster: a VIP may be a realserver of another cluster.

    Why:
        Two clusters know nothing of each other. Both answer ARP for the address, and clients are thrown back and forth.
        One network is what has overlapping prefixes. Clusters whose `site` differs have none in common, and neither
        have private prefixes that both clusters declare, under different names.

    Example:
        cluster: shop
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}
        ---
        cluster: mail
        directors: {lvs9: {interfaces: {eth0: 192.0.2.9/24}}}
        services:
          smtp: {vip: 192.0.2.100, tcp: 25, method: dr}  # <- LVS158

    Instead:
        cluster: shop
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}
        ---
        cluster: mail
        directors: {lvs9: {interfaces: {eth0: 192.0.2.9/24}}}
        services:
          smtp: {vip: 192.0.2.101, tcp: 25, method: dr}

    Sources:
        arp.c, arp_process; RFC 5798 section 1.2
    """
    for other in facts.earlier:
        for ip, (place, network) in facts.floating.items():
            found = other.floating.get(ip)
            what = "moved"
            if found is None and (owner := _owner(other, ip)):
                host, address = owner
                found, what = (address.place, address.network), f"an address of {host.role} {quote(host.name)}"
            if found and _together(network, found[1]):
                yield _claimed(other, ip, place, what, found[0])
        for ip, (place, network) in other.floating.items():
            owner = _owner(facts, ip) if ip not in facts.floating else None
            if owner and _together(owner[1].network, network):
                yield _claimed(other, ip, owner[1].place, "moved", place)


def _owner(facts: Facts, ip: IPAddress) -> tuple[Host, HostAddress] | None:
    """The host that has an address. One with `managed: false` may be the other cluster: balancing in two steps."""
    return next(((host, address) for host, address in facts.owners.get(ip, ()) if host.managed), None)


def _together(a: Network | None, b: Network | None) -> bool:
    return a is None or b is None or _is_one(a, b)


def _claimed(other: Facts, ip: IPAddress, place: Place, what: str, there: Place) -> Finding:
    verb = "moves it, too" if what == "moved" else f"has it as {what}"
    return address_of_two_clusters.at(
        place,
        f"{ip} has two owners: the cluster {quote(other.cluster.name)} {verb}",
        "choose another address for one of them; if they never meet, write a `site` in both clusters",
        [(there, "in the other cluster")],
    )


def _speakers(facts: Facts) -> Iterator[tuple[Instance, Network, Family]]:
    """Where each instance speaks VRRP."""
    for instance in facts.cluster.failover.instances:
        for segment, family in sorted(facts.segments(instance)):
            network = _networks(facts, segment)
            if network:
                yield instance, network, family


def _same_vrid(facts: Facts, heard: bool) -> Iterator[tuple[Instance, Instance, Network, Facts]]:
    """Instances with the VRID of another cluster's in one network; `heard`: both send to everybody."""
    told = set()
    for other in facts.earlier:
        both = facts.cluster.failover.multicast is not None and other.cluster.failover.multicast is not None
        if both is not heard:
            continue
        theirs = list(_speakers(other))
        for instance, network, family in _speakers(facts):
            for there, their_network, their_family in theirs:
                same = (there.vrid, their_family) == (instance.vrid, family) and _is_one(network, their_network)
                if same and (instance.name, other.cluster.name) not in told:
                    told.add((instance.name, other.cluster.name))
                    yield instance, there, network, other


@rule("LVS566", WARNING, across=True)
def vrid_of_two_clusters(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Two clusters of the same call with one VRID in the same network and family, where both send by multicast.

    Why:
        Everybody hears both. keepalived drops advertisements that name other VIPs, so each cluster keeps its master. It
        complains of each of them, every second and on every director, and what matters drowns in the log. Nothing but
        that comparison keeps the clusters apart: other routers do not make it, and virtual MACs are made of the VRID,
        so both masters would have one.

    Example:
        cluster: shop
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, transport: multicast}
        ---
        cluster: mail
        directors: {lvs8: {interfaces: {eth0: 192.0.2.8/24}}, lvs9: {interfaces: {eth0: 192.0.2.9/24}}}
        failover: {engine: keepalived, order: [lvs8, lvs9], vrid: 51, transport: multicast}  # <- LVS566
        services: {smtp: {vip: 192.0.2.101, tcp: 25, method: dr}}

    Instead:
        cluster: shop
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, transport: multicast}
        ---
        cluster: mail
        directors: {lvs8: {interfaces: {eth0: 192.0.2.8/24}}, lvs9: {interfaces: {eth0: 192.0.2.9/24}}}
        failover: {engine: keepalived, order: [lvs8, lvs9], vrid: 52, transport: multicast}
        services: {smtp: {vip: 192.0.2.101, tcp: 25, method: dr}}

    Sources:
        RFC 5798 sections 5.2.3 and 7.3; keepalived.conf(5), virtual_router_id; seen with keepalived 2.2.7
    """
    for instance, there, network, other in _same_vrid(facts, heard=True):
        yield vrid_of_two_clusters.at(
            instance.place.at("vrid"),
            f"the cluster {quote(other.cluster.name)} has the VRID {instance.vrid} on {quote(network.name)}, too, and "
            "both send to everybody there",
            "write another VRID",
            [(there.place.at("vrid"), "in the other cluster")],
        )


@rule("LVS565", WARNING, across=True)
def vrid_shared_by_unicast(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Two clusters of the same call with one VRID in the same network and family, where one or both send by unicast.

    Why:
        They do not hear each other, so it works, until somebody writes `transport: multicast` for both or adds a router
        with that VRID. In a capture nobody can tell whose advertisement it is.

    Example:
        cluster: shop
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        ---
        cluster: mail
        directors: {lvs8: {interfaces: {eth0: 192.0.2.8/24}}, lvs9: {interfaces: {eth0: 192.0.2.9/24}}}
        failover: {engine: keepalived, order: [lvs8, lvs9], vrid: 51}  # <- LVS565
        services: {smtp: {vip: 192.0.2.101, tcp: 25, method: dr}}

    Instead:
        cluster: shop
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
        ---
        cluster: mail
        directors: {lvs8: {interfaces: {eth0: 192.0.2.8/24}}, lvs9: {interfaces: {eth0: 192.0.2.9/24}}}
        failover: {engine: keepalived, order: [lvs8, lvs9], vrid: 52}
        services: {smtp: {vip: 192.0.2.101, tcp: 25, method: dr}}

    Sources:
        RFC 5798 section 5.2.3; keepalived.conf(5), unicast_peer
    """
    for instance, there, network, other in _same_vrid(facts, heard=False):
        yield vrid_shared_by_unicast.at(
            instance.place.at("vrid"),
            f"the cluster {quote(other.cluster.name)} has the VRID {instance.vrid} on {quote(network.name)}, too; only "
            "unicast keeps them apart",
            "write another VRID",
            [(there.place.at("vrid"), "in the other cluster")],
        )


@rule("LVS524", WARNING, across=True)
def sync_id_of_two_clusters(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        Two clusters of the same call with one sync id, group and port in the same network.

    Why:
        A backup takes what it hears with its id: it fills its table with connections of the other cluster. After a
        failover a client of a VIP and port that both have known would be sent to a realserver of the other one.

    Example:
        cluster: shop
        networks: {outside: {prefixes: [192.0.2.0/24]}, heartbeat: {prefixes: [10.10.0.0/24]}}
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.10.0.2}},
          lvs2: {interfaces: {eth0: 192.0.2.3, eth1: 10.10.0.3}}}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, sync: {network: heartbeat, id: 51}}
        ---
        cluster: mail
        networks: {outside: {prefixes: [192.0.2.0/24]}, heartbeat: {prefixes: [10.10.0.0/24]}}
        directors: {lvs8: {interfaces: {eth0: 192.0.2.8, eth1: 10.10.0.8}},
          lvs9: {interfaces: {eth0: 192.0.2.9, eth1: 10.10.0.9}}}
        failover: {engine: keepalived, order: [lvs8, lvs9], vrid: 52, sync: {network: heartbeat, id: 51}}  # <- LVS524
        services: {smtp: {vip: 192.0.2.101, tcp: 25, method: dr}}

    Instead:
        cluster: shop
        networks: {outside: {prefixes: [192.0.2.0/24]}, heartbeat: {prefixes: [10.10.0.0/24]}}
        directors: {lvs1: {interfaces: {eth0: 192.0.2.2, eth1: 10.10.0.2}},
          lvs2: {interfaces: {eth0: 192.0.2.3, eth1: 10.10.0.3}}}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, sync: {network: heartbeat, id: 51}}
        ---
        cluster: mail
        networks: {outside: {prefixes: [192.0.2.0/24]}, heartbeat: {prefixes: [10.10.0.0/24]}}
        directors: {lvs8: {interfaces: {eth0: 192.0.2.8, eth1: 10.10.0.8}},
          lvs9: {interfaces: {eth0: 192.0.2.9, eth1: 10.10.0.9}}}
        failover: {engine: keepalived, order: [lvs8, lvs9], vrid: 52, sync: {network: heartbeat, id: 52}}
        services: {smtp: {vip: 192.0.2.101, tcp: 25, method: dr}}

    Sources:
        ipvsadm(8), --syncid; ip_vs_sync.c, ip_vs_process_message; seen on 6.1 and 6.12
    """
    sync = facts.cluster.failover.sync
    for other in facts.earlier if sync else ():
        theirs = other.cluster.failover.sync
        if (
            sync
            and theirs
            and (sync.id, sync.group, sync.port) == (theirs.id, theirs.group, theirs.port)
            and _is_one(sync.network, theirs.network)
        ):
            yield sync_id_of_two_clusters.at(
                sync.place.at("id"),
                f"the cluster {quote(other.cluster.name)} syncs with the id {sync.id} on {quote(sync.network.name)}, "
                "too, so each gets the other's connections",
                "write another id",
                [(theirs.place.at("id"), "in the other cluster")],
            )


@rule("LVS567", ERROR, across=True)
def director_of_two_keepaliveds(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A director of two clusters of the same call that both need keepalived there.

    Why:
        A host has one keepalived.conf. The cluster that is applied last takes the VIPs and services of the other one
        away.

    Example:
        cluster: shop
        directors: {lvs1: {interfaces: {eth0: 10.1.1.1/24}}}
        realservers: {rs1: 10.1.1.11}
        services: {web: {vip: 10.1.1.100, tcp: 80, method: dr, check: tcp}}
        ---
        cluster: mail
        directors: {lvs1: {interfaces: {eth0: 10.1.1.1/24}}}  # <- LVS567
        realservers: {rs1: 10.1.1.11}
        services: {smtp: {vip: 10.1.1.101, tcp: 25, method: dr, check: tcp}}

    Instead:
        cluster: shop
        directors: {lvs1: {interfaces: {eth0: 10.1.1.1/24}}}
        realservers: {rs1: 10.1.1.11}
        services:
          web: {vip: 10.1.1.100, tcp: 80, method: dr, check: tcp}
          smtp: {vip: 10.1.1.101, tcp: 25, method: dr, check: tcp}

    Sources:
        keepalived(8), --use-file
    """
    for other in facts.earlier:
        if facts.runs_keepalived and other.runs_keepalived:
            for host, twin, ip in _shared_directors(facts, other):
                known = "" if host.name == twin.name else f" for {quote(twin.name)}"
                yield director_of_two_keepaliveds.at(
                    host.place.key,
                    f"director {quote(host.name)} ({ip}) has one keepalived.conf, and the cluster "
                    f"{quote(other.cluster.name)} writes it, too{known}",
                    "describe both as one cluster (`include` keeps the files of the teams apart); if they are two "
                    "machines, write a `site` in both clusters, or another address",
                    [(twin.place.key, "in the other cluster")],
                )


@rule("LVS856", ERROR, across=True)
def service_of_two_clusters(facts: Facts) -> Iterator[Finding]:
    """What it finds:
        A director of two clusters of the same call that have one virtual service, one mark, or their name in common.

    Why:
        The kernel has one entry for a protocol, address and port, and one for a mark: the clusters would change each
        other's realservers for ever. Chains, units and state files on a host are named by the cluster.

    Example:
        cluster: shop
        directors: {lvs1: {interfaces: {eth0: 10.1.1.1/24}}}
        realservers: {rs1: 10.1.1.11}
        services: {web: {vip: 10.1.1.100, tcp: 80, mark: 7, method: dr}}
        ---
        cluster: mail
        directors: {lvs1: {interfaces: {eth0: 10.1.1.1/24}}}
        realservers: {rs1: 10.1.1.11}
        services:
          smtp: {vip: 10.1.1.101, tcp: 25, mark: 7, method: dr}  # <- LVS856

    Instead:
        cluster: shop
        directors: {lvs1: {interfaces: {eth0: 10.1.1.1/24}}}
        realservers: {rs1: 10.1.1.11}
        services: {web: {vip: 10.1.1.100, tcp: 80, mark: 7, method: dr}}
        ---
        cluster: mail
        directors: {lvs1: {interfaces: {eth0: 10.1.1.1/24}}}
        realservers: {rs1: 10.1.1.11}
        services:
          smtp: {vip: 10.1.1.101, tcp: 25, mark: 8, method: dr}

    Sources:
        ip_vs_ctl.c, ip_vs_service_find
    """
    for other in facts.earlier:
        shared = next(_shared_directors(facts, other), None)
        if shared is None:
            continue
        name = shared[0].name
        if facts.cluster.name == other.cluster.name:
            yield service_of_two_clusters.at(
                facts.cluster.place.at("cluster"),
                f"two clusters called {quote(facts.cluster.name)} share director {quote(name)}, where chains, units "
                "and state are named by the cluster",
                "give one of them another name",
                [(other.cluster.place.at("cluster"), "the other one")],
            )
        theirs = {v.key: v.service for v in other.cluster.virtual_services}
        told = set()
        for virtual in facts.cluster.virtual_services:
            found = theirs.get(virtual.key)
            if found and virtual.service.name not in told:
                told.add(virtual.service.name)
                yield service_of_two_clusters.at(
                    virtual.service.place.at("mark" if virtual.service.mark else "vip"),
                    f"{_spelt(virtual.key)} on director {quote(name)} also belongs to service {quote(found.name)} of "
                    f"the cluster {quote(other.cluster.name)}",
                    "choose another " + ("mark" if virtual.service.mark else "VIP or port"),
                    [(found.place.key, "in the other cluster")],
                )


def _spelt(key: AddressKey | MarkKey) -> str:
    if isinstance(key, MarkKey):
        return f"the mark {key.mark} ({'IPv4' if key.family == 'ipv4' else 'IPv6'})"
    return f"{key.protocol.upper()} port {key.port} of {key.ip}"
