# The daemon in a container, with what deploy/kubernetes gives its pod and no more.

# CHECK agent-container full last slow: with the capabilities of the unit and the host's pid namespace a container's daemon enforces and guards itself; it is taken over by the next one of its file and by no other; who is in another container is turned away
check_agent_container() {
    command -v podman >/dev/null && command -v conmon >/dev/null && command -v crun >/dev/null || skip "no podman, conmon or crun here"
    local pid said
    drop_pool
    stop_daemon
    rm -rf /sys/fs/bpf/portcullis
    # As on a node: the program that runs is the node's own file, so that it is the same file for each container.
    mkdir -p $W/node/sbin $W/node/bin
    mkdir -m 700 $W/applied
    cp "$BIN/portcullisd" $W/node/sbin/
    cp "$BIN/portcullis" $W/node/bin/
    podman_hooks
    policy_text $NAME $NAME '  file:
    matchPaths:
    - path: /etc/secret' >$W/policies/$NAME.yaml
    agent one $W/node/sbin/portcullisd || return
    follow alerts
    same "enforcing" true "$(status .enforcing)"
    same "self-protection: $(status .enforcement.selfProtection.reason)" true "$(status .enforcement.selfProtection.on)"
    same "warnings of the daemon" "" "$(podman_here logs $NAME-one 2>&1 | grep -E 'kallsyms|only observed|not guarded')"
    # The hook of its own container has left a message for it.
    same "its own container" "1 0" "$(status .counters.refusedHost) $(status .maps.containers)"
    note "maps: $(status .maps.bytes) bytes; the container's memory: $(agent_memory one)"
    attacker $NAME privileged $NAME || return
    denied 'cat /etc/secret'

    # The probes of the pod: another process in the daemon's own container.
    said=$(podman_here exec $NAME-one $W/node/bin/portcullis status --socket $W/run/control.sock 2>&1) || fail "status from within: $said"
    # A container of its own is a container, whoever it shares the pid namespace with.
    agent_container other --rm $W/node/bin/portcullis status --socket $W/run/control.sock >$W/agent-other 2>&1 && fail "another container is served: $(head -n 3 $W/agent-other)"
    expect "another container is turned away: $(tail -n 1 $W/agent-other)" grep -q "refused a peer on the control socket: a container's process" <(podman_here logs $NAME-one 2>&1)

    # The guard keeps a runtime from killing it, too; and its own program lets it. After that, and after a crash, the same file comes back by itself.
    pid=$(agent_pid one)
    podman_here kill -s KILL $NAME-one >/dev/null 2>&1
    expect "the runtime cannot kill it" kill -0 "$pid"
    podman_here exec $NAME-one $W/node/sbin/portcullisd --unlock --bpf-directory /sys/fs/bpf/portcullis/v1 || fail "its own program does not unlock"
    kill -KILL "$pid" || fail "unlocked, it cannot be killed"
    eventually 10 process_gone "$pid" || fail "it lives on"
    secret_is_kept "dead"
    podman_here rm -f $NAME-one >/dev/null 2>&1
    agent two $W/node/sbin/portcullisd || return
    same "locked again: $(status .enforcement.selfProtection.reason)" true "$(status .enforcement.selfProtection.on)"
    same "what it took over" 1 "$(status .counters.adopted)"
    secret_is_kept "taken over"

    # While it is locked, the same program in an image is another file.
    pc down
    podman_here wait $NAME-two >/dev/null
    secret_is_kept "stopped"
    ROOT=$W/root BEFORE_START='mkdir -p sbin && cp "$BIN/portcullisd" usr/bin/portcullisd' agent_container image -d /usr/bin/portcullisd "${AGENT_OPTIONS[@]}" >$W/image 2>&1
    podman_here wait $NAME-image >/dev/null
    expect "a file of an image is turned away: $(podman_here logs $NAME-image 2>&1 | tail -n 1)" grep -q 'portcullis unlock' <(podman_here logs $NAME-image 2>&1)

    # An upgrade as prepare-node does it: the earlier program unlocks, with fewer capabilities, and the next one is another file.
    cp "$BIN/portcullisd" $W/node/sbin/next
    mv $W/node/sbin/next $W/node/sbin/portcullisd 2>/dev/null && fail "locked, the program can be replaced"
    AGENT_CAPABILITIES="--cap-add CHOWN --cap-add BPF --cap-add SYS_ADMIN" agent_container prepare --rm $W/node/sbin/portcullisd --unlock --bpf-directory /sys/fs/bpf/portcullis/v1 >$W/unlocked 2>&1 ||
        fail "the earlier program does not unlock: $(tail -n 1 $W/unlocked)"
    mv $W/node/sbin/next $W/node/sbin/portcullisd || fail "unlocked, the program cannot be replaced"
    agent three $W/node/sbin/portcullisd || return
    same "after an upgrade: $(status .enforcement.selfProtection.reason)" "true 1" "$(status .enforcement.selfProtection.on) $(status .counters.adopted)"
    secret_is_kept "upgraded"
    pc down
    podman_here wait $NAME-three >/dev/null

    # And away with it, as the uninstalling pod does it.
    agent_container remove --rm $W/node/sbin/portcullisd --remove --bpf-directory /sys/fs/bpf/portcullis/v1 >$W/removed 2>&1 || fail "remove: $(tail -n 1 $W/removed)"
    [ ! -e /sys/fs/bpf/portcullis/v1 ] || fail "pins are left"
    inside $NAME 'cat /etc/secret'
    same "after the removal" 0 "$STATUS"
    rm -f $W/daemon.pid
    podman_here rm -f -a >/dev/null 2>&1
}

# The options of one daemon are those of any other here; what differs is what it may.
AGENT_OPTIONS=("${DAEMON_OPTIONS[@]}" --self-protection true --replay off --policy-dir $W/policies --applied-policy-dir $W/applied --file-posture block)
# agent NAME PROGRAM: a daemon in a container; it answers when this returns.
agent() {
    agent_container "$1" -d "$2" "${AGENT_OPTIONS[@]}" >$W/agent-"$1" 2>&1 || { fail "the container does not start: $(tail -n 1 $W/agent-"$1")"; return 1; }
    eventually 60 pc status || { fail "the daemon does not answer: $(podman_here logs $NAME-"$1" 2>&1 | tail -n 1)"; return 1; }
}
# agent_container NAME OPTION PROGRAM WORD...: what the DaemonSet says, in podman's words. Tests/kubernetes/check compares its capabilities with the unit's.
agent_container() {
    local limits=''
    # Before 5.11 maps count as locked memory of whoever makes them.
    case $KERNEL in 5.10) limits='--ulimit memlock=-1:-1' ;; esac
    root_for $NAME-"$1"
    podman_here run --name $NAME-"$1" "$2" --network host --pid host --read-only --cap-drop all ${AGENT_CAPABILITIES:-$(agent_capabilities)} \
        $limits --security-opt apparmor=unconfined --security-opt label=disable \
        -v /sys/fs/bpf:/sys/fs/bpf -v /sys/kernel/security:/sys/kernel/security:ro -v $W/run:$W/run -v $W/spool:$W/spool -v $W/applied:$W/applied \
        -v $W/policies:$W/policies:ro -v $W/node:$W/node:ro --rootfs $W/containers/$NAME-"$1"/rootfs "${@:3}" </dev/null
}
agent_capabilities() { sed -n 's/^CapabilityBoundingSet=//p' "$here/../../deploy/systemd/portcullisd.service" | tr ' ' '\n' | sed 's/^CAP_/--cap-add /'; }
agent_pid() { podman_here inspect -f '{{.State.Pid}}' $NAME-"$1"; }
agent_memory() { cat /sys/fs/cgroup"$(cut -d: -f3 /proc/"$(agent_pid "$1")"/cgroup)"/memory.peak 2>/dev/null || echo unknown; }
secret_is_kept() {
    inside $NAME 'cat /etc/secret'
    [ "$STATUS" != 0 ] || fail "$1: the secret is read"
}
