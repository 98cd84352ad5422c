"""Which address a director's own connections, its health checks, come from."""

from __future__ import annotations

from lvsgen.lab.guest.wire import Machine
from tests.lab.facts.fact import fact
from tests.lab.facts.ground import Lab, nic

VIP6, DIP6, RIP6 = "2001:db8::100", "2001:db8::2", "2001:db8::11"


@fact("lvsgen/plan/host.py", "templates/lvs.sh", "lvsgen/targets/ip.py")
def test_a_vip_of_ipv6_becomes_the_source(lab: Lab) -> None:
    """A VIP of IPv6 on the director's interface is the source of its own connections, unless preferred_lft is 0;
    `address replace` without it takes that back (RFC 6724 section 5; addrconf.c, ipv6_get_saddr_eval).
    """
    director = lab.build(Machine(name="director", nics=(nic(0, 2, f"{DIP6}/64", "192.0.2.2/24"),)))["director"]

    def source(to: str = RIP6) -> str:
        words = director.must(f"ip route get {to}").split()
        return words[words.index("src") + 1]

    assert source() == DIP6
    director.must(f"ip address add {VIP6}/128 dev eth0 nodad")
    assert source() == VIP6
    director.must(f"ip address replace {VIP6}/128 dev eth0 nodad preferred_lft 0")
    assert source() == DIP6
    director.must(f"ip address replace {VIP6}/128 dev eth0 nodad")
    assert source() == VIP6
    director.must("ip address add 192.0.2.1/32 dev eth0")
    assert source("192.0.2.11") == "192.0.2.2"
