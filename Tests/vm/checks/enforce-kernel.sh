# What the enforcement is as a whole: each hook, one alert for one act, atomic switches, the daemon's absence, bounds.

# CHECK enforce-operations core: each change of a blocked directory is denied and reported as what it was
check_enforce_operations() {
    need_daemon
    policy $NAME $NAME '  action: Block
  file:
    matchDirectories:
    - dir: /work/no/
      recursive: true'
    BEFORE_START='mkdir -p work/no/dir; echo f >work/no/f; echo x >work/x' attacker $NAME privileged $NAME || return
    local operation script before
    while read -r operation script; do
        # 5.10 lets no program on this hook (docs/kernels.md).
        [ "$KERNEL $operation" != '5.10 chown' ] || continue
        before=$(alerts_count $NAME)
        inside $NAME "$script"
        case $STATUS-$OUTPUT in 0-*) fail "$operation is not denied: $(said)" ;; *-*ermission\ denied*) ;; *) fail "$operation fails for another reason: $(said)" ;; esac
        eventually 3 more_alerts $NAME "$before" || { fail "$operation is not reported"; continue; }
        same "$script is reported as" "$operation" "$(alerts_of $NAME | tail -n +$((before + 1)) | head -n 1 | flat .operation)"
        same "alerts of one $operation, $script ($(alerts_since $NAME "$before"))" $((before + 1)) "$(alerts_count $NAME)"
    done <<'END'
open cat /work/no/f
open echo x >>/work/no/f
mknod echo x >/work/no/new
unlink unlink /work/no/f
rmdir rmdir /work/no/dir
mkdir mkdir /work/no/other
mknod mknod /work/no/fifo p
symlink ln -s /x /work/no/link
link ln /work/x /work/no/link
link ln /work/no/f /work/link
rename mv /work/x /work/no/y
rename mv /work/no/f /work/f
chmod chmod 600 /work/no/f
chown chown 1 /work/no/f
truncate alter truncate /work/no/f
mount remount bind /work /tmp
unmount umount /tmp
END
}

# CHECK enforce-one-alert core: one open on overlayfs is one verdict and one alert, also where it creates or copies up
check_enforce_one_alert() {
    need_daemon
    policy $NAME $NAME '  action: Audit
  file:
    matchPaths:
    - path: /etc/secret
    - path: /etc/settings
    - path: /work/new'
    local before script
    attacker $NAME plain $NAME || return
    for script in 'reach read /etc/secret' 'alter append /etc/settings' 'echo x >/work/new' 'alter append /etc/settings' 'reach read /etc/settings'; do
        before=$(alerts_count $NAME)
        inside $NAME "$script"
        # A second one would come before the marker's.
        inside $NAME 'reach read /etc/secret'
        eventually 3 more_alerts $NAME $((before + 1)) || fail "no alert of $script"
        same "alerts of $script and the marker ($(alerts_since $NAME "$before"))" $((before + 2)) "$(alerts_count $NAME)"
    done
}

# CHECK enforce-no-policy full: a container without a policy is never touched: mounts, deep paths, unlinked files, its own root
check_enforce_no_policy() {
    need_daemon
    attacker $NAME privileged none || return
    inside $NAME 'set -e; mkdir /work/m; mount -t tmpfs none /work/m; cd /work/m; i=0; while [ $i -lt 150 ]; do mkdir dddddddddddddddddddddd; cd dddddddddddddddddddddd; i=$((i+1)); done
        echo x >f; cat f; exec 5<f; rm f; cat <&5; cd /; umount -l /work/m; chroot / true; unshare -m true; cat /etc/secret; /usr/bin/secret-tool; mv /etc/secret /etc/moved'
    [ "$STATUS" = 0 ] || fail "it is touched: $(said)"
    same "alerts ($(alerts_since $NAME 0))" 0 "$(alerts_count $NAME)"
}

# CHECK enforce-runtimes core: runc run, runc exec, crun and one-shot containers start in a whitelist of only their own program and libraries
check_enforce_runtimes() {
    need_daemon
    local before said
    before=$(wc -l <$W/alerts.json)
    policy $NAME $NAME '  action: Allow
  process:
    matchPaths:
    - path: /usr/bin/linked
    - path: /usr/bin/good
  file:
    matchPaths:
    - path: /usr/bin/linked
    - path: /usr/bin/good
    - path: /usr/lib/liblinked.so'
    run_container $NAME plain $NAME /usr/bin/linked || fail "runc run of a dynamic program: $(tail -n 1 $W/containers/$NAME/output)"
    runc delete -f $NAME
    run_container $NAME-good plain $NAME /usr/bin/good || fail "runc run of a static program: $(tail -n 1 $W/containers/$NAME-good/output)"
    policy $NAME-long $NAME-long '  action: Allow
  process:
    matchPaths:
    - path: /usr/local/bin/sleep
    - path: /usr/bin/good
  file:
    matchPaths:
    - path: /usr/local/bin/sleep'
    container $NAME-long plain $NAME-long $APPLETS/sleep 1000
    said=$(runc exec $NAME-long /usr/bin/good 2>&1) || fail "runc exec: $said; $(alerts_since $NAME-long 0)"
    if command -v crun >/dev/null; then
        bundle $NAME-crun plain $NAME "$(arguments /usr/bin/linked)"
        crun run --bundle $W/containers/$NAME-crun $NAME-crun </dev/null >$W/containers/$NAME-crun/output 2>&1 || fail "crun run: $(tail -n 1 $W/containers/$NAME-crun/output)"
    else note "no crun here"; fi
    # Alerts come in order: once this one is there, there was none before it.
    runc exec $NAME-long /usr/bin/linked && fail "runc exec runs an unlisted program"
    eventually 5 more_alerts $NAME-long 0 || fail "runc exec of an unlisted program is not reported"
    expect "one alert and no more: $(tail -n +$((before + 1)) $W/alerts.json | told)" test $(($(wc -l <$W/alerts.json) - before)) = 1
}

# CHECK enforce-switch full two-cpus: a policy that changes under a loop of 10,000 opens shows only the old or the new verdict
check_enforce_switch() {
    need_daemon
    local round pid lines
    attacker $NAME plain $NAME || return
    # The file is allowed by one version and by the other, under different rules; nothing between may deny it.
    switch_to "/etc/public" "/usr/"
    for round in 1 2; do
        inside $NAME 'swarm opens 10000 /etc/public >/tmp/opens 2>&1 & echo'
        for lines in 1 2 3; do
            switch_to "/etc/" "/usr/"
            switch_to "/etc/public" "/usr/"
        done
        inside $NAME 'until grep -q changes /tmp/opens; do :; done; cat /tmp/opens'
        # An open that is denied has a reason: of a rule there is none, so it is one of the undecidable.
        expect "allowed by both versions: $(said); $(alerts_since $NAME 0); undecided so far: $(status .counters.verdictsUndecided)" grep -q 'denied 0 otherwise 0 changes 0' <<<"$OUTPUT"
    done
    # And one that really changes does so once.
    inside $NAME 'swarm opens 10000 /etc/public >/tmp/opens 2>&1 & echo'
    policy $NAME $NAME '  action: Block
  file:
    matchPaths:
    - path: /etc/public'
    inside $NAME 'until grep -q changes /tmp/opens; do :; done; cat /tmp/opens'
    note "$OUTPUT"
    expect "one change: $(said); $(alerts_since $NAME 0)" grep -q 'otherwise 0 changes [01]' <<<"$OUTPUT"
}
switch_to() { # switch_to PATH-OR-DIRECTORY/ DIRECTORY/
    local target
    case $1 in */) target="    - {dir: $1, recursive: true}" ;; *) target="    - {dir: $2, recursive: true}" ;; esac
    policy $NAME $NAME "  action: Allow
  file:
    matchPaths:
    - {path: ${1%/}}
    matchDirectories:
$target
    - {dir: /usr/, recursive: true}
    - {dir: /dev/, recursive: true}
    - {dir: /tmp/, recursive: true}
    - {dir: /proc/, recursive: true}"
}

# CHECK enforce-storm full two-cpus: renames and mounts in one container, as fast as it can, do not keep the paths of another from being read
check_enforce_storm() {
    need_daemon
    local before
    attacker $NAME-maker privileged none || return
    inside $NAME-maker 'mkdir -p /tmp/a /tmp/m; swarm storm /tmp/a /tmp/b /tmp/m >/tmp/storm 2>&1 & echo $! >/tmp/pid'
    policy $NAME $NAME "$(whitelist_of /etc/public)"
    attacker $NAME plain $NAME || return
    before=$(status .counters.verdictsUndecided)
    inside $NAME 'swarm opens 20000 /etc/public'
    expect "all are allowed: $(said); $(alerts_since $NAME 0)" grep -q 'opened 20000 denied 0 otherwise 0' <<<"$OUTPUT"
    same "undecided verdicts" "$before" "$(status .counters.verdictsUndecided)"
    inside $NAME-maker 'kill $(cat /tmp/pid); wait; cat /tmp/storm'
    note "$(said)"
    expect "a storm: $(said)" grep -qE 'renamed [0-9]{4,} mounted [0-9]{3,}' <<<"$OUTPUT"
}

# CHECK enforce-daemon-away core: enforcement goes on while no daemon runs, and the next one takes it over without a gap
check_enforce_daemon_away() {
    need_daemon
    local sets
    policy $NAME $NAME '  action: Block
  file:
    matchPaths:
    - path: /etc/public
      readOnly: true
    - path: /etc/secret
  process:
    matchPaths:
    - path: /usr/bin/secret-tool'
    attacker $NAME plain $NAME || return
    inside $NAME 'swarm opens 20000 /etc/secret >/tmp/opens 2>&1 & echo'
    stop_daemon KILL
    inside $NAME 'cat /etc/secret'
    same "reading without a daemon ($(said))" 1 "$STATUS"
    inside $NAME '/usr/bin/secret-tool'
    same "running without a daemon ($(said))" 126 "$STATUS"
    inside $NAME 'echo x >/etc/public'
    same "writing without a daemon ($(said))" 1 "$STATUS"
    runc exec $NAME /usr/bin/secret-tool && fail "runc exec without a daemon runs it"
    start_daemon || fail "the daemon does not start again"
    inside $NAME 'until grep -q changes /tmp/opens; do :; done; cat /tmp/opens'
    expect "denied all the time: $(said); $(alerts_since $NAME 0)" grep -q 'opened 0 denied 20000' <<<"$OUTPUT"
    same "programs were adopted" true "$(status .kernel.adopted)"
    before=$(alerts_count $NAME)
    inside $NAME 'cat /etc/secret'
    eventually 3 more_alerts $NAME "$before" || fail "no alert after the restart"
    expect "the alert names the rule: $(alerts_of $NAME | tail -n 1)" eval 'alerts_of $NAME | tail -n 1 | flat | grep -q "policy=$NAME"'
    # The new daemon can change what the old one put in force.
    no_policy $NAME
    inside $NAME 'cat /etc/secret'
    same "reading after the policy is gone ($(said))" 0 "$STATUS"
}

# CHECK enforce-upgrade long: a daemon of another build replaces every program, while what is allowed stays allowed and what is denied stays denied
check_enforce_upgrade() {
    need_daemon
    local pins judge
    policy $NAME $NAME "$(whitelist_of /etc/public)
    - {dir: /etc/none/}
  process:
    matchPaths:
    - {path: /usr/bin/secret-tool, action: Block}"
    attacker $NAME plain $NAME || return
    inside $NAME 'swarm opens 0 /etc/public >/tmp/allowed 2>&1 & swarm opens 0 /etc/secret >/tmp/denied 2>&1 & echo'
    stop_daemon KILL
    pins=$(find /sys/fs/bpf/portcullis -name '*_pc_*' | wc -l)
    judge=$(ls -d /sys/fs/bpf/portcullis/v1/judge_pc_file_open_*)
    "$PROGRAMS/otherbuild" /sys/fs/bpf/portcullis/v1/meta || fail "the pins cannot be changed"
    start_daemon || { fail "the daemon does not start: $(tail -n 3 "$OUT/daemon.log" | tr '\n' ' ')"; return; }
    inside $NAME 'killall -TERM swarm; until grep -q changes /tmp/allowed && grep -q changes /tmp/denied; do :; done; cat /tmp/allowed /tmp/denied'
    note "$OUTPUT"
    expect "allowed all the time: $(said); $(alerts_since $NAME 0)" grep -q 'opened [1-9][0-9]* denied 0 otherwise 0' <<<"$OUTPUT"
    expect "denied all the time: $(said)" grep -q 'opened 0 denied [1-9][0-9]* otherwise 0' <<<"$OUTPUT"
    expect "the programs were not replaced: $judge" test ! -e "$judge"
    same "pins, old and new: $(find /sys/fs/bpf/portcullis -name '*_pc_*' | tr '\n' ' ')" "$pins" "$(find /sys/fs/bpf/portcullis -name '*_pc_*' | wc -l)"
    denied '/usr/bin/secret-tool'
    no_policy $NAME
    inside $NAME 'cat /etc/secret'
    same "reading after the policy is gone ($(said))" 0 "$STATUS"
}

# CHECK enforce-hidden-symbols full: a daemon that finds the kernel's locks by no address says so, and enforces
check_enforce_hidden_symbols() {
    need_daemon
    local before
    attacker $NAME plain bypass-block || return
    stop_daemon
    before=$(hidden_symbols_told)
    trap 'umount -q /proc/kallsyms' EXIT
    mount --bind /dev/null /proc/kallsyms
    start_daemon || { fail "the daemon does not start: $(tail -n 3 "$OUT/daemon.log" | tr '\n' ' ')"; return; }
    same "warnings" $((before + 1)) "$(hidden_symbols_told)"
    denied 'cat /etc/secret'
    stop_daemon
    umount /proc/kallsyms
    start_daemon || { fail "the daemon does not start again"; return; }
    same "warnings" $((before + 1)) "$(hidden_symbols_told)"
}
hidden_symbols_told() { grep -c 'kallsyms shows this daemon no addresses' "$OUT/daemon.log"; }

# CHECK enforce-no-securityfs full: a daemon that follows one that enforced goes on enforcing where the list of security modules cannot be read any more
check_enforce_no_securityfs() {
    need_daemon
    policy $NAME $NAME '  action: Block
  file:
    matchPaths:
    - path: /etc/secret'
    attacker $NAME plain $NAME || return
    stop_daemon KILL
    without_securityfs
    start_daemon || { fail "the daemon does not start: $(tail -n 3 "$OUT/daemon.log" | tr '\n' ' ')"; return; }
    same "active ($(status .enforcement.reason))" true "$(status .enforcement.active)"
    same "programs were adopted" true "$(status .kernel.adopted)"
    denied 'cat /etc/secret'
    # It writes the sets, too: for what runs and for what comes.
    policy $NAME $NAME '  action: Block
  file:
    matchPaths:
    - path: /etc/settings'
    allowed 'cat /etc/secret'
    denied 'cat /etc/settings'
    run_container $NAME-new plain $NAME $APPLETS/cat /etc/settings && fail "a new container reads it"
    wait_alert $NAME-new 'length==1 and .[0].path=="/etc/settings" and .[0].policy=="enforce-no-securityfs"'
}

# CHECK enforce-alert-flood full: a flood of alerts changes no verdict, and what is lost is counted
check_enforce_alert_flood() {
    need_daemon
    local kind before lost dropped denied
    for kind in block allow; do attacker $NAME-$kind plain bypass-$kind && does_as_allowed $NAME-$kind || return; done
    before=$(wc -l <$W/alerts.json) lost=$(status .counters.alertsLost) dropped=$(status .counters.controlEventsDropped) denied=$(status .counters.verdictsDenied)
    kill -STOP "$(daemon_pid)"
    # The first fills the ring; what the second container is told, and everything after it, is said while nothing can be reported.
    for kind in block allow; do
        inside $NAME-$kind 'swarm opens 6000 /etc/secret'
        expect "each one is denied, by the $kind rules: $(said)" grep -q 'opened 0 denied 6000 otherwise 0' <<<"$OUTPUT"
    done
    for kind in block allow; do
        inside $NAME-$kind 'swarm opens 1000 /etc/passwd'
        expect "what the $kind rules let through is let through: $(said)" grep -q 'opened 1000 denied 0 otherwise 0' <<<"$OUTPUT"
        inside $NAME-$kind /usr/bin/good
        same "running what the $kind rules let through ($(said))" 0 "$STATUS"
        inside $NAME-$kind /usr/bin/secret-tool
        same "running what they do not ($(said))" 126 "$STATUS"
        inside $NAME-$kind 'mv /etc/secret /work/moved'
        same "renaming what they do not let through ($(said))" 1 "$STATUS"
    done
    kill -CONT "$(daemon_pid)"
    eventually 20 flood_is_accounted || fail "denials and their alerts: $(flood_counts)"
    note "$(flood_counts)"
    expect "the ring was full: $(flood_counts)" test "$(($(status .counters.alertsLost) - lost))" -gt 1000
    before=$(alerts_count $NAME-block)
    inside $NAME-block 'cat /etc/secret'
    eventually 5 more_alerts $NAME-block "$before" || fail "no alert after the flood"
}
# Each denial since then was reported or is counted as lost, and none is counted twice. Readers that are too slow miss events too.
flood_is_accounted() {
    local seen=$(($(wc -l <$W/alerts.json) - before)) less=$(($(status .counters.alertsLost) - lost)) missed=$(($(status .counters.controlEventsDropped) - dropped))
    local all=$(($(status .counters.verdictsDenied) - denied))
    [ $all -ge 12004 ] && [ $((seen + less)) -le $all ] && [ $((seen + less + missed)) -ge $all ]
}
flood_counts() {
    echo "$(($(status .counters.verdictsDenied) - denied)) denied, $(($(wc -l <$W/alerts.json) - before)) alerts, $(($(status .counters.alertsLost) - lost)) lost in the kernel, \
$(($(status .counters.controlEventsDropped) - dropped)) not passed on"
}

# CHECK enforce-long-paths full: a path of 4,000 bytes is judged to its end; deeper than can be followed is denied only where a rule could deny
check_enforce_long_paths() {
    need_daemon
    [ "$KERNEL" != 5.10 ] || skip "the reduced variant follows shorter paths (documented)"
    policy $NAME $NAME '  action: Block
  file:
    matchPatterns:
    - pattern: /work/**/hidden'
    attacker $NAME plain $NAME || return
    inside $NAME 'cd /work; i=0; while [ $i -lt 390 ]; do mkdir ddddddddd; cd ddddddddd || exit 9; i=$((i+1)); done; echo x >seen; cat seen; echo $(pwd -P | wc -c)'
    same "making and reading 3,900 bytes deep" 0 "$STATUS"
    note "$(printf '%s' "$OUTPUT" | tail -n 1) bytes"
    inside $NAME 'reach deep /work 390 9 seen'
    same "reading an unnamed file there" 0 "$STATUS"
    try 'cd /work; i=0; while [ $i -lt 390 ]; do cd ddddddddd; i=$((i+1)); done; echo SECRET- >hidden; cat hidden'
    # 30 more: longer than any path that is judged.
    try 'cd /work; i=0; while [ $i -lt 390 ]; do cd ddddddddd; i=$((i+1)); done; while [ $i -lt 420 ]; do mkdir ddddddddd; cd ddddddddd || exit; i=$((i+1)); done; echo SECRET- >f; cat f'
}

# CHECK enforce-user-namespace full: a container in a user namespace is judged like any other
check_enforce_user_namespace() {
    need_daemon
    policy $NAME $NAME '  action: Block
  file:
    matchPaths:
    - path: /etc/secret'
    EDIT='.linux.namespaces+=[{type:"user"}] | .linux.uidMappings=[{containerID:0,hostID:0,size:65536}] | .linux.gidMappings=.linux.uidMappings' attacker $NAME privileged $NAME || return
    try 'cat /etc/secret'
    try 'reach chroot-read /etc /secret'
}
