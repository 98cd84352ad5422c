
# --- install: what makes this host come back after a boot -------------------------------------------------------------
# Files of our own, told by their first line and the name of the cluster; uninstall takes exactly these away.

# places: `FROM TO` a line.
places() {
    cat <<END
modules.conf $etc/modules-load.d/lvsgen-$cluster.conf
modprobe.conf $etc/modprobe.d/lvsgen-$cluster.conf
sysctl.conf $etc/sysctl.d/90-lvsgen-$cluster.conf
lvsgen-$cluster.service $etc/systemd/system/lvsgen-$cluster.service
END
}

install() {
    identify
    check_folder
    home=$etc/lvsgen/$cluster
    case " $roles " in
        *' director '*)
            other_service
            [ "$service" = off ] || refuse "the service that comes with ipvsadm would empty the table ($service):" \
                'systemctl disable ipvsadm'
            ;;
    esac
    while read -r _ to; do
        if [ -e "$to" ] && ! is_ours "$to"; then refuse "$to is there and was not written by lvsgen"; fi
    done <<END
$(places)
END
    if [ "$folder" != "$home" ]; then
        if [ -e "$home" ] && ! is_ours "$home/host.conf"; then refuse "$home is there and is not a folder of lvsgen"; fi
        set +f
        old=' lvsgen.sum '
        [ ! -r "$home/lvsgen.sum" ] || while read -r _ file; do old="$old$file "; done <"$home/lvsgen.sum"
        for file in "$home"/* "$home"/.[!.]* "$home"/..?*; do
            [ -e "$file" ] || [ -L "$file" ] || continue
            case $old in *" ${file##*/} "*) continue ;; esac
            refuse "$file is not part of it, and install replaces all of $home: move it elsewhere"
        done
        set -f
        rm -rf "$home.lvsgen-new"
        # shellcheck disable=SC2086  # names without blanks or slashes
        (mkdir -p "$home.lvsgen-new" && cd "$goal" && cp -p lvsgen.sum $listed "$home.lvsgen-new") ||
            die "cannot copy $folder to $home: nothing was changed"
        if ! cmp -s "$goal/lvsgen.sum" "$home/lvsgen.sum"; then
            # Whole and on the disk before the old one moves. Between the two renames the new one is not in its place yet:
            # the unit puts it there if the power fails just then.
            sync
            rm -rf "$home.lvsgen-old"
            [ ! -e "$home" ] || mv "$home" "$home.lvsgen-old" || die "cannot write $home"
            if ! mv "$home.lvsgen-new" "$home"; then
                [ ! -e "$home.lvsgen-old" ] || mv "$home.lvsgen-old" "$home"
                die "cannot write $home: nothing was changed"
            fi
            changed hitless "+ $home"
        fi
        sync
        rm -rf "$home.lvsgen-new" "$home.lvsgen-old"
    fi
    while read -r from to; do
        if [ ! -e "$goal/$from" ]; then
            [ ! -e "$to" ] || do_it hitless "- $to" rm -f "$to"
        elif ! cmp -s "$goal/$from" "$to"; then
            mkdir -p "${to%/*}"
            must cp "$goal/$from" "$to.lvsgen-new"
            do_it hitless "+ $to" mv -f "$to.lvsgen-new" "$to"
        fi
    done <<END
$(places)
END
    tell_systemd enable
}

# tell_systemd enable: unless it knows.
tell_systemd() {
    if command -v systemctl >/dev/null 2>&1; then
        if [ "$changes" != 0 ]; then must systemctl daemon-reload; fi
        systemctl --quiet is-enabled "lvsgen-$cluster.service" 2>/dev/null && is=enable || is=disable
        [ "$is" = "$1" ] || do_it hitless "~ systemctl $1 lvsgen-$cluster.service" systemctl "$1" "lvsgen-$cluster.service"
    else
        note "no systemctl here: run $etc/lvsgen/$cluster/lvs.sh apply at boot by other means"
    fi
    [ "$changes" -gt 0 ] || echo 'lvs.sh: nothing to do'
}

# What is applied stays; `stop` undoes that.
uninstall() {
    identify
    if command -v systemctl >/dev/null 2>&1 && systemctl --quiet is-enabled "lvsgen-$cluster.service" 2>/dev/null; then
        do_it hitless "~ systemctl disable lvsgen-$cluster.service" systemctl disable "lvsgen-$cluster.service"
    fi
    while read -r _ to; do
        if [ -e "$to" ] && is_ours "$to"; then do_it hitless "- $to" rm -f "$to"; fi
    done <<END
$(places)
END
    if [ "$changes" != 0 ] && command -v systemctl >/dev/null 2>&1; then must systemctl daemon-reload; fi
    [ "$changes" -gt 0 ] || echo 'lvs.sh: nothing to do'
}
