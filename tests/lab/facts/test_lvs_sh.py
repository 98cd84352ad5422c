"""What `lvs.sh` does with the table of a real kernel."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

from lvsgen.lab.guest.wire import Machine
from lvsgen.resources import read_text
from lvsgen.sums import HEADER
from tests.lab.facts.fact import fact
from tests.lab.facts.ground import Lab, table

_TABLES = 24
_SEED = 4
_SERVICES = (
    "-t 198.51.100.1:80",
    "-t 198.51.100.1:443",
    "-u 198.51.100.1:53",
    "-f 7",
    "-t [2001:db8::1]:80",
    "-f 8 -6",
)
_FOREIGN = (
    "-A -t 198.51.100.1:8080 -s wlc -p 90",
    "-a -t 198.51.100.1:8080 -r 192.0.2.14:8080 -g -w 5",
    "-A -f 9 -s rr",
    "-a -f 9 -r 192.0.2.14:0 -g -w 1 -x 9 -y 2",
)
_SCHEDULERS = ("rr", "wrr", "lc", "wlc", "sed", "nq", "sh", "mh", "sh -b sh-fallback,sh-port", "mh -b mh-fallback")
_TUNNELS = ("", " --tun-type gue --tun-port 6080", " --tun-type gre --tun-csum")
_FOLDER = "/run/folder"
_SEEN = (
    "ipvsadm -Sn | sort; ipvsadm -Ln --thresholds | awk '/^[A-Z]/ { key = $0; next } { print key, $2, $3, $4 }' | sort"
)


def _service(key: str, luck: random.Random) -> Iterator[str]:
    """A virtual service and its realservers, in any order, as lines for `ipvsadm -R`."""
    six = "[" in key or "-6" in key
    mark = key.startswith("-f")
    line = f"-A {key} -s {luck.choice(_SCHEDULERS)}"
    if luck.random() < 0.3:
        line += f" -p {luck.choice((60, 300))}" + ("" if six or luck.random() < 0.5 else " -M 255.255.255.0")
    yield line
    numbers = luck.sample((11, 12, 13, 14), luck.randint(0, 4))
    for number in numbers:
        address = f"[2001:db8::{number}]" if six else f"192.0.2.{number}"
        port = 0 if mark else int(key.rpartition(":")[2])
        method = luck.choice("ggmi")
        more = luck.choice(_TUNNELS) if method == "i" else ""
        if method == "m" and not mark:
            port += 1000
        limits = luck.choice(("", "", "", " -x 50", " -x 50 -y 20"))
        yield f"-a {key} -r {address}:{port} -{method} -w {luck.choice((0, 1, 1, 3, 100))}{limits}{more}"


def _table(luck: random.Random) -> tuple[str, ...]:
    keys = luck.sample(_SERVICES, luck.randint(1, len(_SERVICES)))
    return tuple(line for key in keys for line in _service(key, luck))


def _by_hand(lines: tuple[str, ...], luck: random.Random) -> Iterator[str]:
    """What an operator might have done to such a table meanwhile."""
    for line in lines:
        words = line.split()
        if words[0] != "-a" or luck.random() > 0.3:
            continue
        if luck.random() < 0.3:
            yield " ".join(["-d", *words[1 : words.index("-r") + 2]])
        else:
            yield "-e" + line[2:].replace(" -w ", " -w 2")


def _write(lines: tuple[str, ...]) -> None:
    """The folder that a build leaves for a director, with this table."""
    folder = Path(_FOLDER)
    folder.mkdir(exist_ok=True)
    (folder / "host.conf").write_text(f"{HEADER}\ncluster=shop\nhost=director\nroles=director\nwriter=script\n")
    (folder / "ipvs.rules").write_text("\n".join([HEADER, *lines, ""]))
    (folder / "lvs.sh").write_text(read_text("templates/lvs.sh"))
    names = ("host.conf", "ipvs.rules", "lvs.sh")
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "lvsgen.sum").write_text(f"{HEADER}\n# cluster: shop\n{''.join(sums)}")


@fact("templates/lvs.sh")
def test_a_computed_change_leads_to_the_same_table_as_a_full_load(lab: Lab) -> None:
    """From random tables that somebody has edited by hand, `lvs.sh apply` comes to the table that `ipvsadm -R` would
    load into an empty kernel. A second apply has nothing to do, and virtual services of others stay as they are.
    """
    hosts = lab.build(*(Machine(name=name, nics=()) for name in ("director", "empty")))
    director, empty = hosts["director"], hosts["empty"]
    luck = random.Random(_SEED)
    before: tuple[str, ...] = ()
    table(director, *_FOREIGN)
    for number in range(_TABLES):
        after = _table(luck)
        edits = tuple(_by_hand(before, luck))
        if edits:
            table(director, *edits)
        director.call(_write, after)
        began = director.must(_SEEN)
        ran = director.run(f"sh {_FOLDER}/lvs.sh apply")
        assert ran.code == 0, (number, began, after, ran.said)
        table(empty, "-C", *_FOREIGN, *after)
        wanted, found = empty.must(_SEEN), director.must(_SEEN)
        assert found == wanted, (number, began, after, ran.said)
        again = director.run(f"sh {_FOLDER}/lvs.sh apply")
        assert (again.code, again.said) == (0, "lvs.sh: nothing to do"), (number, after)
        before = after
    assert director.run(f"sh {_FOLDER}/lvs.sh stop").code == 0
    table(empty, "-C", *_FOREIGN)
    assert director.must(_SEEN) == empty.must(_SEEN)
