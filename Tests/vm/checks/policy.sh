# Where policies come from: the directory and the command.

# CHECK policy-directory core: files that come, change, go wrong and go; a wrong version leaves the last good one in force
check_policy_directory() {
    need_daemon
    local good='  action: Block
  file:
    matchPaths:
    - path: /etc/secret'
    attacker $NAME plain $NAME || return
    reads 0 /etc/secret "before any policy"
    policy $NAME $NAME "$good"
    reads 1 /etc/secret "with the policy"
    policy $NAME $NAME "${good/secret/settings}"
    reads 0 /etc/secret "after it was changed"
    reads 1 /etc/settings "with the changed policy"
    policy_text $NAME $NAME "${good/- path/- pathh}" >$W/new.yaml && mv $W/new.yaml $W/policies/$NAME.yaml
    eventually 5 problem_is_known $NAME.yaml || fail "status does not name the wrong file: $(status '.enforcement.problems[0]')"
    note "$(status '.enforcement.problems[0]')"
    reads 1 /etc/settings "while the file is wrong"
    reads 0 /etc/secret "while the file is wrong"
    policy $NAME $NAME "$good"
    reads 1 /etc/secret "after the file was mended"
    same "problems left" "" "$(status '.enforcement.problems[0]')"
    no_policy $NAME
    reads 0 /etc/secret "after the file was removed"
}
reads() { # reads STATUS PATH WHEN
    inside $NAME "cat $2"
    same "reading $2 $3 ($(said); the daemon's last word: $(tail -n 1 "$OUT/daemon.log" | cut -c 1-200))" "$1" "$STATUS"
}
problem_is_known() { status '.enforcement.problems[0]' | grep -q "$1"; }

# CHECK policy-documents full: several documents in a file count, and a wrong one says where it is wrong
check_policy_documents() {
    need_daemon
    { policy_text $NAME-a $NAME '  action: Block
  file:
    matchPaths:
    - path: /etc/secret'; echo ---; policy_text $NAME-b $NAME '  action: Block
  file:
    matchPaths:
    - path: /etc/settings'; echo ---; policy_text $NAME-c $NAME '  action: Block
  file:
    matchPaths:
    - path: relative'; } >$W/new.yaml
    mv $W/new.yaml $W/policies/$NAME.yaml
    eventually 5 problem_is_known $NAME.yaml || fail "status does not name the wrong document: $(status '.enforcement.problems[0]')"
    note "$(status '.enforcement.problems[0]')"
    expect "with its line" eval "status '.enforcement.problems[0]' | grep -q '$NAME.yaml:[34][0-9]'"
    attacker $NAME plain $NAME || return
    reads 1 /etc/secret "of the first document"
    reads 1 /etc/settings "of the second document"
}

# CHECK policy-many full: 60 containers with 60 different sets are each judged by their own
check_policy_many() {
    need_daemon
    local i
    for i in $(seq 1 60); do
        policy_text $NAME-$i $NAME-$i "  action: Block
  file:
    matchPaths:
    - path: /etc/secret
    - path: /work/$i"; echo ---
    done >$W/new.yaml
    mv $W/new.yaml $W/policies/$NAME.yaml
    eventually 10 policies_changed $NAME-60 0 || fail "the policies are not taken"
    for i in 1 17 33 60; do
        BEFORE_START='for i in 1 17 33 60; do echo $i >work/$i; done' attacker $NAME-$i plain $NAME-$i || continue
        inside $NAME-$i 'r=; for i in 1 17 33 60; do cat /work/$i >/dev/null 2>&1 || r="$r$i "; done; echo $r'
        same "what container $i may not read" "$i" "${OUTPUT%$'\n'}"
    done
    same "policy sets in the kernel" 4 "$(($(status .enforcement.sets) - $(find $W/containers -name started -path '*pool-[ab]*' | wc -l)))"
}

policy_command() { "$BIN/portcullis" policy "$1" --socket $W/run/control.sock "${@:2}"; }

# CHECK policy-command full: apply, list, show and delete, in force when the command returns and across a restart
check_policy_command() {
    need_daemon
    "$BIN/portcullis" policy --help >/dev/null 2>&1 || skip "this build has no policy command"
    policy_text $NAME $NAME '  action: Block
  file:
    matchPaths:
    - path: /etc/secret' >$W/applied.yaml
    attacker $NAME plain $NAME || return
    expect "validate accepts it" "$BIN/portcullis" policy validate $W/applied.yaml
    reads 0 /etc/secret "after validate only"
    expect "apply" policy_command apply $W/applied.yaml
    reads 1 /etc/secret "when apply has returned"
    expect "list names it" eval 'policy_command list | grep -qw $NAME'
    expect "show prints it" eval 'policy_command show $NAME | grep -q /etc/secret'
    stop_daemon
    start_daemon || fail "the daemon does not start again"
    reads 1 /etc/secret "after a restart"
    expect "list still names it" eval 'policy_command list | grep -qw $NAME'
    expect "delete" policy_command delete $NAME
    reads 0 /etc/secret "when delete has returned"
    sed 's/- path:/- pathh:/' $W/applied.yaml >$W/wrong.yaml
    policy_command apply $W/wrong.yaml >$W/answer 2>&1 && fail "a wrong policy is applied"
    expect "it says where: $(head -n 1 $W/answer)" grep -q 'wrong.yaml:1[0-9].*pathh' $W/answer
    "$BIN/portcullis" policy validate $W/wrong.yaml >/dev/null 2>&1 && fail "validate accepts a wrong policy"
    policy_command delete no-such-policy >/dev/null 2>&1 && fail "a policy that is not there is deleted"
}

# CHECK policy-bad-input full: bad files are refused (a field too many is warned about) with file and line, and everything else stays in force
check_policy_bad_input() {
    need_daemon
    local case
    policy $NAME $NAME '  action: Block
  file:
    matchPaths:
    - path: /etc/secret'
    attacker $NAME plain $NAME || return
    for case in unknown-field relative dotdot no-slash long-path bad-glob misspelt-selector same-name huge aliases not-utf8 wrong-type; do
        bad_policy $case >$W/new.yaml
        mv $W/new.yaml $W/policies/bad-$case.yaml
        eventually 10 problem_anywhere bad-$case.yaml || fail "$case is not refused: $(pc status | flat | tr '\t' '\n' | grep problems | cut -c 1-200 | head -n 2)"
        rm $W/policies/bad-$case.yaml
    done
    reads 1 /etc/secret "beside bad files"
    daemon_runs || fail "the daemon ended"
}
problem_anywhere() { pc status | flat | tr '\t' '\n' | grep '^.enforcement.\(problems\|warnings\)' | grep -q "$1"; }
bad_policy() {
    local body='  action: Block
  file:
    matchPaths:
    - path: /etc/x'
    case $1 in
    unknown-field) policy_text bad bad "${body}
      readonlyy: true" ;;
    relative) policy_text bad bad "${body/\/etc/etc}" ;;
    dotdot) policy_text bad bad "${body/\/etc/\/etc\/..}" ;;
    no-slash) policy_text bad bad '  action: Block
  file:
    matchDirectories:
    - dir: /etc' ;;
    long-path) policy_text bad bad "${body/\/etc/\/$(printf 'd%.0s' $(seq 5000))}" ;;
    bad-glob) policy_text bad bad '  action: Block
  file:
    matchPatterns:
    - pattern: "/etc/[a-"' ;;
    misspelt-selector) policy_text bad bad "$body" | sed s/matchLabels:/matchLabel:/ ;; # an empty one selects everything, with a warning
    same-name) policy_text $NAME bad "$body" ;;
    huge) policy_text bad bad "$body"; head -c 50000000 /dev/zero | tr '\0' '#' ;;
    aliases) printf 'a: &a [x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b,*b]\n' ;;
    not-utf8) policy_text bad bad "${body/x/$'\xff\xfe'}" ;;
    wrong-type) policy_text bad bad '  action: Block
  file: [1, 2]' ;;
    esac
}

# CHECK policy-large long: a set of 10,000 paths is taken, blocks its first and its last, and leaves the rest alone
check_policy_large() {
    need_daemon
    { policy_text $NAME $NAME '  action: Block
  file:
    matchPaths:'; seq 10000 | sed 's|.*|    - path: /work/some/directory/file-&|'; } >$W/new.yaml
    mv $W/new.yaml $W/policies/$NAME.yaml
    eventually 30 policies_changed $NAME 0 || fail "the policy is not taken"
    BEFORE_START='mkdir -p work/some/directory; for i in 1 5000 10000 10001; do echo $i >work/some/directory/file-$i; done' attacker $NAME plain $NAME || return
    inside $NAME 'cd /work/some/directory; for i in 1 5000 10000 10001; do cat file-$i 2>/dev/null; done'
    same "what can be read" 10001 "${OUTPUT%$'\n'}"
    note "$(status .enforcement.setBytes) bytes of sets"
}

# CHECK doctor-trial core: doctor has a container denied something, leaves nothing behind, takes away what a killed one has left, and says when the verdict fails
check_doctor_trial() {
    need_daemon
    local left=/var/lib/portcullis-doctor
    doctor_is ok "a container was denied what a policy denies" || return
    nothing_of_doctor "after it"
    # As one leaves it that is killed between policy and containers.
    policy_text portcullis-doctor portcullis-doctor '  action: Block
  file:
    matchPaths:
    - path: /allowed' | sed 's/^  name: .*/&\n  namespace: portcullis-doctor/' >$W/applied.yaml
    expect "a policy of that name is taken" policy_command apply $W/applied.yaml
    mkdir -m 700 $left && mkdir -p $left/bundle/rootfs $left/state
    touch $left/bundle/config.json
    expect "it is told without a trial" doctor_tells "one that was killed has left its policy portcullis-doctor/portcullis-doctor in force"
    doctor_is ok "a container was denied what a policy denies"
    nothing_of_doctor "after one that was killed"
    # A hook that registers nobody and says that all is well.
    cp "$PROGRAMS/good" $W/portcullis-hook
    doctor_is fail "a container ran what a policy denies" --hook $W/portcullis-hook
    nothing_of_doctor "after one that failed"
    expect "pause" policy_pause
    doctor_is warn "enforcement is paused"
    "$BIN/portcullis" resume --socket $W/run/control.sock >/dev/null || fail "resume"
}
policy_pause() { "$BIN/portcullis" pause --for 1m --socket $W/run/control.sock; }
doctor_is() { # doctor_is STATE FOUND [OPTION...]
    local said
    said=$("$BIN/portcullis" doctor --try --json --socket $W/run/control.sock --hook "$BIN/x86_64/portcullis-hook" "${@:3}" | grep '"check":"trial"')
    case $said in *"\"state\":\"$1\",\"found\":\"$2"*) ;; *) fail "doctor says $said instead of $1: $2"; return 1 ;; esac
}
doctor_tells() { "$BIN/portcullis" doctor --json --socket $W/run/control.sock --hook "$BIN/x86_64/portcullis-hook" | grep '"check":"trial","state":"warn"' | grep -qF "$1"; }
nothing_of_doctor() {
    same "policies of doctor $1" "" "$(policy_command list --json | grep portcullis-doctor)"
    eventually 5 no_container_of_doctor || fail "containers of doctor $1: $(pc containers | grep portcullis-doctor)"
    expect "no directory $1" [ ! -e /var/lib/portcullis-doctor ]
}
no_container_of_doctor() { ! pc containers | grep -q portcullis-doctor; }
