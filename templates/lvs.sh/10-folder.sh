
# --- messages ---------------------------------------------------------------------------------------------------------

note() { printf 'lvs.sh: %s\n' "$*" >&2; }

die() {
    note "$*"
    exit 1
}

refuse() {
    note "$*"
    exit 2
}

# program NAME: its path, into $found. A busybox shell would prefer its own ip and modprobe, which know less.
program() {
    found=
    IFS=:
    for directory in $PATH; do
        if [ -x "$directory/$1" ]; then
            found=$directory/$1
            break
        fi
    done
    unset IFS
}

need() { command -v "$1" >/dev/null 2>&1 || die "$1 is missing: install the package $2"; }

# changed EFFECT TEXT: says what was done. plan says it instead of doing it, with what connections notice.
changed() {
    changes=$((changes + 1))
    if [ -n "$dry" ]; then printf '%s  # %s\n' "$2" "$1"; else printf '%s\n' "$2"; fi
}

# must COMMAND...: it has to succeed; what it says becomes part of the message. do_it EFFECT TEXT COMMAND...
must() { said=$("$@" 2>&1 </dev/null 9>&-) || die "failed: $*: $said"; }

do_it() {
    effect=$1 text=$2
    shift 2
    [ -n "$dry" ] || must "$@"
    changed "$effect" "$text"
}

# --- the folder -------------------------------------------------------------------------------------------------------

# The same name, or the same but for the domain that one of them lacks.
same_name() {
    [ "$1" = "$2" ] || [ "$1" = "${2%%.*}" ] || [ "${1%%.*}" = "$2" ]
}

identify() {
    [ -r "$folder/host.conf" ] || refuse "$folder/host.conf is missing: copy the whole folder of this host"
    cluster='' host='' roles='' writer=''
    while IFS='=' read -r key value; do
        case $key in
            cluster) cluster=$value ;;
            host) host=$value ;;
            roles) roles=$value ;;
            writer) writer=$value ;;
        esac
    done <"$folder/host.conf"
    case $cluster in
        '' | .* | *[!A-Za-z0-9._-]*) refuse "$folder/host.conf names no cluster: copy the folder of this host again" ;;
    esac
    state=$run/$cluster
    read -r name </proc/sys/kernel/hostname
    name=${LVSGEN_HOST:-$name}
    same_name "$host" "$name" || refuse "these files are for \`$host\` and this is \`$name\`: copy the folder of \`$name\`" \
        "(or set LVSGEN_HOST=$host if that is what it is)"
    while read -r key _ value _; do
        if [ "$key" = Uid: ]; then break; fi
    done </proc/self/status
    [ "$value" = 0 ] || refuse 'this takes root'
    program ip && ip=$found
    [ -n "$ip" ] || refuse 'ip is missing: install the package iproute2'
}

# Only what lvsgen wrote is applied: every file as it was written, and no other.
check_folder() {
    [ -r "$goal/lvsgen.sum" ] || refuse "$goal/lvsgen.sum is missing: copy the whole folder of this host"
    sums='' listed=' '
    while read -r sum file; do
        case $sum in '#'* | '') continue ;; esac
        sums="$sums$sum  $file$nl" listed="$listed$file "
        case $file in */*) refuse "$goal/lvsgen.sum names a file elsewhere: copy the folder again" ;; esac
    done <"$goal/lvsgen.sum"
    said=$(
        cd "$goal" && sha256sum -c 2>&1 <<END
${sums%"$nl"}
END
    ) || refuse "this folder is damaged or was edited by hand: copy it again (edit cluster.yaml, not this). sha256sum says
$(printf '%s\n' "$said" | sed -e '/: OK$/d' -e 's/^/  /')"
    for file in $data_files; do
        case $listed in *" $file "*) continue ;; esac
        [ ! -e "$goal/$file" ] ||
            refuse "not in lvsgen.sum, so not part of this build: $file. Delete it or copy the folder again"
    done
}

# wanted FILE: does it say something? To stop is to want nothing. want FILE: its data lines, into $lines.
wanted() { [ -n "$goal" ] && [ -f "$goal/$1" ]; }

want() {
    lines=
    wanted "$1" || return 0
    while IFS= read -r line; do
        case $line in '' | '#'*) ;; *) lines=$lines$line$nl ;; esac
    done <"$goal/$1"
}
