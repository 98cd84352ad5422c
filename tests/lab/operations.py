"""What is done on a lone director under load: shell scripts by name, with the descriptions before and after.

A script finds `lvs.sh` of both as `$old` and `$new`, and those of the clusters beside it by their names. It ends with
an exit code other than 0 if something is not as it should be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.lab.test_noticed import ALL, BOTH, direct

WEIGHTS = "{rs1: {weight: 3}, rs2: , rs3: {weight: 2}}"
MAIL = "mail: {vip: 192.0.2.101, tcp: 25, pool: [rs1, rs2]}"
OTHER = direct(BOTH).replace("cluster: direct", "cluster: other").replace("192.0.2.100", "192.0.2.102")
FOREIGN = "-t 192.0.2.200:8080"

POOL, SERVICES = 100, 100


def large(weight: int) -> str:
    """A cluster of 10 000 destinations on the same director; `weight` is that of one of them."""
    names = [f"r{number}" for number in range(POOL)]
    hosts = ", ".join(f"{name}: 198.51.100.{number}" for number, name in enumerate(names, 100))
    services = "".join(f"  s{n}: {{vip: 192.0.2.103, tcp: {8000 + n}, pool: all}}\n" for n in range(1, SERVICES))
    first = ", ".join(f"{name}: " for name in names[1:])
    return f"""
cluster: large
directors: {{director: {{interfaces: {{eth0: [192.0.2.2/24, 198.51.100.2/24]}}}}}}
realservers: {{{hosts}}}
defaults: {{method: dr, scheduler: wrr}}
pools: {{all: [{", ".join(names)}]}}
services:
  s0: {{vip: 192.0.2.103, tcp: 8000, pool: {{r0: {{weight: {weight}}}, {first}}}}}
{services}"""


HEAD = f"""set -eu
foreign() {{ ipvsadm -Sn | grep -e ' {FOREIGN} '; }}
fail() {{ ipvsadm -Sn | head -n 20; echo "$*"; exit 1; }}
has() {{ ipvsadm -Sn | grep -q -e "$1" || fail "not in the table: $1"; }}
lacks() {{ ! ipvsadm -Sn | grep -q -e "$1" || fail "in the table: $1"; }}
nothing() {{ said=$("$@"); [ "$said" = 'lvs.sh: nothing to do' ] || fail "$*: $said"; }}
everything() {{
    ipvsadm -Sn | sort
    ip -o address show | awk '{{ print $2, $4 }}'
    cat /proc/sys/net/ipv4/vs/conn_reuse_mode
}}
foreigner() {{ ipvsadm -A {FOREIGN} -s wlc && ipvsadm -a {FOREIGN} -r 192.0.2.12:8080 -g -w 5; }}
foreigner
had=$(foreign)
programs=/run/programs
mkdir -p $programs
stand_in() {{
    printf '#!/bin/sh\\n%s\\nexec %s "$@"\\n' "$2" "$(command -v "$1")" >$programs/$1
    chmod +x $programs/$1
}}
# at_each_step ACTION: from now on, the programs that change something call it before they do so for the $AT-th time.
at_each_step() {{
    cat >$programs/step <<END
case "\\${{0##*/}} \\$*" in
    'ipvsadm -R' | 'ip -'[46]' -batch -' | 'mv '* | 'cp '* | 'mkdir '* | 'rm '*/table.sums | 'rm -rf '*/previous)
        read -r calls <$programs/calls
        echo \\$((calls + 1)) >$programs/calls
        [ \\$calls -ne \\$AT ] || {{ $1; }}
        ;;
esac
END
    for program in ipvsadm ip mv cp mkdir rm; do stand_in $program ". $programs/step"; done
}}
# disturbed AT COMMAND...: runs it in a session of its own; what it says is in /run/said.
disturbed() {{
    at=$1
    shift
    echo 0 >$programs/calls
    AT=$at PATH=$programs:$PATH setsid -w "$@" >/run/said 2>&1
}}
"""
TAIL = """
[ "$(foreign)" = "$had" ] || fail 'the virtual service of somebody else was touched'
nothing sh $new apply
"""

_KILLED = """
at_each_step 'kill -9 0'
step=0 killed=0 before=-1 grown='' shrunk=''
while [ $killed -gt $before ]; do
    before=$killed
    if ! disturbed $step sh $new apply; then killed=$((killed + 1)); sh $new apply; fi
    : "${grown:=$(everything)}"
    [ "$(everything)" = "$grown" ] || fail "killed at step $step of the way there: $(cat /run/said)"
    if ! disturbed $step sh $old apply; then killed=$((killed + 1)); sh $old apply; fi
    : "${shrunk:=$(everything)}"
    [ "$(everything)" = "$shrunk" ] || fail "killed at step $step of the way back: $(cat /run/said)"
    step=$((step + 1))
done
[ $killed -ge 16 ] || fail "killed $killed times only"
sh $new apply
"""
_FULL = """
cp -a /run/lvsgen /run/kept
mount -t tmpfs -o size=2m state /run/lvsgen
cp -a /run/kept/. /run/lvsgen
at_each_step 'cat /dev/zero >/run/lvsgen/fill 2>/dev/null'
was=$(everything)
sh $other apply
cat /dev/zero >/run/lvsgen/fill 2>/dev/null || :
code=0
said=$(sh $new apply 2>&1) || code=$?
[ $code = 1 ] || fail "code $code: $said"
case $said in *'disk full?): nothing was changed'*) ;; *) fail "$said" ;; esac
sh $other stop
[ "$(everything)" = "$was" ] || fail 'something was changed'
rm /run/lvsgen/fill
grown=
for step in 2 4 6; do
    disturbed $step sh $new apply || grep -q 'disk full?' /run/said || fail "$(cat /run/said)"
    rm -f /run/lvsgen/fill
    sh $new apply
    : "${grown:=$(everything)}"
    [ "$(everything)" = "$grown" ] || fail "it did not recover from step $step"
    sh $new rollback
    [ "$(everything)" = "$was" ] || fail "it did not go back after step $step"
done
sh $new apply
"""
_REFUSED = """
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
_NO_SCHEDULER = """
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
_MANUAL = """
ipvsadm -e -t 192.0.2.100:80 -r 192.0.2.12:80 -g -w 7
sh $new apply --keep-weights
has '192.0.2.12:80 -g -w 7'
sh $new apply
has '192.0.2.12:80 -g -w 1'
"""
_TRIED = """
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
_SECOND = """
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
_LARGE = """
for program in awk cat cmp cp cut flock grep ip ipvsadm mkdir modprobe mv rm sed sha256sum; do
    stand_in $program "echo >>$programs/calls"
done
counted() {
    : >$programs/calls
    said=$(PATH=$programs:$PATH "$@" 2>&1) || fail "$*: $said"
    calls=$(wc -l <$programs/calls)
    [ $calls -le 50 ] || fail "$*: starts $calls programs"
}
destinations() { [ "$(ipvsadm -Sn | grep -c -e '^-a -t 192.0.2.103:')" = $1 ] || fail "not $1 destinations"; }
sh $new apply
counted sh $large apply
destinations 10000
counted sh $large apply
[ "$said" = 'lvs.sh: nothing to do' ] || fail "$said"
counted sh $heavier apply
case $said in '~ ipvsadm -e -t 192.0.2.103:8000 -r 198.51.100.100:8000 -g -w 7') ;; *) fail "$said" ;; esac
nothing sh $heavier apply
counted sh $heavier stop
destinations 0
"""
_LATE = """
said=$(sh $new apply --drain=3 2>&1)
case $said in *'waiting for '*' connections to end'*' are still there after 3 s'*) ;; *) fail "$said" ;; esac
lacks 192.0.2.13
"""
_DRAINED = """
ipvsadm --set 0 0 3
sh $new apply
sleep 3
sh $old apply --drain=60 >/run/said 2>&1 || fail "$(cat /run/said)"
grep -q 'waiting for [1-9][0-9]* connections to end' /run/said || fail "$(cat /run/said)"
! grep -q 'still there' /run/said || fail "$(cat /run/said)"
lacks 192.0.2.13
sh $new apply
"""
_POWER = """
cat >$programs/systemctl <<'END'
#!/bin/sh
case $* in
    'is-enabled ipvsadm') exit 1 ;;
    *is-enabled*) [ -e /etc/enabled ] ;;
    'enable '*) : >/etc/enabled ;;
    'disable '*) rm /etc/enabled ;;
esac
END
chmod +x $programs/systemctl
at_each_step 'kill -9 0'
power_fails() {
    ipvsadm -C
    foreigner
    for vip in 192.0.2.100 192.0.2.101; do ip address del $vip/32 dev eth0 2>/dev/null || :; done
    echo 1 >/proc/sys/net/ipv4/vs/conn_reuse_mode
    rm -rf /run/lvsgen
}
quiet() { PATH=$programs:$PATH AT=-1 "$@" >/run/said 2>&1 || fail "$*: $(cat /run/said)"; }
sh $new apply
grown=$(everything)
power_fails
off=$(everything)
sh $new status | grep -q 'never applied since the last boot' || fail "$(sh $new status)"
! sh $new verify >/run/said || fail 'verify finds it good'
sh $new apply
[ "$(everything)" = "$grown" ] || fail 'it did not come back'
home=/etc/lvsgen/direct
for killed in 'nothing 1' 'nothing 2' 'old 1' 'old 2' 'old 3'; do
    rm -rf /etc/lvsgen /etc/enabled
    [ ${killed% *} = nothing ] || quiet sh $old install
    ! disturbed ${killed#* } sh $new install || fail "install has no step $killed: $(cat /run/said)"
    power_fails
    quiet sh $new install
    quiet sh $new install
    grep -q 'nothing to do' /run/said || fail "$(cat /run/said)"
    (cd $home && sha256sum --quiet -c lvsgen.sum) || fail "a damaged folder after step $killed"
    left=$(find /etc -name '*lvsgen-new*' -o -name '*lvsgen-old*')
    [ "$left" = '' ] || fail "install leaves $left"
    [ -e /etc/enabled ] || fail 'not enabled'
    cmp $home/modules.conf /etc/modules-load.d/lvsgen-direct.conf
done
sh $home/lvs.sh apply
[ "$(everything)" = "$grown" ] || fail 'the installed folder makes something else of it'
sh $home/lvs.sh stop
[ "$(everything)" = "$off" ] || fail 'stop leaves something behind'
quiet sh $home/lvs.sh uninstall
left=$(find /etc -name '*lvsgen-direct*' ! -path "$home/*")
[ "$left" = '' ] || fail "uninstall leaves $left"
sh $new apply
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Scripts that run one after the other, each from the description before to that after.

    `beside` are descriptions of other clusters on the same director, by the name that scripts know them by. `loses`:
    established connections are lost, as they must be. `dark`: there is no service meanwhile.
    """

    change: tuple[str, str]
    scripts: tuple[str, ...]
    beside: Mapping[str, str] = field(default_factory=dict)
    loses: bool = False
    dark: bool = False

    @property
    def script(self) -> str:
        """All of it."""
        return HEAD + "\nsh $old apply\n".join(f"{one}{TAIL}" for one in self.scripts)


_GROWN = direct(ALL), direct(WEIGHTS, MAIL)
_SED = direct(BOTH), direct(BOTH, MAIL.replace("tcp: 25", "tcp: 25, scheduler: sed"))
_DATAGRAMS = direct(BOTH).replace("tcp: 80", "udp: 53"), direct(ALL).replace("tcp: 80", "udp: 53")

CASES = {
    "killed": Case(change=_GROWN, scripts=(_KILLED,)),
    "power": Case(change=_GROWN, scripts=(_POWER,), loses=True, dark=True),
    "10 000 destinations": Case(change=_GROWN, scripts=(_LARGE,), beside={"large": large(1), "heavier": large(7)}),
    "mishaps": Case(change=_GROWN, scripts=(_MANUAL, _REFUSED, _TRIED, _SECOND, _FULL), beside={"other": OTHER}),
    "no scheduler": Case(change=_SED, scripts=(_NO_SCHEDULER,)),
    "drained": Case(change=_DATAGRAMS, scripts=(_DRAINED,)),
    "drained too late": Case(change=(direct(ALL), direct(BOTH)), scripts=(_LATE,), loses=True),
}
