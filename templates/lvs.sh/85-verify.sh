
# --- verify: is everything as it has to be? ---------------------------------------------------------------------------
# Reads only. One line a check: `OK|WARN|FAIL CODE WHAT expected=... got=...`; `lvsgen explain CODE` says more.

fails=0

check_line() { printf '%s %s %s expected=%s got=%s\n' "$1" "$2" "$3" "$4" "$5"; }

# same CODE WHAT EXPECTED GOT [WARN]
same() {
    if [ "$3" = "$4" ]; then
        check_line OK "$@"
    else
        check_line "${5:-FAIL}" "$1" "$2" "$3" "$4"
        [ -n "${5-}" ] || fails=$((fails + 1))
    fi
}

# code_of_setting PATH: what goes wrong without it.
code_of_setting() {
    case $1 in
        */arp_ignore) code=LVS601 ;;
        */arp_announce) code=LVS603 ;;
        */rp_filter) code=LVS608 ;;
        */send_redirects | */accept_redirects) code=LVS206 ;;
        */ip_forward | */forwarding) code=LVS204 ;;
        */vs/conntrack) code=LVS210 ;;
        */vs/backup_only) code=LVS519 ;;
        */src_valid_mark) code=LVS410 ;;
        */vs/expire_quiescent_template) code=LVS328 ;;
        *) code=LVS871 ;;
    esac
}

verify_settings() {
    want sysctl.conf
    differing=$nl$(goal=$goal sysctl_survey)
    while IFS='=' read -r key value; do
        key=${key%% *} value=${value# }
        [ -n "$key" ] || continue
        path=$(printf '%s\n' "$key" | awk '{ if (/^[^\/]*\./) { gsub(/\//, "\001"); gsub(/\./, "/"); gsub(/\001/, ".") } print }')
        code_of_setting "$path"
        case $differing in
            *"${nl}up$tab$path$tab"*)
                got=${differing#*"${nl}up$tab$path$tab"}
                got=${got%%"$nl"*}
                same "$code" "$path" "$value" "${got#*"$tab"}"
                ;;
            *) same "$code" "$path" "$value" "$value" ;;
        esac
    done <<END
$lines
END
}

# The ARP settings of a realserver: the larger of `all` and the device counts (ip-sysctl.txt), on every device that is up.
verify_arp() {
    case $lines in *arp_ignore*) ;; *) return ;; esac
    cd /proc/sys/net/ipv4/conf || return
    set +f
    for device in *; do
        case $device in all | default | lo | "*") continue ;; esac
        read -r all <all/arp_ignore
        read -r own <"$device/arp_ignore"
        [ "$own" -lt "$all" ] || all=$own
        case $all in
            1 | 2) ;;
            8) same LVS604 "arp_ignore of $device" '1 or 2' 8 ;;
            *) same LVS601 "arp_ignore of $device" '1 or 2' "$all" ;;
        esac
    done
    set -f
    cd /
}

verify_addresses() {
    surveyed=
    want addresses.batch
    addresses=$lines
    ip_survey
    while read -r _ _ address _ device options; do
        [ -n "$address" ] || continue
        code=LVS517
        case $device in lo | dummy* | tunl* | ip6tnl* | gre* | ip6gre* | sit* | lvs*) code=LVS605 ;; esac
        case $nl$addresses_up in
            *"${nl}address $address dev $device$tab"*)
                case $options,$nl$has in
                    *'preferred_lft 0'*,*" $device    inet6 $address "*) same LVS119 "$address on $device" deprecated preferred ;;
                    *) same $code "$address on $device" present absent ;;
                esac
                ;;
            *) same $code "$address on $device" present present ;;
        esac
        # A realserver that has it elsewhere too answers for it there.
        case $code in
            LVS605)
                elsewhere=$(
                    awk -v address="${address%/*}" -v device="$device" '
                        /^[0-9]+: [^ ]+ +inet/ && $2 != device { sub(/\/.*/, "", $4); if ($4 == address) print $2 }' <<END
$has
END
                )
                same LVS605 "$address elsewhere" nowhere "${elsewhere:-nowhere}"
                ;;
        esac
    done <<END
$addresses
END
    while IFS=$tab read -r kind line; do
        case $line in
            'route replace default '* | 'route replace ::/0'*) code=LVS203 ;;
            'route del '*) code=LVS205 ;;
            'route replace local '* | 'rule add '*) code=LVS409 ;;
            route*) code=LVS205 ;;
            link* | fou*) code=LVS613 ;;
            *) continue ;;
        esac
        case $nl$links_up$routes_up in
            *"$tab$line$nl"*) same "$code" "$line" 'in place' missing ;;
            *) same "$code" "$line" 'in place' 'in place' ;;
        esac
    done <<END
$(for kind in links routes; do
    want $kind.batch
    printf '%s' "$lines" | sed "s/^/$kind$tab/"
done)
END
}

verify_firewall() {
    for filter in iptables ip6tables nft; do
        read_chains $filter
        if [ -z "$chains" ]; then continue; fi
        rules=$lines
        if ! load $filter.live; then
            same LVS403 "firewall of $filter" loaded 'never loaded'
            continue
        fi
        was_live=$loaded
        load $filter.rules
        read_live "$chains"
        if [ "$loaded" != "$rules" ]; then got='an older file'; elif [ "$live" = "$was_live" ]; then got=loaded; else got=changed; fi
        same LVS403 "firewall of $filter" loaded "$got"
    done
}

# The IPVS table: what the script would do to it, in words of checks; members of keepalived's table.
verify_table() {
    if [ "$writer" = none ] || [ "$writer" = '' ]; then return; fi
    if [ ! -e "$ip_vs" ]; then
        same LVS810 "module ip_vs" loaded absent
        return
    fi
    same LVS810 "module ip_vs" loaded loaded
    need ipvsadm ipvsadm
    ipvs_pending
    if keepalived_writes; then
        services=$(keepalived_table "$goal/keepalived.conf" | service_keys)
        # Which realservers are in it, and with which weight, is for keepalived to say.
        delta=$(printf '%s\n' "$delta" | grep '^-[AED]')
    else
        services=$(service_keys "$goal/ipvs.rules")
    fi
    while IFS= read -r key; do
        [ -n "$key" ] || continue
        case $nl$delta in
            *"$nl-A $key "*) same LVS803 "service $key" present absent ;;
            *"$nl-E $key "*) same LVS806 "service $key" 'as described' different ;;
            *) same LVS803 "service $key" present present ;;
        esac
    done <<END
$services
END
    while IFS=$tab read -r line _; do
        rest=${line#-? }
        case $line in
            -a*) same LVS803 "realserver ${rest%% -[gim] *}" present absent ;;
            -e*) same LVS806 "realserver ${rest%% -[gim] *}" "${rest#*" -r "}" 'something else' ;;
            -d*) same LVS803 "realserver $rest" absent present ;;
            -D*) same LVS803 "service $rest" absent present ;;
        esac
    done <<END
$delta
END
    nobody=$(ipvsadm -Sn | awk '
        $1 == "-A" { key = $2 " " $3 ($4 == "-6" ? " -6" : ""); order[++n] = key }
        $1 == "-a" { sub(/.* -w /, ""); live[key] += $1 }
        END { for (i = 1; i <= n; i++) if (!live[order[i]]) print order[i] }')
    while IFS= read -r key; do
        case $nl$services$nl in *"$nl$key$nl"*) [ -z "$key" ] || same LVS307 "service $key" 'a realserver with weight' none ;; esac
    done <<END
$nobody
END
    want ipvs.conf
    read_daemons
    while IFS= read -r setting; do
        case $setting in
            '--start-daemon '*)
                if daemon_runs "$setting"; then got=running; else got='not running'; fi
                same LVS524 "sync daemon $role" running "$got"
                ;;
            '--set '*)
                if timeouts_differ; then got=$now; else got=${setting#--set }; fi
                same LVS874 'timeouts of tcp, tcpfin, udp' "${setting#--set }" "$got"
                ;;
        esac
    done <<END
$lines
END
}

# verify_vips: each VIP of VRRP is held by one machine. Who else holds it answers a question by ARP; IPv6 has no tool for
# that everywhere, and nobody has to answer where arping is missing.
verify_vips() {
    wanted keepalived.conf || return 0
    set --
    if command -v arping >/dev/null 2>&1; then
        set -- arping
    elif busybox arping --help >/dev/null 2>&1; then
        set -- busybox arping
    fi
    here=$("$ip" -o address show)
    answers=$(
        vrrp_vips | while read -r address device; do
            case $here in *" $device    inet $address/"* | *" $device    inet6 $address/"*) held=here ;; *) held= ;; esac
            case $#,$address in
                0,* | *:*) echo "$address $held" ;;
                # All are asked at once. 1 is an answer, 0 is none, anything else a fault.
                *) (
                    "$@" -D -q -c 2 -w 2 -I "$device" "$address" >/dev/null 2>&1
                    case $?,$held in
                        0,) echo "$address by nobody" ;;
                        1,here) echo "$address here and elsewhere" ;;
                        1,) echo "$address elsewhere" ;;
                        *) echo "$address $held" ;;
                    esac
                ) & ;;
            esac
        done
        wait
    )
    while read -r address held; do
        case $held in
            '') ;;
            here | elsewhere) same LVS875 "VIP $address" 'held once' 'held once' ;;
            *) same LVS875 "VIP $address" 'held once' "held $held" ;;
        esac
    done <<END
$answers
END
}

# vrrp_vips: `ADDRESS DEVICE` a line.
vrrp_vips() {
    awk '
        $1 ~ /^virtual_ipaddress/ { inside = 1; next }
        $1 == "}" { inside = 0 }
        inside && $2 == "dev" { sub(/\/.*/, "", $1); print $1, $3 }' "$goal/keepalived.conf"
}

# keepalived: does it run with this file, and what does it think of the realservers?
verify_keepalived() {
    wanted keepalived.conf || return 0
    if keepalived_pid; then got=running; else got='not running'; fi
    same LVS872 keepalived running "$got"
    said=$(fill "$keepalived_conf" 2>&1)
    case $? in 0) got=installed ;; *) got='another one' ;; esac
    same LVS872 "$keepalived_conf" installed "$got"
    if [ "$writer" != keepalived ] || [ ! -e "$ip_vs" ]; then return; fi
    members=$(keepalived_members)
    while IFS=$tab read -r verdict key member expected got; do
        case $verdict in
            up) same LVS873 "realserver $key -r $member" "weight $expected" "weight $got" WARN ;;
            drained) same LVS873 "drained realserver $key -r $member" 'weight 0' "weight $got" WARN ;;
            failed) same LVS873 "realserver $key -r $member" "weight $expected" 'its check fails' WARN ;;
        esac
    done <<END
$members
END
}

# keepalived_members: what keepalived.conf says of each member and what the table has, as `VERDICT KEY MEMBER WEIGHT LIVE`:
# a weight 0 in the file is drained, a member with weight that the table lacks or has at 0 is one whose check fails.
keepalived_members() {
    { ipvsadm -Sn; echo .; keepalived_table "$goal/keepalived.conf"; } | awk '
    $0 == "." { described = 1; next }
    $1 != "-a" { next }
    {
        key = $2 " " $3 ($4 == "-6" ? " -6" : "")
        match($0, / -r [^ ]+/); member = substr($0, RSTART + 4, RLENGTH - 4)
        match($0, / -w [0-9]+/); weight = substr($0, RSTART + 4, RLENGTH - 4) + 0
    }
    !described { now[key, member] = weight; next }
    {
        live = (key, member) in now ? now[key, member] : "-"
        verdict = weight == 0 ? "drained" : live == "-" || live == 0 ? "failed" : "up"
        print verdict "\t" key "\t" member "\t" weight "\t" live
    }'
}

# The service that comes with ipvsadm empties the table when it starts and when it stops. Debian's does so only with
# AUTO="true".
other_service() {
    service=off
    if [ -r "$etc/default/ipvsadm" ] && ! grep -E '^[[:space:]]*AUTO=.?true' "$etc/default/ipvsadm" >/dev/null; then return; fi
    if ! command -v systemctl >/dev/null 2>&1; then
        [ ! -r "$etc/default/ipvsadm" ] || service="AUTO=true in $etc/default/ipvsadm"
    elif systemctl is-enabled ipvsadm >/dev/null 2>&1; then
        service='ipvsadm.service is enabled'
    fi
}

verify() {
    dry=yes
    identify
    check_folder
    verify_settings
    verify_arp
    verify_addresses
    verify_firewall
    verify_table
    verify_keepalived
    verify_vips
    case " $roles " in
        *' director '*)
            other_service
            same LVS811 'the ipvsadm service' off "$service"
            ;;
    esac
    [ "$fails" = 0 ] || exit 1
}
