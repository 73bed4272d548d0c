# Daemons that die, and what goes on without them.

# CHECK pause-container core: for a while what would be denied is only reported, of one container alone; it ends by order, and by itself while no daemon runs
check_pause_container() {
    need_daemon
    local before
    attacker $NAME privileged bypass-block || return
    attacker $NAME-other privileged bypass-block || return
    denied 'cat /etc/secret'
    pc pause --for 1h --container $NAME >$W/pause || fail "pause is refused"
    same "containers that are paused" 2 "$(flat .containersPaused <$W/pause)"
    pc resume >/dev/null || fail "resume is refused"
    denied 'cat /etc/secret'
    pc pause --for 1h --container $NAME-other >$W/pause
    same "containers that are paused" 1 "$(flat .containersPaused <$W/pause)"
    denied 'cat /etc/secret'
    before=$(alerts_count $NAME-other)
    inside $NAME-other 'cat /etc/secret'
    same "reading while paused" 0 "$STATUS"
    inside $NAME-other 'mount -t tmpfs none /work/deep 2>/dev/null || mount -t tmpfs none /work'
    same "mounting while paused" 0 "$STATUS"
    eventually 5 more_alerts $NAME-other "$before" || fail "no alert while paused"
    expect "alerts while paused say what would have been" alerts_hold $NAME-other ".[$before:] | length>0 and all(.action==\"Audit (Block)\" and .result==\"Passed\")"
    pc resume >/dev/null
    # Nobody is there to end it.
    pc pause --for 3s --namespace default >/dev/null || fail "pause is refused"
    inside $NAME-other 'cat /etc/secret'
    same "reading while its namespace is paused" 0 "$STATUS"
    stop_daemon KILL
    eventually 10 refuses $NAME-other || fail "the pause does not end without a daemon"
    start_daemon || fail "the daemon does not start again"
    expect "no pause is left" test "$(pc status | jq -c .enforcement.pauses)" = '[]'
}

# CHECK crash-kill full slow: a daemon that is killed again and again under churn: what is blocked stays blocked at every moment, and nobody is left over
check_crash_kill() { kills_under_churn 4 3; }

# CHECK crash-kill-100 long slow: the same with 50 containers and 100 kills
check_crash_kill_100() { kills_under_churn 50 100; }

# kills_under_churn CONTAINERS KILLS
kills_under_churn() {
    need_daemon
    local number kill churn opened
    for number in $(seq "$1"); do
        # Some fifty samples a second in all: more would leave the daemon nothing of an emulated processor.
        container $NAME-$number plain bypass-block $APPLETS/swarm sample /etc/secret $(($1 * 20)) /work/log || return
    done
    for number in $(seq "$1"); do eventually 20 log_ends_in $NAME-$number log denied || fail "$NAME-$number does not sample"; done
    # Containers come and go meanwhile, whether a daemon is there or not.
    (set +e; n=0; while [ ! -e $W/enough ] && kill -0 $$; do n=$((n + 1)); run_container $NAME-churn-$n plain bypass-block /usr/bin/good; drop $NAME-churn-$n; done; echo $n >$W/churned) &
    churn=$!
    for kill in $(seq "$2"); do
        stop_daemon KILL
        start_daemon || { fail "the daemon does not start after kill $kill"; break; }
    done
    touch $W/enough
    wait $churn
    rm -f $W/enough
    eventually 30 replay_is done || fail "replay does not end: $(status .replay.failure)"
    opened=$(cat $(for number in $(seq "$1"); do log_of $NAME-$number log; done) | grep -c open)
    same "times that the secret was read" 0 "$opened"
    same "containers" "$1" "$(listed | grep -c '"state":"running"')"
    eventually 10 no_more_than "$1" || fail "left over: $(what_is_left)"
    for number in $(seq "$1"); do refused_still $NAME-$number || fail "$NAME-$number is no longer denied"; done
    note "$2 kills, $1 containers, $(cat $W/churned) came and went, $(cat $(for number in $(seq "$1"); do log_of $NAME-$number log; done) | wc -l) samples"
}
no_more_than() { [ "$(listed | wc -l)" = "$1" ] && [ "$(status .maps.identities)" = "$(status .maps.containers)" ]; }
refused_still() { local lines; lines=$(wc -l <"$(log_of "$1" log)"); eventually 10 longer_than "$(log_of "$1" log)" "$lines" && log_ends_in "$1" log denied; }

# CHECK down-remove full last: portcullis down leaves what is in the kernel; with --remove nothing is left, and nothing is denied
check_down_remove() {
    need_daemon
    attacker $NAME privileged bypass-block || return
    denied 'cat /etc/secret'
    pc down >/dev/null || fail "down fails"
    eventually 5 not daemon_runs || fail "the daemon still runs"
    inside $NAME 'cat /etc/secret'
    [ "$STATUS" != 0 ] || fail "without a daemon the secret is read"
    "$BIN/portcullis" down --socket $W/run/control.sock --remove --daemon "$BIN/portcullisd" --bpf-directory /sys/fs/bpf/portcullis/v1 | tee $W/removed || fail "down --remove fails"
    inside $NAME 'cat /etc/secret'
    same "reading after everything is removed" 0 "$STATUS"
    [ ! -e /sys/fs/bpf/portcullis/v1 ] || fail "pins are left: $(ls /sys/fs/bpf/portcullis/v1 | tr '\n' ' ')"
    drop_pool
    need_daemon
    eventually 30 replay_is done || fail "replay does not end: $(status .replay.failure)"
    # What ran before is found again, and judged.
    expect "it is found again" eventually 5 listed_is $NAME
    denied 'cat /etc/secret'
}
not() { ! "$@"; }
listed_is() { [ "$(listed | flat .id)" = "$1" ]; }

# CHECK clock-jump full: the clock is set a year ahead and two back: nothing is lost, pauses end in time, a spooled message is carried out
check_clock_jump() {
    need_daemon
    local jump
    # The guest measures by the same clock. What passed is told by one that is not set.
    CLOCK_BEFORE=$((EPOCHSECONDS - $(uptime_seconds)))
    trap 'date -s @$((CLOCK_BEFORE + $(uptime_seconds)))' EXIT
    attacker $NAME privileged bypass-block || return
    for jump in 31536000 -31536000; do
        date -s @$((CLOCK_BEFORE + jump)) >/dev/null || fail "the clock cannot be set"
        denied 'cat /etc/secret'
        # Its end is in the kernel's time, which does not jump.
        pc pause --for 2s --container $NAME >/dev/null || fail "pause is refused"
        inside $NAME 'cat /etc/secret'
        same "reading while paused" 0 "$STATUS"
        eventually 10 refuses $NAME || fail "the pause does not end"
        attacker $NAME-$((jump < 0)) plain bypass-block || return
        refuses $NAME-$((jump < 0)) || fail "a container that starts after the jump reads the secret"
        stop_daemon KILL
        # Its hooks find nobody, and the clock jumps before the next daemon is there.
        container $NAME-spooled$((jump < 0)) plain bypass-block $APPLETS/sleep 1000
        date -s @$((CLOCK_BEFORE + 2 * jump)) >/dev/null
        start_daemon || { fail "the daemon does not start"; return; }
        eventually 10 replay_is done || fail "replay does not end: $(status .replay.state)"
        expect "the spooled message is carried out: $(listed | flat .id | paste -sd,)" eventually 5 listed_among $NAME-spooled$((jump < 0))
        refuses $NAME || fail "the secret is read after the jump"
    done
    same "containers" 5 "$(listed | wc -l)"
}
uptime_seconds() { cut -d. -f1 /proc/uptime; }
listed_among() { listed | flat .id | grep -qx "$1"; }

# CHECK memory-limit full: a daemon that is killed for its memory leaves everybody judged; the next one takes in what was too much for it
check_memory_limit() {
    need_daemon
    local group=/sys/fs/cgroup/$NAME pid number
    attacker $NAME privileged bypass-block || return
    denied 'cat /etc/secret'
    pid=$(daemon_pid)
    echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null
    mkdir -p $group && [ -e $group/memory.max ] || { skip "no memory controller in this guest"; return; }
    echo "$pid" >$group/cgroup.procs
    # What it has stays charged where it was made: the limit is for what it takes from here on.
    echo 6M >$group/memory.max
    for number in $(seq 8); do
        { policy_text $NAME-$number bypass-block '  action: Block
  file:
    matchPaths:'; seq 4000 | sed "s|.*|    - path: /long/enough/to/need/memory/$number/&|"; } >$W/new.yaml
        mv $W/new.yaml $W/policies/$NAME-$number.yaml
        kill -0 "$pid" 2>/dev/null || break
    done
    eventually 60 process_gone "$pid" || { fail "the daemon lives with $(cat $group/memory.current) bytes: $(paste -sd ' ' $group/memory.events)"; stop_daemon KILL; }
    expect "it was killed for its memory: $(paste -sd ' ' $group/memory.events)" grep -q 'oom_kill [1-9]' $group/memory.events
    rm -f $W/daemon.pid
    inside $NAME 'cat /etc/secret'
    [ "$STATUS" != 0 ] || fail "the secret is read when the daemon is dead"
    eventually 10 rmdir $group
    start_daemon || { fail "the daemon does not start: $(tail -n 3 "$OUT/daemon.log" | tr '\n' ' ')"; return; }
    same "containers" $NAME "$(listed | flat .id | paste -sd,)"
    expect "the policies are there: $(status .enforcement.policies)" test "$(status .enforcement.policies)" = "$(find $W/policies -name "*.yaml" | wc -l)"
    denied 'cat /etc/secret'
}
