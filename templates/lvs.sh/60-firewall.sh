
# --- firewall ---------------------------------------------------------------------------------------------------------
# Own chains, or an own nft table, and one jump to each chain. Nothing else is touched.

# read_chains TOOL: what its file defines, a line `TOOL TABLE CHAIN` or `nft FAMILY TABLE` each, into $chains; the file
# itself is in $lines.
read_chains() {
    case $1 in nft) want nftables.conf ;; *) want "$1.rules" ;; esac
    chains='' table=
    while read -r first second third; do
        case $1,$first,$second in
            nft,table,*) chain="nft $second $third" ;;
            nft,*) continue ;;
            *,\**) table=${first#\*} && continue ;;
            *,:*,-) chain="$1 $table ${first#:}" ;;
            *) continue ;;
        esac
        chain=${chain% \{}
        case $nl$chains in *"$nl$chain$nl"*) ;; *) chains=$chains$chain$nl ;; esac
    done <<END
$lines
END
}

# hook_of TABLE CHAIN, into $hook: marks and redirections are for what comes in, source translation for what goes out.
hook_of() {
    case $1,$2 in
        mangle,* | nat,*-in) hook=PREROUTING ;;
        *) hook=POSTROUTING ;;
    esac
}

# read_live CHAINS: what the kernel has of them, into $live, for comparison.
read_live() {
    live='' listed=
    while read -r tool table chain; do
        if [ "$tool" = nft ]; then
            live=$live$(nft -s list table "$table" "$chain" 2>&1)$nl
        elif [ -n "$tool" ]; then
            if [ "$listed" != "$tool $table" ]; then
                said=$("$tool" -w -t "$table" -S 2>&1)
                listed="$tool $table"
            fi
            hook_of "$table" "$chain"
            while IFS= read -r line; do
                case $line in
                    "-N $chain" | "-A $chain "* | "-A $hook -j $chain") live="$live$tool $table $line$nl" ;;
                esac
            done <<END
$said
END
        fi
    done <<END
$1
END
}

# firewall_up TOOL COMMAND...: the tools print rules in other words than those they were given. So the file is compared
# with the one loaded last, and what the kernel has with what it had then.
firewall_up() {
    tool=$1
    shift
    read_chains "$tool"
    [ -n "$chains" ] || return 0
    rules=$lines before=yes
    need "$tool" "$([ "$tool" = nft ] && echo nftables || echo iptables)"
    load "$tool.live" || before=
    if [ -n "$before" ]; then # to ask before the first time would load modules, which plan must not
        was_live=$loaded
        load "$tool.rules"
        if [ "$loaded" = "$rules" ]; then
            read_live "$chains"
            if [ "$live" = "$was_live" ]; then return; fi
        fi
    fi
    effect=hitless
    [ -z "$before" ] || [ "$loaded" = "$rules" ] || effect='packets that now get another mark or source start a connection anew'
    records=
    while read -r chain; do [ -z "$chain" ] || records=$records$chain$tab$nl; done <<END
$chains
END
    remember chains "$records"
    if [ -z "$dry" ]; then
        said=$(printf '%s' "$rules" | "$@" 2>&1) || die "$* refuses the rules in $goal: $said"
        while read -r tool table chain; do
            case $tool in '' | nft) continue ;; esac
            hook_of "$table" "$chain"
            "$tool" -w -t "$table" -C "$hook" -j "$chain" 2>/dev/null || must "$tool" -w -t "$table" -I "$hook" -j "$chain"
        done <<END
$chains
END
        read_live "$chains"
        tool=${1%-restore}
        save "$tool.rules" "$rules"
        save "$tool.live" "$live"
    fi
    while read -r chain; do [ -z "$chain" ] || changed "$effect" "~ firewall $chain"; done <<END
$chains
END
}

firewall_down() {
    [ -f "$state/chains" ] || return 0
    all=$nl
    for tool in iptables ip6tables nft; do
        read_chains $tool
        all=$all$chains
    done
    recall chains
    while read -r tool table chain; do
        case $all in *"$nl$tool $table $chain$nl"*) continue ;; esac
        [ -n "$tool" ] || continue
        [ -n "$dry" ] || remove_chain
        changed 'packets are no longer marked or translated' "- firewall $tool $table $chain"
        forget chains "$tool $table $chain"
    done <<END
$ours
END
}

remove_chain() {
    if [ "$tool" = nft ]; then
        ! nft list table "$table" "$chain" >/dev/null 2>&1 || must nft delete table "$table" "$chain"
    elif "$tool" -w -t "$table" -S "$chain" >/dev/null 2>&1; then
        hook_of "$table" "$chain"
        while "$tool" -w -t "$table" -D "$hook" -j "$chain" 2>/dev/null; do :; done
        must "$tool" -w -t "$table" -F "$chain"
        must "$tool" -w -t "$table" -X "$chain"
    fi
}
