
# --- status: one screen -----------------------------------------------------------------------------------------------

status() {
    dry=yes
    identify
    printf 'cluster %s, host %s (%s), IPVS table written by %s\n' "$cluster" "$host" "$roles" "$writer"
    if ! load current/lvsgen.sum; then
        printf 'files    never applied since the last boot or stop\n'
    else
        check_folder
        if is_current; then
            printf 'files    those of %s are applied\n' "$folder"
        else
            printf 'files    %s says something else than what was applied: lvs.sh plan\n' "$folder"
        fi
    fi
    [ ! -f "$state/try" ] || printf 'try      waits for lvs.sh confirm, or goes back\n'
    held=''
    here=$("$ip" -o address show)
    for address in $(vips); do
        case $here in *" $address/"*) held="$held $address" ;; *) held="$held ($address)" ;; esac
    done
    [ -z "$held" ] || printf 'VIPs    %s   (in brackets: not on this host)\n' "$held"
    if wanted keepalived.conf; then
        if keepalived_pid; then printf 'keepalived  runs, process %s\n' "$pid"; else printf 'keepalived  DOES NOT RUN\n'; fi
    fi
    case $writer in script | keepalived) ;; *) return ;; esac
    if [ ! -e "$ip_vs" ]; then
        printf 'IPVS     the module is not loaded\n'
        return
    fi
    { [ "$writer" != keepalived ] || keepalived_members; echo .; ipvsadm -Ln --thresholds; echo .; ipvsadm -Sn; } | awk '
    function name(key, member) { return key "\t" member }
    $0 == "." { part++; next }
    !part { split($0, word, "\t"); verdict[name(word[2], word[3])] = word[1]; if (word[1] == "failed") failed[++lost] = word[2] "  -> " word[3]; next }
    part == 1 && /^(TCP|UDP|SCTP|FWM) / {
        key = ($1 == "TCP" ? "-t" : $1 == "UDP" ? "-u" : $1 == "FWM" ? "-f" : "--sctp-service") " " $2 ($1 == "FWM" && $3 == "IPv6" ? " -6" : "")
    }
    part == 1 && $1 == "->" { active[name(key, $2)] = $5; inactive[name(key, $2)] = $6 }
    part == 2 && $1 == "-A" { key = $2 " " $3 ($4 == "-6" ? " -6" : ""); print key substr($0, length($1 " " key) + 1) }
    part == 2 && $1 == "-a" {
        match($0, / -r [^ ]+/); member = substr($0, RSTART + 4, RLENGTH - 4)
        match($0, / -w [0-9]+/); weight = substr($0, RSTART + 4, RLENGTH - 4)
        at = name(key, member)
        state = verdict[at] == "failed" ? "CHECK FAILS" : weight == 0 ? "drained" : ""
        printf "  -> %-28s weight %-5s active %-6s inactive %-6s %s\n", member, weight, active[at], inactive[at], state
        shown[at]
    }
    END { for (i = 1; i <= lost; i++) { split(failed[i], word, "  -> "); if (!(name(word[1], word[2]) in shown)) print failed[i] "  CHECK FAILS, taken out by keepalived" } }'
    daemons=$(ipvsadm -Ln --daemon)
    [ -z "$daemons" ] || printf '%s\n' "$daemons"
}

# vips: those that this host is to hold, now or after a failover.
vips() {
    set --
    for file in addresses.batch keepalived.conf; do
        if wanted $file; then set -- "$@" "$goal/$file"; fi
    done
    [ $# = 0 ] || awk '
        $1 == "address" { sub(/\/.*/, "", $3); print $3 }
        $1 ~ /^virtual_ipaddress/ { inside = 1; next }
        inside && $1 == "}" { inside = 0 }
        inside && $1 !~ /^#/ { sub(/\/.*/, "", $1); print $1 }' "$@" | awk '!seen[$0]++'
}

# --- report: what a mailing list asks for, without this site's addresses and secrets -----------------------------------

report() {
    dry=yes
    identify
    {
        echo "cluster: $roles, IPVS table written by $writer"
        uname -r -m
        grep -h -E '^PRETTY_NAME=' /etc/os-release
        ipvsadm --version 2>&1 | head -n 1
        ! wanted keepalived.conf || keepalived --version 2>&1 | head -n 1
        "$ip" -V
        [ ! -r "$ip_vs" ] || head -n 1 "$ip_vs"
        echo "== table"
        [ ! -e "$ip_vs" ] || { ipvsadm -Ln && ipvsadm -Ln --thresholds && ipvsadm -Ln --timeout && ipvsadm -Ln --daemon; }
        echo "== addresses"
        "$ip" -br address show
        echo "== routes"
        "$ip" route show table all type unicast
        "$ip" -6 route show table all type unicast
        echo "== rules"
        "$ip" rule show
        echo "== settings"
        want sysctl.conf
        printf '%s' "$lines" | sysctl_values
        echo "== firewall"
        for tool in iptables ip6tables nft; do
            read_chains $tool
            read_live "$chains"
            printf '%s' "$live"
        done
        echo "== checks"
        (verify)
    } 2>&1 | by_role
}

# sysctl_values <LINES: as they are now.
sysctl_values() {
    while read -r key _; do
        printf '%s\n' "$key" | awk '{
            path = $1
            gsub(/\//, "\001", path); gsub(/\./, "/", path); gsub(/\001/, ".", path)
            if ((getline value <("/proc/sys/" path)) > 0) print $1 " = " value; else print $1 " is not there"
        }'
    done
}

# by_role: addresses as VIP1, RIP1, DIP1 (this host), DGW1, LL1 (link-local: they hold a MAC address) and, for all others,
# IP1; the host as HOST. The same address is the same word everywhere.
by_role() {
    set --
    for file in ipvs.rules keepalived.conf addresses.batch; do
        if wanted $file; then set -- "$@" "$goal/$file"; fi
    done
    own=$("$ip" -o address show | awk '{ sub(/\/.*/, "", $4); print $4 }')
    ways=$("$ip" route show default; "$ip" -6 route show default)
    own=$own ways=$ways host=$host awk '
    function role(address, word) {
        if (address in known || address ~ /^(0\.0\.0\.0|127\..*|255\..*|::1?|fe80::|ff0.*)$/) return
        if (address ~ /^fe80:/) word = "LL"
        known[address] = word (++number[word])
    }
    function bare(text) { sub(/:[0-9]+$/, "", text); gsub(/[][]/, "", text); return text }
    BEGIN {
        n = split(ENVIRON["own"], mine, "\n")
        m = split(ENVIRON["ways"], way, "\n")
    }
    stage == "files" && $1 == "-A" && $2 != "-f" { role(bare($3), "VIP") }
    stage == "files" && $1 == "-a" { for (i = 1; i < NF; i++) if ($i == "-r") role(bare($(i + 1)), "RIP") }
    stage == "files" && $1 == "address" { sub(/\/.*/, "", $3); role($3, "VIP") }
    stage == "files" && $1 == "virtual_server" && $2 != "fwmark" { role($2, "VIP") }
    stage == "files" && $1 == "real_server" { role($2, "RIP") }
    stage == "files" && inside && $1 == "}" { inside = 0 }
    stage == "files" && inside { sub(/\/.*/, "", $1); role($1, / DIP of /? "DIP" : "VIP") }
    stage == "files" && $1 ~ /^virtual_ipaddress/ { inside = 1 }
    stage == "files" { next }
    !ready {
        ready = 1
        for (i = 1; i <= n; i++) role(mine[i], "DIP")
        for (i = 1; i <= m; i++) { split(way[i], word, " "); if (word[2] == "via") role(word[3], "DGW") }
    }
    {
        rest = $0
        line = ""
        while (match(rest, /[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+|[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:]*/)) {
            found = substr(rest, RSTART, RLENGTH)
            if (found ~ /^[0-9][0-9]:[0-9][0-9]:[0-9][0-9]$/) { } else role(found, "IP")
            line = line substr(rest, 1, RSTART - 1) (found in known ? known[found] : found)
            rest = substr(rest, RSTART + RLENGTH)
        }
        line = line rest
        # The name as a word, not as a part of another one.
        rest = line
        line = before = ""
        while (at = index(rest, ENVIRON["host"])) {
            if (at > 1) before = substr(rest, at - 1, 1)
            after = substr(rest, at + length(ENVIRON["host"]), 1)
            line = line substr(rest, 1, at - 1) (before after ~ /[A-Za-z0-9_-]/ ? ENVIRON["host"] : "HOST")
            rest = substr(rest, at + length(ENVIRON["host"]))
            before = substr(ENVIRON["host"], length(ENVIRON["host"]))
        }
        print line rest
    }' stage=files "$@" stage=text -
}
