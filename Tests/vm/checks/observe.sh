# Where nothing can be enforced: the daemon says so, and reports what it sees.

# CHECK observe-status observe: status, log and probe say that nothing is enforced, why, and which kernel command line would do
check_observe_status() {
    need_daemon
    same active false "$(status .enforcement.active)"
    note "$(status .enforcement.reason)"
    expect "the reason names the list of security modules" eval 'status .enforcement.reason | grep -q landlock'
    expect "the log warns" grep -q 'WARNING nothing is enforced here' "$OUT/daemon.log"
    "$BIN/portcullis" probe --daemon "$BIN/portcullisd" --socket $W/run/control.sock >$W/probe
    same "probe's status" 1 $?
    cat $W/probe
    expect "probe says what to put on the command line: $(grep -i '^lsm' $W/probe | tail -n 1)" grep -q 'lsm=.*landlock.*,bpf' $W/probe
}

# CHECK observe-require observe: with --require-enforcement the daemon ends instead, and says why
check_observe_require() {
    local more=()
    stop_daemon
    timeout 20 "$BIN/portcullisd" "${DAEMON_OPTIONS[@]}" --require-enforcement true >$W/said 2>&1
    same "its status" 1 $?
    note "$(tail -n 1 $W/said | cut -c 1-200)"
    expect "it says why" grep -qi 'enforce' $W/said
}

# CHECK observe-no-securityfs observe: where the list of security modules cannot be read and nothing enforced before, the daemon says what to mount
check_observe_no_securityfs() {
    need_daemon
    stop_daemon
    without_securityfs
    start_daemon || { fail "the daemon does not start: $(tail -n 3 "$OUT/daemon.log" | tr '\n' ' ')"; return; }
    same active false "$(status .enforcement.active)"
    expect "the reason says what to mount: $(status .enforcement.reason)" eval 'status .enforcement.reason | grep -q "mount securityfs"'
    stop_daemon
}

# CHECK observe-audit observe: what a policy would have blocked runs and is reported as an audit, with the rule
check_observe_audit() {
    need_daemon
    policy $NAME $NAME '  action: Block
  severity: 4
  process:
    matchPaths:
    - path: /usr/bin/secret-tool'
    attacker $NAME plain $NAME || return
    inside $NAME '/usr/bin/secret-tool'
    same "status" 0 "$STATUS"
    wait_alert $NAME 'any(.path=="/usr/bin/secret-tool" and (.action | startswith("Audit")) and .result=="Passed" and .policy=="observe-audit" and .severity==4)'
    inside $NAME 'cat /etc/secret; /usr/bin/good'
    wait_alert $NAME 'length==1'
}

# CHECK observe-quiet observe: with visibility none execs are judged all the same, and of other calls only what is refused is reported
check_observe_quiet() {
    need_daemon --visibility none --failures on
    policy $NAME $NAME '  action: Block
  process:
    matchPaths:
    - path: /usr/bin/secret-tool'
    attacker $NAME plain $NAME || return
    inside $NAME 'acts ids 0; /usr/bin/none; /usr/bin/secret-tool; mount -t tmpfs none /tmp; true'
    wait_alert $NAME 'any(.path=="/usr/bin/secret-tool" and (.action | startswith("Audit")))'
    wait_events $NAME 'any(.operation=="mount" and .result=="Operation not permitted")'
    same "what else is reported" 0 "$(events_of $NAME | grep -vc 'not permitted\|ermission denied')"
}
