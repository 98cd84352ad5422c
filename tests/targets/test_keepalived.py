"""keepalived.conf: what the description asks for is there, keepalived takes it, and no value becomes a setting."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from lvsgen.keepalived_text import command, comment, regex, setting, url_path, word
from lvsgen.plan import derive
from lvsgen.render import render
from lvsgen.targets import keepalived, secrets
from tests.plan.test_vrrp import bound
from tests.tools import in_namespace, need

HEAD = """
cluster: shop
networks:
  outside: {prefixes: [192.0.2.0/24, "2001:db8:0:1::/64"], gateway: [192.0.2.1, "2001:db8:0:1::1"]}
  inside: {prefixes: [10.1.1.0/24], dip: 10.1.1.254}
directors:
  lvs1: {interfaces: {eth0: [192.0.2.2, "2001:db8:0:1::2"], eth1: 10.1.1.2}}
  lvs2: {interfaces: {eth0: [192.0.2.3, "2001:db8:0:1::3"], eth1: 10.1.1.3}}
realservers:
  web1: [192.0.2.11, "2001:db8:0:1::11"]
  web2: [192.0.2.12, "2001:db8:0:1::12"]
  in1: {interfaces: {eth0: 10.1.1.11}}
secrets: {vrrp: {file: /etc/lvs/vrrp}, db: {file: /etc/lvs/db}}
vips: {web: 192.0.2.100, six: "2001:db8:0:1::100", both: [192.0.2.101, "2001:db8:0:1::101"]}
ipvs: {writer: keepalived}
"""
PAIR = "failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}\n"


def conf(text: str, director: str = "lvs1") -> str:
    plan = next(p for p in derive(bound(text)) if p.host.name == director)
    view = keepalived.view(plan)
    return render("keepalived.conf.j2", {"header": "# header", **view}) if view else ""


def judged(text: str, tmp_path: Path, interfaces: tuple[str, ...] = ("eth0", "eth1", "eth2")) -> tuple[int, str]:
    """What `keepalived -t` says. 0 alone is consent: 5 is "I would start with something else"."""
    path = tmp_path / "keepalived.conf"
    path.write_text(text)
    run = in_namespace([need("keepalived"), "-t", "-f", str(path)], interfaces=interfaces)
    return run.returncode, run.stdout + run.stderr


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def block(text: str, start: str) -> str:
    """A block of the file, up to the brace that closes it at the same indentation."""
    found = re.search(rf"^( *){re.escape(start)}[^\n]*\{{\n.*?^\1\}}", text, re.MULTILINE | re.DOTALL)
    assert found, f"no block {start!r} in:\n{text}"
    return found[0]


def service(fields: str, more: str = "", method: str = "method: dr, pool: [web1]") -> str:
    return f"{HEAD}{more}services: {{web: {{vip: web, {method}, {fields}}}}}\n" + ("" if "failover" in more else PAIR)


FRAGMENTS = {
    "tcp": ("tcp: 80, check: {tcp: }", ["protocol TCP", "real_server 192.0.2.11 80 {", "TCP_CHECK {"]),
    "udp": ("udp: 53, ops: true, scheduler: rr", ["virtual_server 192.0.2.100 53 {", "protocol UDP", "ops"]),
    "sctp": ("sctp: 3868", ["protocol SCTP"]),
    "all ports": (
        "tcp: all, persistence: 10m, check: {tcp: , port: 80}",
        ["virtual_server 192.0.2.100 {", "real_server 192.0.2.11 {", "connect_port 80", "persistence_timeout 600"],
    ),
    "mark": (
        "tcp: [80, 443], mark: 7, check: {tcp: , port: 443}",
        ["virtual_server fwmark 7 {", "ip_family inet", "real_server 192.0.2.11 {", "connect_port 443"],
    ),
    "mark with one port": ("tcp: 80, mark: 7, check: {tcp: }", ["real_server 192.0.2.11 {", "connect_port 80"]),
    "flags": ("tcp: 80, scheduler: mh, flags: [mh-fallback, mh-port]", ["lvs_sched mh", "mh-fallback", "mh-port"]),
    "netmask": (
        "tcp: 80, persistence: {timeout: 5m, netmask: 24}",
        ["persistence_timeout 300", "persistence_granularity 255.255.255.0"],
    ),
    "sip": ("udp: 5060, persistence: {timeout: 60, engine: sip}", ["persistence_engine sip", "persistence_timeout 60"]),
    "quorum": ("tcp: 80, weight: 5, quorum: 3, hysteresis: 2", ["quorum 3", "hysteresis 2", "weight 5"]),
    "quiesce": ("tcp: 80, on_failure: quiesce", ["inhibit_on_failure"]),
    "thresholds": ("tcp: 80, upper_threshold: 90, lower_threshold: 50", ["uthreshold 90", "lthreshold 50"]),
    "local sorry page": ("tcp: 80, sorry_server: lvs1", ["sorry_server 192.0.2.2 80"]),
    "sorry by nat": (
        "tcp: 80, sorry_server: {realserver: in1, port: 8080, method: nat}",
        ["sorry_server 10.1.1.11 8080", "sorry_server_lvs_method NAT"],
    ),
    "sorry of a mark": ("tcp: 80, mark: 7, sorry_server: web2", ["sorry_server 192.0.2.12"]),
    "sorry that serves": (
        "tcp: 80, on_failure: quiesce, sorry_server: web1",
        ["sorry_server 192.0.2.11 80", "sorry_server_inhibit"],
    ),
    "timing": (
        "tcp: 80, check: {tcp: , interval: 500ms, timeout: 1s, retries: 0, retry_delay: 250ms, warmup: 0}",
        ["delay_loop 0.5", "connect_timeout 1", "retry 0", "delay_before_retry 0.25", "warmup 0"],
    ),
    "where to connect": (
        "tcp: 80, check: {tcp: , address: 192.0.2.77, source: 192.0.2.2}",
        ["connect_ip 192.0.2.77", "connect_port 80", "bindto 192.0.2.2"],
    ),
    "start down": ("tcp: 80, check: {tcp: , start: down}", ["alpha"]),
    "several": ("tcp: 80, check: [ping, {tcp: , port: 81}]", ["PING_CHECK {", "TCP_CHECK {", "connect_port 81"]),
    "http": (
        "tcp: 80, check: {http: {path: /h, host: www.example.org, status: [200, 300-399], version: 1.1}}",
        ["HTTP_GET {", 'path "/h"', "status_code 200 300-399", "virtualhost www.example.org", "http_protocol 1.1"],
    ),
    "https": (
        "tcp: 443, check: {https: {path: /, host: www.example.org}}",
        ["SSL_GET {", "enable_sni", "virtualhost www.example.org"],
    ),
    "sni": ("tcp: 443, check: {https: {path: /, sni: sni.example.org}}", ["enable_sni", "virtualhost sni.example.org"]),
    "body": ('tcp: 80, check: {http: {path: /, body: "o\\\\d k"}}', ['regex "o\\134d k"']),
    "no body": ("tcp: 80, check: {http: {path: /, body_not: error}}", ['regex "error"', "regex_no_match"]),
    "digest": (
        "tcp: 80, check: {http: {path: /, digest: 9b3a0c85a887a256d6939da88aabd8cd}}",
        ["digest 9b3a0c85a887a256d6939da88aabd8cd"],
    ),
    "dns": ("udp: 53, check: {dns: {name: example.org, type: A}}", ["DNS_CHECK {", "type A", "name example.org"]),
    "smtp": ("tcp: 25, check: {smtp: {helo: lvs.example.org}}", ["SMTP_CHECK {", "helo_name lvs.example.org"]),
    "udp check": (
        'udp: 99, check: {udp: {payload: "0a0b", reply: "0c"}}',
        ["UDP_CHECK {", "payload 0a0b", "require_reply 0c"],
    ),
    "script": (
        'tcp: 80, check: {script: {command: [/bin/true, "{name}", "{address}:{port}", a b], timeout: 2s, user: root}}',
        ["MISC_CHECK {", "misc_path \"/bin/true web1 192.0.2.11:80 'a b'\"", "misc_timeout 2", "user root"],
    ),
    "script that weighs": (
        "tcp: 80, check: {script: {command: [/bin/true], sets_weight: true}}",
        ['misc_path "/bin/true"', "misc_dynamic"],
    ),
    "script without a timeout": ("tcp: 80, check: {script: [/bin/true], timeout: 4}", ["misc_timeout 4"]),
    "braces and secrets": (
        'tcp: 80, check: {script: [/bin/true, "{{{service}}}", "{vip}", "{secret.db}", "{other}"]}',
        [f"misc_path \"/bin/true '\\\\173web\\\\175' 192.0.2.100 {secrets.placeholder('db')} '\\\\173other\\\\175'\""],
    ),
    "file": (
        'tcp: 80, check: {file: "/run/agent/{name}"}',
        ["track_file /run/agent/web1 {", "file /run/agent/web1", "weight 0", "track_file /run/agent/web1"],
    ),
    "bfd": (
        "tcp: 80, check: {bfd: 192.0.2.11, interval: 300ms, retries: 4}",
        [
            "bfd_instance bfd_192.0.2.11 {",
            "neighbor_ip 192.0.2.11",
            "min_rx 300",
            "multiplier 5",
            "name bfd_192.0.2.11",
        ],
    ),
    "no check": ("tcp: 80", ["real_server 192.0.2.11 80 {", "weight 1"]),
    "raw": (
        'tcp: 80, keepalived: "virtualhost www.example.org\\n"',
        ["# raw text of services.web.keepalived", "virtualhost www.example.org", "# end of raw text"],
    ),
    "notify": (
        "tcp: 80, notify: [/bin/true, -v]",
        [
            "enable_script_security",
            "script_user root",
            'quorum_up "/bin/true -v up web tcp:192.0.2.100:80"',
            'quorum_down "/bin/true -v down web tcp:192.0.2.100:80"',
        ],
    ),
}


@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_field_of_a_service(name: str, tmp_path: Path) -> None:
    fields, wanted = FRAGMENTS[name]
    text = conf(service(fields))
    assert set(wanted) <= set(lines(text)), text
    assert judged(text, tmp_path) == (0, ""), text


METHODS = {
    "nat": ("tcp: {80: 8080}, method: nat, pool: [in1]", ["lvs_method NAT", "real_server 10.1.1.11 8080 {"]),
    "tun": ("tcp: 80, method: tun, pool: [web1]", ["lvs_method TUN"]),
    "gre": ("tcp: 80, method: tun, tunnel: gre, pool: [web1]", ["lvs_method TUN type gre"]),
    "gue": (
        "tcp: 80, method: tun, tunnel: {type: gue, port: 6080, checksum: remcsum}, pool: [web1]",
        ["lvs_method TUN type gue port 6080 remcsum"],
    ),
    "mixed": ("tcp: 80, method: dr, pool: {web1: , in1: {method: nat}, web2: {method: tun}}", ["lvs_method DR"]),
    "ipv6": ("vip: six, tcp: 80, method: dr, pool: [web1]", ["virtual_server 2001:db8:0:1::100 80 {"]),
    "ipv6 netmask": (
        "vip: six, tcp: 80, method: dr, pool: [web1], persistence: {timeout: 1m, netmask: 64}",
        ["persistence_granularity 64"],
    ),
    "ipv6 mark, tunnels only": (
        "vip: six, tcp: 80, mark: 7, method: tun, pool: {web1: {families: [ipv6]}}",
        ["virtual_server fwmark 7 {", "ip_family inet6"],
    ),
    "ipv6 through an ipv4 tunnel": (
        "vip: six, tcp: 80, mark: 7, method: tun, pool: [in1]",
        ["ip_family inet6", "real_server 10.1.1.11 {"],
    ),
    "two families, one mark": (
        "vip: both, tcp: 80, mark: {value: {ipv4: 7, ipv6: 8}}, method: dr, pool: [web1]",
        ["virtual_server fwmark 7 {", "virtual_server fwmark 8 {", "ip_family inet", "ip_family inet6"],
    ),
    "a source of one family": (
        "vip: both, tcp: 80, method: dr, pool: [web1], check: {tcp: , source: 192.0.2.2}",
        ["bindto 192.0.2.2"],
    ),
}


@pytest.mark.parametrize("name", METHODS)
def test_a_way_to_forward(name: str, tmp_path: Path) -> None:
    fields, wanted = METHODS[name]
    fields = fields if "vip:" in fields else f"vip: web, {fields}"
    text = conf(f"{HEAD}{PAIR}services: {{web: {{{fields}}}}}\n")
    assert set(wanted) <= set(lines(text)), text
    assert judged(text, tmp_path) == (0, ""), text


def test_members_differ_only_where_they_differ(tmp_path: Path) -> None:
    pool = "{web1: {weight: 3, description: the first}, web2: {drain: disk swap}, in1: {method: nat}}"
    text = conf(service("tcp: 80, check: {tcp: }", method=f"method: dr, pool: {pool}"))
    assert "lvs_method" not in block(text, "real_server 192.0.2.11")
    assert "        lvs_method NAT\n" in block(text, "real_server 10.1.1.11")
    assert "        weight 0  # drained: disk swap\n" in block(text, "real_server 192.0.2.12")
    assert "    # web1: the first\n    real_server 192.0.2.11" in text
    assert text.count("TCP_CHECK") == 3
    assert judged(text, tmp_path) == (0, "")


def test_disabled_members_are_a_comment(tmp_path: Path) -> None:
    text = conf(service("tcp: 80", method="method: dr, pool: {web1: {disable: gone}, web2: }"))
    assert "# web1 disabled: gone\nvirtual_server 192.0.2.100 80 {" in text
    assert "192.0.2.11" not in text
    assert judged(text, tmp_path) == (0, "")


def test_a_service_without_realservers_is_left_out(tmp_path: Path) -> None:
    more = "services: {web: {vip: web, tcp: 80, method: dr, pool: {web1: {disable: gone}}}, "
    text = conf(HEAD + PAIR + more + "two: {vip: web, tcp: 81, method: dr, pool: [web1]}}\n")
    assert "# virtual_server 192.0.2.100 80: left out, it has no realserver\n" in text
    assert judged(text, tmp_path) == (0, "")


def test_each_director_has_its_own_local_page() -> None:
    text = service("tcp: 80, sorry_server: lvs1")
    assert "sorry_server 192.0.2.3 80" in lines(conf(text, "lvs2"))


FAILOVER = """
failover:
  engine: keepalived
  order: [lvs1, lvs2]
  vrid: 51
  preempt: 30s
  secret: vrrp
  version: 2
  garp: {delay: 3s, repeat: 4, refresh: 60s, refresh_repeat: 2, interval: 10ms}
  sync: {network: inside, id: 9, maxlen: 1400, port: 9000, ttl: 3, group: 224.0.0.90}
  track:
    interfaces: [eth0, eth2]
    scripts: {up: {command: [/bin/true, a b], interval: 2s, timeout: 1s, fall: 2, rise: 3, user: root}}
    files: {maintenance: /run/maintenance}
    processes: {ssh: sshd}
ipvs: {writer: keepalived, timeouts: {tcp: 1800, udp: 60}}
keepalived: {global: "vrrp_startup_delay 3\\n", instance: "garp_lower_prio_repeat 1\\n"}
notify:
  failover: [/bin/true, moved]
  quorum: /bin/true
  realserver: /bin/true
  email: {to: [a@example.org, b@example.org], from: lvs@example.org, server: 192.0.2.25}
services:
  web: {vip: both, tcp: 80, method: dr, pool: [web1], check: {tcp: }}
  in: {vip: web, tcp: 80, method: nat, pool: [in1], notify: [/bin/false, own]}
"""


def test_failover_with_everything(tmp_path: Path) -> None:
    text = conf(HEAD.replace("ipvs: {writer: keepalived}\n", "") + FAILOVER)
    assert judged(text, tmp_path) == (0, ""), text
    for line in (
        "router_id lvs1",
        "notification_email_from lvs@example.org",
        "smtp_server 192.0.2.25",
        "smtp_alert on",
        "lvs_timeouts tcp 1800 udp 60",
        "lvs_sync_daemon eth1 inst shop_eth0_ipv4 id 9 maxlen 1400 port 9000 ttl 3 group 224.0.0.90",
        "vrrp_garp_master_delay 3",
        "vrrp_garp_interval 0.01",
        "vrrp_gna_interval 0.01",
        "vrrp_startup_delay 3",
        'notify "/bin/true moved"',
        'quorum_up "/bin/true up web tcp:192.0.2.101:80"',
        "quorum_up \"/bin/true up web 'tcp:[2001:db8:0:1::101]:80'\"",
        'quorum_up "/bin/false own up in tcp:192.0.2.100:80"',
        'notify_up "/bin/true up web tcp:192.0.2.101:80 web1 192.0.2.11"',
        'notify_down "/bin/true down web tcp:192.0.2.101:80 web1 192.0.2.11"',
    ):
        assert line in lines(text), line
    group = lines(block(text, "vrrp_sync_group shop"))
    # eth0 belongs to an instance of the group, which watches it already.
    assert [one for one in group if one not in ("}", "vrrp_sync_group shop {")] == [
        *("group {", "shop_eth0_ipv4", "shop_eth0_ipv6", "shop_eth1_ipv4", "track_interface {", "eth2"),
        *("track_script {", "up", "track_file {", "maintenance", "track_process {", "ssh", 'notify "/bin/true moved"'),
    ]
    four = lines(block(text, "vrrp_instance shop_eth0_ipv4"))
    assert {"version 2", "preempt_delay 30", "priority 200", f"auth_pass {secrets.placeholder('vrrp')}"} <= set(four)
    assert {"192.0.2.101/32 dev eth0  # VIP both", "unicast_src_ip 192.0.2.2", "192.0.2.3"} <= set(four)
    six = lines(block(text, "vrrp_instance shop_eth0_ipv6"))
    assert {"version 3", "2001:db8:0:1::101/128 dev eth0  # VIP both"} <= set(six)
    assert not [one for one in six if one.startswith(("auth", "track_", "notify"))]
    assert "10.1.1.254/32 dev eth1  # DIP of inside" in lines(block(text, "vrrp_instance shop_eth1_ipv4"))


def test_a_single_instance_tracks_and_notifies_itself(tmp_path: Path) -> None:
    head = HEAD.replace(", dip: 10.1.1.254", "").replace("ipvs: {writer: keepalived}\n", "")
    head = head.replace(', six: "2001:db8:0:1::100", both: [192.0.2.101, "2001:db8:0:1::101"]', "")
    text = conf(
        head + FAILOVER.replace("vip: both", "vip: web").replace("tcp: 80, method: nat", "tcp: 81, method: nat")
    )
    assert "vrrp_sync_group" not in text
    own = lines(block(text, "vrrp_instance shop_eth0_ipv4"))
    assert {"track_interface {", "eth2", "track_script {", "track_process {", 'notify "/bin/true moved"'} <= set(own)
    assert judged(text, tmp_path) == (0, ""), text


@pytest.mark.parametrize(
    ("preempt", "line"), [("never", "nopreempt"), ("always", ""), ("90s", "preempt_delay 90")], ids=lambda v: v or "-"
)
def test_preemption(preempt: str, line: str) -> None:
    text = conf(
        service("tcp: 80", f"failover: {{engine: keepalived, order: [lvs1, lvs2], vrid: 1, preempt: {preempt}}}\n")
    )
    found = {one for one in lines(text) if "preempt" in one}
    assert found == ({line} if line else set())


def test_vrrp_alone_leaves_the_table_to_the_script(tmp_path: Path) -> None:
    text = conf(service("tcp: 80").replace("writer: keepalived", "writer: script, timeouts: {tcp: 90}"))
    assert "# The IPVS table is written by lvs.sh.\n" in text
    assert "virtual_server" not in text
    assert "lvs_timeouts" not in text
    assert "script" not in block(text, "global_defs")
    assert judged(text, tmp_path) == (0, "")


def test_the_table_alone(tmp_path: Path) -> None:
    text = conf(service("tcp: 80, check: {tcp: }", "failover: {engine: none, order: [lvs1, lvs2]}\n"))
    assert "# The IPVS table is written by keepalived.\n" in text
    assert "vrrp" not in text
    assert judged(text, tmp_path) == (0, "")


def test_scripts_run_as_the_user_that_is_asked_for() -> None:
    text = conf(service("tcp: 80", "notify: {quorum: /bin/true, user: lvs}\n"))
    assert "script_user lvs" in lines(text)


FOLLOWED = """
services:
  web: {vip: [held, far], tcp: [80, 443], method: dr, pool: [web1], check: {tcp: , start: up}}
  one: {vip: near, tcp: 80, method: dr, pool: [web1], check: {tcp: }}
"""


def test_an_address_that_follows_one_service_leaves_with_it(tmp_path: Path) -> None:
    vips = "vips: {near: {addresses: 198.51.100.8, device: lo, follows: any}, held: 192.0.2.100, far: 192.0.2.101}\n"
    text = conf(re.sub("vips: .*\n", vips, HEAD) + PAIR + FOLLOWED)
    own = lines(block(text, "virtual_server 198.51.100.8 80"))
    assert {
        "alpha",
        "omega",
        'quorum_up "ip address replace 198.51.100.8/32 dev lo" root',
        'quorum_down "ip address del 198.51.100.8/32 dev lo" root',
    } <= set(own)
    assert "startup_script" not in text
    assert judged(text, tmp_path) == (0, ""), text


def test_addresses_that_follow_several_services(tmp_path: Path) -> None:
    vips = """vips:
  held: {addresses: 192.0.2.100, follows: all}
  far: {addresses: 198.51.100.7, device: lo, follows: any}
  near: 192.0.2.101
"""
    text = conf(re.sub("vips: .*\n", vips, HEAD) + PAIR + FOLLOWED + "notify: {quorum: /bin/true, user: lvs}\n")
    flags = sorted(set(re.findall(r"/run/lvsgen-shop\.no-quorum\.[0-9a-f]{8}", text)))
    assert len(flags) == 4
    far = block(text, "virtual_server 198.51.100.7 80")
    up = re.search(r"quorum_up (.*)", far)
    down = re.search(r"quorum_down (.*)", far)
    assert up
    assert down
    assert re.fullmatch(
        r"\"/bin/sh -c 'rm -f (\S+); test ! -e (\S+) && ip address replace 198.51.100.7/32 dev lo; "
        r"runuser -u lvs -- /bin/true up web tcp:198.51.100.7:80'\" root",
        up[1],
    )
    assert re.fullmatch(
        r"\"/bin/sh -c ': > (\S+); ip address del 198.51.100.7/32 dev lo; "
        r"runuser -u lvs -- /bin/true down web tcp:198.51.100.7:80'\" root",
        down[1],
    )
    assert re.search(
        r"script \"/bin/sh -c 'test ! -e \S+ \|\| test ! -e \S+'\"", block(text, "vrrp_script follow:192.0.2.100")
    )
    assert "follow:192.0.2.100" in lines(block(text, "vrrp_sync_group shop"))
    assert text.count("startup_script") == 1
    # A check that starts up would give the service its quorum without a word.
    assert "alpha no" not in text
    # script_user is another one than root: keepalived 2.2.7 kills itself when it only tests such a file.
    assert judged(text.replace("script_user lvs", "script_user root"), tmp_path) == (0, ""), text


def test_the_name_in_the_greeting_is_said_once(tmp_path: Path) -> None:
    urls = "[{path: /a, host: shop.example.org}, {path: /b, host: shop.example.org}, {path: /c, host: b.example.org}]"
    text = conf(service(f"tcp: 443, check: {{https: {urls}}}"))
    own = lines(block(text, "SSL_GET"))
    assert own[1:3] == ["enable_sni", "virtualhost shop.example.org"]
    assert [one for one in own if "virtualhost" in one] == ["virtualhost shop.example.org", "virtualhost b.example.org"]
    assert judged(text, tmp_path) == (0, ""), text


@pytest.mark.parametrize(
    ("check", "complaint"),
    [
        ('udp: {payload: "00ff00", reply: "00 fx"}', ""),
        ('udp: {payload: "00 ff"}', "Invalid hex string"),
        ('udp: {reply: "ff"}', "Invalid hex string"),
        ("dns: example.org", ""),
        ("dns: x.example.org", "has empty label"),
    ],
)
def test_what_rules_refuse_is_what_keepalived_refuses(check: str, complaint: str, tmp_path: Path) -> None:
    code, said = judged(conf(service(f"udp: 53, check: {{{check}}}")), tmp_path)
    assert complaint in said
    assert code == (5 if complaint else 0)


def test_an_underscore_in_an_interface_is_taken(tmp_path: Path) -> None:
    head = re.sub(r"\beth([01]):", r"eth\1_a:", HEAD)
    sync = "failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51, sync: {network: inside, id: 9}}\n"
    text = conf(f"{head}{sync}services: {{web: {{vip: both, tcp: 80, method: dr, pool: [web1]}}}}\n")
    assert "vrrp_instance shop:eth0_a_ipv4 {" in lines(text)
    assert "lvs_sync_daemon eth1_a inst shop:eth0_a_ipv4 id 9" in lines(text)
    assert judged(text, tmp_path, ("eth0_a", "eth1_a")) == (0, ""), text


def test_without_anything_to_do_there_is_no_file() -> None:
    text = service("tcp: 80", "failover: {engine: none, order: [lvs1, lvs2]}\n")
    plan = derive(bound(text.replace("writer: keepalived", "writer: script")))[0]
    assert keepalived.view(plan) is None
    assert secrets.view(plan) is None
    assert conf(service("tcp: 80"), "web1") == ""


def test_secrets_conf_names_files_and_no_values() -> None:
    plan = derive(bound(HEAD.replace("ipvs: {writer: keepalived}\n", "") + FAILOVER))[0]
    view = secrets.view(plan)
    assert view is not None
    text = render("secrets.conf.j2", {"header": "# header", **view})
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        f"{secrets.placeholder('vrrp')} /etc/lvs/vrrp"
    ]
    assert re.fullmatch("@[0-9a-f]{6}@", secrets.placeholder("vrrp"))


# What a value may not do.

HOSTILE = (
    "} virtual_server 203.0.113.9 80 {",
    'x" \n}\nvirtual_server 203.0.113.9 80 {',
    "ends with a backslash \\",
    'a " quote and a # and a !',
    "include /etc/passwd",
    "@lvs1 router_id owned",
    "~SEQ(A, 1, 3) ${A}",
    "$_PWD ${_PWD} ${_RANDOM} $HOME",
    "\ta\nlvs_flush\n\tlvs_flush",
    "{",
    "}",
    "'; reboot; '",
    "\\042\\n\\x22",
)
TOO_LONG = ("x" * 2000 + "\nlvs_flush", "x" * 1000 + " lvs_flush" * 50, "x/lvs_flush " * 200)
VALUES = """
services:
  web:
    description: %s
    vip: web
    tcp: [80, 81]
    method: dr
    pool: {web1: {drain: %s, description: %s}, web2: {disable: %s}, in1: {method: nat}}
    check:
      - {http: [{path: %s, host: %s, body: %s, body_not: %s}]}
      - {dns: {name: %s, type: A}}
      - {smtp: {helo: %s}}
      - {file: %s}
"""
COMMANDS = """
services:
  web:
    vip: web
    tcp: 80
    method: dr
    pool: [web1]
    notify: [/bin/true, %s]
    check: {script: [/bin/true, %s]}
"""


def yaml(text: str) -> str:
    """`text` as a double-quoted YAML scalar."""
    return '"' + "".join(c if c.isalnum() else f"\\u{ord(c):04x}" for c in text) + '"'


def skeleton(text: str) -> list[str]:
    """The keyword of every line."""
    found = [line.split()[0] for line in lines(text) if line and not line.startswith("#")]
    return [one for one in found if not one.startswith(('"', "quorum_", "misc_path", "path", "regex"))]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("template", [VALUES, COMMANDS], ids=["values", "commands"])
def test_no_value_becomes_a_setting(template: str, value: str, tmp_path: Path) -> None:
    count = template.count("%s")
    text = conf(HEAD + PAIR + template % ((yaml(value),) * count))
    assert skeleton(text) == skeleton(conf(HEAD + PAIR + template % (("benign",) * count)))
    _, said = judged(text, tmp_path)
    assert [line for line in said.splitlines() if line and "has empty label" not in line] == [], text


@pytest.mark.parametrize("value", TOO_LONG, ids=range(len(TOO_LONG)))
@pytest.mark.parametrize("template", [VALUES, COMMANDS], ids=["values", "commands"])
def test_keepalived_refuses_what_it_would_cut_in_two(template: str, value: str, tmp_path: Path) -> None:
    count = template.count("%s")
    text = conf(HEAD + PAIR + template % ((yaml(value),) * count))
    assert max(len(line.encode()) for line in text.split("\n")) < 1023
    more = Counter(skeleton(text)) - Counter(skeleton(conf(HEAD + PAIR + template % (("benign",) * count))))
    assert {one for one in more if not one.endswith("_is_too_long_for_keepalived")} == set()
    code, said = judged(text, tmp_path)
    assert code == 5
    assert "_is_too_long_for_keepalived" in said
    assert "lvs_flush" not in said


def test_arguments_arrive_as_they_were_written(tmp_path: Path) -> None:
    """keepalived quotes the command that it cannot run for want of a user, as it understood it."""
    arguments = ["/bin/true", "", "it's", "tab\there", "\\", "\\041", "é", "{}", "%s"]
    for one in (*arguments, *(value for value in HOSTILE if len(value) < 90)):
        text = conf(HEAD + PAIR + COMMANDS % ("x", yaml(one)))
        _, said = judged(text.replace("script_user root", "script_user nobody-has-it"), tmp_path)
        expected = one.replace("{{", "{")
        assert f"misc script '/bin/true' '{expected}' - removing" in said, said


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (comment("a\n} \\ # b\u2028c\x0bd\x85\r"), "a } # b c d"),
        (comment("é" * 500), "é" * 120),
        (word("plain-1.2:3"), "plain-1.2:3"),
        (word('a "b" $c \\'), '"a _b_ _c _"'),
        (word("}"), '"_"'),
        (word("@lvs1"), '"@lvs1"'),
        (url_path('/a b"$é{}#'), '"/a%20b%22%24%C3%A9%7B%7D%23"'),
        (regex('^"\\d$'), '"^\\042\\134d\\044"'),
        (command(["/bin/x", "a b", "", 'q"']), "\"/bin/x 'a b' '' 'q\\\\042'\""),
        (setting("path", "x" * 2000), "path_is_too_long_for_keepalived"),
        (setting("raw-x y" * 200), "rawx_is_too_long_for_keepalived"),
    ],
)
def test_texts(made: str, expected: str) -> None:
    assert made == expected
