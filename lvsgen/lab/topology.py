"""The machines of the lab: takes a cluster with its plans, returns hosts, clients and a router, joined by segments.

A managed host gets what was generated for it and nothing else of the cluster. An unmanaged one is a plain Linux host
that does what its plan says, as its owner is told to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lvsgen.lab.duties import duties
from lvsgen.lab.endpoints import Endpoint
from lvsgen.lab.ground import ROUTER, WORLD, Client, Ground
from lvsgen.lab.guest.wire import Machine, Nic, Responder
from lvsgen.lab.responders import place
from lvsgen.lab.sample import CROWD, Sample
from lvsgen.lab.watching import stand_ins
from lvsgen.model import ALL_PORTS, FAMILIES, Cluster, Family, Host, Network
from lvsgen.plan.host import HostPlan

SECOND_SHELL = "busybox sh"
"""Runs `lvs.sh` on realservers, as it must do under either; it costs half as much, as its tools need no exec(2)."""

OUTSIDE_PORT = 9
"""Where the outside answers what realservers ask on their own account."""

FOREIGN = (
    "ip address add 198.18.1.1/32 dev lo",
    "ip route add blackhole 198.18.2.0/24",
    "ip rule add from 198.18.3.0/24 lookup main priority 3000",
    "iptables -t mangle -N foreign",
    "iptables -t mangle -A PREROUTING -d 198.18.4.0/24 -j foreign",
    "nft add table inet foreign",
)
FOREIGN_SERVICE = ("ipvsadm -A -t 198.18.1.1:4999 -s rr", "ipvsadm -a -t 198.18.1.1:4999 -r 198.18.5.1:4999 -m -w 3")
"""Somebody else's things, which lvs.sh must leave alone; 198.18.0.0/15 is for tests (RFC 2544)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """All machines. `played` are the unmanaged hosts among them, and why each is played."""

    machines: tuple[Machine, ...]
    played: Mapping[str, str]


def topology(
    cluster: Cluster,
    plans: Iterable[HostPlan],
    land: Ground,
    sampled: Sample,
    listening: Mapping[str, tuple[Responder, ...]],
    asked: Iterable[Endpoint],
    folder: str,
) -> Topology:
    """The machines; `folder` is where a folder for each managed host will be."""
    by_name = {plan.host.name: plan for plan in plans}
    asked = tuple(asked)
    files = stand_ins(cluster)
    machines: list[Machine] = []
    played = {}
    for number, host in enumerate(cluster.hosts):
        if host.name in sampled.crowd:
            continue
        plan = by_name[host.name]
        managed = host.managed and not plan.is_empty
        if not managed:
            played[host.name] = "not managed" if not host.managed else "needs nothing"
        machines.append(
            Machine(
                name=host.name,
                nics=tuple(_nics(host, land, number, cluster)),
                routes=tuple(_routes(cluster, host, land)),
                sysctls=_sysctls(cluster, host, land),
                setup=() if managed else tuple(duties([plan])),
                responders=listening.get(host.name, ()),
                files=files if host.is_director else {},
                folder=f"{folder}/{host.name}" if managed else "",
                shell="sh" if host.is_director else SECOND_SHELL,
                foreign=(*FOREIGN, *_foreign(cluster, host)) if managed else (),
            )
        )
    if sampled.crowd:
        machines.append(_crowd(cluster, by_name, land, sampled, listening))
    machines += _clients(land)
    if land.legs:
        machines.append(_router(cluster, land, asked))
    return Topology(machines=tuple(machines), played=played)


def mac(segment: int, number: int) -> str:
    """A locally administered MAC that tells where an interface is."""
    return f"02:00:00:{segment:02x}:{number >> 8:02x}:{number & 255:02x}"


def devices(host: Host, land: Ground) -> Iterator[tuple[str, Network, tuple[str, ...], int]]:
    """The interfaces of a host: name, network, addresses and MTU. One without is given eth0, eth1."""
    if host.interfaces:
        for interface in host.interfaces:
            network = next((a.network for a in interface.addresses if a.network), None)
            if network:
                texts = tuple(_with_length(a.ip, a.network) for a in interface.addresses if a.network)
                yield interface.name, network, texts, interface.mtu or 1500
        return
    networks = {land.segment(a.network.name): a.network for a in reversed(host.addresses) if a.network}
    for number, (segment, network) in enumerate(sorted(networks.items())):
        here = ((a.ip, a.network) for a in host.addresses if a.network and land.segment(a.network.name) == segment)
        yield f"eth{number}", network, tuple(_with_length(*one) for one in here), 1500


def _with_length(ip: object, network: Network) -> str:
    prefix = next(p for p in network.prefixes if ip in p)
    return f"{ip}/{prefix.prefixlen}"


def _nics(host: Host, land: Ground, number: int, cluster: Cluster) -> Iterator[Nic]:
    foreign_vips = [a for vip in cluster.vips if not vip.managed and vip.device is None for a in vip.addresses]
    first = cluster.failover.order[0] if cluster.failover.order else cluster.directors[0]
    declared = {i.name: i.mac for i in host.interfaces if i.mac}
    for device, network, addresses, mtu in devices(host, land):
        segment = land.segment(network.name)
        # Somebody else moves these; the lab stands in and leaves them with the first director.
        extra = [f"{a.ip}/{a.ip.max_prefixlen}" for a in foreign_vips if host is first and a.network is network]
        yield Nic(
            device=device,
            segment=segment,
            mac=declared.get(device, mac(segment, number + 1)).lower(),
            addresses=(*addresses, *extra),
            mtu=mtu,
        )


def _routes(cluster: Cluster, host: Host, land: Ground) -> Iterator[str]:
    """A default route for each family: by the router, else by a director where there is somebody beyond it."""
    through_nat = any(m.host is host and m.method == "nat" for s in cluster.services for m in s.serving)
    own = list({a.network.name: a.network for a in host.addresses if a.network}.values())
    beyond = set(land.clients) - {network.name for network in own}
    for family in FAMILIES:
        found = next((g for network in own if (g := land.gateway(network, family))), None)
        if found is None and not host.is_director and not through_nat and beyond:
            found = next((g for network in own if (g := land.gate(network, family))), None)
        if found is not None:
            yield f"default via {found}"


def _sysctls(cluster: Cluster, host: Host, land: Ground) -> Mapping[str, str]:
    """What the host's owner has set. A director that is the gateway of a network of clients forwards what is not for
    the cluster; realservers check the sources of packets strictly, as many sites want it.
    """
    gate = any(n.name not in land.legs for s in cluster.services for n in s.sources)
    if not host.is_director:
        return {"net.ipv4.conf.all.rp_filter": "1"} if host.managed else {}
    return {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"} if gate else {}


def _foreign(cluster: Cluster, host: Host) -> Iterator[str]:
    """What others have put on a director: a service, and the marks that the description leaves to them."""
    if not host.is_director:
        return
    yield from FOREIGN_SERVICE
    for service in cluster.services:
        if service.mark is None or service.mark.rules != "foreign":
            continue
        for address in (address for vip in service.vips for address in vip.addresses):
            tool = "iptables" if address.family == "ipv4" else "ip6tables"
            for ports in service.ports:
                match = f"-d {address.prefix} -p {ports.protocol}"
                if ports.first != ALL_PORTS:
                    match += f" --dport {ports.first}:{ports.last}"
                mark = service.mark.value(address.family)
                yield f"{tool} -t mangle -A PREROUTING {match} -j MARK --set-mark {mark}"


def _crowd(
    cluster: Cluster,
    plans: Mapping[str, HostPlan],
    land: Ground,
    sampled: Sample,
    listening: Mapping[str, tuple[Responder, ...]],
) -> Machine:
    """One machine with the addresses of all realservers that are not played one by one."""
    hosts = [host for host in cluster.realservers if host.name in sampled.crowd]
    addresses: dict[Network, dict[str, None]] = {}
    for host in hosts:
        for _, network, texts, _ in devices(host, land):
            addresses.setdefault(network, {}).update(dict.fromkeys(texts))
    nics = tuple(
        Nic(
            device=f"eth{number}",
            segment=land.segment(network.name),
            mac=mac(land.segment(network.name), 0xFFFF),
            addresses=tuple(texts),
        )
        for number, (network, texts) in enumerate(addresses.items())
    )
    ports = {place(r): r for host in hosts for r in listening.get(host.name, ())}
    return Machine(
        name=CROWD,
        nics=nics,
        routes=tuple(_routes(cluster, hosts[0], land)),
        setup=tuple(duties(plans[host.name] for host in hosts)),
        responders=tuple(ports.values()),
    )


def _clients(land: Ground) -> Iterator[Machine]:
    for number, client in enumerate((*land.clients.values(), *([land.outside] if land.outside else []))):
        network = next((n for n in land.networks if n.name == client.network), None)
        ways = [_way_out(client, network, family, land) for family in client.addresses]
        segment = land.segment(client.network)
        yield Machine(
            name=client.machine,
            nics=(
                Nic(
                    device="eth0",
                    segment=segment,
                    mac=mac(segment, 0x1000 + number),
                    addresses=tuple(f"{ip}/{client.lengths[f]}" for f, ips in client.addresses.items() for ip in ips),
                ),
            ),
            routes=tuple(f"default via {way}" for way in ways if way),
            responders=(Responder(protocol="tcp", port=OUTSIDE_PORT),) if client.network == WORLD else (),
        )


def _way_out(client: Client, network: Network | None, family: Family, land: Ground) -> object:
    if network is None:
        return next(w[1] for w in land.world if (w.version == 4) == (family == "ipv4"))
    return land.gateway(network, family) or land.gate(network, family)


def _router(cluster: Cluster, land: Ground, asked: tuple[Endpoint, ...]) -> Machine:
    nics: list[Nic] = []
    for network in land.networks:
        if network.name in land.legs:
            texts = tuple(_with_length(ip, network) for ip in land.legs[network.name])
            segment = land.segment(network.name)
            nics.append(Nic(device=f"eth{len(nics)}", segment=segment, mac=mac(segment, 0xFFFE), addresses=texts))
    world = land.segment(WORLD)
    texts = tuple(f"{prefix[1]}/{prefix.prefixlen}" for prefix in land.world)
    nics.append(Nic(device=f"eth{len(nics)}", segment=world, mac=mac(world, 0xFFFE), addresses=texts))
    off = {f"net.ipv4.conf.{name}.rp_filter": "0" for name in ("all", "default")}
    # The reply of a realserver has the VIP as its source, which a strict router would expect from another leg.
    setup = tuple(f"echo 0 >/proc/sys/net/ipv4/conf/{nic.device}/rp_filter" for nic in nics)
    return Machine(
        name=ROUTER,
        nics=tuple(nics),
        routes=tuple(dict.fromkeys(_router_routes(cluster, land, asked))),
        sysctls={"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1", **off},
        setup=setup,
    )


def _router_routes(cluster: Cluster, land: Ground, asked: tuple[Endpoint, ...]) -> Iterator[str]:
    first = cluster.failover.order[0] if cluster.failover.order else cluster.directors[0]

    def director(family: Family) -> object:
        near = (n for n in land.networks if n.name in land.legs)
        return next((a.ip for n in near if (a := first.address_in(n, family))), None)

    for name in land.clients:
        network = next(n for n in land.networks if n.name == name)
        if name not in land.legs:
            for prefix in network.prefixes:
                if way := director("ipv4" if prefix.version == 4 else "ipv6"):
                    yield f"{prefix} via {way}"
    for one in asked:
        if one.address.network is None and not one.service.sources and (way := director(one.family)):
            yield f"{one.address.prefix} via {way}"
