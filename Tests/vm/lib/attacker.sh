# Attackers: containers whose init is a shell that takes commands from a pipe, so that what runs is the container's own.

declare -A TO FROM

# attacker ID TEMPLATE APP: start one. EDIT is jq for the configuration.
attacker() {
    local to from starting
    bundle "$1" "$2" "$3" '"/bin/sh"' "${EDIT:-}"
    coproc SESSION { exec runc run -d --bundle $W/containers/"$1" "$1" 2>$W/containers/"$1"/output; }
    starting=$SESSION_PID
    exec {to}>&"${SESSION[1]}" {from}<&"${SESSION[0]}"
    TO[$1]=$to FROM[$1]=$from
    wait "$starting" || { fail "container $1 does not start: $(tail -n 2 $W/containers/"$1"/output)"; return 1; }
    answers "$1"
}
answers() {
    inside "$1" 'exit 7'
    [ "$STATUS" = 7 ] || { fail "the shell of $1 does not answer"; return 1; }
}

# inside ID SCRIPT: run it in a child of the container's init. OUTPUT is what it said, STATUS its status.
inside() {
    local line
    OUTPUT= STATUS=none
    printf '( %s\n) </dev/null 2>&1; echo "@@ $?"\n' "$2" >&"${TO[$1]}" || return 1
    while read -r -t 30 -u "${FROM[$1]}" line; do
        # Behind output that does not end its line, too.
        case $line in *'@@ '*) STATUS=${line##*@@ } OUTPUT+=${line%%@@ *}; break ;; esac
        OUTPUT+=$line$'\n'
    done
    echo "[$1] $2 -> $STATUS: $OUTPUT"
}

# allowed SCRIPT: it works in the container $NAME.
allowed() {
    local before
    before=$(alerts_count $NAME)
    inside $NAME "$1"
    [ "$STATUS" = 0 ] || fail "not allowed: $1: $(said); $(alerts_since $NAME "$before")"
}
# denied SCRIPT: it is refused there with EACCES, and reported.
denied() {
    local before
    before=$(alerts_count $NAME)
    inside $NAME "$1"
    case $STATUS-$OUTPUT in
    0-*) fail "not denied: $1: $(said)" ;;
    13-* | 126-* | *'ermission denied'*) eventually 3 more_alerts $NAME "$before" || fail "denied without an alert: $1" ;;
    *) fail "failed for another reason: $1: $(said)" ;;
    esac
}
# alert WORD...: the last alert has all these fields, written as `flat` writes them: .action=Block
alert() {
    local last word
    last=$(alerts_of $NAME | tail -n 1 | flat)
    for word; do case $'\t'$last$'\t' in *$'\t'"$word"$'\t'*) ;; *) fail "the alert has no $word: $last" ;; esac done
}

# --- the three that attacks are tried in: without a policy, against a policy that blocks, against one that allows
#
# Starting a container takes most of a second here, so the three are kept from check to check as long as an attack has changed
# nothing in them but /allowed, /work and /tmp, which are emptied. Their pipes are FIFOs that they hold open themselves.

KINDS="control block allow"

# pooled KIND: have it running, and its pipes in TO and FROM.
pooled() {
    local id=pool-$1 directory=$W/containers/pool-$1 to from
    [ -z "${TO[$id]:-}" ] || return 0
    if [ ! -e "$directory/started" ]; then
        bundle $id privileged bypass-"$1" '"/bin/sh"'
        mkfifo "$directory"/in "$directory"/out
        runc run -d --bundle "$directory" $id <>"$directory"/in 1<>"$directory"/out 2>"$directory"/output ||
            { fail "container $id does not start: $(tail -n 2 "$directory"/output)"; return 1; }
        wc -l <"/proc/$(container_pid $id)/mountinfo" >"$directory"/started
    fi
    exec {to}<>"$directory"/in {from}<>"$directory"/out
    TO[$id]=$to FROM[$id]=$from
    does_as_allowed $id
}
# does_as_allowed ID: what no rule denies works. Where everything is denied, no attack proves anything.
does_as_allowed() {
    inside "$1" 'cat /etc/passwd /etc/settings >/dev/null && /usr/bin/good && echo x >/work/x && rm /work/x'
    [ "$STATUS" = 0 ] || fail "$1 cannot do what it may: $(said); $(alerts_since "$1" 0)"
}

# reset_pool: at the end of a check. What is not as it was is removed, and made anew when it is wanted again.
reset_pool() {
    local id directory
    for directory in $W/containers/pool-*; do
        [ -e "$directory/started" ] || continue
        id=${directory##*/}
        if [ "${TO[$id]:-}" ]; then
            # All but the init and this child itself.
            inside $id 'kill -KILL -1; rm -rf /tmp/*'
            find "$directory"/rootfs/allowed "$directory"/rootfs/work -mindepth 1 -maxdepth 1 ! -name evil -exec rm -rf {} +
            if [ "$STATUS" = none ] || is_changed "$directory"; then
                echo "$id is changed and goes"
                drop $id
            fi
        fi
    done
}
is_changed() { # is_changed DIRECTORY
    [ "$(wc -l <"/proc/$(container_pid "${1##*/}")/mountinfo")" != "$(cat "$1"/started)" ] || [ -e "$1"/upper/work/evil ] || [ -c "$1"/upper/work/evil ] ||
        [ "$(find "$1"/upper -mindepth 1 \( -path "$1/upper/allowed" -o -path "$1/upper/work" -o -path "$1/upper/tmp" \) -prune -o -print | sed 1q)" ]
}
drop_pool() { local directory; for directory in $W/containers/pool-*; do [ ! -e "$directory" ] || drop "${directory##*/}"; done; }

# --- attacks

# attackers: three of the check's own, because it needs them made differently. EDIT and TEMPLATE say how, BEFORE_START is a script for the root of each,
# VOLUMES are paths where a tmpfs of the host is mounted that has a secret in it.
attackers() {
    local KIND volume edit=${EDIT:-.} template=${TEMPLATE:-privileged}
    for volume in ${VOLUMES:-}; do
        edit+=' | .mounts+=[{destination:"'$volume'",type:"bind",source:"'$W'/containers/@ID@/volume",options:["bind","rw"]}]'
    done
    # Edited once for the three.
    [ "$edit" = . ] || { jq "$edit" $W/"$template".json >$W/edited.json && template=edited; }
    for KIND in $KINDS; do
        mkdir -p $W/containers/"$NAME-$KIND"/volume
        echo SECRET-VOLUME >$W/containers/"$NAME-$KIND"/volume/secret
        EDIT='' attacker "$NAME-$KIND" $template bypass-"$KIND" && does_as_allowed "$NAME-$KIND"
    done
}

# attack SCRIPT: run it in all three. Without a policy it must get its secret, or it proves nothing. Under a Block rule and under a
# whitelist it must be refused with EACCES, and an alert must say so. What is got announces itself with SECRET-. Options, as variables:
#   AGAINST   which policies (default "block allow")
#   HIDDEN    what a program says that does not show the errno
#   QUIETLY   no alert is waited for
attack() {
    local kind before id
    for kind in control ${AGAINST:-block allow}; do
        id=$NAME-$kind
        if [ -z "${TO[$id]:-}" ]; then
            id=pool-$kind
            pooled $kind || return
        fi
        before=$(alerts_count "$id")
        inside "$id" "$1"
        if [ $kind = control ]; then
            case $OUTPUT in *SECRET-*) ;; *) fail "the attack does not work even without a policy: $1: $(said)" ;; esac
        else
            refused "$kind" "$id" "$before" "$1"
        fi
    done
}
# limit SCRIPT: a documented limit. The whitelist refuses it, the Block rules let it through without a word; should they not any more, the
# documentation is wrong.
limit() {
    local id=$NAME-block before
    AGAINST=allow attack "$1"
    if [ -z "${TO[$id]:-}" ]; then
        id=pool-block
        pooled block || return
    fi
    before=$(alerts_count $id)
    inside $id "$1"
    case $OUTPUT in *SECRET-*) ;; *) fail "what docs/security.md calls a limit is stopped: $1: $(said); $(alerts_since $id "$before")" ;; esac
    # Alerts come in order, so that one of it would be there before this one.
    inside $id 'cat /etc/secret'
    eventually 3 more_alerts $id "$before" || fail "reading the secret is not reported"
    same "alerts of what is let through: $1: $(alerts_since $id "$before"): their number with the marker's" $((before + 1)) "$(alerts_count $id)"
}
# try SCRIPT: the same in one container, $NAME, that has a policy of the check's own.
try() {
    local before
    before=$(alerts_count $NAME)
    inside $NAME "$1"
    refused "" $NAME "$before" "$1"
}
# refused WORD ID ALERTS-BEFORE WHAT: judge OUTPUT and STATUS.
refused() {
    case $OUTPUT in *SECRET-*) fail "$1: got through: $4: $(said); $(alerts_since "$2" "$3")"; return ;; esac
    case $OUTPUT-$STATUS in *'ermission denied'* | *-13 | *-126 | *"${HIDDEN:-ermission denied}"*) ;; *) fail "$1: failed for another reason: $4: $(said); $(alerts_since "$2" "$3")"; return ;; esac
    [ "${QUIETLY:-}" ] || eventually 3 more_alerts "$2" "$3" || fail "$1: refused without an alert: $4: $(said); alerts lost: $(status .counters.alertsLost)"
}
alerts_count() { grep -cF "\"id\":\"$1\"" $W/alerts.json 2>/dev/null; }
more_alerts() { [ "$(alerts_count "$1")" -gt "$2" ]; }
said() { echo "status $STATUS, $(echo "$OUTPUT" | tr '\n' ' ' | cut -c 1-160)"; }
