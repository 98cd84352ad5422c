"""Large clusters to measure with, as the text of a cluster.yaml.

`written_out` gives every service its own members, a line for each of their fields: the longest way to say it, and
what an import from ipvsadm or ldirectord looks like. `pooled` says the same number of destinations, and many more, in
few lines. Both are a function of their size alone. Addresses are those of RFC 2544's benchmark networks and 10/8.

    python -m bench.generate written-out 1000 > cluster.yaml
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

MEMBERS = 10
POOL = 100
_REALSERVERS_OF_POOLED = 500
_SERVICES_PER_VIP = 20


def written_out(services: int) -> Iterator[str]:
    """LVS-NAT behind a keepalived pair with HTTP checks; each service has ten members with weight and port."""
    hosts = max(MEMBERS, services // 5)
    yield from _head("written-out", services, hosts, nat=True)
    yield "services:\n"
    for number in range(services):
        yield f"  svc{number:05}:\n    vip: vip{number // _SERVICES_PER_VIP:05}\n"
        yield f"    tcp: {8000 + number % _SERVICES_PER_VIP}\n    method: nat\n"
        yield "    check:\n      http: /healthz\n    pool:\n"
        for position in range(MEMBERS):
            host = (number * 7 + position) % hosts
            yield f"      rs{host:05}:\n        weight: {1 + (number + position) % 9}\n"
            yield f"        port: {8080 + number % 5}\n"


def pooled(destinations: int) -> Iterator[str]:
    """LVS-DR, the table written by the script; every service has a pool of a hundred realservers."""
    services = destinations // POOL
    yield from _head("pooled", services, _REALSERVERS_OF_POOLED, nat=False)
    yield "pools:\n"
    for pool in range(_REALSERVERS_OF_POOLED * 2 // POOL):
        yield f"  pool{pool:03}:\n"
        for position in range(POOL):
            yield f"    rs{(pool * POOL // 2 + position) % _REALSERVERS_OF_POOLED:05}: {{weight: {1 + position % 9}}}\n"
    yield "services:\n"
    for number in range(services):
        yield f"  svc{number:05}:\n    vip: vip{number // _SERVICES_PER_VIP:05}\n"
        yield f"    tcp: {8000 + number % _SERVICES_PER_VIP}\n    method: dr\n"
        yield f"    pool: pool{number % (_REALSERVERS_OF_POOLED * 2 // POOL):03}\n"


def _head(name: str, services: int, hosts: int, *, nat: bool) -> Iterator[str]:
    inside = "10.1" if nat else "198.19"
    yield f"cluster: {name}\nnetworks:\n"
    yield "  outside:\n    prefixes:\n      - 198.18.0.0/16\n    gateway: 198.18.0.1\n"
    yield f"  inside:\n    prefixes:\n      - {inside}.0.0/16\n"
    yield f"    dip: {inside}.255.254\n" if nat else ""
    yield "directors:\n"
    for number in (1, 2):
        yield f"  lvs{number}:\n    interfaces:\n      eth0: 198.18.0.{number + 1}\n      eth1: {inside}.255.{number}\n"
    yield "realservers:\n"
    for host in range(hosts):
        address = f"{inside}.{host // 200}.{host % 200 + 1}"
        yield f"  rs{host:05}:\n    interfaces:\n      eth0: {address}\n" if nat else f"  rs{host:05}: {address}\n"
    yield "failover:\n  engine: keepalived\n  order:\n    - lvs1\n    - lvs2\n  vrid: 51\n"
    yield "  sync:\n    network: inside\n    id: 51\n"
    yield "vips:\n"
    for vip in range(-(-services // _SERVICES_PER_VIP)):
        yield f"  vip{vip:05}: 198.18.{1 + vip // 200}.{vip % 200 + 1}\n"


KINDS = {"written-out": written_out, "pooled": pooled}


def main() -> None:
    """Write the cluster that the arguments name to standard output."""
    kind, size = sys.argv[1:]
    sys.stdout.writelines(KINDS[kind](int(size)))


if __name__ == "__main__":
    main()
