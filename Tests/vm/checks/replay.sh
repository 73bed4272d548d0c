# Containers that nobody told the daemon of: they ran before it, or before the hook was installed.

# now_denied ID LOG...: each of these processes is refused from some moment on, for good.
now_denied() {
    local id=$1 log
    shift
    for log; do
        eventually 10 log_ends_in "$id" "$log" denied || { fail "$log still reads the secret"; continue; }
        same "readings of $log after the first refusal" 0 "$(awk '/denied/ { refused = 1 } refused && /open/ { n++ } END { print n + 0 }' "$(log_of "$id" "$log")")"
    done
}
still_open() {
    local id=$1 log
    shift
    for log; do eventually 10 log_ends_in "$id" "$log" open || fail "$log cannot read the secret before anybody knows its container"; done
}
replay() { "$BIN/portcullis" replay --socket $W/run/hook.sock "$@" || fail "portcullis replay fails"; }

# CHECK replay-runc core: containers that ran before their hook was there are found, and each of their processes is judged: children, threads' children, those that left the namespaces, those that were left alone
check_replay_runc() {
    need_daemon
    # Its own second look would find them, too.
    eventually 20 both_scans_done || fail "the daemon's own scans do not end: $(status .replay.state)"
    EDIT='del(.hooks)' attacker $NAME privileged bypass-block || return
    inside $NAME "($(reads child)) & unshare -m sh -c '$(reads unshared)' & (setsid unshare -m sh -c '$(reads orphan)' &) & exit 0"
    # In the host's pid namespace what is left alone becomes a child of the host's init: only its cgroup says whose it was.
    EDIT='del(.hooks) | .linux.namespaces|=map(select(.type!="pid"))' attacker $NAME-host privileged bypass-block || return
    inside $NAME-host "(setsid unshare -m sh -c '$(reads lone)' &) & (setsid sh -c '$(reads daemon)' &) & exit 0"
    still_open $NAME child unshared orphan
    still_open $NAME-host lone daemon
    same "listed containers" "" "$(listed | flat .id)"
    replay
    same "listed containers" "$NAME,$NAME-host" "$(listed | flat .id | sort | paste -sd,)"
    now_denied $NAME child unshared orphan
    now_denied $NAME-host lone daemon
    inside $NAME 'cat /etc/secret'
    [ "$STATUS" != 0 ] || fail "the container's init reads the secret"
    expect "an alert says which container" eventually 5 alerts_hold $NAME-host 'any(.container.id=="'$NAME-host'" and .action=="Block")'
    # What it finds again is no news.
    replay
    same "counter refusedShared" 0 "$(status .counters.refusedShared)"
}

# CHECK replay-created full: a container that is made and not started keeps its runtime until its first exec, which is judged
check_replay_created() {
    need_daemon
    bundle $NAME plain bypass-allow '"/usr/bin/good"' 'del(.hooks)'
    runc create --bundle $W/containers/$NAME $NAME </dev/null >$W/containers/$NAME/output 2>&1 || fail "runc create fails"
    bundle $NAME-bad plain bypass-allow '"/usr/bin/linked"' 'del(.hooks)'
    runc create --bundle $W/containers/$NAME-bad $NAME-bad </dev/null >$W/containers/$NAME-bad/output 2>&1 || fail "runc create fails"
    replay
    same "listed containers" "$NAME,$NAME-bad" "$(listed | flat .id | sort | paste -sd,)"
    runc start $NAME
    wait_events $NAME 'any(.type=="exec" and .process.executable=="/usr/bin/good" and .process.first)'
    runc start $NAME-bad && eventually 5 stopped $NAME-bad
    wait_alert $NAME-bad 'any(.operation=="exec" and .path=="/usr/bin/linked" and .action=="Block")'
    same "alerts of $NAME" "" "$(alerts_of $NAME | told)"
}

# CHECK replay-crun full: crun's containers are found by crun's state, and by podman's conmon where its root is elsewhere
check_replay_crun() {
    need_daemon
    command -v podman >/dev/null && command -v conmon >/dev/null && command -v crun >/dev/null || skip "no podman, conmon or crun here"
    bundle $NAME plain bypass-block "$(arguments /bin/sh -c "$(reads child)")" 'del(.hooks)'
    crun run -d --bundle $W/containers/$NAME $NAME </dev/null >$W/containers/$NAME/output 2>&1 || { fail "crun run fails: $(tail -n 2 $W/containers/$NAME/output)"; return; }
    mkdir -p $PODMAN/hooks
    ARGUMENTS=-d podman_run $NAME-podman bypass-block /bin/sh -c "$(reads child)" || { fail "podman run: $(tail -n 3 $W/containers/$NAME-podman/output)"; return; }
    local id
    id=$(tail -n 1 $W/containers/$NAME-podman/output)
    still_open $NAME child
    still_open $NAME-podman child
    "$BIN/portcullis" replay --dry-run --json | tee $W/found
    expect "crun's own is found by its state" grep -q '"id":"'$NAME'".*"crun"' $W/found
    expect "podman's is found by crun's state and by its conmon" grep -q '"id":"'"$id"'".*"crun".*"conmon"' $W/found
    replay
    now_denied $NAME child
    now_denied $NAME-podman child
    crun delete -f $NAME
}

# CHECK replay-restart full: a daemon that comes back looks by itself, and finds what began while none was there
check_replay_restart() {
    need_daemon
    container $NAME-old plain bypass-block $APPLETS/sleep 1000
    stop_daemon KILL
    EDIT='del(.hooks)' container $NAME-new plain bypass-block /bin/sh -c "$(reads child)"
    still_open $NAME-new child
    start_daemon || fail "the daemon does not start again"
    eventually 10 replay_is done || fail "replay does not end: $(status .replay.state) $(status .replay.failure)"
    same "listed containers" "$NAME-new,$NAME-old" "$(listed | flat .id | sort | paste -sd,)"
    now_denied $NAME-new child
    note "replay took $(status .replay.milliseconds) ms from the daemon's start, found by runc's state: $(status .replay.bySource.runc)"
}
