# Another ABI version: its programs are loaded beside the old ones, everything is brought over, and only then the old ones go. The daemon of the next
# version is the same one, with every shared struct laid out differently (Tests/vm/next-abi).

PINS=/sys/fs/bpf/portcullis
# next_version: from here on the check's daemon is the next version's.
next_version() {
    mkdir -p $W/next
    cp "$PROGRAMS/../next/portcullisd" $W/next/portcullisd
    cp "$BIN/portcullis" $W/next/portcullis
    FORMER=$BIN BIN=$W/next
    DAEMON_OPTIONS=("${DAEMON_OPTIONS[@]/%\/v1//v2}")
}
# back: nothing of either version is left, so that the next check starts as the first one did.
back() {
    "$BIN/portcullis" down --socket $W/run/control.sock --remove --daemon "$BIN/portcullisd" --bpf-directory $PINS/v2 || fail "down --remove fails"
    [ -z "$(find $PINS -name '*pc_*')" ] || fail "pins are left: $(find $PINS -name '*pc_*' | head -n 3 | paste -sd ' ')"
    rm -f $W/daemon.pid
    drop_pool
    rm -rf $W/next
}
former_gone() { [ "$(status .enforcement.formerVersion)" = 0 ] && [ ! -e $PINS/v1 ]; }
# who: every container of the check, as far as it does not change by itself.
who() { listed | jq -c '[.id,.slot,.generation,.state,.pid]' | sort; }
still_denied() { refuses "$1" || fail "$1 reads the secret: $(said)"; }

# CHECK upgrade-abi core slow last: the next ABI version takes over: no moment in which what is denied is allowed or what is allowed denied, every container and every task's label, pauses, and nothing of the old is left
check_upgrade_abi() {
    need_daemon
    local before pid
    attacker $NAME privileged bypass-allow || return
    inside $NAME "$(tries /etc/settings allowed) & echo"
    # Nothing but its label says whose the second one is. Of the third one's container nothing else is left.
    inside $NAME "setsid unshare -m sh -c '$(tries /etc/secret left)' & echo"
    EDIT='.linux.namespaces|=map(select(.type!="pid"))' attacker $NAME-ended privileged bypass-block || return
    inside $NAME-ended "(setsid unshare -m sh -c '$(tries /etc/secret lone)' &) & exit 0"
    policy $NAME $NAME '  action: Block
  process:
    matchPaths:
    - path: /usr/bin/good'
    attacker $NAME-still privileged $NAME || return
    inside $NAME-still 'sleep 1000 & sleep 1000 & (setsid unshare -m sleep 1000 &) & echo'
    attacker $NAME-paused privileged bypass-block || return
    pc pause --for 1h --container $NAME-paused >/dev/null || fail "pause is refused"
    for log in "$NAME left" "$NAME-ended lone"; do
        # shellcheck disable=SC2086 # two words
        eventually 10 log_ends_in $log denied || fail "$log is not denied"
    done
    kill -KILL "$(container_pid $NAME-ended)"
    eventually 10 ended_is $NAME-ended || fail "$NAME-ended does not end: $(who)"
    eventually 5 tasks_are $NAME-still 4 || fail "$NAME-still has $(tasks $NAME-still) tasks"
    before=$(who)
    stop_daemon KILL
    next_version
    start_daemon || { fail "the daemon does not start: $(tail -n 3 "$OUT/daemon.log" | tr '\n' ' ')"; return; }
    eventually 20 former_gone || fail "the old version stays: $(status .enforcement.formerVersionStays) $(ls $PINS)"
    same "version" 2 "$(status .abi)"
    same "containers" "$before" "$(who)"
    same "tasks of $NAME-still" 4 "$(tasks $NAME-still)"
    note "moved $(sed -n 's/.*moved-labels=\([0-9]*\).*/\1/p' "$OUT/daemon.log" | tail -n 1) labels"
    pid=$(pgrep -f 'sleep 1000' | tail -n 1)
    kill -KILL "$pid"
    eventually 10 tasks_are $NAME-still 3 || fail "an end is not counted: $(tasks $NAME-still) tasks"
    for log in "$NAME allowed" "$NAME left" "$NAME-ended lone"; do
        # shellcheck disable=SC2086 # two words
        sampled_on $log
    done
    same "refusals of what is allowed" 0 "$(grep -c denied "$(log_of $NAME allowed)")"
    same "readings of left" 0 "$(grep -c open "$(log_of $NAME left)")"
    same "readings of lone" 0 "$(grep -c open "$(log_of $NAME-ended lone)")"
    note "samples: $(wc -l <"$(log_of $NAME allowed)") allowed, $(wc -l <"$(log_of $NAME left)") denied"
    same "pauses" 1 "$(pc status | jq '.enforcement.pauses | length')"
    inside $NAME-paused 'cat /etc/secret'
    same "reading while paused ($(said))" 0 "$STATUS"
    pc resume >/dev/null
    still_denied $NAME-paused
    # Everything after the takeover is the new version's alone.
    inside $NAME-still /usr/bin/good
    [ "$STATUS" != 0 ] || fail "a program is executed that its policy blocks"
    no_policy $NAME
    inside $NAME-still /usr/bin/good
    same "executing after the policy is gone ($(said))" 0 "$STATUS"
    attacker $NAME-new plain bypass-block || return
    still_denied $NAME-new
    # The way back leads over a removal only, and says so.
    "$FORMER/portcullisd" --hook-socket $W/other/hook.sock --control-socket $W/other/control.sock --bpf-directory $PINS/v1 --log-format text >$W/other.log 2>&1 && fail "the older version starts"
    expect "it says what to do: $(tail -n 1 $W/other.log)" grep -q 'portcullis down --remove' $W/other.log
    back
}
ended_is() { [ "$(pc containers | grep -F "\"id\":\"$1\"" | flat .state)" = ended ]; }
# tries PATH LOG: opens a file five times a second, for as long as its container lives.
tries() { echo "while :; do if read x <$1; then echo open; else echo denied; fi; $APPLETS/usleep 200000; done >/work/$2 2>/dev/null"; }
sampled_on() { # sampled_on ID LOG: it goes on
    local lines
    lines=$(wc -l <"$(log_of "$1" "$2")")
    eventually 10 longer_than "$(log_of "$1" "$2")" "$lines" || fail "$2 of $1 does not go on"
}

# CHECK upgrade-abi-cut full slow last: a takeover that is killed in the middle leaves nobody unjudged, and the next start brings it to its end
check_upgrade_abi_cut() { cut_off 'test -e v2/link_pc_exit' 'test -e v2/link_pc_file_open' 'test ! -e v1/link_pc_file_open'; }

# CHECK upgrade-abi-cut-all long slow last: the same at eight places
check_upgrade_abi_cut_all() {
    # Its own maps made; its first program attached; the forks'; the first of what enforces; one in the middle; the last; the old one going; no longer marked as whole.
    cut_off 'test -e v2/slots' 'test -e v2/link_pc_exit' 'test -e v2/link_pc_fork' 'test -e v2/link_pc_bprm_committed' 'test -e v2/link_pc_file_open' \
        'test -e v2/link_pc_sb_pivotroot' 'test ! -e v1/link_pc_file_open' 'test ! -e v1/meta'
}

# cut_off CONDITION...: in the directory with the pins of both; each is waited for in a start of its own.
cut_off() {
    need_daemon
    local before stage pid reached=0
    attacker $NAME privileged bypass-block || return
    inside $NAME "setsid unshare -m sh -c '$(tries /etc/secret left)' & sleep 1000 & echo"
    eventually 10 log_ends_in $NAME left denied || fail "the sampler is not denied"
    before=$(who)
    stop_daemon KILL
    next_version
    # The way back from a start that did not come to its end.
    cut_at 'test -e v2/link_pc_file_open'
    stay_at_former
    for stage; do
        cut_at "$stage"
    done
    same "times killed" $(($# + 1)) "$reached"
    start_daemon || { fail "the daemon does not start: $(tail -n 3 "$OUT/daemon.log" | tr '\n' ' ')"; return; }
    eventually 20 former_gone || fail "the old version stays: $(status .enforcement.formerVersionStays) $(ls $PINS)"
    same "containers" "$before" "$(who)"
    sampled_on $NAME left
    same "readings of left" 0 "$(grep -c open "$(log_of $NAME left)")"
    still_denied $NAME
    inside $NAME 'killall sleep sh; echo'
    eventually 10 tasks_are $NAME 1 || fail "the count is wrong: $(tasks $NAME)"
    back
}

cut_at() {
    setsid "$BIN/portcullisd" "${DAEMON_OPTIONS[@]}" --policy-dir $W/policies --file-posture block >>"$OUT/daemon.log" 2>&1 </dev/null &
    pid=$!
    (cd $PINS && until eval "$1" || ! kill -0 $pid; do :; done) 2>/dev/null
    kill -KILL $pid 2>/dev/null && reached=$((reached + 1))
    wait $pid 2>/dev/null
    still_denied $NAME
}
stay_at_former() {
    local next=$BIN options=("${DAEMON_OPTIONS[@]}")
    BIN=$FORMER DAEMON_OPTIONS=("${DAEMON_OPTIONS[@]/%\/v2//v1}")
    start_daemon || fail "the old version does not start again: $(tail -n 1 "$OUT/daemon.log")"
    [ ! -e $PINS/v2 ] || fail "the cut-off start's pins stay"
    still_denied $NAME
    stop_daemon KILL
    BIN=$next DAEMON_OPTIONS=("${options[@]}")
}

# CHECK upgrade-abi-kept full slow last: while a container's policies cannot be chosen anew both versions enforce; when it ends the old one goes, although the daemon is in its sandbox by then
check_upgrade_abi_kept() {
    need_daemon
    EDIT='.annotations.long=("x"*30000)' attacker $NAME privileged bypass-block || return
    attacker $NAME-other privileged bypass-block || return
    policy $NAME $NAME '  action: Block
  process:
    matchPaths:
    - path: /usr/bin/good'
    attacker $NAME-free plain $NAME || return
    denied 'cat /etc/secret'
    same "the record is cut" true "$(pc containers | grep -F "\"id\":\"$NAME\"" | jq '.annotationsCut > 0')"
    stop_daemon KILL
    next_version
    start_daemon || { fail "the daemon does not start: $(tail -n 3 "$OUT/daemon.log" | tr '\n' ' ')"; return; }
    same "the old version stays" 1 "$(status .enforcement.formerVersion)"
    expect "status says why: $("$BIN/portcullis" status --socket $W/run/control.sock | grep 'also enforcing')" grep -q 'ABI 1 .*keep' <<<"$("$BIN/portcullis" status --socket $W/run/control.sock)"
    still_denied $NAME
    still_denied $NAME-other
    # Both know of a pause; whoever is not kept has nothing to do with the old one any more.
    pc pause --for 1h --container $NAME-other >/dev/null && pc pause --for 1h --container $NAME >/dev/null || fail "pause is refused"
    inside $NAME 'cat /etc/secret'
    same "reading while paused ($(said))" 0 "$STATUS"
    pc resume >/dev/null
    still_denied $NAME
    inside $NAME-free /usr/bin/good
    [ "$STATUS" != 0 ] || fail "a program is executed that its policy blocks"
    no_policy $NAME
    inside $NAME-free /usr/bin/good
    same "executing after the policy is gone ($(said))" 0 "$STATUS"
    # A daemon that comes back finds both.
    stop_daemon KILL
    start_daemon || { fail "the daemon does not start again: $(tail -n 3 "$OUT/daemon.log" | tr '\n' ' ')"; return; }
    same "the old version stays" 1 "$(status .enforcement.formerVersion)"
    still_denied $NAME
    drop $NAME
    eventually 20 former_gone || fail "the old version stays: $(status .enforcement.formerVersionStays) $(ls $PINS)"
    still_denied $NAME-other
    back
}

# CHECK upgrade-abi-guarded full slow last: the next version is kept out until the old one is unlocked, and guards then itself
check_upgrade_abi_guarded() {
    drop_pool
    mkdir -p $W/own
    cp "$BIN/portcullisd" "$BIN/portcullis" $W/own/
    BIN=$W/own
    need_daemon --self-protection true
    attacker $NAME privileged bypass-block || return
    denied 'cat /etc/secret'
    pc down >/dev/null || fail "down fails"
    rm -f $W/daemon.pid
    next_version
    "$BIN/portcullisd" "${DAEMON_OPTIONS[@]}" --self-protection true >$W/other.log 2>&1 && fail "it starts"
    expect "it says what to do: $(tail -n 1 $W/other.log)" grep -q 'portcullis unlock' $W/other.log
    still_denied $NAME
    "$FORMER/portcullis" unlock --socket $W/run/control.sock --daemon "$FORMER/portcullisd" --bpf-directory $PINS/v1 || fail "unlock fails"
    start_daemon --self-protection true || { fail "the daemon does not start: $(tail -n 3 "$OUT/daemon.log" | tr '\n' ' ')"; return; }
    eventually 20 former_gone || fail "the old version stays: $(status .enforcement.formerVersionStays) $(ls $PINS)"
    [ "$(status .enforcement.selfProtection.on)" = true ] || fail "it does not guard itself: $(status .enforcement.selfProtection.reason)"
    rm $PINS/v2/slots 2>/dev/null && fail "a pin of the new version can be removed"
    still_denied $NAME
    "$BIN/portcullis" unlock --for 60s --socket $W/run/control.sock || fail "unlock --for fails"
    back
    rm -rf $W/own
}
