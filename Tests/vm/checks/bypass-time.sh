# The bypass suite, part 4: number, timing, and descriptors from elsewhere or from before.

# CHECK bypass-rename-race full two-cpus: directories renamed while the path is being followed
check_bypass_rename_race() {
    need_daemon
    # The flood of alerts is larger than what is kept of them.
    local QUIETLY=1
    attack 'mkdir -p /allowed/a /work/race; swarm race /allowed/a /allowed/b /etc/secret 3000'
    attack 'mkdir -p /tmp/c; swarm race /etc /tmp/../work/x /etc/secret 2000; swarm race /etc /work/y /etc/secret 2000'
    attack 'cp -r /etc /allowed/d; swarm race /etc/secret /allowed/d/secret /allowed/d/secret 2000 && cat /allowed/d/secret || cat /etc/secret'
}

# CHECK bypass-swap-race full two-cpus: an allowed program exchanged for an evil one while it is executed
check_bypass_swap_race() {
    need_daemon
    AGAINST=allow attack 'cp /work/evil /work/one; swarm swap-exec /usr/bin/good /work/one 300'
}

# CHECK bypass-fork-bomb full: 600 children in namespaces of their own, each trying
check_bypass_fork_bomb() {
    need_daemon
    attack 'swarm bomb 300 /etc/secret'
    same "labels that could not be kept" 0 "$(status .counters.labelsFailed)"
}

# CHECK bypass-io-uring full: a worker of io_uring, also one that polls, after the task has left its mount namespace
check_bypass_io_uring() {
    need_daemon
    [ "$KERNEL" != 5.10 ] || skip "without lsm/task_alloc the workers are not labelled (documented)"
    attack 'uring /etc/secret'
    attack 'uring sqpoll /etc/secret'
}

# CHECK bypass-truncate full: O_TRUNC and truncate of a blocked and of a readOnly file
check_bypass_truncate() {
    need_daemon
    local file
    for file in /etc/settings /etc/secret; do
        attack "alter open-truncating $file"
        attack "alter truncate $file"
        attack "alter overwrite $file"
        attack "alter append $file"
    done
}

# before_policy HOW PATH: open PATH in a container, let the policy arrive, and use the old descriptor; OUTPUT and STATUS are what came of it.
before_policy() {
    inside $NAME "rm -f /tmp/gate /tmp/out; mkfifo /tmp/gate; (alter held $1 $2 /tmp/gate; echo \"@ \$?\") >/tmp/out 2>&1 & until grep -qs held /tmp/out; do :; done"
    [ "${3:-}" ] && policy $NAME $NAME "$3"
    inside $NAME 'echo >/tmp/gate; until grep -q ^@ /tmp/out; do :; done; cat /tmp/out; exit $(sed -n "s/^@ //p" /tmp/out)'
    [ -z "${3:-}" ] || no_policy $NAME
}
READ_ONLY='  action: Block
  file:
    matchPaths:
    - path: /etc/settings
      readOnly: true'
NO_SECRET='  action: Block
  file:
    matchPaths:
    - path: /etc/secret'
ALLOW_SOME='  action: Allow
  file:
    matchPaths:
    - path: /etc/settings
      readOnly: true
    matchDirectories:
    - dir: /tmp/
      recursive: true
    - dir: /usr/
      recursive: true
    - dir: /dev/
      recursive: true
    - dir: /proc/
      recursive: true'

# CHECK bypass-old-descriptor-write core: a descriptor from before the policy does not write to a readOnly file: write, ftruncate, fallocate, mmap, mprotect
check_bypass_old_descriptor_write() {
    need_daemon
    local how text before
    attacker $NAME privileged $NAME || return
    for how in write ftruncate fallocate mmap mprotect; do
        before_policy $how /etc/settings
        case $OUTPUT in *SECRET-ALTERED*) ;; *) fail "$how does not work even without a policy: $(said)" ;; esac
        inside $NAME 'head -c 5000 /dev/zero >/etc/settings'
        for text in "$READ_ONLY" "$ALLOW_SOME"; do
            before=$(alerts_count $NAME)
            before_policy $how /etc/settings "$text"
            refused "" $NAME "$before" "$how under $(echo "$text" | head -n 1)"
        done
    done
}

# CHECK bypass-old-descriptor-read full: one of a blocked file keeps reading, which is a documented limit, and cannot be opened anew
check_bypass_old_descriptor_read() {
    need_daemon
    local text before
    attacker $NAME privileged $NAME || return
    for text in "$NO_SECRET" "$ALLOW_SOME"; do
        before=$(alerts_count $NAME)
        before_policy reopen /etc/secret "$text"
        refused "" $NAME "$before" "reopening under $(echo "$text" | head -n 1)"
    done
}

# CHECK bypass-passed-descriptor full: a descriptor that another container passes over a UNIX socket
check_bypass_passed_descriptor() {
    need_daemon
    local kind share=$W/containers/$NAME-share
    mkdir -p "$share"
    local EDIT='.mounts+=[{destination:"/tmp",type:"bind",source:"'$share'",options:["bind","rw"]}]'
    attacker $NAME-sender privileged none || return
    for kind in control block allow; do
        attacker $NAME-$kind privileged bypass-$kind || continue
        # The sender opens its own /etc/secret: the same path in another container is another file. The receiver's own is reached through /proc.
        inside $NAME-sender "rm -f /tmp/out; pass send /tmp/socket /etc/secret >/tmp/out 2>&1 & until grep -q listening /tmp/out; do :; done"
        inside $NAME-$kind 'pass receive /tmp/socket'
        case $kind-$OUTPUT in
        control-*SECRET-*) ;;
        control-*) fail "passing does not work even without a policy: $(said)" ;;
        *) note "$kind, a foreign file: $(said)" ;;
        esac
    done
}

# CHECK bypass-passed-own full: the container's own secret, opened by an outsider and passed in
check_bypass_passed_own() {
    need_daemon
    local kind share=$W/containers/$NAME-share
    mkdir -p "$share"
    local EDIT='.mounts+=[{destination:"/tmp",type:"bind",source:"'$share'",options:["bind","rw"]}]'
    for kind in control block allow; do
        attacker $NAME-$kind privileged bypass-$kind || continue
        # A root process of the host opens the file by the container's own mount.
        rm -f "$share"/socket "$share"/out
        "$PROGRAMS/pass" send "$share"/socket /proc/"$(container_pid $NAME-$kind)"/root/etc/secret >"$share"/out 2>&1 &
        eventually 5 grep -q listening "$share"/out || fail "the sender does not listen: $(cat "$share"/out)"
        inside $NAME-$kind 'pass receive /tmp/socket'
        if [ $kind = control ]; then
            case $OUTPUT in *SECRET-*) ;; *) fail "passing does not work even without a policy: $(said)" ;; esac
        else
            refused $kind $NAME-$kind 0 "receive a descriptor"
        fi
    done
}
