# The daemon's own: kept from everybody else, root too.

# CHECK guard-switch core: a container, however privileged, cannot switch off what all LSM programs are called by
check_guard_switch() {
    need_daemon
    [ -e /proc/sys/kernel/ftrace_enabled ] || skip "this kernel has no such switch"
    attacker $NAME privileged none || return
    # The runtime mounts it read-only; whoever may mount may have another.
    inside $NAME 'mount -t proc proc /work && echo 0 >/work/sys/kernel/ftrace_enabled'
    [ "$STATUS" != 0 ] || fail "the container writes the switch"
    case $OUTPUT in *[Nn]'ot permitted'*) ;; *) fail "it fails for another reason: $OUTPUT" ;; esac
    same "the switch" 1 "$(cat /proc/sys/kernel/ftrace_enabled)"
}

# CHECK guard-all core last: pins, maps, mounts, the daemon and its program are kept from another root process, with the daemon alive and dead; other people's BPF is not touched; unlocking lifts it
check_guard_all() {
    # A program of its own, that can be replaced: the guest's files are the host's.
    local own=$W/own
    mkdir -p $own
    cp "$BIN/portcullisd" "$BIN/portcullis" $own/
    # As systemd has it: what is unmounted in a copy of these mounts is unmounted here, too.
    mount --make-rshared /
    drop_pool
    BIN=$own need_daemon --self-protection true
    [ "$(status .enforcement.selfProtection.on)" = true ] || { fail "it is not on: $(status .enforcement.selfProtection.reason)"; return; }
    attacker $NAME privileged bypass-block || return
    denied 'cat /etc/secret'
    attempts "alive" "$(daemon_pid)"
    same "the daemon still runs" "" "$(daemon_runs || echo it is gone)"
    expect "attempts are counted: $(status .counters.guardRefused)" test "$(status .counters.guardRefused)" -gt 20
    # A new set, after the lock: its maps are guarded, too.
    policy $NAME $NAME '  action: Block
  process:
    matchPaths:
    - path: /usr/bin/good'
    attempts "alive, with a new policy" "$(daemon_pid)"
    no_policy $NAME
    "$own/portcullis" down --socket $W/run/control.sock || fail "down is refused"
    rm -f $W/daemon.pid
    attempts "dead" 0
    inside $NAME 'cat /etc/secret'
    [ "$STATUS" != 0 ] || fail "without a daemon the secret is read"
    # The same build comes back by itself; another one does not, before it is unlocked.
    cp $own/portcullisd $own/other
    BIN=$own start_daemon --self-protection true || { fail "the same program does not start again"; return; }
    "$own/portcullis" down --socket $W/run/control.sock && rm -f $W/daemon.pid
    "$own/other" "${DAEMON_OPTIONS[@]}" --self-protection true >$W/other.log 2>&1 && fail "another program starts"
    expect "it says what to do: $(tail -n 1 $W/other.log)" grep -q 'portcullis unlock' $W/other.log
    "$own/portcullis" unlock --socket $W/run/control.sock --daemon $own/portcullisd --bpf-directory /sys/fs/bpf/portcullis/v1 || fail "unlock fails"
    mv $own/other $own/portcullisd || fail "unlocked, the program cannot be replaced"
    BIN=$own start_daemon --self-protection true || { fail "the new program does not start"; return; }
    [ "$(status .enforcement.selfProtection.on)" = true ] || fail "the new program does not lock: $(status .enforcement.selfProtection.reason)"
    attempts "alive, after an upgrade" "$(daemon_pid)"
    denied 'cat /etc/secret'
    "$own/portcullis" unlock --for 60s --socket $W/run/control.sock || fail "unlock --for fails"
    kill -KILL "$(daemon_pid)" || fail "unlocked, the daemon cannot be killed"
    rm -f $W/daemon.pid
    "$own/portcullis" down --remove --socket $W/run/control.sock --daemon $own/portcullisd --bpf-directory /sys/fs/bpf/portcullis/v1 || fail "down --remove fails"
    [ ! -e /sys/fs/bpf/portcullis/v1 ] || fail "pins are left"
    mount --make-rprivate /
}
# attempts WHEN PID
attempts() {
    "$PROGRAMS/seize" /sys/fs/bpf/portcullis "$2" $own/portcullisd >$W/attempts
    [ $? = 0 ] || fail "$1: $(grep -v attempts $W/attempts | paste -sd ';' | cut -c 1-300)"
    note "$1: $(tail -n 1 $W/attempts)"
}
