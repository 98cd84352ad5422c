
# --- what there is to do, in order ------------------------------------------------------------------------------------

# First all that comes, the VIPs last: a host is ready before a packet reaches it. Then all that goes, the VIPs first.
converge() {
    modules_up
    lines_up links
    sysctls_up
    services_up
    ipvs_conf_up
    firewall_up iptables iptables-restore -w --noflush
    firewall_up ip6tables ip6tables-restore -w --noflush
    firewall_up nft nft -f -
    lines_up routes
    lines_up addresses
    keepalived_up

    keepalived_down
    if [ -n "$gave_up" ] && [ -n "$goal" ] && [ -z "$dry" ]; then # it took along what is ours to write from now on
        services_up
        lines_up addresses
    fi
    lines_down addresses
    lines_down routes
    firewall_down
    ipvs_conf_down
    services_down
    sysctls_down
    lines_down links
    [ "$changes" -gt 0 ] || echo 'lvs.sh: nothing to do'
}

apply() {
    identify
    check_folder
    one_cluster_has_it
    open_state
    # An apply by a timer or a colleague would confirm what nobody may have reached this host to confirm.
    [ ! -f "$state/try" ] || refuse 'a try waits for its answer: lvs.sh confirm or lvs.sh rollback first'
    keep_copy
    converge
}

# To stop is to converge to nothing. It needs the state and the name of the cluster only, so a damaged folder is no
# reason to refuse.
stop() {
    identify
    open_state
    cancel_try
    goal=
    converge
    rm -rf "$state"
}

# plan is apply that only says what it would do.
plan() {
    dry=yes
    identify
    check_folder
    one_cluster_has_it
    peek_state
    [ ! -f "$state/try" ] || note 'a try waits for its answer; until then, apply refuses'
    code=2
    trap 'exit $code' EXIT
    converge
    code=$((changes > 0))
}

# rollback is apply with the files from before the last one, of which there is a copy. Before the first one was nothing:
# only a try goes back to that, as a boot forgets what was before it, and nobody means to take the cluster off then.
rollback() {
    identify
    open_state
    if [ -d "$state/current" ] && [ ! -d "$state/previous" ] && [ ! -f "$state/try" ]; then
        refuse 'nothing else was applied since the last boot or stop: lvs.sh stop takes away what is'
    fi
    go_back
}

go_back() {
    cancel_try
    [ -d "$state/current" ] || [ -d "$state/previous" ] || refuse "nothing was applied here since the last boot or stop"
    if [ ! -d "$state/previous" ]; then
        note 'before the last apply there was nothing'
        goal=
        converge
        rm -rf "$state"
        return
    fi
    # A rollback that did not get to its end goes on; it does not go back to where it came from.
    if ! cmp -s "$state/back/lvsgen.sum" "$state/current/lvsgen.sum"; then
        goal=$state/previous
        check_folder
        # The copy moves as soon as it becomes the current one.
        rm -rf "$state/back"
        cp -R "$state/previous" "$state/back" || die "cannot copy $goal (disk full?): nothing was changed"
    fi
    goal=$state/back
    check_folder
    keep_copy
    while IFS='=' read -r key value; do
        case $key in roles) roles=$value ;; writer) writer=$value ;; esac
    done <"$goal/host.conf"
    converge
    rm -rf "$state/back"
    note "$folder still says the other: it is what the next apply, or the next boot, makes of this host"
}

# --- try: apply, and back unless confirmed in time --------------------------------------------------------------------

cancel_try() { rm -f "$state/try"; }

# The watch is set before anything changes, in a session of its own, so that it outlives this one.
try_for() {
    identify
    check_folder
    one_cluster_has_it
    open_state
    need setsid util-linux
    # It goes back to the files before these: not if these were applied for good, and never to some that nobody confirmed.
    tried_before=
    if [ -f "$state/try" ]; then
        is_current || refuse 'another try waits for its answer: lvs.sh confirm or lvs.sh rollback first'
        tried_before=yes
    elif is_current; then
        refuse 'these files are those applied last, there is nothing to try: lvs.sh apply repairs what differs'
    fi
    keep_copy
    save try "$$$nl"
    setsid sh "$folder/lvs.sh" watch "$$" "$seconds" </dev/null >/dev/null 2>&1 9>&- &
    converge
    if [ "$changes" = 0 ] && [ -z "$tried_before" ]; then
        cancel_try
    else
        note "goes back in $seconds s unless you say: $folder/lvs.sh confirm"
    fi
}

# watch NUMBER SECONDS: the time counts from the end of apply, or of its death.
watch() {
    identify
    exec 8<"$state/lock" || exit 1
    flock 8
    exec 8<&-
    while [ "$2" -gt 0 ]; do
        load try && [ "$loaded" = "$1$nl" ] || exit 0
        set -- "$1" $(($2 - 1))
        sleep 1
    done
    # A plan or an apply may be at work just now; after it, this may be confirmed.
    load try && [ "$loaded" = "$1$nl" ] || exit 0
    open_state -x
    load try && [ "$loaded" = "$1$nl" ] && go_back
}

confirm() {
    identify
    open_state
    [ -f "$state/try" ] || refuse 'there is nothing to confirm: it was confirmed, or went back already'
    cancel_try
    echo 'lvs.sh: it stays'
}
