
help() {
    cat <<END
lvs.sh plan             what apply would do, in order, and what connections notice; changes nothing
lvs.sh apply            make this host what the files in $folder say; changes only what differs
  --drain[=SECONDS]     realservers that go get weight 0 first, and up to SECONDS (300) for their connections to end
  --keep-weights        weights that somebody else has set stay
lvs.sh try SECONDS      apply, and back to before unless \`lvs.sh confirm\` comes in time, also if the session is lost
lvs.sh rollback         back to before the last apply
lvs.sh stop             undo what apply did, in the reverse order
lvs.sh verify           is everything as it has to be? a line a check; \`lvsgen explain CODE\` says more
lvs.sh status           one screen: VIPs, realservers, what is drained and what is down
lvs.sh report           what a mailing list asks for; addresses are replaced by their roles, secrets are left out
lvs.sh install          come back after a boot (systemd unit, modules, settings); uninstall takes that away
lvs.sh help             this text

A line for each change: \`+\` is new, \`~\` is different, \`-\` is gone.
Exit code: 0 done, 1 failed on the way (mend the cause, run it again: it goes on), 2 refused, nothing was changed.
Of plan: 0 nothing to do, 1 something, 2 cannot tell. Of verify: 1 if a line says FAIL.
State: $run/CLUSTER, what apply changed and what was there before (gone after a reboot, as the changes are).
Environment: LVSGEN_HOST (the host to be, if not \`uname -n\`), LVSGEN_RUN, LVSGEN_ETC, LVSGEN_IP_VS (/proc/net/ip_vs),
KEEPALIVED_CONF, KEEPALIVED_PIDFILE.
END
}

# A number that begins with 0 is octal, or an error that ends the shell, where it is counted down.
number() { case $1 in '' | *[!0-9]* | 0?* | ?????????*) refuse "not a number of seconds: \`$1\`" ;; esac; }

verb=${1:-help}
[ $# = 0 ] || shift
case $verb in
    apply | plan)
        for option in "$@"; do
            case $option in
                --drain) drain=300 ;;
                --drain=*) drain=${option#--drain=} && number "$drain" ;;
                --keep-weights) keep_weights=1 ;;
                *) refuse "$verb takes --drain[=SECONDS] and --keep-weights, not \`$option\`" ;;
            esac
        done
        ;;
    try)
        [ $# = 1 ] || refuse 'for how many seconds? lvs.sh try SECONDS'
        seconds=$1
        number "$seconds"
        ;;
    watch) ;; # for `try` itself
    *) [ $# = 0 ] || refuse "$verb takes nothing after it" ;;
esac
case $verb in
    apply) apply ;;
    plan) plan ;;
    confirm) confirm ;;
    rollback) rollback ;;
    stop) stop ;;
    verify) verify ;;
    status) status ;;
    report) report ;;
    install) install ;;
    uninstall) uninstall ;;
    try) try_for ;;
    watch) watch "$@" ;;
    help | --help | -h) help ;;
    *) refuse "there is no \`$verb\`: see lvs.sh help" ;;
esac
exit
