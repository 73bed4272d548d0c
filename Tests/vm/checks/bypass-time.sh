# The bypass suite, part 4: number, timing, and descriptors from elsewhere or from before.

# CHECK bypass-rename-race full two-cpus: directories renamed while the path is being followed
check_bypass_rename_race() {
    need_daemon
    local kind deep
    deep=$(printf 'd/%.0s' $(seq 60))
    # The flood of alerts is larger than what is kept of them.
    local QUIETLY=1
    # Names beside the path: the kernel's count of renames is one for all. 200 opens at least must have had one come to its end meanwhile.
    attack 'mkdir -p /allowed/a; swarm race /allowed/a /allowed/b /etc/secret 3000 200'
    # The directory above what a rule names; it is made from outside, after the container, so that the file is not known by identity either. Under
    # the Block rule the rename itself is refused.
    kept_by_name
    attack 'swarm race /work/kept /work/moved /work/moved/secret 2000; cat /work/kept/secret'
    attack 'mkdir -p /allowed/d; swarm race /etc/secret /allowed/d/secret /allowed/d/secret 2000; cat /etc/secret'
    # An inner directory is renamed, then the outer one, and back in reverse. The rules name the one path that never is: the new outer with the old inner
    # name. Only a walk that goes on over both renames finds it; 60 directories between the two give it time to.
    policy $NAME-mixed-audit $NAME-mixed-audit "  action: Audit
  file:
    matchPaths:
    - path: /work/two/${deep}x/f
    - path: /etc/public"
    policy $NAME-mixed-allow $NAME-mixed-allow "  action: Allow
  file:
    matchPaths:
    - path: /work/two/${deep}x/f
    matchDirectories:
    - {dir: /work/}
    - {dir: /work/one/$deep}
    - {dir: /work/two/$deep}
    - {dir: /usr/, recursive: true}
    - {dir: /dev/, recursive: true}
    - {dir: /proc/, recursive: true}"
    for kind in audit allow; do
        BEFORE_START="mkdir -p work/one/${deep}x; echo f >work/one/${deep}x/f" attacker $NAME-mixed-$kind plain $NAME-mixed-$kind || continue
        inside $NAME-mixed-$kind "swarm race-inner /work/one /work/two $deep x y f 5000 1000"
        note "$kind: $(echo "$OUTPUT" | tr '\n' ' ')"
        same "status of the race under the $kind rules ($(said))" 0 "$STATUS"
        [ $kind = audit ] || continue
        # Alerts come in order: what had the path that never is would be there before this one. Denials flood the ring only after it.
        inside $NAME-mixed-audit 'swarm opens 1 /etc/public'
        wait_alert $NAME-mixed-audit 'any(.path=="/etc/public")'
        same "alerts of a path that never is, and the marker's ($(alerts_since $NAME-mixed-audit 0))" 1 "$(alerts_count $NAME-mixed-audit)"
    done
    expect "nothing but paths that never were is allowed: $(said)" grep -q '^opened 0 denied [1-9]' <<<"$OUTPUT"
}

# kept_by_name: a secret in the pool's containers that a Block rule knows by its path alone.
kept_by_name() {
    local kind
    for kind in $KINDS; do
        pooled $kind || return
        mkdir $W/containers/pool-"$kind"/rootfs/work/kept
        echo SECRET-KEPT >$W/containers/pool-"$kind"/rootfs/work/kept/secret
    done
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

# CHECK bypass-old-descriptor-read full: one of a blocked file keeps reading, and a writable mapping writing, which are documented limits; neither can be had anew
check_bypass_old_descriptor_read() {
    need_daemon
    local text before how
    attacker $NAME privileged $NAME || return
    for text in "$NO_SECRET" "$ALLOW_SOME"; do
        before=$(alerts_count $NAME)
        before_policy read /etc/secret "$text"
        case $STATUS-$OUTPUT in 0-*SECRET-CONTENT*) ;; *) fail "what docs/security.md calls a limit is stopped: reading on under $(echo "$text" | head -n 1): $(said); $(alerts_since $NAME "$before")" ;; esac
        before=$(alerts_count $NAME)
        before_policy reopen /etc/secret "$text"
        refused "" $NAME "$before" "reopening under $(echo "$text" | head -n 1)"
    done
    for text in "$READ_ONLY" "$ALLOW_SOME"; do
        before_policy mapped /etc/settings "$text"
        case $STATUS-$OUTPUT in 0-*SECRET-ALTERED*) ;; *) fail "what docs/security.md calls a limit is stopped: a writable mapping under $(echo "$text" | head -n 1): $(said)" ;; esac
        same "the first byte, written through the mapping" X "$(head -c 1 $W/containers/$NAME/rootfs/etc/settings)"
        inside $NAME 'head -c 5000 /dev/zero >/etc/settings'
    done
}

# CHECK bypass-passed-descriptor full: a descriptor that another container passes over a UNIX socket
check_bypass_passed_descriptor() {
    need_daemon
    local kind file share=$W/containers/$NAME-share
    mkdir -p "$share"
    local EDIT='.mounts+=[{destination:"/tmp",type:"bind",source:"'$share'",options:["bind","rw"]}]'
    attacker $NAME-sender privileged none || return
    for kind in $KINDS; do
        attacker $NAME-$kind privileged bypass-$kind || continue
        # The sender's /etc/secret and /etc/passwd are other files than those that the receiver's rules name or allow, and in no tree of the receiver's.
        for file in /etc/secret /etc/passwd; do
            inside $NAME-sender "rm -f /tmp/out; pass send /tmp/socket $file >/tmp/out 2>&1 & until grep -q listening /tmp/out; do :; done"
            received $kind $file "$([ $kind = control ] || echo "the file is outside the container's mount tree")"
        done
    done
}

# CHECK bypass-passed-own full: the container's own secret, opened by an outsider and passed in
check_bypass_passed_own() {
    need_daemon
    local kind file share=$W/containers/$NAME-share
    mkdir -p "$share"
    local EDIT='.mounts+=[{destination:"/tmp",type:"bind",source:"'$share'",options:["bind","rw"]}]'
    for kind in $KINDS; do
        attacker $NAME-$kind privileged bypass-$kind || continue
        # A root process of the host opens the file by the container's own mount. /etc/public is named by no rule, /etc/passwd by an Allow rule.
        for file in /etc/secret /etc/public /etc/passwd; do
            rm -f "$share"/socket "$share"/out
            "$PROGRAMS/pass" send "$share"/socket /proc/"$(container_pid $NAME-$kind)"/root$file >"$share"/out 2>&1 &
            eventually 5 grep -q listening "$share"/out || fail "the sender does not listen: $(cat "$share"/out)"
            case $kind-$file in
            block-/etc/secret | allow-/etc/secret | allow-/etc/public) received $kind $file rule ;;
            *) received $kind $file ;;
            esac
        done
    done
}
# received KIND FILE [REASON]: take what is passed: it comes and can be read, or with a REASON it is refused and the alert has that reason.
received() {
    local id=$NAME-$1 before
    before=$(alerts_count "$id")
    inside "$id" 'pass receive /tmp/socket'
    if [ -z "${3:-}" ]; then
        [ "$STATUS-${OUTPUT:+said}" = 0-said ] || fail "$1: $2 does not come, or is empty: $(said); $(alerts_of "$id" | told)"
        return
    fi
    [ "$STATUS" != 0 ] || fail "$1: $2 is received: $(said)"
    refused "$1" "$id" "$before" "receive $2"
    same "$1: the alert of $2" "receive $2 ${3#rule}" "$(alerts_of "$id" | tail -n 1 | flat | tr '\t' '\n' | grep -E '^.(operation|path|reason)=' | cut -d= -f2 | paste -sd ' ')"
}
