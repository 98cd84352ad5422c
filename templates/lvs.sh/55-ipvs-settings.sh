
# --- IPVS settings that are not in the table: ipvs.conf ---------------------------------------------------------------

# read_daemons: what `ipvsadm -Ln --daemon` says, into $daemons. daemon_runs LINE: does the one of this role run, with this
# device and id?
read_daemons() {
    daemons=
    no_ipvs || daemons=$(ipvsadm -Ln --daemon 2>&1)
}

daemon_runs() {
    device='' id=''
    # shellcheck disable=SC2086  # the line is a list of words
    set -- $1
    role=$2
    while [ $# -gt 1 ]; do
        case $1 in --mcast-interface) device=$2 ;; --syncid) id=$2 ;; esac
        shift
    done
    while IFS= read -r line; do
        case $line in "$role "*) ;; *) continue ;; esac
        case $line in *"mcast=$device,"*) ;; *) [ -z "$device" ] || continue ;; esac
        case $line in *"syncid=$id,"* | *"syncid=$id)"*) return ;; *) [ -n "$id" ] || return 0 ;; esac
    done <<END
$daemons
END
    return 1
}

ipvs_conf_up() {
    want ipvs.conf
    settings=$lines
    [ -n "$settings" ] || return 0
    need ipvsadm ipvsadm
    recall ipvs.conf
    read_daemons
    while IFS= read -r setting; do
        case $setting in
            '') ;;
            '--set '*) set_timeouts ;;
            '--start-daemon '*) start_daemon ;;
            *) die "cannot understand this line of ipvs.conf: $setting" ;;
        esac
    done <<END
$settings
END
}

# timeouts_differ: from what $setting says, where 0 keeps what there is. They are in $now.
timeouts_differ() {
    now='0 0 0'
    if ! no_ipvs; then
        now=$(ipvsadm -Ln --timeout)
        now=${now##*: }
    fi
    # shellcheck disable=SC2086  # three numbers each
    set -- $now ${setting#--set }
    case $4 in 0 | "$1") ;; *) return 0 ;; esac
    case $5 in 0 | "$2") ;; *) return 0 ;; esac
    case $6 in 0 | "$3") ;; *) return 0 ;; esac
    return 1
}

set_timeouts() {
    timeouts_differ || return 0
    more_of timeouts || remember ipvs.conf "timeouts$tab--set $now"
    # shellcheck disable=SC2086  # the line is a list of words
    do_it hitless "~ ipvsadm $setting (was $now)" ipvsadm $setting
}

start_daemon() {
    role=${setting#* }
    role=${role%% *}
    if more_of "daemon $role" && [ "$more" != "$setting" ]; then :; elif daemon_runs "$setting"; then return; fi
    remember ipvs.conf "daemon $role$tab$setting"
    # A running daemon cannot be changed, and starting it twice is an error.
    case $nl$daemons in
        *"$nl$role "*)
            do_it 'hitless; the other director misses what changes meanwhile' "- sync daemon $role" \
                ipvsadm --stop-daemon "$role"
            ;;
    esac
    # shellcheck disable=SC2086  # the line is a list of words
    do_it hitless "+ ipvsadm $setting" ipvsadm $setting
}

ipvs_conf_down() {
    [ -f "$state/ipvs.conf" ] || return 0
    recall ipvs.conf
    want ipvs.conf
    settings=$nl$lines daemons=
    while IFS=$tab read -r key line; do
        case $key,$settings in
            ,*) continue ;;
            timeouts,*"$nl--set "*) continue ;;
            timeouts,*)
                # shellcheck disable=SC2086  # the line is a list of words
                do_it hitless "~ ipvsadm $line" ipvsadm $line
                ;;
            *)
                case $settings in *"$nl--start-daemon ${key#daemon } "*) continue ;; esac
                [ -n "$daemons" ] || read_daemons
                case $nl$daemons in
                    *"$nl${key#daemon } "*) do_it hitless "- sync $key" ipvsadm --stop-daemon "${key#daemon }" ;;
                esac
                ;;
        esac
        forget ipvs.conf "$key"
    done <<END
$ours
END
}
