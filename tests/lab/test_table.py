"""What ipvsadm(8) prints, as entries of a table."""

from __future__ import annotations

from lvsgen.lab.guest.steps.table import listed, thresholds

SAVED = """\
-A -t 192.0.2.100:80 -s wrr -p 300
-a -t 192.0.2.100:80 -r 10.1.1.11:8080 -m -w 3
-A -f 7 -6 -s rr
-a -f 7 -6 -r [2001:db8::11]:0 -g -w 1
"""
LIMITS = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn
  -> RemoteAddress:Port
TCP  192.0.2.100:80 wrr persistent 300
  -> 10.1.1.11:8080               200        150        4          0
  -> 10.1.1.12:8080               0          0          4          0
FWM  7 IPv6 rr
  -> [2001:db8::11]:0             9          0          0          0
"""


def test_what_is_saved_is_by_service() -> None:
    assert listed(SAVED) == {
        ("-t 192.0.2.100:80", "-s wrr -p 300"),
        ("-t 192.0.2.100:80", "10.1.1.11:8080 -m 3"),
        ("-f 7 -6", "-s rr"),
        ("-f 7 -6", "[2001:db8::11]:0 -g 1"),
    }


def test_thresholds_are_where_there_are_any() -> None:
    assert thresholds(LIMITS) == {
        ("-t 192.0.2.100:80", "10.1.1.11:8080"): " -x 200 -y 150",
        ("-f 7 -6", "[2001:db8::11]:0"): " -x 9 -y 0",
    }
