
# --- the state: what is ours to undo ----------------------------------------------------------------------------------
# A journal for each kind of thing: a line `KEY<tab>MORE<tab>.` before it is made, `KEY<tab>-<tab>.` after it was undone.
# Lines are only added, so whatever a crash or a full disk leaves behind is readable; one without its end does not count.

# open_state [-x]: only one run at a time; with -x it waits for the other one.
open_state() {
    umask 077
    [ -d "$state" ] || mkdir -p "$state" || refuse "cannot create $state"
    exec 9>>"$state/lock" || refuse "cannot write to $state"
    flock "${1:--n}" 9 || refuse "another lvs.sh is at work on $cluster: wait until it has ended"
    # A run was killed between the two renames of keep_copy.
    [ -d "$state/current" ] || [ ! -d "$state/previous" ] || mv "$state/next" "$state/current"
    trap 'rm -f "$keepalived_conf.lvsgen-new" "$state/room"' EXIT
}

# plan looks while nobody else changes anything; it leaves no trace.
peek_state() {
    [ -r "$state/lock" ] || return 0
    exec 9<"$state/lock"
    flock -n 9 || refuse "another lvs.sh is at work on $cluster: wait until it has ended"
}

# save NAME TEXT: a state file as a whole, or not at all.
save() {
    [ -z "$dry" ] || return 0
    if printf '%s' "$2" >"$state/$1.new" && mv -f "$state/$1.new" "$state/$1"; then return; fi
    die "cannot save $state/$1 (disk full?): stopped before the change that it is for"
}

# load NAME: a state file, into $loaded.
load() {
    loaded=
    [ -f "$state/$1" ] || return 1
    while IFS= read -r line; do loaded=$loaded$line$nl; done <"$state/$1"
}

# remember NAME LINES: before they are done. forget NAME KEY: after it was undone.
remember() {
    if [ -n "$dry" ] || [ -z "$2" ]; then return 0; fi
    record=$nl
    while IFS= read -r line; do
        [ -z "$line" ] || record=$record$line$tab.$nl
    done <<END
$2
END
    printf '%s' "$record" >>"$state/$1" ||
        die "cannot save $state/$1 (disk full?): stopped before the change that it is for"
}

forget() { remember "$1" "$2$tab-"; }

# For awk: reads journals given as `name=NAME FILE` into ours[NAME, KEY], with the keys in order[NAME, 1..count[NAME]].
# shellcheck disable=SC2016  # awk's own
journal_awk='
function journal(   n, word) {
    n = split($0, word, "\t")
    if (n < 3 || word[n] != ".") return
    if (word[2] == "-") { delete ours[name, word[1]]; return }
    if (!((name, word[1]) in ours)) { order[name, ++count[name]] = word[1]; last[name, word[1]] = count[name] }
    ours[name, word[1]] = substr($0, length(word[1]) + 2, length($0) - length(word[1]) - 3)
}
function current(name, i) { return last[name, order[name, i]] == i && ((name, order[name, i]) in ours) }
'

# recall NAME: what is remembered, `KEY<tab>MORE`, into $ours, in the order in which it was made.
recall() {
    ours=
    [ ! -f "$state/$1" ] || ours=$(awk -v name="$1" "$journal_awk"'
        { journal() }
        END { for (i = 1; i <= count[name]; i++) if (current(name, i)) print order[name, i] "\t" ours[name, order[name, i]] }' \
        "$state/$1")
}

# more_of KEY: the rest of the line of $ours that has this key; fails if there is none.
more_of() {
    case $nl$ours in *"$nl$1$tab"*) ;; *) return 1 ;; esac
    more=$nl$ours
    more=${more#*"$nl$1$tab"}
    more=${more%%"$nl"*}
}

# is_current: are these the files that were applied last, and were there no others? Comments stand before the sums.
is_current() {
    load current/lvsgen.sum || return
    case $loaded in *"$sums") ;; *) return 1 ;; esac
    case $nl${loaded%"$sums"} in *"$nl"[!#"$nl"]*) return 1 ;; esac
}

# Copies of the files, for rollback: `current` is what was applied last, `previous` what was before that.
keep_copy() {
    [ "$goal" = "$state/back" ] || rm -rf "$state/back"
    if is_current; then return; fi
    rm -rf "$state/next"
    # As much again has to fit: the notes of what is done are about as long.
    # shellcheck disable=SC2086  # names without blanks, none of them with a slash
    (cd "$goal" && mkdir "$state/next" && cp lvsgen.sum $listed "$state/next" && cat lvsgen.sum $listed >"$state/room") ||
        die "cannot keep a copy of $goal in $state (disk full?): nothing was changed"
    rm -f "$state/room"
    rm -rf "$state/previous"
    [ ! -d "$state/current" ] || mv "$state/current" "$state/previous"
    mv "$state/next" "$state/current" || die "cannot write to $state"
}
