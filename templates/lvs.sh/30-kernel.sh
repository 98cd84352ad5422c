
# --- kernel modules ---------------------------------------------------------------------------------------------------

modules_up() {
    want modprobe.conf
    parameters=$lines
    want modules.conf
    program modprobe && modprobe=$found
    while read -r module; do
        [ -n "$module" ] || continue
        directory=/sys/module/$module
        while :; do
            case $directory in *-*) directory=${directory%%-*}_${directory#*-} ;; *) break ;; esac
        done
        options=
        while read -r _ of more; do
            if [ "$of" = "$module" ]; then options="$options $more"; fi
        done <<END
$parameters
END
        [ -d "$directory" ] || load_module
        for option in $options; do
            parameter=$directory/parameters/${option%%=*}
            if [ -r "$parameter" ] && read -r now <"$parameter" && [ "$now" != "${option#*=}" ]; then
                note "the module $module was loaded without $option: that takes effect after a reboot"
            fi
        done
    done <<END
$lines
END
}

# It may be built in, or there are no module tools (a container): then what needs it will tell.
load_module() {
    if [ "$module" = ip_vs ] && [ -e /proc/net/ip_vs ]; then return; fi
    if [ -n "$dry" ]; then set -- -n --show-depends; else set --; fi
    # shellcheck disable=SC2086  # the options are separate words
    if said=$("$modprobe" "$@" "$module" $options 2>&1); then
        case $dry,$said in
            yes,builtin*) ;;
            *) if [ -n "$dry" ] || [ -d "$directory" ]; then changed hitless "+ module $module"; fi ;;
        esac
        return
    fi
    note "going on without the module $module: ${said%%"$nl"*}"
}

# --- kernel settings --------------------------------------------------------------------------------------------------

# sysctl_survey: what differs from sysctl.conf, as `up PATH VALUE NOW` (NOW is - if the kernel has no such setting), and
# what is ours and no longer in it, as `down PATH OTHER=VALUE`, fields separated by tabs. A key whose first separator is
# a dot has `/` for a dot within a device name (sysctl.d(5)).
sysctl_survey() {
    set --
    if wanted sysctl.conf; then set -- kind=wanted "$goal/sysctl.conf"; fi
    if [ -f "$state/sysctls" ]; then set -- "$@" kind=ours "$state/sysctls"; fi
    [ $# -gt 0 ] || return 0
    awk '
    function trimmed(text) { gsub(/[ \t]+/, " ", text); gsub(/^ | $/, "", text); return text }
    kind == "wanted" && /=/ && !/^[ \t]*#/ {
        at = index($0, "=")
        path = trimmed(substr($0, 1, at - 1))
        if (match(path, /[.\/]/) && substr(path, RSTART, 1) == ".") {
            gsub(/\//, "\001", path)
            gsub(/\./, "/", path)
            gsub(/\001/, ".", path)
        }
        wanted[path] = 1
        now = "-"
        if ((getline line <("/proc/sys/" path)) > 0) now = trimmed(line)
        close("/proc/sys/" path)
        value = trimmed(substr($0, at + 1))
        if (now != value) print "up\t" path "\t" value "\t" now
    }
    kind == "ours" {
        n = split($0, word, "\t")
        if (n != 3 || word[3] != ".") next
        if (word[2] == "-") { removed[word[1]] = count; next }
        key[++count] = word[1]
        setting[count] = word[2]
    }
    END {
        for (i = 1; i <= count; i++) {
            split(setting[i], word, "=")
            # The first value is the one from before.
            if (i <= removed[key[i]] || seen[key[i], word[1]]++) key[i] = ""
        }
        for (i = count; i; i--) if (key[i] != "" && !(key[i] in wanted)) print "down\t" key[i] "\t" setting[i]
    }' "$@"
}

sysctl_set() { { printf '%s\n' "$2" >"/proc/sys/$1"; } 2>/dev/null; }

# side_effects PATH: what the kernel changes along with it and does not change back, added to $records.
side_effects() {
    case $1 in
        net/ipv4/ip_forward | net/ipv4/conf/all/forwarding) others='ipv4/conf/*/forwarding ipv4/conf/all/accept_redirects' ;;
        net/ipv6/conf/all/forwarding) others='ipv6/conf/*/forwarding' ;;
        *) return ;;
    esac
    again=yes
    cd /proc/sys/net || return
    set +f
    for other in $others; do
        # These are 0 or 1: /proc/sys answers only the first byte to the shell, which reads one at a time.
        if [ "net/$other" != "$1" ] && read -r was <"$other"; then records="$records$1${tab}net/$other=$was$nl"; fi
    done
    set -f
    cd /
}

sysctls_up() {
    found=$(sysctl_survey)
    again=yes
    # Twice, if one setting changes another: ip_forward is copied to every device.
    for _ in 1 2; do
        if [ -z "$again" ] || [ -z "$found" ]; then break; fi
        again='' records='' missing=
        while IFS=$tab read -r where path value now; do
            [ "$where" = up ] || continue
            if [ "$now" = - ]; then missing="$missing $path"; fi
            side_effects "$path"
            records="$records$path$tab$path=$now$nl"
        done <<END
$found
END
        if [ -z "$dry" ]; then
            [ -z "$missing" ] ||
                die "a module or a device is missing (see lsmod, ip link), the kernel has no setting$missing"
        fi
        remember sysctls "$records"
        while IFS=$tab read -r where path value now; do
            [ "$where" = up ] || continue
            [ -n "$dry" ] || sysctl_set "$path" "$value" || die "the kernel refuses $path = $value"
            changed hitless "~ sysctl $path = $value (was $now)"
        done <<END
$found
END
        if [ -n "$dry" ]; then break; fi
        if [ -n "$again" ]; then found=$(sysctl_survey); fi
    done
    sysctls_found=$found
}

# What is no longer in the file gets the value from before.
sysctls_down() {
    forgotten=
    while IFS=$tab read -r where key setting _; do
        [ "$where" = down ] || continue
        path=${setting%%=*} value=${setting#*=}
        if [ -e "/proc/sys/$path" ]; then # a device that has gone took its settings with it
            [ -n "$dry" ] || sysctl_set "$path" "$value" || note "cannot set $path back to $value"
            [ "$key" != "$path" ] || changed hitless "~ sysctl $path = $value"
        fi
        case $nl$forgotten in *"$nl$key$tab"*) ;; *) forgotten="$forgotten$key$tab-$nl" ;; esac
    done <<END
$sysctls_found
END
    remember sysctls "$forgotten"
}
