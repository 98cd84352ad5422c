
# --- the IPVS table ---------------------------------------------------------------------------------------------------

# ipvs_delta_awk: the lines for `ipvsadm -R` that turn the table into what is wanted, each with a tab and
# what connections notice of it.
#
# OWNED are the keys of the services that are ours, WANTED is ipvs.rules, or what keepalived_table makes of keepalived.conf.
# Then come a line `live`, `ipvsadm -Sn`, a line `thresholds` and `ipvsadm -Ln --thresholds` (-Sn leaves them out). All
# other services are left alone. What stays is edited in place, with its full specification, as an edit resets what it does
# not name. Members grow before they are quiesced before they are deleted, so a service that has and will have a live
# realserver is never without one. Deleted services come last: what sends traffic to them must be gone by then.
# $keep_weights keeps live weights; $quiesce gives weight 0 instead of deleting.
# shellcheck disable=SC2016  # awk's own
ipvs_delta_awk='
# Splits a line into key, member and specification: what ipvsadm prints and what it takes, in one spelling.
function parse(   i, n, word, option, flag, tunnel) {
    split("", value)
    member = method = tunnel = ""
    n = split($0, word, " ")
    for (i = 2; i <= n; i++) {
        option = word[i]
        if (option ~ /^(-t|-u|-f|--sctp-service)$/) key = option " " word[++i]
        else if (option == "-6") key = key " -6"
        else if (option == "-r") member = word[++i]
        else if (option == "-p") value["-p"] = word[i + 1] ~ /^[0-9]+$/ ? word[++i] : 360
        else if (option ~ /^(-s|-M|-b|-w|-x|-y|--pe|--tun-type|--tun-port)$/) value[option] = word[++i]
        else if (option == "-o" || option == "--ops") value["-o"] = 1
        else if (option ~ /^-[gim]$/) method = option
        else if (option ~ /^--tun-(nocsum|csum|remcsum)$/) tunnel = option
        else { print "cannot understand `" option "` in: " $0 >"/dev/stderr"; exit failed = 3 }
    }
    if ($1 == "-A") {
        if (!("-p" in value) || value["-M"] ~ /^(255\.255\.255\.255|128)$/) value["-M"] = ""
        flag = "," value["-b"] ","
        spec = value["-s"] " " value["-p"] " " value["-M"] " " value["--pe"] " " value["-o"] " " \
            (flag ~ /,(sh-fallback|mh-fallback|flag-1),/) (flag ~ /,(sh-port|mh-port|flag-2),/) (flag ~ /,flag-3,/)
    } else {
        if (member !~ /\]?:[0-9]+$/ || member ~ /:.*:[^\]]*$/ && member !~ /\]/) member = member ":" (key ~ /^-f/ ? 0 : port(key))
        weight = "-w" in value ? value["-w"] + 0 : 1
        if (kind == "live") live_weight[key, member] = weight
        else if (keep_weights && (key, member) in live_weight) {
            weight = live_weight[key, member]
            sub(/ -w [0-9]+/, "")
            $0 = $0 " -w " weight
        }
        if (method != "-i" || value["--tun-type"] ~ /^(|ipip)$/) value["--tun-type"] = value["--tun-port"] = tunnel = ""
        if (tunnel == "--tun-nocsum") tunnel = ""
        spec = method " " weight " " value["--tun-type"] " " value["--tun-port"] " " tunnel
        limits = value["-x"] + 0 " " value["-y"] + 0
    }
}
function port(key) { sub(/.*:/, "", key); return key }
function edited(text, weight) { sub(/ -w [0-9]+/, "", text); return "-e" substr(text, 3) " -w " weight }
function same(at) {
    return member_now[at] == wanted[at] && (!thresholds_known || (at in limits_now ? limits_now[at] : "0 0") == wanted_limits[at])
}

# What connections notice.
function hash(key) { return scheduler[key] ~ /^(sh|dh|lblc|lblcr|mh)$/ && !persistent[key] }
function affinity(key) {
    if (!(key in live_service) || !hash(key)) return "hitless"
    if (scheduler[key] == "mh") return "moves affinity: some clients get another realserver"
    return "moves affinity: " scheduler[key] " deals many clients anew"
}
function of_service(key,   now, then) {
    split(service_now[key], now, " ")
    split(service[key], then, " ")
    if (now[1] != then[1]) return "another scheduler: new connections may be refused for some milliseconds, established ones stay"
    if (service_now[key] ~ / [0-9]+ / && !persistent[key]) return "moves affinity: persistence ends at once"
    if (hash(key)) return "moves affinity: " then[1] " deals clients anew"
    return "hitless"
}
function of_edit(key, at,   now, then) {
    split(member_now[at], now, " ")
    split(wanted[at], then, " ")
    if (now[1] != then[1]) return "established connections keep the old method; the realserver must be ready for both"
    if (then[2] == 0 && now[2] > 0) return of_drain(key)
    if (now[2] != then[2]) return affinity(key)
    if (member_now[at] != wanted[at]) return "its connections change their tunnel at once"
    return "hitless"
}
function of_drain(key) {
    if (scheduler[key] == "dh" || scheduler[key] ~ /^(sh|mh)$/ && !fallback[key])
        return "refuses its new clients: " scheduler[key] " has no other realserver for them; established connections stay"
    if (persistent[key]) return "hitless: drains; its persistent clients still come unless expire_quiescent_template = 1"
    return "hitless: drains; new clients go elsewhere, established connections stay"
}
function of_delete(key, at,   text) {
    if (active[at] + inactive[at] > 0) return "ends connections: " active[at] + 0 " active, " inactive[at] + 0 " closing (drain first: apply --drain)"
    text = affinity(key)
    if (live_weight[at] > 0) text = "ends connections that come until then" (text == "hitless" ? "" : "; " text)
    if (persistent[key]) text = text (text == "hitless" ? ": no connection is left" : "") "; its persistent clients get another realserver"
    return text
}

# The lines of a service stand together, in what ipvsadm prints and in what it takes. `step` is the wanted line that the
# live one was the same as, as long as they go in step; `in_step` is for how many lines they did.
function begin() {
    finish()
    key = $2 " " $3 ($4 == "-6" ? " -6" : "")
    if ((kind, key) in first) { print "cannot understand: a second time, " $0 >"/dev/stderr"; exit failed = 3 }
    first[kind, key] = lines + 1
    prefix = "-a " key " "
    step = 0
    if (kind == "wanted") order[++services] = key
    else {
        live[++live_count] = key
        if (("wanted", key) in first && line[first["wanted", key]] == $0) { step = first["wanted", key]; return }
    }
    line[++lines] = $0
}
# Lines of a live service that are those of the wanted one, from its first one on, are counted and not kept.
function finish() {
    if (!((kind, key) in first)) return
    length_of[kind, key] = lines - first[kind, key] + 1
    if (step) in_step[key] = step - first["wanted", key] + 1
}
# Only services of ours that differ are taken apart: those with the same lines, in any order, are most of them, and what
# others have may be beyond us.
function compare(   s) {
    finish()
    compared = 1
    for (s = 1; s <= services; s++) {
        key = order[s]
        if (!(("live", key) in first) || !same_lines(key)) differs[key]
    }
    for (s = 1; s <= owned_count; s++) if (!(("wanted", owned[s]) in first)) differs[owned[s]]
}
function same_lines(key,   i, rest) {
    if (in_step[key] + length_of["live", key] != length_of["wanted", key]) return 0
    for (i = in_step[key]; i < length_of["wanted", key]; i++) rest[line[first["wanted", key] + i]]
    for (i = 0; i < length_of["live", key]; i++) if (!(line[first["live", key] + i] in rest)) return 0
    return 1
}
function take_apart(kind_of, key,   i) {
    kind = kind_of
    for (i = 0; kind == "live" && i < in_step[key]; i++) { $0 = line[first["wanted", key] + i]; take() }
    for (i = 0; i < length_of[kind, key]; i++) { $0 = line[first[kind, key] + i]; take() }
}
function take() {
    parse()
    if ($1 == "-A") {
        scheduler[key] = value["-s"]
        persistent[key] = value["-p"] != ""
        fallback[key] = "," value["-b"] "," ~ /,(sh-fallback|mh-fallback|flag-1),/
        if (kind == "live") { service_now[key] = spec; live_service[key]; members_now[key] = 0 }
        else { service[key] = spec; text[key] = $0; members[key] = 0 }
    } else if (kind == "live") {
        member_now[key, member] = spec
        name_now[key, ++members_now[key]] = member
        text_now[key, member] = $0
    } else {
        wanted[key, member] = spec
        wanted_limits[key, member] = limits
        name[key, ++members[key]] = member
        text[key, member] = $0
        heavy[key, member] = weight > 0
    }
}

kind == "thresholds" {
    # The columns of who has no thresholds, if its name is not too long for them.
    if (!(key in differs) && substr($0, 35, 22) == "0          0          ") next
    if (/^(TCP|UDP|SCTP|FWM) /) {
        key = $1 == "TCP" ? "-t" : $1 == "UDP" ? "-u" : $1 == "FWM" ? "-f" : "--sctp-service"
        key = key " " $2 ($1 == "FWM" && $3 == "IPv6" ? " -6" : "")
    } else if (/^ +-> / && (key in differs || ("wanted", key) in first && / -> [^ ]+ +(0 +)?[1-9]/)) {
        differs[key]
        limits_now[key, $2] = $3 + 0 " " $4 + 0
        active[key, $2] = $5
        inactive[key, $2] = $6
        if ($3 + $4) option_x[key, $2] = ($3 + 0 ? " -x " $3 : "") ($4 + 0 ? " -y " $4 : "")
    }
    next
}
/^-a / {
    if (step) {
        if ($0 == line[step + 1]) { step++; next }
        in_step[key] = step - first["wanted", key] + 1
        step = 0
    }
    if (index($0, prefix) != 1) { print "cannot understand, after the service " key ": " $0 >"/dev/stderr"; exit failed = 3 }
    line[++lines] = $0
    next
}
kind == "owned" { owned[++owned_count] = $1 " " $2 ($3 == "-6" ? " -6" : ""); next }
kind == "wanted" && $0 == "live" { finish(); line[++lines] = kind = $0; next }
kind == "live" && $0 == "thresholds" { compare(); kind = $0; thresholds_known = 1; next }
/^-A / { begin(); next }
kind == "wanted" && $1 == "sorry" { may_be[$2 " " $3 ($4 == "-6" ? " -6" : ""), $NF]; next }
NF && !/^#/ { print "cannot understand: " $0 >"/dev/stderr"; exit failed = 3 }

END {
    if (failed) exit failed
    if (!compared) compare()
    for (s = 1; s <= live_count; s++) if (live[s] in differs) take_apart("live", live[s])
    for (s = 1; s <= services; s++) if (order[s] in differs) take_apart("wanted", order[s])
    if (failed) exit failed
    for (s = 1; s <= services; s++) {
        key = order[s]
        if (!(key in differs)) continue
        if (quiesce) { leave(key, of_drain(key)); continue }
        if (!(key in service_now)) print text[key] "\thitless"
        else if (service_now[key] != service[key]) print "-E" substr(text[key], 3) "\t" of_service(key)
        quiesced = ""
        for (m = 1; m <= members[key]; m++) {
            at = key SUBSEP name[key, m]
            if (!(at in member_now)) print text[at] "\t" affinity(key)
            else if (same(at)) continue
            else if (heavy[at]) print "-e" substr(text[at], 3) "\t" of_edit(key, at)
            else quiesced = quiesced "-e" substr(text[at], 3) "\t" of_edit(key, at) "\n"
        }
        printf "%s", quiesced
        for (m = 1; m <= members_now[key]; m++) {
            at = key SUBSEP name_now[key, m]
            if (!(at in wanted) && !(at in may_be)) print "-d " key " -r " name_now[key, m] "\t" of_delete(key, at)
        }
    }
    for (s = 1; s <= owned_count; s++) {
        key = owned[s]
        if (key in service || ("wanted", key) in first || !(key in service_now)) continue
        if (quiesce) { leave(key, "drains: new clients are refused, established connections stay"); continue }
        total = 0
        for (m = 1; m <= members_now[key]; m++) total += active[key, name_now[key, m]] + inactive[key, name_now[key, m]]
        print "-D " key "\t" (total ? "ends connections: " total " of all its realservers" : "hitless: no connection is left")
    }
}
# Weight 0, before it is deleted.
function leave(key, effect,   m, at) {
    for (m = 1; m <= members_now[key]; m++) {
        at = key SUBSEP name_now[key, m]
        if (!(at in wanted) && !(at in may_be) && live_weight[at] > 0) print edited(text_now[at] option_x[at], 0) "\t" effect
    }
}'

# no_ipvs: plan must not load the module, and asking ipvsadm would.
no_ipvs() { [ -n "$dry" ] && [ ! -e "$ip_vs" ]; }

service_keys() { awk '$1 == "-A" { print $2 " " $3 ($4 == "-6" ? " -6" : "") }' "$@"; }

# ipvs_pending [QUIESCE]: what is left to do, into $delta, without and with effects.
ipvs_pending() {
    if wanted ipvs.rules; then rules=$goal/ipvs.rules; else rules=/dev/null; fi
    if [ -f "$state/services" ]; then owned=$state/services; else owned=/dev/null; fi
    delta=$(
        {
            ! keepalived_writes || keepalived_table "$goal/keepalived.conf"
            echo live
            no_ipvs || ipvsadm -Sn || echo 'no table (modprobe ip_vs?)'
            echo thresholds
            no_ipvs || ipvsadm -Ln --thresholds
        } 2>&1 | awk -v keep_weights="$keep_weights" -v quiesce="${1-}" "$ipvs_delta_awk" kind=owned "$owned" kind=wanted "$rules" - 2>&1
    ) || die "the IPVS table is left as it is: $delta"
}

# ipvs_load PATTERN [QUIESCE]: does the pending lines that begin so. Exit codes of `ipvsadm -R` tell little (that of the
# last line), so the table is read again.
ipvs_load() {
    # shellcheck disable=SC2254  # a pattern
    case $nl$delta in *"$nl"$1*) ;; *) return 0 ;; esac
    todo=$(printf '%s\n' "$delta" | grep "^$1")
    if [ -z "$dry" ]; then
        refused=$(printf '%s\n' "$todo" | cut -f 1 | ipvsadm -R 2>&1)
        ipvs_pending "${2-}"
        # shellcheck disable=SC2254  # a pattern
        case $nl$delta in
            *"$nl"$1*) die "ipvsadm did not take all of it: $refused
left to do:
$(printf '%s\n' "$delta" | grep "^$1" | sed -e 's/^/  /' -e "s/$tab.*//")" ;;
        esac
    fi
    changes=$((changes + 1))
    printf '%s\n' "$todo" | awk -F "$tab" -v dry="$dry" '{
        mark = /^-[Aa]/ ? "+" : /^-[Ee]/ ? "~" : "-"
        print mark " ipvsadm " $1 (dry ? "  # " $2 : "")
    }'
}

# unchanged: is the table as it was when all of it was in order, and are the files the same? Then nothing needs to be
# compared, which takes longer than to read it. There were no thresholds, which -Sn does not show; the two ways to read it
# go side by side.
unchanged() {
    wanted ipvs.rules && [ "$keep_weights" = 0 ] && [ -f "$state/table" ] && load table.sums && [ "$loaded" = "$sums" ] &&
        ! no_ipvs || return
    { ipvsadm -Ln --thresholds | grep -E '^ *-> [^ ]+ +(0 +)?[1-9]'; } >/dev/null 2>&1 9>&- &
    thresholds=$!
    ipvsadm -Sn 2>/dev/null | cmp -s - "$state/table" || return
    ! wait "$thresholds"
}

services_up() {
    delta='' services='' table_is_known=
    if keepalived_writes; then
        hand_over
        return
    fi
    if ! wanted ipvs.rules && [ ! -f "$state/services" ]; then return; fi
    need ipvsadm ipvsadm
    if unchanged; then
        table_is_known=yes
        return
    fi
    if [ -z "$goal" ] && ! ipvsadm -Sn >/dev/null 2>&1; then
        rm -f "$state/services" # the table went with the module
        return
    fi
    own_services
    ipvs_pending
    if [ -n "$drain" ]; then
        ipvs_load '-[AaEe] '
        drain_leaving
        ipvs_load '-d '
    else
        ipvs_load '-[AaEed] '
    fi
}

keepalived_writes() { [ "$writer" = keepalived ] && wanted keepalived.conf; }

# hand_over: the table was ours, and keepalived writes it from now on. What is there already it takes over as it finds it
# ("Service already exists" in its log), and what its file does not name it leaves for ever. So the one is edited before,
# and the other goes when keepalived serves; until then it is noted as ours.
hand_over() {
    [ -f "$state/services" ] || return 0
    need ipvsadm ipvsadm
    note 'keepalived writes the IPVS table from now on, and takes over what is there'
    ipvs_pending
    is_installed || ipvs_load '-[Ee] '
}

handed_over() {
    [ -f "$state/services" ] || return 0
    for _ in 1 2 3 4 5 6 7 8 9 10; do # realservers come after their first check, if the file says so
        ipvs_pending
        case $dry,$nl$delta in ,*"$nl-"[Aa]' '*) sleep 1 ;; *) break ;; esac
    done
    case $dry,$nl$delta in
        ,*"$nl-A "*)
            note 'keepalived does not serve all of it yet: what it does not describe stays until the next apply'
            return
            ;;
    esac
    [ -z "$drain" ] || drain_leaving
    ipvs_load '-d '
    vips_are_gone
    ipvs_load '-D '
    [ -n "$dry" ] || rm -f "$state/services" "$state/table"
}

# lines_without LINES OTHERS: those that are not among the others.
lines_without() {
    printf '%s\n=\n%s\n' "$2" "$1" | awk '$0 == "=" { rest = 1; next } !rest { other[$0]; next } NF && !($0 in other)'
}

# own_services: notes which are ours, before they are made.
own_services() {
    if wanted ipvs.rules; then services=$(service_keys "$goal/ipvs.rules"); fi
    load services
    owned=${loaded%"$nl"}
    if [ "$owned" = "$services" ]; then return; fi
    new=$(lines_without "$services" "$owned")
    [ -n "$new" ] || return 0
    live=
    no_ipvs || live=$(ipvsadm -Sn 2>/dev/null | service_keys)
    while IFS= read -r key; do
        [ -z "$key" ] || note "the service $key was there already: it is managed by $cluster from now on"
    done <<END
$(lines_without "$new" "$(lines_without "$new" "$live")")
END
    [ -n "$dry" ] || rm -f "$state/table.sums" # from here on the table is compared, and the list made true again
    save services "$owned${owned:+$nl}$new$nl"
}

# Weight 0 for all that is to be deleted, until its connections are gone or time is up.
drain_leaving() {
    case $nl$delta in *"$nl-"[dD]' '*) ;; *) return ;; esac
    ipvs_pending 1
    ipvs_load '-e ' 1
    ipvs_pending
    waited=0
    if [ -n "$dry" ]; then changed "apply goes on after $drain s at most" '~ wait until these have no connections'; fi
    while [ -z "$dry" ]; do
        total=$(printf '%s\n' "$delta" | awk -F "$tab" '
            /^-[dD] / && $2 ~ /^ends connections: / { split($2, word, /[^0-9]+/); total += word[2] + word[3] }
            END { print total + 0 }')
        if [ "$total" = 0 ]; then return; fi
        if [ "$waited" -ge "$drain" ]; then
            note "$total connections are still there after $drain s: they end now"
            return
        fi
        [ $((waited % 10)) != 0 ] || note "waiting for $total connections to end, at most $((drain - waited)) s"
        sleep 1
        waited=$((waited + 1))
        ipvs_pending
    done
}

services_down() {
    if keepalived_writes; then
        handed_over
        return
    fi
    [ -f "$state/services" ] || return 0
    [ -z "$table_is_known" ] || return 0
    vips_are_gone
    ipvs_load '-D '
    load services
    if [ "${loaded%"$nl"}" != "$services" ]; then save services "$services${services:+$nl}"; fi
    [ -n "$dry" ] || [ -n "$services" ] || rm -f "$state/services" "$state/table"
    # The table when all is in order, to be compared with the next time. -Sn does not show thresholds. Somebody may have
    # changed it since this run did: such a table is not kept as one that is in order.
    if [ -n "$dry" ] || [ -z "$services" ] || [ "$keep_weights" = 1 ] || grep '^-a.* -[xy] ' "$goal/ipvs.rules" >/dev/null; then
        return
    fi
    rm -f "$state/table.sums" # of the table before: killed or out of space from here on, there is none
    ipvsadm -Sn >"$state/table" || return 0
    ipvs_pending
    [ -n "$delta" ] || save table.sums "$sums"
}

# keepalived takes addresses away in its own time. Give it some before their services go.
vips_are_gone() {
    case $dry,$reloaded,$nl$delta in ,yes,*"$nl-D "*) ;; *) return ;; esac
    for _ in 1 2 3 4 5; do
        { printf '%s\n' "$delta"; "$ip" -o address show; } | awk '
            /^-D / { vip = $3; sub(/:[0-9]+$/, "", vip); gsub(/[][]/, "", vip); gone[vip] }
            /^[0-9]/ { sub(/\/.*/, "", $4); if ($4 in gone) found = 1 }
            END { exit !found }' || return
        sleep 1
    done
}
