
# --- lines for ip(8): devices, routes and rules, addresses ------------------------------------------------------------

# ask_for LINE: adds to $ask, or $ask6, what to ask ip about a route or rule. IPv6 is told by its colons.
ask_for() {
    # shellcheck disable=SC2086  # the line is a list of words
    set -- "$1" $1
    case ${2-}${3-} in
        routereplace | routedel)
            case $4 in local | unicast | blackhole | unreachable | prohibit) destination=$5 ;; *) destination=$4 ;; esac
            # `exact default` would be every route there is.
            case $destination,$1 in
                default,*:*) destination=::/0 ;;
                default,*) destination=0.0.0.0/0 ;;
            esac
            query="route show table all exact $destination"
            ;;
        ruleadd) query='rule show' ;;
        fouadd) fou=yes && return ;;
        *) return ;;
    esac
    case $1,$nl$ask,$nl$ask6 in
        *:*,*,*"$nl$query$nl"*) ;;
        *:*,*,*) ask6=$ask6$query$nl ;;
        *,*"$nl$query$nl"*,*) ;;
        *) ask=$ask$query$nl ;;
    esac
}

# ip_survey: compares links.batch, routes.batch and addresses.batch with what the kernel has and with what is ours. One ip
# and one awk for all of it, and again only if something was changed since. Sets, as lines `KEY<tab>LINE`: links_up and so
# on (to be done), links_down and so on (ours and no longer described, the last one first; a third field is the line that
# undoes it, if there is something to undo), in_the_way (what a new route replaces) and routes_back (what comes back when
# it goes): `KEY # ROUTE<tab>ROUTE`.
surveyed=
ip_survey() {
    case $surveyed,$dry in "$changes",* | ?*,yes) return ;; esac
    surveyed=$changes
    links_up='' links_down='' routes_up='' routes_down='' addresses_up='' addresses_down=''
    in_the_way='' routes_back=''
    text='' ask="link show${nl}address show$nl" ask6='' fou=''
    set --
    for kind in links routes addresses; do
        want $kind.batch
        text="$text= $kind$nl$lines"
        while IFS= read -r line; do ask_for "$line"; done <<END
$lines
END
        [ -f "$state/$kind" ] || continue
        set -- "$@" "name=$kind" "$state/$kind"
        while IFS=$tab read -r _ line _; do ask_for "$line"; done <"$state/$kind"
    done
    if [ -f "$state/replaced" ]; then set -- "$@" name=replaced "$state/replaced"; fi
    if [ "$text" = "= links$nl= routes$nl= addresses$nl" ] && [ $# = 0 ]; then return; fi
    has=$(
        "$ip" -o -force -batch - 2>/dev/null <<END
$ask
END
    )
    if [ -n "$ask6" ]; then has="$has$nl= six$nl$("$ip" -6 -o -force -batch - 2>/dev/null <<END
$ask6
END
    )"; fi
    if [ -n "$fou" ] && [ -d /sys/module/fou ]; then has="$has$nl= has$nl$("$ip" fou show 2>/dev/null)"; fi
    found=$(
        awk "$journal_awk$ip_survey_awk" name=wanted - "$@" <<END
$text= has
$has
END
    )
    while IFS=$tab read -r where line; do
        case $where in
            links_up) links_up=$links_up$line$nl ;;
            links_down) links_down=$links_down$line$nl ;;
            routes_up) routes_up=$routes_up$line$nl ;;
            routes_down) routes_down=$routes_down$line$nl ;;
            addresses_up) addresses_up=$addresses_up$line$nl ;;
            addresses_down) addresses_down=$addresses_down$line$nl ;;
            in_the_way) in_the_way=$in_the_way$line$nl ;;
            routes_back) routes_back=$routes_back$line$nl ;;
            unknown) die "cannot understand this line, is lvs.sh older than the files beside it? $line" ;;
        esac
    done <<END
$found
END
}

# Two lines with one key replace each other: an address and other flags, a route and another gateway. `link add`, `rule
# add` and `fou add` fail if it is there already; what is there and was not made by us stays not ours.
# shellcheck disable=SC2016  # awk's own
ip_survey_awk='
function after(line, wanted, otherwise,   i, n, word) {
    n = split(line, word, " ")
    for (i = 3; i < n; i++) if (word[i] == wanted) return word[i + 1]
    return otherwise
}
function typed(word) { return word ~ /^(local|unicast|blackhole|unreachable|prohibit|broadcast|anycast|multicast)$/ }
function destination(line,   word) {
    split(line, word, " ")
    return typed(word[3]) ? word[4] : word[3]
}
function device(line,   word) {
    split(line, word, " ")
    return word[3] == "dev" ? word[4] : after(line, "name", word[3])
}
function key_of(line,   word) {
    split(line, word, " ")
    if (word[1] == "address") return "address " word[3] " dev " after(line, "dev")
    if (word[1] == "link") return "link " word[2] " " device(line)
    if (word[1] == "route")
        return "route " (line ~ /:/ ? "-6 " : "-4 ") destination(line) " table " after(line, "table", "main") \
            " metric " after(line, "metric", "-")
    return line
}
# One spelling for what ip takes and what it prints.
function prefix(text) {
    if (text ~ /^(0\.0\.0\.0|::)\/0$/) return "default"
    sub(/\/(32|128)$/, "", text)
    return text
}
function parse(text, route,   i, n, word) {
    split("", route)
    n = split(text, word, " ")
    i = typed(word[1]) ? 2 : 1
    route["type"] = i == 2 ? word[1] : "unicast"
    route["to"] = prefix(word[i])
    route["table"] = "main"
    for (i++; i <= n; i++)
        if (word[i] ~ /^(onlink|linkdown|dead|pervasive|offload|trap)$/) route[word[i]] = word[i]
        else { route[word[i]] = word[i + 1]; i++ }
}
# What is to be deleted may have any gateway and metric that the line does not name; what is to be there may not.
function same_route(line,   deleted, i, item, same, wanted, route) {
    deleted = line ~ /^route del /
    six = line ~ /:/
    sub(/^route [a-z]+ /, "", line)
    parse(line, wanted)
    if (!deleted && !("via" in wanted)) wanted["via"] = ""
    if (!deleted && !("metric" in wanted)) wanted["metric"] = six ? 1024 : ""
    for (i = 1; i <= routes; i++) {
        if (live_six[i] != six) continue
        parse(live_route[i], route)
        same = 1
        for (item in wanted) if (wanted[item] "" != route[item] "") same = 0
        if (same) return 1
    }
    return 0
}
function rule(line,   word) {
    split(line, word, " ")
    return after(line, "priority") ":" (line ~ /:/ ? "6" : "4") " from " (prefix(word[4]) == "default" ? "all" : prefix(word[4])) \
        " fwmark " sprintf("0x%x", after(line, "fwmark")) " lookup " after(line, "lookup")
}
function in_place(line,   at) {
    if (line ~ /^link set .* up$/) return device(line) in up
    if (line ~ /^link add /) return device(line) in link
    if (line ~ /^fou add port /) return after(line, "port") in fou
    if (line ~ /^rule add from [^ ]+ fwmark /) return rule(line) in rules
    if (line ~ /^route replace /) return same_route(line)
    if (line ~ /^route del /) return !same_route(line)
    if (line ~ /^address replace /) {
        at = destination(line) " dev " after(line, "dev")
        # Deprecated IPv6 addresses must stay so: a VIP that is not becomes the source of health checks.
        return at in address && (line !~ / preferred_lft 0/ || at in deprecated)
    }
    print "unknown\t" line
    return 1
}
function inverse(key, line) {
    if (line ~ /^link set /) return "link set dev " device(line) " down"
    if (line ~ /^link add /) return "link del dev " device(line)
    if (line ~ /^fou add /) return "fou del port " after(line, "port") (line ~ / -6$/ ? " -6" : "")
    if (line ~ /^rule add /) return "rule del " substr(line, 10)
    if (line ~ /^route replace /) return "route del " substr(line, 15)
    if (line ~ /^address /) return "address del " substr(key, 9)
    return ""
}

name != "wanted" { journal(); next }
/^= / { kind = $2; next }
!NF { next }
kind != "has" && kind != "six" {
    key = key_of($0)
    if (!((kind, key) in wanted)) at[kind, ++lines[kind]] = key
    wanted[kind, key] = $0
    next
}
/^[0-9]+: [^ ]+: </ {
    sub(/[@:].*/, "", $2)
    link[$2]
    if ($3 ~ /[<,]UP[,>]/) up[$2]
    next
}
/^[0-9]+: [^ ]+ +inet/ {
    address[$4 " dev " $2]
    if (/ deprecated /) deprecated[$4 " dev " $2]
    next
}
/^[0-9]+:\t/ {
    sub(/:\t/, ":" (kind == "six" ? 6 : 4) " ")
    sub(/ +$/, "")
    rules[$0]
    next
}
/^port [0-9]+ / { fou[$2]; next }
{
    gsub(/\\/, " ")
    sub(/ expires [0-9a-z]+/, "")
    gsub(/ (linkdown|dead)/, "")
    gsub(/[ \t]+/, " ")
    sub(/ $/, "")
    live_route[++routes] = $0
    live_six[routes] = kind == "six"
    is_live[live_six[routes], $0]
}

END {
    n = split("links routes addresses", kinds, " ")
    for (k = 1; k <= n; k++) {
        kind = kinds[k]
        for (i = 1; i <= lines[kind]; i++) {
            key = at[kind, i]
            line = wanted[kind, key]
            # A device whose line is another now is made again: its parameters cannot be edited.
            if (line ~ /^link add / && (kind, key) in ours && ours[kind, key] != line) {
                remade[device(line)]
                print "links_down\t" key "\t" ours[kind, key] "\t" inverse(key, line)
            } else if (in_place(line) && !(line ~ /^link set / && device(line) in remade)) continue
            print kind "_up\t" key "\t" line
            if (line !~ /^route / || (kind, key) in ours) continue
            six = line ~ /:/
            for (r = 1; r <= routes; r++) {
                parse(live_route[r], route)
                if (live_six[r] == six && route["to"] == prefix(destination(line)) && route["table"] == after(line, "table", "main"))
                    print "in_the_way\t" key " # " live_route[r] "\t" live_route[r]
            }
        }
        for (i = count[kind]; i; i--) {
            key = order[kind, i]
            if (!current(kind, i) || (kind, key) in wanted) continue
            line = ours[kind, key]
            print kind "_down\t" key "\t" line "\t" (in_place(line) ? inverse(key, line) : "")
        }
    }
    for (i = 1; i <= count["replaced"]; i++) {
        key = order["replaced", i]
        split(key, word, " # ")
        if (current("replaced", i) && !(("routes", word[1]) in wanted)) {
            route_before = ours["replaced", key]
            print "routes_back\t" key "\t" ((key ~ /^route -6/, route_before) in is_live ? "" : route_before)
        }
    }
}
'

way='packets take another way from now on'

# run_lines LINES: ip does all of one family in one go.
run_lines() {
    [ -z "$dry" ] || return 0
    lines4='' lines6=''
    while IFS= read -r line; do
        case $line in *:*) lines6=$lines6$line$nl ;; ?*) lines4=$lines4$line$nl ;; esac
    done <<END
$1
END
    for family in 4 6; do
        if [ $family = 4 ]; then batch=$lines4; else batch=$lines6; fi
        [ -n "$batch" ] || continue
        said=$(
            "$ip" -$family -batch - 2>&1 9>&- <<END
$batch
END
        ) || die "failed: ip -$family -batch, of these lines:$nl$batch$said"
    done
}

# lines_up KIND
lines_up() {
    ip_survey
    case $1 in
        links)
            lines_down links remade
            ip_survey
            todo=$links_up
            ;;
        routes)
            lines_down routes 'route del ' # new gateways may need what was deleted
            ip_survey
            todo=$routes_up
            ;;
        addresses) todo=$addresses_up ;;
    esac
    [ -n "$todo" ] || return 0
    if [ "$1" = routes ]; then remember replaced "$in_the_way"; fi
    remember "$1" "$todo"
    commands=
    while IFS=$tab read -r key line; do commands=$commands$line$nl; done <<END
$todo
END
    run_lines "$commands"
    while IFS= read -r line; do
        case $line in
            '') ;;
            'route '*) changed "$way" "+ $line" ;;
            *) changed hitless "+ $line" ;;
        esac
    done <<END
$commands
END
}

# lines_down KIND [WHICH]: undoes what is no longer described (of routes: only lines that begin so), or is made again.
lines_down() {
    ip_survey
    came_back=
    if [ "$1" = routes ]; then
        put_back "${2-}"
        ip_survey # what came back may have replaced ours
    fi
    case $1 in links) todo=$links_down ;; routes) todo=$routes_down ;; addresses) todo=$addresses_down ;; esac
    commands='' forgotten='' told=''
    while IFS=$tab read -r key line inverse; do
        [ -n "$key" ] || continue
        case $nl$links_up in *"$nl$key$tab"*) remade=remade ;; *) remade= ;; esac
        case ${2-} in
            '' | remade) [ "$remade" = "${2-}" ] || continue ;;
            *) case $line in "$2"*) ;; *) continue ;; esac ;;
        esac
        case $dry,$nl$came_back in yes,*"$nl$key$nl"*) inverse= ;; esac
        if [ -n "$inverse" ]; then commands=$commands$inverse$nl told="$told$line$nl"; fi
        forgotten="$forgotten$key$tab-$nl"
    done <<END
$todo
END
    run_lines "$commands"
    while IFS= read -r line; do
        case $line in
            '') ;;
            'route '*) changed "$way" "- $line" ;;
            'address '*) changed 'ends connections of clients that still use it' "- $line" ;;
            *) changed hitless "- $line" ;;
        esac
    done <<END
$told
END
    remember "$1" "$forgotten"
}

# put_back WHICH: the routes that were there before ours, which they replace.
put_back() {
    back=$routes_back
    while IFS=$tab read -r key route; do
        case $1,$nl$routes_down in
            # plan has said that it comes back before the new ones.
            ,*"$nl${key%% # *}${tab}route del "*) [ -z "$dry" ] || continue ;;
            *,*"$nl${key%% # *}$tab$1"*) ;;
            *) continue ;;
        esac
        if [ -n "$route" ]; then
            family=${key#route } family=${family%% *}
            # Ours had no metric of its own: a route with the usual one replaces it.
            case $family,$route in -4,*' metric '* | -6,*' metric '[!1]*) ;; *) came_back=$came_back${key%% # *}$nl ;; esac
            # shellcheck disable=SC2086  # the route is a list of words
            if [ -n "$dry" ] || said=$("$ip" $family route replace $route 2>&1); then
                changed "$way" "+ route $route"
            else
                note "cannot put back the route $route: $said"
            fi
        fi
        forget replaced "$key"
    done <<END
$back
END
}
