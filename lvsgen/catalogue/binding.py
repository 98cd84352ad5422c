"""What is said while defaults are applied and names are resolved.

Nothing here can be ignored or waived: an object with such a mistake is left out, so the rules cannot judge it.
"""

from __future__ import annotations

from lvsgen.diagnostics import Severity
from lvsgen.rules.documentation import Entry, documented

ERROR = Severity.ERROR


@documented("LVS020", ERROR)
def unknown_name() -> None:
    """What it finds:
        A name that nothing in the description bears: of a host, VIP, pool, check, network, service or secret.

    Why:
        A realserver that is left out by a misspelt name would be missed only when its neighbours are overloaded.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [rs1, rs3]}  # <- LVS020

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [rs1, rs2]}

    Sources:
        docs/language.md
    """


@documented("LVS021", ERROR)
def bad_address() -> None:
    """What it finds:
        A text that is no literal address or prefix, an address with leading zeros or with a zone, an IPv4 address in
        IPv6 clothes, a prefix with host bits.

    Why:
        Tools read such texts differently (a leading zero is octal for some), and a name would make the generated files
        depend on a DNS.

    Example:
        realservers:
          rs1: 192.0.2.011  # <- LVS021

    Instead:
        realservers:
          rs1: 192.0.2.11

    Sources:
        RFC 6943 section 3.1.1; inet_aton(3); RFC 5952
    """


@documented("LVS022", ERROR)
def declared_twice() -> None:
    """What it finds:
        The same name in the same section of two files.

    Why:
        Which of them counts would depend on the order in which files are read.

    Example:
        include: [team.yaml]
        services: {web: {vip: 192.0.2.100, tcp: 80, method: dr}}
        # in team.yaml:
        services:
          web: {vip: 192.0.2.101, tcp: 80, method: dr}  # <- LVS022

    Instead:
        include: [team.yaml]
        services: {web: {vip: 192.0.2.100, tcp: 80, method: dr}}
        # in team.yaml:
        services:
          team-web: {vip: 192.0.2.101, tcp: 80, method: dr}

    Sources:
        docs/language.md, include
    """


@documented("LVS023", ERROR)
def host_twice() -> None:
    """What it finds:
        One name under `directors` and under `realservers`.

    Why:
        A host has one folder of files. A director that also serves (LocalNode) is one host with two roles.

    Example:
        realservers:
          lvs1: 192.0.2.2  # <- LVS023
          rs1: 192.0.2.11

    Instead:
        realservers:
          rs1: 192.0.2.11
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [lvs1, rs1]}

    Sources:
        LVS-HOWTO, LocalNode
    """


@documented("LVS024", ERROR)
def no_address() -> None:
    """What it finds:
        A realserver without an address.

    Why:
        The directors could not send it anything.

    Example:
        realservers:
          rs1: {owner: web team}  # <- LVS024

    Instead:
        realservers:
          rs1: {addresses: 192.0.2.11, owner: web team}

    Sources:
        ipvsadm(8), --real-server
    """


@documented("LVS025", ERROR)
def ambiguous_network() -> None:
    """What it finds:
        An address that lies in the prefixes of two networks.

    Why:
        On which wire it is decides about ARP, gateways and the way back of LVS-NAT.

    Example:
        networks: {site: {prefixes: [192.0.0.0/16]}, outside: {prefixes: [192.0.2.0/24]}}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2}}  # <- LVS025
        realservers: {rs1: {interfaces: {eth0: {addresses: 192.0.2.11, network: outside}}}}
        vips: {shop: {addresses: 192.0.2.100, device: eth0}}
        services: {web: {vip: shop, tcp: 80, method: dr}}

    Instead:
        networks: {outside: {prefixes: [192.0.2.0/24]}}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2}}
        realservers: {rs1: 192.0.2.11}
        services: {web: {vip: 192.0.2.100, tcp: 80, method: dr}}

    Sources:
        docs/language.md, networks
    """


@documented("LVS026", ERROR)
def no_prefix() -> None:
    """What it finds:
        A director's address without a prefix length, in no declared network.

    Why:
        The director must know what is on the link: VIPs are held there, and LVS-DR reaches realservers there.

    Example:
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2}}  # <- LVS026

    Instead:
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2/24}}

    Sources:
        ip-address(8)
    """


@documented("LVS027", ERROR)
def prefix_differs() -> None:
    """What it finds:
        A prefix length that differs from that of the network which holds the address.

    Why:
        With different ideas of what is on the link, one side asks by ARP and the other sends to a gateway.

    Example:
        networks: {outside: {prefixes: [192.0.2.0/24]}}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2/25}}  # <- LVS027

    Instead:
        networks: {outside: {prefixes: [192.0.2.0/24]}}
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2}}

    Sources:
        RFC 1122 section 3.3.1.1
    """


@documented("LVS028", ERROR)
def bad_range() -> None:
    """What it finds:
        A range of ports, addresses or marks that does not run upwards, mixes families, holds none or far too many.

    Why:
        It stands for nothing, or for more than a table can hold.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: "90-80", method: dr, mark: auto}  # <- LVS028

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: "80-90", method: dr, mark: auto}

    Sources:
        docs/language.md, services
    """


@documented("LVS029", ERROR)
def no_such_date() -> None:
    """What it finds:
        An `expires` that is no day of the calendar.

    Why:
        It would never come.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, expires: 2027-02-29}  # <- LVS029

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, expires: 2027-02-28}

    Sources:
        ISO 8601
    """


@documented("LVS030", ERROR)
def one_check_type() -> None:
    """What it finds:
        A check with no type, or with several.

    Why:
        What is asked of the realserver would be a guess.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {port: 80}}  # <- LVS030

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, check: {http: /, port: 80}}

    Sources:
        keepalived.conf(5), TCP_CHECK, HTTP_GET and others
    """


@documented("LVS031", ERROR)
def which_address() -> None:
    """What it finds:
        A realserver with several addresses that the directors reach, where nothing says which one is the RIP.

    Why:
        The service may listen on one of them only.

    Example:
        realservers: {rs1: [192.0.2.11, 192.0.2.21]}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: [rs1]}  # <- LVS031

    Instead:
        realservers: {rs1: [192.0.2.11, 192.0.2.21]}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: {rs1: {address: 192.0.2.21}}}

    Sources:
        ipvsadm(8), --real-server
    """


@documented("LVS032", ERROR)
def no_address_of_family() -> None:
    """What it finds:
        A member without an address of the VIP's family, reached by LVS-DR or LVS-NAT.

    Why:
        Only LVS-Tun carries a packet of one family in one of the other.

    Example:
        directors: {lvs1: {interfaces: {eth0: [192.0.2.2/24, "2001:db8::2/64"]}}}
        services:
          web: {vip: "2001:db8::100", tcp: 80, method: dr, pool: [rs1]}  # <- LVS032

    Instead:
        directors: {lvs1: {interfaces: {eth0: [192.0.2.2/24, "2001:db8::2/64"]}}}
        realservers: {rs1: "2001:db8::11"}
        services:
          web: {vip: "2001:db8::100", tcp: 80, method: dr, pool: [rs1]}

    Sources:
        net/netfilter/ipvs/ip_vs_ctl.c, ip_vs_genl_set_cmd
    """


@documented("LVS033", ERROR)
def no_port() -> None:
    """What it finds:
        A service without a port, unless its packets are marked by somebody else.

    Why:
        No packet would ever match it.

    Example:
        services:
          web: {vip: 192.0.2.100, method: dr}  # <- LVS033

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}

    Sources:
        ipvsadm(8), --tcp-service
    """


@documented("LVS034", ERROR)
def no_vip() -> None:
    """What it finds:
        A service without a VIP.

    Why:
        Clients would have no address to send to.

    Example:
        services:
          web: {tcp: 80, method: dr}  # <- LVS034

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}

    Sources:
        ipvsadm(8), --tcp-service
    """


@documented("LVS035", ERROR)
def no_method() -> None:
    """What it finds:
        A service with members whose forwarding method is not written.

    Why:
        Tools disagree on the default: ipvsadm takes LVS-DR, keepalived LVS-NAT. The realservers must be set up for one
        of them.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: 80}  # <- LVS035

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}

    Sources:
        ipvsadm(8), --gatewaying; keepalived.conf(5), lvs_method
    """


@documented("LVS036", ERROR)
def no_pool() -> None:
    """What it finds:
        A service without a pool in a cluster that has pools.

    Why:
        Only where there are no pools, a service without one takes all realservers; here it would be a guess.

    Example:
        pools: {all: [rs1, rs2]}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr}  # <- LVS036

    Instead:
        pools: {all: [rs1, rs2]}
        services:
          web: {vip: 192.0.2.100, tcp: 80, method: dr, pool: all}

    Sources:
        docs/language.md, pools
    """


@documented("LVS037", ERROR)
def mark_collision() -> None:
    """What it finds:
        Two services to which `mark: auto` gives the same firewall mark.

    Why:
        Marks are derived from names, so that a new service moves no other; with many services two may meet. Their
        packets would all go to one of the two.

    Example:
        marks: {range: [100, 100]}
        services:
          one: {vip: 192.0.2.100, tcp: 80, method: dr, mark: auto}
          two: {vip: 192.0.2.100, tcp: 81, method: dr, mark: auto}  # <- LVS037

    Instead:
        marks: {range: [100, 100]}
        services:
          one: {vip: 192.0.2.100, tcp: 80, method: dr, mark: auto}
          two: {vip: 192.0.2.100, tcp: 81, method: dr, mark: 17}

    Sources:
        docs/language.md, services; ipvsadm(8), --fwmark-service
    """


@documented("LVS038", ERROR)
def mark_maps_to_one_port() -> None:
    """What it finds:
        A service with a mark that maps its ports to several ports of the realservers.

    Why:
        A service by mark has no ports. A destination has one port, or keeps the one that the client asked for.

    Example:
        services:
          web: {vip: 192.0.2.100, tcp: {80: 8080, 81: 8081}, method: nat, snat: true, mark: 3}  # <- LVS038

    Instead:
        services:
          web: {vip: 192.0.2.100, tcp: [80, 81], method: dr, mark: 3}

    Sources:
        ipvsadm(8), --fwmark-service; net/netfilter/ipvs/ip_vs_core.c, ip_vs_schedule
    """


@documented("LVS039", ERROR)
def netmask_of_which_family() -> None:
    """What it finds:
        One persistence netmask for a service with IPv4 and IPv6 VIPs.

    Why:
        24 bits are an office in IPv4, and a large part of the world in IPv6: its clients would all use one realserver.

    Example:
        directors: {lvs1: {interfaces: {eth0: [192.0.2.2/24, "2001:db8::2/64"]}}}
        realservers: {rs1: [192.0.2.11, "2001:db8::11"]}
        services:
          web:
            vip: [192.0.2.100, "2001:db8::100"]
            tcp: 80
            method: dr
            persistence: {timeout: 60, netmask: 24}  # <- LVS039

    Instead:
        directors: {lvs1: {interfaces: {eth0: [192.0.2.2/24, "2001:db8::2/64"]}}}
        realservers: {rs1: [192.0.2.11, "2001:db8::11"]}
        services:
          web:
            vip: [192.0.2.100, "2001:db8::100"]
            tcp: 80
            method: dr
            persistence: {timeout: 60, netmask: {ipv4: 24, ipv6: 64}}

    Sources:
        ipvsadm(8), --netmask
    """


@documented("LVS040", ERROR)
def no_failover() -> None:
    """What it finds:
        Several directors, and no `failover`.

    Why:
        Two directors that both hold a VIP answer ARP for it in turn; with none, nobody answers.

    Example:
        directors:  # <- LVS040
          lvs1: {interfaces: {eth0: 192.0.2.2/24}}
          lvs2: {interfaces: {eth0: 192.0.2.3/24}}

    Instead:
        directors:
          lvs1: {interfaces: {eth0: 192.0.2.2/24}}
          lvs2: {interfaces: {eth0: 192.0.2.3/24}}
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}

    Sources:
        RFC 5798 section 1.2
    """


@documented("LVS041", ERROR)
def order_incomplete() -> None:
    """What it finds:
        A failover whose `order` is missing, or does not name every director.

    Why:
        VRRP priorities follow from it. Without it two directors would be equal, or one would never take over.

    Example:
        failover: {engine: keepalived, order: [lvs1], vrid: 51}  # <- LVS041

    Instead:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}

    Sources:
        RFC 5798 section 6.1
    """


@documented("LVS042", ERROR)
def no_vrid() -> None:
    """What it finds:
        A failover by VRRP without a `vrid`.

    Why:
        Directors take the adverts of any neighbour with the same number for those of their own cluster. There is no
        default that nobody else has.

    Example:
        failover: {engine: keepalived, order: [lvs1, lvs2]}  # <- LVS042

    Instead:
        failover: {engine: keepalived, order: [lvs1, lvs2], vrid: 51}

    Sources:
        RFC 5798 section 5.2.3
    """


BINDING: tuple[Entry, ...] = (
    unknown_name,
    bad_address,
    declared_twice,
    host_twice,
    no_address,
    ambiguous_network,
    no_prefix,
    prefix_differs,
    bad_range,
    no_such_date,
    one_check_type,
    which_address,
    no_address_of_family,
    no_port,
    no_vip,
    no_method,
    no_pool,
    mark_collision,
    mark_maps_to_one_port,
    netmask_of_which_family,
    no_failover,
    order_incomplete,
    no_vrid,
)
"""In the order of their codes."""
