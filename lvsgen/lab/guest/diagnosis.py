"""Why a check failed, from what the machines look like at that moment: the line that names the cause."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from lvsgen.lab.guest.namespaces import Host
from lvsgen.lab.guest.wire import Target

_MOST = 3
"""Realservers that are looked at; one cause has often hit them all."""


def holders(hosts: Mapping[str, Host], names: Iterable[str], ip: str) -> dict[str, str]:
    """Those machines that hold an address, and on which device."""
    found = {}
    for name in names:
        said = hosts[name].run(f"ip -o address show to {ip}").said.split()
        if len(said) > 1:
            found[name] = said[1]
    return found


def wrong_owner(
    hosts: Mapping[str, Host], ip: str, answering: Iterable[str], allowed: Iterable[str], directors: Iterable[str]
) -> str:
    """Why these machines answer for an address, or why nobody does."""
    answering, allowed, directors = list(answering), list(allowed), list(directors)
    where = holders(hosts, {*answering, *directors} & set(hosts), ip)
    causes = []
    masters = [name for name in directors if where.get(name, "lo") != "lo" and name in {*answering, *allowed}]
    if len(masters) > 1:
        on = ", ".join(f"{name} ({where[name]})" for name in masters)
        causes.append(f"two masters: {on} hold {ip} at the same time; they do not hear each other's advertisements")
    if not answering and allowed and not masters:
        causes.append(f"no director holds {ip}")
    for name in answering:
        if name in allowed or name in masters:
            continue
        device = where.get(name, "")
        if device and device != "lo" and not device.startswith("dummy"):
            causes.append(f"{name} holds {ip} on {device}: on an interface it is announced, on lo it would not be")
        elif ":" not in ip:
            value = setting(hosts[name], "net/ipv4/conf/all/arp_ignore")
            causes.append(
                f"{name} answers ARP for {ip} on {device or 'no device'}: net.ipv4.conf.all.arp_ignore = {value}"
            )
        else:
            causes.append(f"{name} announces {ip}, which it does not hold on an interface")
    return "; ".join(causes)


def unanswered(hosts: Mapping[str, Host], target: Target, missing: Iterable[str]) -> str:
    """Why clients got no answer, or none from these realservers."""
    missing = [name for name in missing if name in target.realservers]
    causes = [*_directors(hosts, target, missing)]
    for name in missing[:_MOST]:
        causes += _realserver(hosts, target, name, target.realservers[name])
    return "; ".join(dict.fromkeys(causes))


def _directors(hosts: Mapping[str, Host], target: Target, missing: Iterable[str]) -> Iterator[str]:
    active = list(target.directors)
    if target.held:
        where = holders(hosts, target.directors, target.ip)
        active = list(where)
        if not where:
            yield f"no director holds {target.ip}"
        elif len([device for device in where.values() if device != "lo"]) > 1:
            yield f"two masters: {' and '.join(where)} hold {target.ip} at the same time"
    for name in active:
        if target.mark and not _marks(hosts[name], target.mark):
            yield f"no packet filter rule on {name} sets mark {target.mark}, so IPVS does not see the packets"
        table = hosts[name].run("ipvsadm -Sn").said
        key = f"-f {target.mark}" if target.mark else "-[-tusc]"
        for realserver in missing:
            ip = target.realservers[realserver]["ip"]
            if not re.search(rf"-a {key}\b.* -r \[?{re.escape(ip)}\]?:\d+ ", table):
                of_mark = f" for mark {target.mark}" if target.mark else ""
                yield f"the IPVS table of {name} does not list {realserver} ({ip}){of_mark}"


def no_data(hosts: Mapping[str, Host], target: Target, *, active: bool, astray: bool) -> Iterator[str]:
    """Why FTP's data connections do not get through; `active`: those that the realserver opens do not; `astray`: a
    reply leads clients to another address.
    """
    if not any(how["method"] == "nat" for how in target.realservers.values()):
        below = f"port {target.port - 1}" if active else "passive ports"
        yield f"{below} of {target.ip} must have the affinity of port {target.port}: they are of one service"
        return
    tool, family = ("ip6tables", "ip6") if ":" in target.ip else ("iptables", "ip")
    for name in holders(hosts, target.directors, target.ip) if target.held else target.directors:
        director = hosts[name]
        rules = director.run(f"{tool}-save; nft list ruleset {family}; nft list ruleset inet").said
        ports = _text(director, "/sys/module/ip_vs_ftp/parameters/ports")
        if str(target.port) not in ports.split(","):
            yield f"ip_vs_ftp on {name} does not know port {target.port}: its ports are `{ports}`"
        elif astray and not re.search(r"conntrack|\bct ", rules):
            yield f"no {family} rule on {name} uses connection tracking, without which a 227 reply stays as it is"


def _marks(director: Host, mark: int) -> bool:
    rules = director.run("iptables-save; ip6tables-save; nft list ruleset").said
    return re.search(rf"mark (set )?(0x0*{mark:x}(/0xffffffff)?|{mark})\b", rules) is not None


def _realserver(hosts: Mapping[str, Host], target: Target, name: str, how: Mapping[str, str]) -> Iterator[str]:
    host = hosts.get(how.get("machine", name))
    if host is None:
        return
    if how["method"] in ("dr", "tun") and target.held and not holders({name: host}, [name], target.ip):
        yield f"{name} does not hold {target.ip}, so it drops the packets that the director sends it"
    device = how.get("device", "")
    if how["method"] == "tun" and device:
        yield from _tunnel(host, name, device)
    if how["method"] == "nat":
        yield from _way_back(hosts, target, name, host, how)
    port = how.get("port", "0")
    if target.protocol == "tcp" and not re.search(rf":{port} ", host.run(f"ss -Hltn sport = :{port}").said + " "):
        yield f"nothing listens on port {port} of {name}"


def _tunnel(host: Host, name: str, device: str) -> Iterator[str]:
    if "UP" not in host.run(f"ip -o link show dev {device}").said:
        yield f"{device} of {name} is not up, so nothing unwraps the packets"
    strict = {key: setting(host, f"net/ipv4/conf/{key}/rp_filter") for key in ("all", device)}
    if max(strict.values()) == "1":
        shown = ", ".join(f"net.ipv4.conf.{key}.rp_filter = {value}" for key, value in strict.items())
        yield f"{name} drops what comes out of {device}, as the way back is another one: {shown}"


def _way_back(
    hosts: Mapping[str, Host], target: Target, name: str, host: Host, how: Mapping[str, str]
) -> Iterator[str]:
    client = how.get("client", "")
    if not client:
        return
    said = host.run(f"ip route get {client}").said.splitlines()[0]
    via = re.search(r" via (\S+)", said)
    owners = [one for one in target.directors if via and via[1] in _addresses(hosts[one])]
    if not owners:
        yield f"replies of {name} do not go back through a director: ip route get {client} says `{said.strip()}`"
    for one in owners:
        if setting(hosts[one], "net/ipv4/ip_forward") == "0" and ":" not in client:
            yield f"{one} does not forward the replies: net.ipv4.ip_forward = 0"


def _addresses(host: Host) -> set[str]:
    return {line.split()[3].partition("/")[0] for line in host.run("ip -o address show").said.splitlines() if line}


def setting(host: Host, path: str) -> str:
    """What a file below /proc/sys says on a machine."""
    return _text(host, f"/proc/sys/{path}")


def _text(host: Host, path: str) -> str:
    return host.run(f"cat {path}").said
