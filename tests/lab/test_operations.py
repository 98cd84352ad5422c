"""What goes wrong under `lvs.sh`, and what an operator does with it, under load on a real kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lvsgen.lab import change, play, verdicts
from lvsgen.lab.guest.steps.command import Command
from lvsgen.lab.guest.wire import Step, Subject
from tests.lab.test_noticed import ALL, BOTH, compiled, direct, folder, run

__all__ = ["folder"]

WEIGHTS = "{rs1: {weight: 3}, rs2: , rs3: {weight: 2}}"
MAIL = "mail: {vip: 192.0.2.101, tcp: 25, scheduler: sed, pool: [rs1, rs2]}"
OTHER = direct(BOTH).replace("cluster: direct", "cluster: other").replace("192.0.2.100", "192.0.2.102")
FOREIGN = "-t 192.0.2.200:8080"

HEAD = f"""set -eu
foreign() {{ ipvsadm -Sn | grep -e ' {FOREIGN} '; }}
fail() {{ echo "$*"; ipvsadm -Sn; exit 1; }}
has() {{ ipvsadm -Sn | grep -q -e "$1" || fail "not in the table: $1"; }}
lacks() {{ ! ipvsadm -Sn | grep -q -e "$1" || fail "in the table: $1"; }}
nothing() {{ said=$("$@"); [ "$said" = 'lvs.sh: nothing to do' ] || fail "$*: $said"; }}
ipvsadm -A {FOREIGN} -s wlc 2>/dev/null && ipvsadm -a {FOREIGN} -r 192.0.2.12:8080 -g -w 5 || :
had=$(foreign)
programs=/run/programs
mkdir -p $programs
stand_in() {{
    printf '#!/bin/sh\\n%s\\nexec %s "$@"\\n' "$2" "$(command -v "$1")" >$programs/$1
    chmod +x $programs/$1
}}
"""
TAIL = """
[ "$(foreign)" = "$had" ] || fail 'the virtual service of somebody else was touched'
nothing sh $new apply
"""

KILLED = """
stand_in ipvsadm "echo >>$programs/calls; [ \\$(wc -l <$programs/calls) -ne \\$AT ] || kill -9 0"
stand_in mv "echo >>$programs/calls; [ \\$(wc -l <$programs/calls) -ne \\$AT ] || kill -9 0"
killed=0
for at in 2 4 5 6 7 9; do
    : >$programs/calls
    AT=$at PATH=$programs:$PATH setsid -w sh $new apply >/dev/null 2>&1 || killed=$((killed + 1))
    sh $new apply
    nothing sh $new apply
    has '192.0.2.11:80 -g -w 3'
    sh $old apply
done
[ $killed -ge 4 ] || fail "killed $killed times only"
sh $new apply
"""
REFUSED = """
edit='sed "s/192.0.2.11:80 .*-w 3/192.0.2.99:80/"'
stand_in ipvsadm "[ \\"\\$1\\" != -R ] || { $edit | $(command -v ipvsadm) -R; exit; }"
code=0
said=$(PATH=$programs:$PATH sh $new apply 2>&1) || code=$?
[ $code = 1 ] || fail "code $code: $said"
case $said in *'did not take all of it'*'-e -t 192.0.2.100:80 -r 192.0.2.11:80'*) ;; *) fail "$said" ;; esac
has '192.0.2.13:80 -g -w 2'
lacks '192.0.2.11:80 -g -w 3'
sh $new apply
has '192.0.2.11:80 -g -w 3'
"""
NO_SCHEDULER = """
rmmod ip_vs_sed 2>/dev/null || :
helper=$(cat /proc/sys/kernel/modprobe)
echo /bin/false >/proc/sys/kernel/modprobe
printf '#!/bin/sh\\necho no such module; exit 1\\n' >$programs/modprobe
chmod +x $programs/modprobe
code=0
said=$(PATH=$programs:$PATH sh $new apply 2>&1) || code=$?
echo "$helper" >/proc/sys/kernel/modprobe
[ $code = 1 ] || fail "code $code: $said"
case $said in *'without the module ip_vs_sed'*'take all of it'*'-A -t 192.0.2.101:25'*) ;; *) fail "$said" ;; esac
sh $new apply
has '-t 192.0.2.101:25 -s sed'
"""
MANUAL = """
ipvsadm -e -t 192.0.2.100:80 -r 192.0.2.12:80 -g -w 7
sh $new apply --keep-weights
has '192.0.2.12:80 -g -w 7'
sh $new apply
has '192.0.2.12:80 -g -w 1'
"""
TRIED = """
was=$(ipvsadm -Sn)
sh $new try 2
has '192.0.2.11:80 -g -w 3'
for second in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ "$(ipvsadm -Sn)" != "$was" ] || break
    sleep 1
done
[ "$(ipvsadm -Sn)" = "$was" ] || fail 'it did not go back'
while ! sh $new apply; do sleep 1; done
"""
SECOND = """
sh $other apply
theirs=$(ipvsadm -Sn | grep ' 192.0.2.102:')
sh $new apply
[ "$(ipvsadm -Sn | grep ' 192.0.2.102:')" = "$theirs" ] || fail 'the other cluster was touched'
ip -o address show | grep -q '192.0.2.102/' || fail 'the VIP of the other cluster is gone'
sh $other plan
sh $other stop
lacks 192.0.2.102
ip -o address show | grep -q '192.0.2.100/' || fail 'the VIP is gone'
"""
LATE = """
said=$(sh $new apply --drain=3 2>&1)
case $said in *'waiting for '*' connections to end'*' are still there after 3 s'*) ;; *) fail "$said" ;; esac
lacks 192.0.2.13
"""
DRAINED = """
ipvsadm --set 0 0 3
sh $new apply
sleep 3
sh $old apply --drain=60 >/run/said 2>&1 || fail "$(cat /run/said)"
grep -q 'waiting for [1-9][0-9]* connections to end' /run/said || fail "$(cat /run/said)"
! grep -q 'still there' /run/said || fail "$(cat /run/said)"
lacks 192.0.2.13
sh $new apply
"""

CASES = {
    "killed": (ALL, WEIGHTS, KILLED),
    "refused": (BOTH, WEIGHTS, REFUSED),
    "no scheduler": (BOTH, BOTH, NO_SCHEDULER),
    "manual weight": (ALL, WEIGHTS, MANUAL),
    "tried": (ALL, WEIGHTS, TRIED),
    "second cluster": (ALL, WEIGHTS, SECOND),
    "drained": (BOTH, ALL, DRAINED),
    "drained too late": (ALL, BOTH, LATE),
}


def on_the_director(script: str, other: Path) -> change.Rollout:
    """An administrator at work there; realservers have everything already."""

    def rollout(old: change.Revision, new: change.Revision) -> Iterator[Step]:
        for name in ("rs1", "rs2", "rs3"):
            if name in new.scene.folders:
                yield new.apply(name)
        places = {"old": old.folder, "new": new.folder, "other": other}
        named = "".join(f"{name}={place}/director/lvs.sh\n" for name, place in places.items())
        text = f"{HEAD}{named}{script}{TAIL}"
        yield Command(subject=Subject(property="change"), machine="director", command=text, what="the operation")

    return rollout


@pytest.mark.lab
def test_what_an_operator_does_and_what_goes_wrong_costs_no_connection(folder: Path, tmp_path: Path) -> None:
    other = folder / "other"
    play.write(compiled(OTHER, tmp_path / "other"), other)
    plays = []
    for name, (before, after, script) in CASES.items():
        place = name.replace(" ", "-")
        texts = [direct(before), direct(after, MAIL if name == "no scheduler" else "")]
        if name == "drained":
            texts = [text.replace("tcp: 80", "udp: 53") for text in texts]
        old, new = (compiled(text, tmp_path / place / str(n)) for n, text in enumerate(texts))
        plays.append(change.prepare(name, old, new, folder / place, rollout=on_the_director(script, other)))
    endings = run(plays, folder)
    for name in CASES:
        results = [
            one
            for one in endings[name].results
            if name != "drained too late" or "established" not in one.subject.service
        ]
        assert not verdicts.failed(results), verdicts.table(name, results)
        assert any("new connections served" in one.seen for one in results), verdicts.table(name, results)
