# One daemon serves all checks that want it with the same options; starting one takes most of a second here.
DAEMON_OPTIONS=(--hook-socket $W/run/hook.sock --control-socket $W/run/control.sock --spool $W/spool --bpf-directory /sys/fs/bpf/portcullis/v1
    --log-level debug --log-format text --self-protection false --visibility process --failures off)

pc() { "$BIN/portcullis" "$1" --socket $W/run/control.sock --json "${@:2}"; }
flat() { "$PROGRAMS/flat" "$@"; }
status() { pc status | flat "$1"; }
daemon_pid() { cat $W/daemon.pid 2>/dev/null; }
daemon_runs() { local pid; pid=$(daemon_pid) && [ "$pid" ] && kill -0 "$pid" 2>/dev/null; }

# enforcing_build: this daemon knows policies at all.
enforcing_build() { "$BIN/portcullisd" --help | grep -q -- --policy-dir; }

# need_daemon [OPTION...]: a daemon with these options more than the usual ones runs afterwards, and its events and alerts are being read.
need_daemon() {
    ensure_daemon "$@"
    # From 7.0 the kernel leaves out a run of a program that is at work on that CPU for somebody else; told_of wants to know how often since here.
    case $KERNEL in 7*) MISSED_BEFORE=$(status .counters.eventsMissed) ;; esac
}
ensure_daemon() {
    if daemon_runs; then
        [ "$*" = "$(cat $W/daemon.options)" ] && return 0
        stop_daemon
    fi
    # Pinned settings count before options, so another label store needs other pins, and with them all programs anew.
    if [ "$(label_store "$@")" != "$(label_store $(cat $W/daemon.options 2>/dev/null))" ]; then
        drop_pool
        rm -rf /sys/fs/bpf/portcullis
    fi
    start_daemon "$@" || { fail "the daemon does not start: $(tail -n 3 "$OUT/daemon.log" | tr '\n' ' ')"; clean_up; exit 0; }
}

label_store() { case $* in *--label-store*) echo "${*##*--label-store }" ;; esac; }

start_daemon() {
    local more=()
    mkdir -p -m 700 $W/run /sys/fs/bpf/portcullis
    enforcing_build && more=(--policy-dir $W/policies --file-posture block --network-posture block --capabilities-posture block)
    rm -f $W/daemon.pid
    # In a session of its own: it outlives the check that started it.
    setsid /bin/sh -c 'echo $$ >"$0" && exec "$@"' $W/daemon.pid "$BIN/portcullisd" "${DAEMON_OPTIONS[@]}" "${more[@]}" "$@" \
        >>"$OUT/daemon.log" 2>&1 </dev/null &
    disown $!
    echo "$*" >$W/daemon.options
    eventually 5 test -s $W/daemon.pid
    eventually 120 daemon_answers_or_is_gone && daemon_runs || return 1
    follow events
    ! enforcing_build || follow alerts
}
daemon_answers_or_is_gone() { ! daemon_runs || pc status; }

# follow KIND: `portcullis KIND --json` writes to $W/KIND.json from here on. The reader is there when the daemon has its connection and has
# answered somebody who came later.
follow() {
    local before
    before=$(connections)
    setsid "$BIN/portcullis" "$1" --socket $W/run/control.sock --json >>$W/"$1".json 2>>"$OUT/readers.log" </dev/null &
    disown $!
    eventually 10 more_connections "$before" && pc status >/dev/null
}
connections() { grep -c " 03 .*$W/run/control.sock" /proc/net/unix; }
more_connections() { [ "$(connections)" -gt "$1" ]; }

# stop_daemon [SIGNAL]: its exit status is the result, as far as the process that started it is this one.
stop_daemon() {
    local pid
    pid=$(daemon_pid) || return 0
    kill -"${1:-TERM}" "$pid" 2>/dev/null
    eventually 10 process_gone "$pid" || { fail "the daemon did not end on ${1:-TERM}"; kill -KILL "$pid"; }
    rm -f $W/daemon.pid
}
process_gone() { ! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' /proc/"$1"/status; }

# events_of ID, alerts_of ID: the JSON lines about one container.
events_of() { grep -F "\"id\":\"$1\"" $W/events.json; }
alerts_of() { grep -F "\"id\":\"$1\"" $W/alerts.json 2>/dev/null; }
# without_securityfs: the list of security modules cannot be read until the check ends.
without_securityfs() {
    trap 'mountpoint -q /sys/kernel/security || mount -t securityfs none /sys/kernel/security' EXIT
    umount /sys/kernel/security || fail "securityfs cannot be unmounted"
    [ ! -e /sys/kernel/security/lsm ] || fail "the list of security modules is still there"
}

# told: alerts from standard input, equal ones together, in a line that explains a failure: what was attempted, who decided and why.
told() {
    flat | awk -F'\t' '{ split("", a); for (i = 1; i <= NF; i++) { at = index($i, "="); a[substr($i, 1, at - 1)] = substr($i, at + 1) }
        print a[".container.id"] ":", a[".operation"], a[".access"], a[".path"] a[".resource"], "by", a[".executable"] ":", a[".action"], a[".policy"], a[".rule"], a[".reason"] }' |
        sort | uniq -c | sort -rn | head -n "${1:-5}" | tr -s ' \n' ' ;' | sed 's/^/alerts:/'
}
# alerts_since ID COUNT: those of a container behind its first COUNT.
alerts_since() { alerts_of "$1" | tail -n +$(($2 + 1)) | told; }
# wait_events ID FILTER: until jq's FILTER holds of its events.
wait_events() { eventually 10 events_hold "$1" "$2" || fail "no event of $1 with $2 among: $(events_of "$1" | tail -n 5 | jq -c '[.type,.container.source,.process]' | tr '\n' ' ')"; }
events_hold() { events_of "$1" | holds "$2"; }
wait_alert() { eventually 10 alerts_hold "$1" "$2" || fail "no alert of $1 with $2 among: $(alerts_of "$1" | tail -n 5 | tr '\n' ' ')"; }
alerts_hold() { alerts_of "$1" | holds "$2"; }

# Nothing but the pool's containers, each with its init alone.
nothing_left() {
    local kept
    kept=$(find $W/containers -maxdepth 2 -name started | wc -l)
    pc status | flat | grep -q $'\t.maps.containers='"$kept"$'\t.*\t.maps.identities='"$kept"$'\t' &&
        { [ "$kept" = 0 ] || [ "$(pc containers | flat .tasks | sort -u)" = 1 ]; }
}
# listed: the check's own containers.
listed() { pc containers | grep -v '"id":"pool-'; }
what_is_left() { echo "$(pc containers | tr '\n' ' ') $(pc status | flat | tr '\t' '\n' | grep '^.maps' | tr '\n' ' ')"; }
