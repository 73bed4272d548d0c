# Who a process belongs to. Each container's id is the check's name, so that its events are found by it.

# CHECK identity-start core: the daemon starts, its probe reads this kernel rightly, and it takes the variant that the kernel has
check_identity_start() {
    need_daemon
    local labels fork
    labels=$(status .kernel.labels) fork=$(status .kernel.fork)
    note "labels: $labels, fork: $fork"
    case $KERNEL in
    5.10) same "label store" hash "$labels" ;;
    *)
        same "label store" "task storage" "$labels"
        same "labels are inherited by" lsm/task_alloc "$fork"
        ;;
    esac
    expect "host's namespaces are read from process 1" test "$(status .kernel.hostNamespaces)" = "of process 1"
}

# CHECK identity-run core: a container's first exec comes first and alone, its children, arguments, pids and exit codes are its own
check_identity_run() {
    need_daemon
    identity_run
}
identity_run() {
    run_container $NAME plain none /bin/sh -c "$APPLETS/busybox ls / >/dev/null; $APPLETS/busybox id; $APPLETS/env $APPLETS/true; /bin/sh -c 'exit 7'; exit 3"
    same "runc run's exit status" 3 $?
    wait_events $NAME 'any(.type=="exit" and .process.pid==1)'
    events_of $NAME >$W/own.json
    cat $W/own.json
    expect "the entrypoint is first, alone" holds 'map(select(.type=="exec")) | (.[0].process | .first and .executable=="/bin/sh" and .pid==1)
        and (map(select(.process.first)) | length==1)' <$W/own.json
    same "execs, in order" sh,busybox,busybox,env,true,sh \
        "$(jq -sr 'map(select(.type=="exec" and .container.source=="label") | .process.executable | sub(".*/"; "")) | join(",")' <$W/own.json)"
    expect "arguments and pids of a child" holds 'map(select(.type=="exec" and .process.comm=="busybox"))[0].process
        | .arguments[1:]==["ls","/"] and .pid!=.hostPid and .parentPid==1 and .parentComm=="sh"' <$W/own.json
    expect "exit codes" holds 'map(select(.type=="exit")) | length==5 and (.[-1].process | .pid==1 and .exitCode==3)
        and (map(select(.process.exitCode==7)) | length==1) and all(.process.signal==0)' <$W/own.json
}

# CHECK identity-exec core: runc exec and nsenter are recognised, marked as entered, and leave no task behind
check_identity_exec() {
    need_daemon
    identity_exec
}
identity_exec() {
    container $NAME plain none $APPLETS/sleep 1000
    same "listed containers" $NAME "$(listed | flat .id)"
    runc exec $NAME /bin/sh -c "$APPLETS/busybox true; $APPLETS/busybox env true; exit 5"
    same "runc exec's exit status" 5 $?
    nsenter -t "$(container_pid $NAME)" -m -p -- $APPLETS/busybox false
    wait_events $NAME 'any(.type=="exit" and .process.comm=="busybox" and .process.exitCode==1)'
    events_of $NAME >$W/own.json
    cat $W/own.json
    expect "runc exec's program entered and is not first" holds 'map(select(.type=="exec" and .process.executable=="/bin/sh"))
        | length==1 and .[0].process.entered and (.[0].process.first | not)' <$W/own.json
    expect "its children are the container's" holds 'map(select(.type=="exec" and .process.entered and (.process.arguments[0] // "" | endswith("/busybox")))) | length==3' <$W/own.json
    expect "its exit code" holds 'any(.type=="exit" and .process.exitCode==5)' <$W/own.json
    expect "nsenter's program entered" holds 'any(.type=="exec" and .process.entered and .process.arguments[1]=="false")' <$W/own.json
    expect "nobody is stale" holds 'all(.container.source=="label" or .container.source=="key")' <$W/own.json
    expect "one task again: $(tasks $NAME)" eventually 5 tasks_are $NAME 1
}

# CHECK identity-restart core: a daemon that was killed and started again knows its containers, programs and tasks
check_identity_restart() {
    need_daemon
    local before
    container $NAME plain none $APPLETS/sleep 1000
    before=$(listed | flat | cut -f 1-12)
    stop_daemon KILL
    runc exec $NAME $APPLETS/true
    start_daemon || fail "the daemon does not start again"
    same "the container, its slot and generation" "$before" "$(listed | flat | cut -f 1-12)"
    same "programs were adopted" true "$(status .kernel.adopted)"
    runc exec $NAME /bin/sh -c "$APPLETS/busybox env; exit 6"
    wait_events $NAME 'any(.type=="exit" and .process.exitCode==6)'
    expect "no second first exec" events_hold $NAME 'map(select(.process.first)) | length==1'
    expect "one task again: $(tasks $NAME)" eventually 5 tasks_are $NAME 1
}

# CHECK identity-ended-away full: a container that ends while no daemon runs is gone for the next one
check_identity_ended_away() {
    need_daemon
    container $NAME plain none $APPLETS/sleep 1000
    container $NAME-stays plain none $APPLETS/sleep 1000
    stop_daemon KILL
    runc kill $NAME KILL
    eventually 5 stopped $NAME
    runc delete $NAME
    start_daemon || fail "the daemon does not start again"
    same "listed containers" $NAME-stays "$(listed | flat .id)"
}

# CHECK identity-fork-burst full: of 1,000 short-lived children each exit is reported or counted as missed
check_identity_fork_burst() {
    need_daemon
    local before seen missed
    before=$(not_reported)
    run_container $NAME plain none /bin/sh -c 'i=0; while [ $i -lt 1000 ]; do (:) & i=$((i+1)); [ $((i % 50)) = 0 ] && wait; done; wait; exit 0'
    same "exit status" 0 $?
    wait_events $NAME 'any(.type=="exit" and .process.pid==1)'
    seen=$(events_of $NAME | grep -c '"type":"exit"')
    missed=$(($(not_reported) - before))
    note "$seen exits reported, $missed events missed"
    expect "$seen exits and $missed missed events do not make 1,001" test $((seen + missed)) -ge 1001
    expect "more than 1,001 exits: $seen" test "$seen" -le 1001
}

not_reported() { echo $(($(status .counters.eventsMissed) + $(status .counters.eventsLost))); }

# CHECK identity-orphans full: 40 children that die with their init leave nothing
check_identity_orphans() {
    need_daemon
    run_container $NAME plain none /bin/sh -c 'i=0; while [ $i -lt 40 ]; do sleep 100 & i=$((i+1)); done; exit 4'
    same "exit status" 4 $?
}

# CHECK identity-host-pid full: in the host's pid namespace a child outlives its init, keeps the container alive, and frees it
check_identity_host_pid() {
    need_daemon
    identity_host_pid
}
identity_host_pid() {
    EDIT='.linux.namespaces|=map(select(.type!="pid"))' container $NAME plain none /bin/sh -c "$APPLETS/sleep 1000 & exit 0"
    expect "init gone, its child keeps the container: $(pc containers)" eventually 5 ended_with_one_task
    pkill -KILL -x -f "$APPLETS/sleep 1000"
    expect "freed by the last task" eventually 5 nothing_left
}
ended_with_one_task() { [ "$(listed | flat | tr '\t' '\n' | grep -E '^.(id|state|tasks)=' | cut -d= -f2 | paste -sd ' ')" = "$NAME ended 1" ]; }

# CHECK identity-pids-limit full: a container whose forks fail at its pids limit is counted rightly
check_identity_pids_limit() {
    need_daemon
    local cgroup failed=0 init
    # With room for six, the fifth child of the inner shell fails, the shell gives up, and its children leave before the next round.
    container $NAME plain none /bin/sh -c "until [ -e /tmp/go ]; do $APPLETS/sleep 0.05; done; n=0; while [ \$n -lt 3 ]; do n=\$((n+1))
        /bin/sh -c '$(for _ in 1 2 3 4 5 6 7; do printf '%s/sleep 0.5 & ' $APPLETS; done) wait'; $APPLETS/sleep 0.9; done; exec $APPLETS/sleep 1000"
    init=$(container_pid $NAME)
    cgroup=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/"$init"/cgroup)
    echo 6 >"$cgroup/pids.max"
    touch /proc/"$init"/root/tmp/go
    expect "the loop does not end" eventually 20 grep -q "^$APPLETS/sleep" /proc/"$init"/cmdline
    failed=$(sed -n 's/max //p' "$cgroup/pids.events")
    note "$failed forks failed"
    expect "no fork failed" test "$failed" -ge 3
    expect "one task: $(tasks $NAME)" eventually 5 tasks_are $NAME 1
}

# CHECK identity-hash-store full last: the same with labels in a hash, as on kernels without task storage
check_identity_hash_store() {
    need_daemon --label-store hash
    same "label store" hash "$(status .kernel.labels)"
    identity_run
    NAME=$NAME-exec identity_exec
    runc delete -f $NAME-exec
    eventually 5 nothing_left
    NAME=$NAME-pid identity_host_pid
}

# CHECK identity-clean core: over all checks before, no label was stale and the daemon logged no error; it ends with status 0
check_identity_clean() {
    need_daemon
    same "stale labels" 0 "$(status .counters.labelsStale)"
    # But for the one that enforce-host-whitelist asks for.
    same "errors in the log" "" "$(grep -iE ' (error|critical)[ :]' "$OUT/daemon.log" | grep -v '/lock.yaml:.* would lock people out' | head -n 2)"
    stop_daemon
}
