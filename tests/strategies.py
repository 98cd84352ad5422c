"""Strategies: whole clusters, as data of the language, that are valid for the schema and mean something.

`clusters` draws a plan of addresses first (an outside network, an inside one behind the directors, a far one behind
tunnels), then services whose realservers stand where their method needs them. What is drawn beside that is drawn
freely, so some clusters have a mistake that a rule knows; most have none.
"""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

Data: TypeAlias = dict[str, Any]

_NAME = string.ascii_lowercase + string.digits
_INSIDE = _NAME + "._-"

names: SearchStrategy[str] = st.one_of(
    st.sampled_from(
        ["a", "0", "true", "null", "0x1f", "1e3", "192.0.2.1", "all", "auto", "lo", "dev", "type", "a_b-c.d"]
    ),
    st.text(_NAME, min_size=1, max_size=8),
    st.builds(
        lambda first, inside, last: f"{first}{inside}{last}".replace("..", ".-"),
        st.sampled_from(_NAME),
        st.text(_INSIDE, min_size=15, max_size=61),
        st.sampled_from(_NAME),
    ),
    st.just("n" * 63),
)

interface_names: SearchStrategy[str] = st.one_of(
    st.sampled_from(
        ["eth0", "eth1", "eth1.100", "bond0.4094", "Eth_0-x", "abcdefghijklmno", "up", "0", "_", ".x", "e.."]
    ),
    st.text(string.ascii_letters + string.digits + "_.", min_size=2, max_size=15).filter(
        lambda name: name not in ("..", "lo", "all", "default", "none")
    ),
)

_ODD = [
    "\"'`$(touch x)",
    "{{ 7*7 }} {% raw %} {# #}",
    "# ! ; & | < > %n %s @x@",
    "été 日本語 😀 a\u0301",
    "a\u00a0b\u3000c\u200b",
    "}}{{ }",
    "*/ -->",
]
texts: SearchStrategy[str] = st.one_of(
    st.sampled_from(_ODD),
    st.sampled_from(["x" * 200, "é" * 200, "😀" * 200, " a ", "-A x", "*mangle", "COMMIT", "#"]),
    st.text(
        st.characters(min_codepoint=0x20, max_codepoint=0x7E, exclude_characters="\\"), min_size=1, max_size=200
    ).filter(str.strip),
)

words: SearchStrategy[str] = st.text(string.ascii_letters + string.digits + "._/@+:,=-", min_size=1, max_size=20)
paths: SearchStrategy[str] = words.map(lambda text: "/" + text.replace("..", "x"))
# keepalived -t wants them to exist.
programs: SearchStrategy[str] = st.sampled_from(["/bin/true", "/bin/sh", "/usr/bin/env"])
arguments: SearchStrategy[str | int] = st.one_of(
    st.integers(0, 99),
    st.text(
        st.characters(
            min_codepoint=0x20, max_codepoint=0x24F, exclude_categories=["Cc"], exclude_characters="\"'`\\${}"
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(
        ["{name}", "{address}:{port}", "--vip={vip}", "{service}", "{{literal}}", "a b", "#", "!", "@x", "~"]
    ),
)
commands: SearchStrategy[str | list[Any]] = st.one_of(
    programs, st.builds(lambda path, rest: [path, *rest], programs, st.lists(arguments, max_size=3))
)
users: SearchStrategy[str] = st.sampled_from(["root", "nobody", "daemon"])
durations: SearchStrategy[str | int] = st.one_of(
    st.integers(1, 600), st.sampled_from(["1s", "500ms", "90s", "15m", "2h", "1d", "20ms", "1500ms"])
)
moderate: SearchStrategy[str | int] = st.one_of(st.integers(1, 60), st.sampled_from(["500ms", "250ms", "1m", "20s"]))
whole_seconds: SearchStrategy[str | int] = st.one_of(st.integers(1, 86400), st.sampled_from(["15m", "2h", "31d", "1s"]))
patterns: SearchStrategy[str] = st.sampled_from(
    ["ok", "^OK$", "[a-z]+", "a{2}", r"\d", r"\x22", "#", "!", "$x", "'", "a b", "(a|b)", "é", "%", "{", "}", "\\", "@"]
)
# keepalived 2.2.7 refuses a text that ends in `ff` (lib/parser.c, read_hex_str).
_hex = st.binary(min_size=1, max_size=8).filter(lambda raw: raw[-1] != 0xFF).map(bytes.hex)
_status: SearchStrategy[Any] = st.one_of(st.integers(100, 599), st.just("200-299"), st.just([200, "300-399", 404]))
_hosts = st.sampled_from(["www.example.com", "{name}.example.com", "a", "[{address}]:{port}", "_x"])
_url_paths = st.sampled_from(
    ["/", "/healthz", "/ready?host={name}&port={port}", "/%41", "/!$&(*)+,;=?@[]|~^<>", "/{{x}}"]
)


def some(**fields: SearchStrategy[Any]) -> SearchStrategy[Data]:
    """A mapping with any of these fields."""
    return st.fixed_dictionaries({}, optional=fields)


_url = st.one_of(
    _url_paths,
    st.builds(
        lambda path, rest: {"path": path, **rest},
        _url_paths,
        some(host=_hosts, status=_status, body=patterns, body_not=patterns, digest=st.just("0" * 31 + "F")),
    ),
)
_probes: SearchStrategy[Data] = st.one_of(
    st.sampled_from(
        [{"tcp": None}, {"ping": None}, {"smtp": None}, {"udp": None}, {"smtp": {"helo": "lvs.example.com"}}]
    ),
    st.builds(lambda url: {"http": url}, st.one_of(_url, st.lists(_url, min_size=1, max_size=2))),
    st.builds(lambda url: {"https": url}, st.one_of(_url, st.lists(_url, min_size=1, max_size=2))),
    st.builds(
        lambda name, kind: {"dns": {"name": name, "type": kind}},
        st.sampled_from(["example.com", "_sip._udp.example.com", "."]),
        st.sampled_from(["A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA"]),
    ),
    st.builds(lambda one, two: {"udp": {"payload": one, "reply": two}}, _hex, _hex),
    st.builds(lambda path, rest: {"script": [path, *rest]}, programs, st.lists(arguments, max_size=3)),
    st.builds(
        lambda path, rest: {"script": {"command": [path], **rest}},
        programs,
        some(timeout=moderate, user=users, sets_weight=st.booleans()),
    ),
    st.builds(lambda path: {"file": path}, st.sampled_from(["/run/a", "/run/{name}", "/var/x:y@z,=+"])),
    st.builds(lambda neighbour: {"bfd": neighbour}, st.sampled_from(["192.0.2.1", "2001:db8::1"])),
)
probes: SearchStrategy[Data] = st.builds(
    lambda probe, timing: probe | timing,
    _probes,
    some(
        interval=moderate,
        timeout=moderate,
        retries=st.integers(0, 1000),
        retry_delay=moderate,
        warmup=moderate,
        start=st.sampled_from(["up", "down"]),
    ),
)
timings = some(interval=moderate, timeout=moderate, retries=st.integers(0, 5), retry_delay=moderate, warmup=moderate)

SCHEDULERS = ["rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos"]
TUNNELS: list[Any] = [
    "ipip",
    "gre",
    {"type": "gre", "checksum": "csum"},
    {"type": "gue", "port": 6080},
    {"type": "gue", "port": 1},
    {"type": "gue", "port": 65535, "checksum": "csum"},
    {"type": "gue", "port": 6080, "checksum": "remcsum"},
]


@dataclass(frozen=True)
class _Segment:
    """A network of the plan: its prefixes, and how to make its nth addresses."""

    name: str
    ipv4: str
    ipv6: str

    def address(self, family: str, number: int) -> str:
        return self.ipv4.replace("0/24", str(number)) if family == "ipv4" else self.ipv6.replace("/64", f"{number:x}")

    def prefix(self, family: str) -> str:
        return self.ipv4 if family == "ipv4" else self.ipv6


_OUTSIDE = _Segment("outside", "192.0.2.0/24", "2001:db8:0:1::/64")
_INSIDE_NET = _Segment("inside", "10.1.1.0/24", "2001:db8:0:2::/64")
_FAR = _Segment("far", "198.51.100.0/24", "2001:db8:0:3::/64")
_SEGMENTS = {"dr": _OUTSIDE, "nat": _INSIDE_NET, "tun": _FAR}


class _Plan:
    """What is drawn once for a whole cluster."""

    def __init__(self, draw: DrawFn) -> None:
        self.draw = draw
        self.families: list[str] = draw(st.sampled_from([["ipv4"], ["ipv4"], ["ipv6"], ["ipv4", "ipv6"]]))
        self.keepalived = draw(st.booleans())
        self.director_count = draw(st.integers(2, 3)) if self.keepalived else 1
        self.methods: list[str] = draw(
            st.lists(st.sampled_from(["dr", "nat", "tun"]), min_size=1, max_size=2, unique=True)
        )
        self.declared = "tun" in self.methods or draw(st.booleans())
        hosts = draw(st.lists(names, min_size=9, max_size=9, unique=True))
        self.directors, rest = hosts[: self.director_count], hosts[3:]
        size = draw(st.integers(1, 2))
        self.realservers = {method: rest[i * size : (i + 1) * size] for i, method in enumerate(self.methods)}
        self.sorry = rest[-1]
        self.interfaces: list[str] = draw(st.lists(interface_names, min_size=2, max_size=2, unique=True))
        self.loopback = draw(st.sampled_from(["lo", "lo", "dummy0", "lvs-dummy"]))
        self.writes_checks = draw(st.booleans())

    def maybe(self, strategy: SearchStrategy[Any], likely: int = 3) -> Any:
        """A value in one of `likely` cases, else None."""
        return self.draw(strategy) if self.draw(st.integers(1, likely)) == 1 else None

    def addresses(self, segment: _Segment, number: int) -> list[str]:
        """Addresses of a host in a segment, with a prefix length where no network says it."""
        return [
            segment.address(family, number) + ("" if self.declared else "/24" if family == "ipv4" else "/64")
            for family in self.families
        ]


def _short(items: list[str]) -> Any:
    return items[0] if len(items) == 1 else items


def _meta(plan: _Plan) -> Data:
    return plan.draw(some(description=texts, owner=texts, expires=st.just("2027-03-31")))


def _hosts_of(plan: _Plan) -> tuple[Data, Data]:
    directors: Data = {}
    for number, name in enumerate(plan.directors):
        outside: Any = _short(plan.addresses(_OUTSIDE, 2 + number))
        mac = plan.maybe(st.just({"mac": f"52:54:00:00:00:0{number}", "mtu": 1500}))
        if mac:
            outside = {"addresses": outside, **mac}
        inside = _short(plan.addresses(_INSIDE_NET, 2 + number))
        directors[name] = {"interfaces": dict(zip(plan.interfaces, (outside, inside), strict=True)), **_meta(plan)}
    realservers: Data = {}
    for method, hosts in plan.realservers.items():
        for number, name in enumerate(hosts):
            found = _short([a.partition("/")[0] for a in plan.addresses(_SEGMENTS[method], 11 + number)])
            if not plan.declared or plan.draw(st.booleans()):
                realservers[name] = {"addresses": found, **_meta(plan)}
            elif plan.draw(st.booleans()):
                realservers[name] = {"interfaces": {plan.draw(interface_names): found}}
            else:
                realservers[name] = found
            if method == "dr" and isinstance(realservers[name], dict) and plan.loopback != "lo":
                realservers[name]["loopback"] = plan.loopback
    if plan.writes_checks:
        realservers[plan.sorry] = _short([a.partition("/")[0] for a in plan.addresses(_OUTSIDE, 90)])
    return directors, realservers


def _networks(plan: _Plan) -> Data:
    found: Data = {}
    for segment in (_OUTSIDE, _INSIDE_NET, _FAR):
        found[segment.name] = {"prefixes": [segment.prefix(family) for family in plan.families]}
    found["outside"]["gateway"] = _short([_OUTSIDE.address(family, 1) for family in plan.families])
    if "nat" in plan.methods:
        found["inside"]["dip"] = _short([_INSIDE_NET.address(family, 254) for family in plan.families])
        snat = plan.maybe(st.just(_short([_OUTSIDE.address(family, 99) for family in plan.families])))
        if snat and plan.keepalived:
            found["inside"]["snat"] = snat
    return found


def _vips(plan: _Plan) -> dict[str, Any]:
    count = plan.draw(st.integers(1, 3))
    found: dict[str, Any] = {}
    for number, name in enumerate(plan.draw(st.lists(names, min_size=count, max_size=count, unique=True))):
        first = 104 + 16 * number
        value: Any = _short([_OUTSIDE.address(family, first) for family in plan.families])
        shape = plan.draw(st.integers(0, 5))
        if shape == 1:
            value = [f"{_OUTSIDE.address(f, first)}-{_OUTSIDE.address(f, first + 5)}" for f in plan.families]
        elif shape == 2:
            value = [_OUTSIDE.address(f, first) + ("/29" if f == "ipv4" else "/125") for f in plan.families]
        if plan.draw(st.booleans()):
            value = {"addresses": value, **_meta(plan), **plan.draw(some(device=st.just(plan.interfaces[0])))}
            if plan.writes_checks and plan.draw(st.integers(0, 2)) == 0:
                value["follows"] = plan.draw(st.sampled_from(["any", "all"]))
                if shape > 2:
                    value.update(plan.draw(some(device=st.just("lo"))))
        found[name] = value
    return found


def _member(plan: _Plan) -> Data | None:
    if plan.draw(st.booleans()):
        return None
    member: Data = plan.draw(some(weight=st.integers(1, 65535), description=texts, owner=texts))
    upper = plan.maybe(st.integers(0, 2147483647))
    if upper:
        member["upper_threshold"] = upper
        if plan.draw(st.booleans()):
            member["lower_threshold"] = plan.draw(st.integers(0, upper))
    return member


def _pool(plan: _Plan, method: str) -> Any:
    hosts = plan.realservers[method]
    if plan.draw(st.booleans()):
        return list(hosts)
    pool = {name: _member(plan) for name in hosts}
    if len(hosts) > 1 and plan.draw(st.booleans()):
        pool[hosts[0]] = (pool[hosts[0]] or {}) | {plan.draw(st.sampled_from(["drain", "disable"])): plan.draw(texts)}
    return pool


def _service(plan: _Plan, number: int, vips: dict[str, Any], checks: list[str]) -> Data:
    draw = plan.draw
    method = draw(st.sampled_from(plan.methods))
    service: Data = {"vip": draw(st.sampled_from(sorted(vips))), "method": method, **_meta(plan)}
    base = 1000 * (number + 1)
    protocol = draw(st.sampled_from(["tcp", "tcp", "udp", "sctp"]))
    marked = draw(st.integers(0, 2)) == 0
    service[protocol] = draw(
        st.one_of(
            st.just(base),
            st.lists(st.integers(base, base + 900), min_size=1, max_size=3, unique=True),
            st.just([f"{base}-{base + 900}"]) if marked else st.just([base, base + 1]),
            st.lists(st.integers(base, base + 900), min_size=16, max_size=20, unique=True) if marked else st.just(base),
            st.just({base: 80}) if method == "nat" and not marked else st.just(base),
        )
    )
    if marked:
        service["mark"] = draw(
            st.sampled_from(["auto", "auto", {"value": {"ipv4": 2 * number + 1, "ipv6": 2 * number + 2}}])
        )
    scheduler = service["scheduler"] = draw(
        st.sampled_from(["rr", "wrr", "lc", "wlc", "sh", "mh", draw(st.sampled_from(SCHEDULERS))])
    )
    if scheduler in ("sh", "mh"):
        service["flags"] = [f"{scheduler}-fallback", *draw(st.sampled_from([[], [f"{scheduler}-port"]]))]
    persistence = plan.maybe(
        st.one_of(
            whole_seconds,
            st.builds(
                lambda timeout, four, six: {"timeout": timeout, "netmask": {"ipv4": four, "ipv6": six}},
                whole_seconds,
                st.integers(1, 32),
                st.integers(1, 128),
            ),
        )
    )
    if persistence:
        service["persistence"] = persistence
    elif protocol == "udp" and method != "nat" and not marked:
        service.update(draw(some(ops=st.just(True))))
    if method == "tun":
        service["tunnel"] = draw(st.sampled_from(TUNNELS))
    if method == "nat" and protocol == "tcp" and not marked:
        service.update(draw(some(snat=st.just(True))))
    service["pool"] = _pool(plan, method)
    if plan.writes_checks:
        service["check"] = draw(
            st.one_of(
                st.just("tcp"),
                probes,
                # keepalived watches a neighbour once for each realserver.
                st.lists(st.one_of(probes, st.just("ping")), min_size=1, max_size=2).filter(
                    lambda checks: sum("bfd" in check for check in checks) < 2
                ),
                st.sampled_from(checks) if checks else st.just("ping"),
            )
        )
        _with_port(service["check"], base)
        service.update(
            draw(
                some(
                    timing=timings,
                    on_failure=st.sampled_from(["remove", "quiesce"]),
                    notify=commands,
                    quorum=st.sampled_from([1, "50%", "100%"]),
                    keepalived=st.just("# raw: { }\n\n# more\n"),
                )
            )
        )
        if method == "dr" and draw(st.booleans()):
            service["sorry_server"] = plan.sorry
    return service


def _with_port(check: Any, port: int) -> None:
    """Checks of a mark over several ports need one."""
    for one in check if isinstance(check, list) else [check]:
        if isinstance(one, dict) and not {"script", "file", "bfd", "ping"} & one.keys():
            one["port"] = port


def _failover(plan: _Plan, vips: dict[str, Any]) -> Data:
    draw = plan.draw
    failover: Data = {
        "engine": "keepalived",
        "order": draw(st.permutations(plan.directors)),
        "vrid": draw(st.integers(1, 255)),
    }
    if len(vips) > 1 and "nat" not in plan.methods and draw(st.booleans()):
        keys = draw(st.lists(names, min_size=len(vips), max_size=len(vips), unique=True))
        failover["instances"] = {
            key: {
                "vips": [vip],
                "vrid": 10 + number,
                **draw(some(order=st.permutations(plan.directors), advert=moderate)),
            }
            for number, (key, vip) in enumerate(zip(keys, vips, strict=True))
        }
        del failover["vrid"]
    failover.update(
        draw(
            some(
                preempt=st.sampled_from(["never", "always", 1, "5m", 1000]),
                transport=st.sampled_from(["unicast", "multicast"]),
                advert=st.sampled_from(["1s", "500ms", "10ms", 40, "40950ms"]),
                garp=some(
                    delay=moderate,
                    repeat=st.integers(1, 255),
                    refresh=moderate,
                    refresh_repeat=st.integers(1, 255),
                    interval=st.sampled_from(["1ms", "500ms", 1]),
                ),
                track=some(
                    interfaces=st.just([plan.interfaces[1]]),
                    scripts=st.dictionaries(
                        names,
                        st.builds(
                            lambda command, rest: {"command": command, **rest},
                            commands,
                            some(
                                interval=moderate,
                                timeout=moderate,
                                fall=st.integers(1, 255),
                                rise=st.integers(1, 255),
                                user=users,
                            ),
                        ),
                        max_size=2,
                    ),
                    files=st.dictionaries(names, paths, max_size=2),
                    processes=st.dictionaries(
                        names,
                        st.text(string.ascii_letters + string.digits + "_.:+@-", min_size=1, max_size=15),
                        max_size=2,
                    ),
                ),
                sync=st.builds(
                    lambda number, rest: {
                        "network": "inside" if plan.declared else "10.1.1.0/24",
                        "id": number,
                        **rest,
                    },
                    st.integers(1, 255),
                    some(
                        maxlen=st.integers(1, 1400),
                        port=st.integers(1, 65535),
                        ttl=st.integers(1, 255),
                        group=st.just("224.0.0.81"),
                        threads=st.sampled_from([1, 64]),
                        threshold=st.just([3, 50]),
                    ),
                ),
            )
        )
    )
    if not plan.declared and "ipv4" not in plan.families:
        failover.pop("sync", None)
    if plan.families == ["ipv4"] and failover.get("advert", "1s") in ("1s", 40) and draw(st.booleans()):
        failover |= {"version": 2, "secret": "vrrp"}
    return failover


@st.composite
def clusters(draw: DrawFn) -> Data:
    """A whole cluster that is valid for the schema."""
    plan = _Plan(draw)
    directors, realservers = _hosts_of(plan)
    vips = _vips(plan)
    cluster: Data = {
        "cluster": draw(names),
        **_meta(plan),
        "directors": directors,
        "realservers": realservers,
        "vips": vips,
    }
    if plan.declared:
        cluster["networks"] = _networks(plan)
    checks: Data = {}
    if plan.writes_checks and draw(st.booleans()):
        checks = cluster["checks"] = draw(
            st.dictionaries(names.filter(lambda n: n not in ("tcp", "ping")), probes, max_size=2)
        )
        for check in checks.values():
            _with_port(check, 80)
    service_names = draw(st.lists(names, min_size=1, max_size=3, unique=True))
    cluster["services"] = {
        name: _service(plan, number, vips, sorted(checks)) for number, name in enumerate(service_names)
    }
    if plan.keepalived:
        cluster["failover"] = _failover(plan, vips)
        if "secret" in cluster["failover"]:
            cluster["secrets"] = {"vrrp": {"file": draw(paths)}}
    cluster |= draw(
        some(
            firewall=st.sampled_from(["iptables", "nft"]),
            ipvs=some(
                timeouts=some(tcp=whole_seconds, tcpfin=whole_seconds, udp=whole_seconds), table_bits=st.integers(8, 20)
            ),
            sysctl=some(
                director=st.dictionaries(
                    st.sampled_from(["net.ipv4.tcp_syncookies", "net.ipv4.conf.eth0/100.rp_filter", "vm.swappiness"]),
                    st.one_of(st.integers(0, 9), st.sampled_from(["1 2 3", "a,b", "x:y/z+1"])),
                ),
                realserver=st.dictionaries(
                    st.sampled_from(["net.ipv4.conf.all.arp_ignore", "kernel.x-y.z"]),
                    st.builds(lambda value, reason: {"value": value, "reason": reason}, st.integers(0, 9), texts),
                ),
            ),
        )
    )
    if plan.keepalived or plan.writes_checks:
        cluster |= draw(
            some(
                notify=some(
                    failover=commands,
                    quorum=commands,
                    realserver=commands,
                    user=users,
                    email=st.just(
                        {"to": ["ops@example.com", "a+b%c_d.e@x"], "from": "lvs@example.com", "server": "192.0.2.25"}
                    ),
                ),
                keepalived=some(**{"global": st.just("checker_log_all_failures true\n\n# a note: { }\n")}),
            )
        )
    return cluster


def _proxy(draw: DrawFn, hosts: list[str], vip: str) -> Data:
    """A transparent proxy: VIPs that nobody holds."""
    prefixes = draw(st.sampled_from([["0.0.0.0/0"], ["0.0.0.0/0", "::/0"], ["203.0.113.0/24", "198.51.100.0/24"]]))
    outside, users = draw(st.lists(interface_names, min_size=2, max_size=2, unique=True))
    return {
        "networks": {
            "users": {"prefixes": ["10.20.0.0/24", "2001:db8:0:20::/64"]},
            "caches": {"prefixes": ["192.0.2.0/24", "2001:db8:0:1::/64"], "gateway": ["192.0.2.1", "2001:db8:0:1::1"]},
        },
        "directors": {
            hosts[0]: {
                "interfaces": {
                    outside: ["192.0.2.2", "2001:db8:0:1::2"],
                    users: ["10.20.0.1", "2001:db8:0:20::1"],
                }
            }
        },
        "realservers": {
            hosts[2]: ["192.0.2.11", "2001:db8:0:1::b"],
            hosts[3]: ["192.0.2.12", "2001:db8:0:1::c"],
        },
        "vips": {vip: {"addresses": prefixes, "device": "none"}},
        "services": {
            draw(names): {
                "vip": vip,
                "tcp": draw(_many_ports),
                "from": ["users"],
                "mark": draw(st.sampled_from(["auto", {"value": {"ipv4": 22, "ipv6": 36}}])),
                "method": "dr",
                "scheduler": draw(st.sampled_from(["dh", "rr", "lblc"])),
            }
        },
    }


_many_ports = st.one_of(
    st.just(80),
    st.just("all"),
    st.just(["1-100", "50000-50100"]),
    st.lists(st.integers(1, 500).map(lambda port: 2 * port), min_size=1, max_size=40, unique=True),
    st.lists(st.integers(1, 500).map(lambda port: f"{7 * port}-{7 * port + 5}"), min_size=6, max_size=20, unique=True),
)


def _two_boxes(draw: DrawFn, hosts: list[str], vip: str) -> Data:
    """Two directors that are each other's realservers, told apart by their MACs or by the sync daemon."""
    interface = draw(interface_names)
    found: Data = {
        "directors": {
            host: {"interfaces": {interface: {"addresses": f"192.0.2.{2 + i}/24", "mac": f"52:54:00:00:00:0{i}"}}}
            for i, host in enumerate(hosts[:2])
        },
        "realservers": None,
        "vips": {vip: draw(st.sampled_from(["192.0.2.100", "192.0.2.96/27"]))},
        "failover": {"engine": "keepalived", "order": hosts[:2], "vrid": 7},
        "services": {
            draw(names): {
                "vip": vip,
                "tcp": draw(_many_ports),
                "mark": "auto",
                "method": "dr",
                "pool": hosts[:2],
                "persistence": 300,
                "check": draw(st.sampled_from(["ping", {"tcp": None, "port": 80}])),
            }
        },
    }
    if draw(st.booleans()):
        found["failover"]["sync"] = {"network": "192.0.2.0/24", "id": 7}
    return found


def _crossing(draw: DrawFn, hosts: list[str], vip: str) -> Data:
    """LVS-Tun through any tunnel, also between families; realservers of others, and those that say it themselves."""
    return {
        "networks": {
            "outside": {
                "prefixes": ["192.0.2.0/24", "2001:db8:0:1::/64"],
                "gateway": ["192.0.2.1", "2001:db8:0:1::1"],
            },
            "far": {"prefixes": ["198.51.100.0/24", "2001:db8:0:3::/64"]},
        },
        "directors": {hosts[0]: {"interfaces": {draw(interface_names): ["192.0.2.2", "2001:db8:0:1::2"]}}},
        "realservers": {
            hosts[2]: draw(st.sampled_from(["198.51.100.11", "2001:db8:0:3::b"])),
            hosts[3]: ["198.51.100.12", "2001:db8:0:3::c"],
            hosts[4]: {"addresses": "198.51.100.13", "managed": False, "os": "freebsd", "owner": draw(texts)},
        },
        "vips": {vip: draw(st.sampled_from(["192.0.2.100", "2001:db8:0:1::64", ["192.0.2.100", "2001:db8:0:1::64"]]))},
        "services": {
            draw(names): {
                "vip": vip,
                draw(st.sampled_from(["tcp", "udp"])): [80, 81],
                "method": "tun",
                "tunnel": draw(st.sampled_from(TUNNELS)),
                "pool": {
                    hosts[2]: {"tunnel": draw(st.sampled_from(TUNNELS))},
                    hosts[3]: None,
                    hosts[4]: {"tunnel": draw(st.sampled_from(["ipip", "gre"]))},
                },
                "persistence": {"timeout": "1h", "netmask": {"ipv4": draw(st.integers(0, 32)), "ipv6": 64}},
            }
        },
    }


def _translating(draw: DrawFn, hosts: list[str], vip: str) -> Data:
    """LVS-NAT with protocol helpers, source translation and more VIPs than an advertisement holds."""
    inside = draw(interface_names)
    service: Data = {"vip": vip, "method": "nat", "persistence": 360} | draw(
        st.sampled_from(
            [
                {"tcp": [21], "helper": "ftp"},
                {
                    "tcp": [21, "50000-50100"],
                    "mark": "auto",
                    "helper": {"ftp": {"ports": [21], "passive": "50000-50100"}},
                },
                {"tcp": [2121], "helper": {"ftp": {"ports": [2121]}}},
                {"udp": [5060], "helper": "sip", "persistence": {"timeout": 60, "engine": "sip"}},
                {"udp": ["16384-16999"], "mark": 7, "snat": True},
                {"tcp": [80], "snat": True},
                {"sctp": {"36412": 36413}},
            ]
        )
    )
    return {
        "networks": {
            "outside": {"prefixes": ["192.0.2.0/24"], "gateway": "192.0.2.1"},
            "inside": {
                "prefixes": ["10.1.1.0/24"],
                "dip": "10.1.1.254",
                **draw(some(snat=st.just("192.0.2.99"), clients=st.booleans())),
            },
        },
        "directors": {
            host: {"interfaces": {"eth0": f"192.0.2.{2 + i}", "in" if inside == "eth0" else inside: f"10.1.1.{2 + i}"}}
            for i, host in enumerate(hosts[:2])
        },
        "realservers": {
            hosts[2]: {"interfaces": {inside: "10.1.1.11"}},
            hosts[3]: {"interfaces": {inside: "10.1.1.12"}},
        },
        "vips": {vip: draw(st.sampled_from(["192.0.2.100", "192.0.2.100-192.0.2.150"]))},
        "failover": {"engine": "keepalived", "order": hosts[:2], "vrid": 9, "transport": {"multicast": "224.0.0.19"}},
        "services": {draw(names): service},
    }


@st.composite
def peculiar_clusters(draw: DrawFn) -> Data:
    """A cluster of the kinds that `clusters` does not draw."""
    kind: Callable[[DrawFn, list[str], str], Data] = draw(
        st.sampled_from([_proxy, _two_boxes, _crossing, _translating])
    )
    hosts = draw(st.lists(names, min_size=5, max_size=5, unique=True))
    return {
        "cluster": draw(names),
        "firewall": draw(st.sampled_from(["iptables", "nft"])),
        **kind(draw, hosts, draw(names)),
    }


def shuffled(value: Any, order: random.Random) -> Any:
    """The same data with every mapping in another order."""
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffled(value[key], order) for key in keys}
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


def text_of(cluster: Any) -> str:
    """Data as a text of the language: JSON, which is YAML."""
    return json.dumps(cluster, ensure_ascii=False, indent=1)
