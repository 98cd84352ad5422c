"""What an IPVS table must list: takes virtual services, returns them as ipvsadm(8) prints them with -Sn."""

from __future__ import annotations

from lvsgen.model import AddressKey, MarkKey, VirtualService

_METHODS = {"dr": "-g", "nat": "-m", "tun": "-i"}


def key(virtual: VirtualService) -> str:
    """The service, as it stands before `-r` of its realservers."""
    name = virtual.key
    if isinstance(name, MarkKey):
        return f"-f {name.mark}" + (" -6" if name.family == "ipv6" else "")
    assert isinstance(name, AddressKey)
    flag = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}[name.protocol]
    return f"{flag} {_bracketed(str(name.ip))}:{name.port}"


def entries(virtual: VirtualService, failed: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Its scheduler and persistence, then its realservers with method, weight and thresholds.

    Hosts that `failed` their checks are gone, or have weight 0.
    """
    persistence = virtual.service.persistence
    found = [f"-s {virtual.service.scheduler}" + (f" -p {persistence.timeout}" if persistence else "")]
    for one in virtual.destinations:
        weight = one.member.live_weight
        if one.member.host.name in failed:
            if virtual.service.on_failure == "remove":
                continue
            weight = 0
        limits = (one.member.upper_threshold or 0, one.member.lower_threshold or 0)
        text = f"{_bracketed(str(one.ip))}:{one.port} {_METHODS[one.member.method]} {weight}"
        found.append(text + (f" -x {limits[0]} -y {limits[1]}" if any(limits) else ""))
    return tuple(found)


def _bracketed(ip: str) -> str:
    return f"[{ip}]" if ":" in ip else ip
