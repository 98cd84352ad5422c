"""What only a host can show: the checks of `lvs.sh verify` that no rule has.

A check whose fact a rule knows has that rule's code. The examples are lines of `verify`, and `Instead` is what to do.
"""

from __future__ import annotations

from lvsgen.diagnostics import Severity
from lvsgen.rules.documentation import Entry, documented

ERROR, WARNING = Severity.ERROR, Severity.WARNING


@documented("LVS119", ERROR)
def vip_not_deprecated() -> None:
    """What it finds:
        An IPv6 VIP on a director's interface that is not deprecated.

    Why:
        The kernel prefers it as the source of connections to the realservers. They hold it too and answer to
        themselves: health checks time out. `ip -6 address replace` without `preferred_lft 0` undoes it.

    Example:
        FAIL LVS119 2001:db8::101/128 on eth0 expected=deprecated got=preferred

    Instead:
        lvs.sh apply

    Sources:
        ip-address(8), preferred_lft; seen on 6.1 and 6.12
    """


@documented("LVS204", ERROR)
def forwarding_off() -> None:
    """What it finds:
        Forwarding is off on a director of LVS-NAT.

    Why:
        Replies of the realservers are forwarded packets. They are dropped, and clients time out.

    Example:
        FAIL LVS204 net/ipv4/ip_forward expected=1 got=0

    Instead:
        lvs.sh apply, and see which other file below /etc/sysctl.d says 0

    Sources:
        ip-sysctl.rst, ip_forward; sysctl.d(5)
    """


@documented("LVS206", ERROR)
def redirects_on() -> None:
    """What it finds:
        ICMP redirects that a director of LVS-NAT may send, or that a realserver accepts.

    Why:
        They teach realservers a way to their clients that bypasses the director: clients get packets from the RIP and
        reset the connection.

    Example:
        FAIL LVS206 net/ipv4/conf/eth0/send_redirects expected=0 got=1

    Instead:
        lvs.sh apply

    Sources:
        ip-sysctl.rst, send_redirects
    """


@documented("LVS210", ERROR)
def conntrack_off() -> None:
    """What it finds:
        `net.ipv4.vs.conntrack` differs from what the source translation of this director needs.

    Why:
        Packets of IPVS are not tracked without it, and the nat table never sees them.

    Example:
        FAIL LVS210 net/ipv4/vs/conntrack expected=1 got=0

    Instead:
        lvs.sh apply

    Sources:
        ipvs-sysctl.rst, conntrack
    """


@documented("LVS328", ERROR)
def drained_keeps_clients() -> None:
    """What it finds:
        `net.ipv4.vs.expire_quiescent_template` differs from the description.

    Why:
        With 0, persistent clients come back to a realserver of weight 0 for ever: it never drains.

    Example:
        FAIL LVS328 net/ipv4/vs/expire_quiescent_template expected=1 got=0

    Instead:
        lvs.sh apply

    Sources:
        ipvs-sysctl.rst, expire_quiescent_template; seen on 6.1 and 6.12
    """


@documented("LVS403", ERROR)
def marks_not_loaded() -> None:
    """What it finds:
        The chains, or the nft table, of the cluster are not loaded, older than the files, or changed by somebody.

    Why:
        Packets do not get their firewall mark, and miss the service; or realservers are not translated.

    Example:
        FAIL LVS403 firewall of iptables expected=loaded got=changed

    Instead:
        lvs.sh apply, and see whether another service reloads the packet filter

    Sources:
        iptables-restore(8), nft(8)
    """


@documented("LVS519", ERROR)
def backup_only_differs() -> None:
    """What it finds:
        `net.ipv4.vs.backup_only` differs from the description.

    Why:
        In a pair of directors that are realservers too, packets go round between them without it.

    Example:
        FAIL LVS519 net/ipv4/vs/backup_only expected=1 got=0

    Instead:
        lvs.sh apply

    Sources:
        ipvs-sysctl.rst, backup_only; seen on 6.1 and 6.12
    """


@documented("LVS601", ERROR)
def answers_arp() -> None:
    """What it finds:
        A realserver with an interface that answers ARP for the VIP: the larger of `all` and the interface counts.

    Why:
        Clients and routers may take it for the director. They are served by it alone, past the IPVS table, and nothing
        looks wrong until it dies.

    Example:
        FAIL LVS601 arp_ignore of eth0 expected=1 or 2 got=0

    Instead:
        lvs.sh apply, then `ip neigh flush` for the VIP on the router

    Sources:
        ip-sysctl.rst, arp_ignore; seen on 6.1 and 6.12
    """


@documented("LVS603", ERROR)
def announces_vip() -> None:
    """What it finds:
        A realserver whose own ARP requests may carry the VIP as their sender.

    Why:
        Who hears them sends the VIP's packets here, and bypasses the director.

    Example:
        FAIL LVS603 net/ipv4/conf/all/arp_announce expected=2 got=0

    Instead:
        lvs.sh apply

    Sources:
        ip-sysctl.rst, arp_announce; seen on 6.1
    """


@documented("LVS604", ERROR)
def answers_no_arp_at_all() -> None:
    """What it finds:
        `arp_ignore` is 8 on an interface of a realserver.

    Why:
        It answers no ARP at all, not for its RIP either: the director cannot reach it.

    Example:
        FAIL LVS604 arp_ignore of eth0 expected=1 or 2 got=8

    Instead:
        sysctl net.ipv4.conf.eth0.arp_ignore=1

    Sources:
        ip-sysctl.rst, arp_ignore; seen on 6.1
    """


@documented("LVS608", ERROR)
def strict_source_validation() -> None:
    """What it finds:
        `rp_filter` of a realserver differs from what its tunnel needs.

    Why:
        What comes out of the tunnel is dropped without a word: the way back to its client is another device.

    Example:
        FAIL LVS608 net/ipv4/conf/tunl0/rp_filter expected=2 got=1

    Instead:
        lvs.sh apply

    Sources:
        ip-sysctl.rst, rp_filter; seen on 6.1
    """


@documented("LVS613", ERROR)
def tunnel_not_ready() -> None:
    """What it finds:
        A device, or a port that unwraps packets, is missing or down on a realserver.

    Why:
        What the director sends arrives and is dropped: clients time out.

    Example:
        FAIL LVS613 link set tunl0 up expected=in place got=missing

    Instead:
        lvs.sh apply

    Sources:
        ip-link(8), ip-fou(8)
    """


@documented("LVS803", ERROR)
def table_incomplete() -> None:
    """What it finds:
        A service or realserver that the IPVS table lacks, or one of ours that should have gone.

    Why:
        ipvsadm -R ends with the code of its last line: only the table itself tells what it took. Without the service
        clients are refused, or the director answers them itself.

    Example:
        FAIL LVS803 realserver -t 192.0.2.100:80 -r 192.0.2.12:80 expected=present got=absent

    Instead:
        lvs.sh plan, then lvs.sh apply

    Sources:
        ipvsadm(8), -R; ipvsadm.c, restore_table
    """


@documented("LVS806", ERROR)
def table_differs() -> None:
    """What it finds:
        A service or realserver with other options than the files say: scheduler, persistence, method, weight or
        thresholds.

    Why:
        Usually somebody has edited it by hand. `ipvsadm -e` and `-E` reset every option that they do not name.

    Example:
        FAIL LVS806 realserver -t 192.0.2.100:80 -r 192.0.2.12:80 expected=192.0.2.12:80 -g -w 2 got=something else

    Instead:
        lvs.sh plan, then lvs.sh apply (with --keep-weights if the weights are meant)

    Sources:
        ipvsadm(8), --edit-service; seen on 6.1
    """


@documented("LVS810", ERROR)
def ipvs_not_loaded() -> None:
    """What it finds:
        A director without the kernel module ip_vs.

    Why:
        There is no table. Clients of the VIPs are refused.

    Example:
        FAIL LVS810 module ip_vs expected=loaded got=absent

    Instead:
        lvs.sh apply; after a boot, see `systemctl status systemd-modules-load`

    Sources:
        modules-load.d(5)
    """


@documented("LVS811", ERROR)
def other_service_empties_table() -> None:
    """What it finds:
        The service that comes with ipvsadm is on, on a director (Debian's only counts with `AUTO="true"`).

    Why:
        It loads its own table when it starts, with `ipvsadm -C` before it, and empties the table when it stops: every
        connection is reset.

    Example:
        FAIL LVS811 the ipvsadm service expected=off got=ipvsadm.service is enabled

    Instead:
        systemctl disable ipvsadm, or AUTO="false" in /etc/default/ipvsadm

    Sources:
        /etc/init.d/ipvsadm of Debian's package ipvsadm
    """


@documented("LVS871", ERROR)
def setting_differs() -> None:
    """What it finds:
        Another kernel setting of `sysctl.conf` that the kernel has otherwise.

    Why:
        The comment above it in `sysctl.conf` says what breaks without it.

    Example:
        FAIL LVS871 net/ipv4/vs/conn_reuse_mode expected=3 got=1

    Instead:
        lvs.sh apply, and see which other file below /etc/sysctl.d says something else

    Sources:
        sysctl.d(5)
    """


@documented("LVS872", ERROR)
def keepalived_differs() -> None:
    """What it finds:
        keepalived does not run, or not with the generated file and its secrets.

    Why:
        VIPs do not move, and dead realservers stay in the table; or the next restart brings back something else.

    Example:
        FAIL LVS872 keepalived expected=running got=not running

    Instead:
        lvs.sh apply; `journalctl -u keepalived` if it ends again

    Sources:
        keepalived(8)
    """


@documented("LVS873", WARNING)
def check_fails() -> None:
    """What it finds:
        A realserver with weight in keepalived.conf that keepalived has taken out of the table, or given weight 0; or a
        drained one that has weight.

    Why:
        Its health check fails: it gets no client. A realserver that is drained in the description is no such case.

    Example:
        WARN LVS873 realserver -t 192.0.2.100:80 -r 192.0.2.12:80 expected=weight 1 got=its check fails

    Instead:
        look at the realserver: `journalctl -u keepalived` on the director says which check fails, and how

    Sources:
        keepalived.conf(5), inhibit_on_failure
    """


@documented("LVS874", ERROR)
def timeouts_differ() -> None:
    """What it finds:
        Timeouts of the kernel's connection table that differ from the description.

    Why:
        Idle connections are forgotten sooner than their peers believe, and hang; or entries of clients that are gone
        fill the table. They are not saved with the table: a reboot or another program sets them back.

    Example:
        FAIL LVS874 timeouts of tcp, tcpfin, udp expected=7200 120 300 got=900 120 300

    Instead:
        lvs.sh apply

    Sources:
        ipvsadm(8), --set
    """


@documented("LVS875", ERROR)
def vip_not_held_once() -> None:
    """What it finds:
        A VIP of VRRP that no machine answers for, or one that this director holds while another machine answers for it.

    Why:
        Nobody: its clients have no service. Two: the directors do not hear each other, or a realserver answers ARP. New
        connections often still work, so that tests see nothing; established ones break when the neighbour entry of the
        router changes.

    Example:
        FAIL LVS875 VIP 192.0.2.100 expected=held once got=held here and elsewhere

    Instead:
        look at the MAC address that answers: `arping -D -I eth0 192.0.2.100`. Of the other director, let VRRP through
        its packet filter (IP protocol 112); of a realserver, `lvs.sh verify` there

    Sources:
        arping(8), -D; seen on 6.1
    """


HOST_CHECKS: tuple[Entry, ...] = (
    vip_not_deprecated,
    forwarding_off,
    redirects_on,
    conntrack_off,
    drained_keeps_clients,
    marks_not_loaded,
    backup_only_differs,
    answers_arp,
    announces_vip,
    answers_no_arp_at_all,
    strict_source_validation,
    tunnel_not_ready,
    table_incomplete,
    table_differs,
    ipvs_not_loaded,
    other_service_empties_table,
    setting_differs,
    keepalived_differs,
    check_fails,
    timeouts_differ,
    vip_not_held_once,
)
"""All of them, in the order of their codes."""
