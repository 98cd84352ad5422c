"""What `lvs.sh verify` must find: descriptions of small clusters, and scripts that break one thing after the other.

Each script runs on the machine that it is named after and knows `lvs.sh` of that machine as `$new`.
"""

from __future__ import annotations

WAYS = """
cluster: ways
directors: {director: {interfaces: {eth0: {addresses: [192.0.2.2/24], mtu: 1500}, eth1: 10.1.1.2/24}}}
realservers: {direct: 192.0.2.11, second: 192.0.2.12, masked: 10.1.1.13, tunnelled: 192.0.2.14}
defaults: {scheduler: wrr}
services:
  web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [direct, second]}
  mail: {vip: 192.0.2.101, tcp: 25, method: nat, pool: [masked]}
  dns: {vip: 192.0.2.102, tcp: 53, method: tun, pool: [tunnelled]}
  shop: {vip: 192.0.2.103, tcp: [80, 443], method: dr, mark: auto, persistence: 5m, pool: [direct]}
"""
"""Every way to forward, and a firewall mark, on one director."""

PAIR = """
cluster: pair
directors: {lvs1: {interfaces: {eth0: 192.0.2.2/24}}, lvs2: {interfaces: {eth0: 192.0.2.3/24}}}
realservers: {rs1: 192.0.2.11, rs2: 192.0.2.12}
failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}
services:
  web: {vip: 192.0.2.100, tcp: 80, method: dr, check: tcp}
"""

_HEAD = r"""set -eu
fail() { echo "$*"; exit 1; }
good() {
    said=$(sh $new verify 2>&1) || fail "$said"
    case $said in *FAIL* | *WARN* | '') fail "$said" ;; esac
}
# bad CODE WHAT: now there is this one besides those from before, and no other.
expected=
bad() {
    ! said=$(sh $new verify 2>&1) || fail "verify finds nothing: $said"
    case $said in *"FAIL $1 "*"$2"*) ;; *) fail "no FAIL $1 $2: $said" ;; esac
    expected=$(printf '%s\n%s\n' "$1" "$expected" | sort -u)
    got=$(printf '%s\n' "$said" | sed -n 's/^FAIL \(LVS[0-9]*\) .*/\1/p' | sort -u)
    [ "$got" = "$(printf '%s\n' "$expected" | sed '/^$/d')" ] || fail "not just $expected: $said"
}
good
"""
_TAIL = """
sh $new apply
good
"""

VERIFIED = {
    name: _HEAD + script + _TAIL
    for name, script in {
        "director": """
            ip address del 192.0.2.100/32 dev eth0
            bad LVS517 '192.0.2.100/32 on eth0'
            echo 0 >/proc/sys/net/ipv4/ip_forward
            bad LVS204 net/ipv4/ip_forward
            ipvsadm -d -t 192.0.2.100:80 -r 192.0.2.12:80
            bad LVS803 'realserver -t 192.0.2.100:80 -r 192.0.2.12:80'
            ipvsadm -e -t 192.0.2.101:25 -r 10.1.1.13:25 -m -w 7
            bad LVS806 'realserver -t 192.0.2.101:25 -r 10.1.1.13:25'
            ipvsadm -D -t 192.0.2.102:53
            bad LVS803 'service -t 192.0.2.102:53'
            iptables -t mangle -F lvsgen-ways
            bad LVS403 'firewall of iptables'
        """,
        "direct": """
            echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore
            bad LVS601 'arp_ignore of eth0'
            ip address del 192.0.2.100/32 dev lo
            bad LVS605 '192.0.2.100/32 on lo'
        """,
        "tunnelled": """
            echo 1 >/proc/sys/net/ipv4/conf/tunl0/rp_filter
            bad LVS608 net/ipv4/conf/tunl0/rp_filter
            ip link set tunl0 down
            bad LVS613 'link set tunl0 up'
        """,
        "masked": """
            ip route replace default via 10.1.1.9
            bad LVS203 'route replace default via 10.1.1.2'
        """,
    }.items()
}

VIP_LOST = """set -eu
fail() { echo "$*"; exit 1; }
holds() { ip -o address show dev eth0 | grep -q ' 192.0.2.100/32 '; }
until_it_holds() {
    for _ in $(seq 60); do
        ! holds || return 0
        sleep 1
    done
    fail "$1"
}
until_it_holds 'it is not master'
read -r before </run/keepalived.pid
ip address del 192.0.2.100/32 dev eth0
[ "$(sh $new plan)" = 'lvs.sh: nothing to do' ] || fail 'plan wants to do what is for keepalived to do'
# It may be too late to see that nobody holds it.
wrong=$(sh $new verify | grep -e '^FAIL' | grep -v -e 'VIP 192.0.2.100 .* got=held by nobody') || :
[ "$wrong" = '' ] || fail "$wrong"
[ "$(sh $new apply)" = 'lvs.sh: nothing to do' ] || fail 'apply does what is for keepalived to do'
until_it_holds 'keepalived did not put it back'
read -r after </run/keepalived.pid
[ $before = $after ] || fail 'keepalived was started anew'
said=$(sh $new verify) || fail "$said"
"""
