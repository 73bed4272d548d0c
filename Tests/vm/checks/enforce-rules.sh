# What rules do: targets, precedence, actions, sources, owners. One container for each check, entered through the pipe of its shell.

# CHECK enforce-status core: the daemon says that it enforces, with which hooks, and what this kernel lacks
check_enforce_status() {
    need_daemon
    local missing
    same active true "$(status .enforcement.active)"
    missing=$(pc status | flat | tr '\t' '\n' | sed -n 's/^.enforcement.missing.*=//p' | paste -sd ' ')
    note "$(pc status | flat | tr '\t' '\n' | grep -c '^.enforcement.hooks') hooks, missing: ${missing:-none}; $(cat $W/start)"
    case $KERNEL in
    5.10) same "the variant is reduced" true "$(status .enforcement.reduced)" ;;
    6.1) same missing file_truncate "$missing" ;;
    *) same missing "" "$missing" ;;
    esac
}

# CHECK enforce-file full: a literal path is not read, its neighbour is; the alert names policy, rule, process and path
check_enforce_file() {
    need_daemon
    policy $NAME $NAME '  severity: 6
  tags: [PCI, "two words"]
  message: not yours
  file:
    severity: 3
    matchPaths:
    - path: /etc/other
    - path: /etc/secret
      message: leave it
  action: Block'
    attacker $NAME plain $NAME || return
    denied 'cat /etc/secret'
    alert .type=alert .policy=$NAME .namespace=default .section=file '.rule=file.matchPaths[1]' .action=Block '.result=Permission denied' .operation=open .access=read \
        .path=/etc/secret .executable=/usr/bin/sh .severity=3 '.tags[0]=PCI' '.tags[1]=two words' '.message=leave it' .container.id=$NAME .process.uid=0 .reason= .line=16
    allowed 'cat /etc/public; cat /etc/passwd; ls /etc; stat /etc/secret'
    allowed 'echo x >/etc/secrets; cat /etc/secrets; rm /etc/secrets'
    expect "host reads the file" cat $W/containers/$NAME/rootfs/etc/secret
    expect "runc exec from outside is judged too" eval '! runc exec $NAME /usr/local/bin/cat /etc/secret'
}

# CHECK enforce-process full: a literal path is not executed, its neighbour is; the alert names policy, rule, process and parent
check_enforce_process() {
    need_daemon
    policy $NAME $NAME '  severity: 8
  action: Block
  process:
    matchPaths:
    - path: /usr/bin/secret-tool'
    attacker $NAME plain $NAME || return
    denied /usr/bin/secret-tool
    alert .policy=$NAME .section=process '.rule=process.matchPaths[0]' .action=Block '.result=Permission denied' .operation=exec .path=/usr/bin/secret-tool .executable=/usr/bin/sh \
        .parentExecutable=/usr/bin/sh .severity=8 .container.id=$NAME .process.parentPid=1
    allowed /usr/bin/good
    # It may be read and looked at: that is no execution.
    allowed 'cat /usr/bin/secret-tool >/dev/null; ls -l /usr/bin/secret-tool'
    denied 'exec /usr/bin/secret-tool'
    runc exec $NAME /usr/bin/secret-tool && fail "runc exec runs it"
    nsenter -t "$(container_pid $NAME)" -m -p -- /usr/bin/secret-tool && fail "nsenter runs it"
}

# CHECK enforce-entrypoint full: a policy that blocks the entrypoint itself blocks it, in a one-shot container too
check_enforce_entrypoint() {
    need_daemon
    policy $NAME $NAME '  action: Block
  process:
    matchPaths:
    - path: /usr/bin/good'
    run_container $NAME plain $NAME /usr/bin/good && fail "it ran"
    expect "runc says why: $(tail -n 1 $W/containers/$NAME/output)" grep -qi 'permission denied' $W/containers/$NAME/output
    wait_alert $NAME 'any(.operation=="exec" and .path=="/usr/bin/good" and .action=="Block")'
    run_container $NAME-other plain none /usr/bin/good || fail "without the label it does not run"
    # The first instruction of the first program.
    policy $NAME-file $NAME-file '  action: Block
  file:
    matchPaths:
    - path: /etc/secret'
    run_container $NAME-one plain $NAME-file $APPLETS/cat /etc/secret && fail "a one-shot container reads it"
    wait_alert $NAME-one 'length==1 and .[0].path=="/etc/secret"'
}

# CHECK enforce-directories full: directories with and without recursive, and the deeper one wins
check_enforce_directories() {
    need_daemon
    policy $NAME $NAME '  action: Block
  file:
    matchDirectories:
    - dir: /work/flat/
    - dir: /work/tree/
      recursive: true
    - dir: /work/tree/open/
      recursive: true
      action: Allow
    - dir: /
      recursive: true
      action: Allow'
    BEFORE_START='mkdir -p work/flat/sub work/tree/a/b work/tree/open/deep work/tree2 work/flat2; for f in flat/f flat/sub/f tree/f tree/a/b/f tree/open/f tree/open/deep/f tree2/f flat2/f; do echo $f >work/$f; done' \
        attacker $NAME plain $NAME || return
    denied 'cat /work/flat/f'
    allowed 'cat /work/flat/sub/f'
    denied 'ls /work/flat'
    denied 'cat /work/tree/f'
    denied 'cat /work/tree/a/b/f'
    denied 'ls /work/tree'
    allowed 'cat /work/tree/open/f /work/tree/open/deep/f /work/tree2/f /work/flat2/f'
    denied 'echo x >/work/tree/new'
    denied 'mkdir /work/tree/a/new'
    denied 'mkdir /work/flat/new'
    allowed 'mkdir /work/flat/sub/new; echo x >/work/tree/open/new'
}

# CHECK enforce-patterns full: globs within a component, across components, sets, alternatives
check_enforce_patterns() {
    need_daemon
    policy $NAME $NAME '  action: Block
  file:
    matchPatterns:
    - pattern: /work/*.key
    - pattern: /work/**/private/*
    - pattern: /work/n?[0-3x]
    - pattern: "/work/{red,blue/green}.txt"
  process:
    matchPatterns:
    - pattern: /usr/bin/secret-*
    - pattern: /**/evil'
    BEFORE_START='mkdir -p work/a/b/private work/private work/blue; for f in one.key two.pem a/one.key a/b/private/f private/f n12 n13 n14 nax na/ red.txt blue/green.txt green.txt; do
        case $f in */) mkdir -p work/$f ;; *) echo $f >work/$f ;; esac; done' attacker $NAME plain $NAME || return
    denied 'cat /work/one.key'
    allowed 'cat /work/two.pem /work/a/one.key /work/n14 /work/green.txt'
    denied 'cat /work/a/b/private/f'
    denied 'cat /work/n12'
    denied 'cat /work/n13'
    denied 'cat /work/nax'
    denied 'cat /work/red.txt'
    denied 'cat /work/blue/green.txt'
    denied '/usr/bin/secret-tool'
    denied '/work/evil'
    allowed '/usr/bin/good'
}

# CHECK enforce-executable-name full: a program by its name, wherever it is
check_enforce_executable_name() {
    need_daemon
    policy $NAME $NAME '  action: Block
  process:
    matchPaths:
    - execname: secret-tool'
    attacker $NAME plain $NAME || return
    denied '/usr/bin/secret-tool'
    denied 'cp /work/evil /work/secret-tool; /work/secret-tool'
    allowed '/work/evil'
    allowed 'cp /work/evil /work/my-secret-tool; /work/my-secret-tool'
}

# CHECK enforce-precedence full: path over directory, deeper over shallower, Block over Allow on equal rules whatever the order
check_enforce_precedence() {
    need_daemon
    policy $NAME-a $NAME '  action: Allow
  file:
    matchPaths:
    - path: /work/equal
    - path: /work/dir/allowed
    matchDirectories:
    - dir: /usr/
      recursive: true
    - dir: /dev/
      recursive: true
    - dir: /work/
    - dir: /work/both/'
    policy $NAME-b $NAME '  action: Block
  file:
    matchPaths:
    - path: /work/equal
    matchDirectories:
    - dir: /work/dir/
      recursive: true
    - dir: /work/both/'
    BEFORE_START='mkdir -p work/dir work/both; for f in equal dir/allowed dir/other plain both/f; do echo $f >work/$f; done' attacker $NAME plain $NAME || return
    denied 'cat /work/equal'
    alert .policy=$NAME-b
    allowed 'cat /work/dir/allowed'
    denied 'cat /work/dir/other'
    allowed 'cat /work/plain'
    denied 'cat /work/both/f'
    denied 'cat /etc/passwd'
    alert .action=Block '.result=Permission denied' .rule= .path=/etc/passwd .policy=DefaultPosture
}

# CHECK enforce-audit full: Audit lets it happen and reports it, and does not hide a Block
check_enforce_audit() {
    need_daemon
    policy $NAME $NAME '  action: Audit
  severity: 2
  file:
    matchPaths:
    - path: /etc/public
    - path: /etc/settings
      readOnly: true
    - path: /etc/secret
    - path: /etc/secret
      action: Block
  process:
    matchPaths:
    - path: /usr/bin/good'
    local before
    attacker $NAME plain $NAME || return
    allowed 'cat /etc/public'
    wait_alert $NAME 'length==1 and .[0].action=="Audit" and .[0].result=="Passed" and .[0].path=="/etc/public" and .[0].severity==2'
    allowed '/usr/bin/good'
    wait_alert $NAME 'length==2 and .[1].operation=="exec" and .[1].result=="Passed"'
    allowed 'cat /etc/settings'
    before=$(alerts_count $NAME)
    allowed 'echo x >>/etc/settings'
    eventually 3 more_alerts $NAME "$before" || fail "a write to a readOnly Audit file is not reported"
    alert .path=/etc/settings .access=write .result=Passed
    denied 'cat /etc/secret'
    alert .action=Block '.rule=file.matchPaths[3]'
}

# CHECK enforce-read-only full: readOnly files can be read and not changed, in each way
check_enforce_read_only() {
    need_daemon
    policy $NAME $NAME '  action: Block
  file:
    matchPaths:
    - path: /etc/settings
      readOnly: true
    matchDirectories:
    - dir: /work/frozen/
      recursive: true
      readOnly: true'
    BEFORE_START='mkdir -p work/frozen/sub; echo f >work/frozen/f' attacker $NAME privileged $NAME || return
    allowed 'cat /etc/settings /work/frozen/f; ls /work/frozen'
    denied 'echo x >/etc/settings'
    denied 'echo x >>/etc/settings'
    denied 'rm -f /etc/settings'
    denied 'mv /etc/settings /etc/elsewhere'
    denied 'chmod 600 /etc/settings'
    [ "$KERNEL" = 5.10 ] || denied 'chown 1 /etc/settings' # 5.10 lets no program on that hook
    denied 'alter truncate /etc/settings'
    denied 'echo y >/work/other; mv /work/other /etc/settings'
    denied 'touch /work/frozen/new'
    denied 'mkdir /work/frozen/new'
    denied 'rmdir /work/frozen/sub'
    denied 'ln -s x /work/frozen/link'
    denied 'mknod /work/frozen/fifo p'
    allowed 'cat /etc/settings; cp /etc/settings /work/copy'
    same "the file's content" settings "$(cat $W/containers/$NAME/rootfs/etc/settings)"
}

# CHECK enforce-owner-only full: ownerOnly rules let the file's owner through and nobody else
check_enforce_owner_only() {
    need_daemon
    policy $NAME $NAME '  action: Block
  file:
    matchPaths:
    - path: /work/mine
      ownerOnly: true
    - path: /work/mine-read
      ownerOnly: true
      readOnly: true
  process:
    matchPaths:
    - path: /work/tool
      ownerOnly: true'
    BEFORE_START='for f in mine mine-read; do echo $f >work/$f; chown 7:7 work/$f; chmod 666 work/$f; done; cp usr/bin/good work/tool; chown 7:7 work/tool; chmod 755 work/tool;
        for u in 7 8; do echo u$u:x:$u:$u::/:/bin/sh >>etc/passwd; done' attacker $NAME privileged $NAME || return
    allowed 'su u7 -c "cat /work/mine"'
    allowed 'su u7 -c "echo x >>/work/mine"'
    denied 'su u8 -c "cat /work/mine"'
    denied 'cat /work/mine'
    allowed 'su u7 -c "cat /work/mine-read"'
    denied 'su u7 -c "echo x >>/work/mine-read"'
    denied 'su u8 -c "cat /work/mine-read"'
    allowed 'su u7 -c /work/tool'
    denied 'su u8 -c /work/tool'
}

# CHECK enforce-source core: fromSource rules look at the executable that acts, and win over general ones
check_enforce_source() {
    need_daemon
    policy $NAME $NAME '  action: Block
  file:
    matchPaths:
    - path: /etc/secret
    - path: /etc/secret
      action: Allow
      fromSource:
      - path: /usr/local/bin/reach
    - path: /etc/public
      fromSource:
      - path: /usr/local/bin/reach
    matchDirectories:
    - dir: /
      recursive: true
      action: Allow
  process:
    matchPaths:
    - path: /usr/bin/good
      fromSource:
      - path: /usr/local/bin/reach'
    attacker $NAME plain $NAME || return
    denied 'cat /etc/secret'
    allowed 'reach read /etc/secret'
    allowed 'cat /etc/public'
    denied 'reach read /etc/public'
    allowed '/usr/bin/good'
    denied 'reach exec /usr/bin/good'
    denied 'cp /usr/local/bin/reach /work/reach; /work/reach read /etc/secret'
}

# CHECK enforce-selector full: a policy is for the containers with its labels, and for nobody else
check_enforce_selector() {
    need_daemon
    policy $NAME $NAME '  action: Block
  file:
    matchPaths:
    - path: /etc/secret'
    attacker $NAME plain $NAME || return
    denied 'cat /etc/secret'
    attacker $NAME-other plain something-else || return
    inside $NAME-other 'cat /etc/secret'
    same "a container with another label" 0 "$STATUS"
    same "alerts of that container" 0 "$(alerts_count $NAME-other)"
    echo SECRET >/etc/secret
    expect "the host reads its own file of that name" cat /etc/secret
    rm /etc/secret
    no_policy $NAME
    allowed 'cat /etc/secret'
    # By expressions: one label of In and none of NotIn.
    selecting KubeArmorPolicy "default/$NAME" "{key: label, operator: In, values: [app=$NAME, app=something-else]}" \
        "{key: label, operator: NotIn, values: [app=something-else]}"
    denied 'cat /etc/secret'
    inside $NAME-other 'cat /etc/secret'
    same "a container with a label of NotIn" 0 "$STATUS"
    # A policy of the cluster, which names the namespace.
    selecting KubeArmorClusterPolicy "_cluster/$NAME" "{key: namespace, operator: In, values: [default]}" \
        "{key: label, operator: NotIn, values: [app=$NAME]}"
    allowed 'cat /etc/secret'
    inside $NAME-other 'cat /etc/secret'
    expect "the cluster's policy blocks: $(said)" eval '[ "$STATUS" != 0 ]'
    same "who blocked" "$NAME" "$(alerts_of $NAME-other | tail -n 1 | flat .policy)"
}
changes_of() { grep -c "policies changed.*\"$1\"" "$OUT/daemon.log"; }
changed_since() { [ "$(changes_of "$1")" -gt "$2" ]; }
# selecting KIND IDENTITY EXPRESSION...: a policy with matchExpressions that blocks /etc/secret, in force when this returns.
selecting() {
    local expressions before
    before=$(changes_of "$2")
    printf -v expressions '    - %s\n' "${@:3}"
    printf 'apiVersion: security.kubearmor.com/v1\nkind: %s\nmetadata: {name: %s}\nspec:\n  selector:\n    matchExpressions:\n%s  file: {matchPaths: [{path: /etc/secret}]}\n' \
        "$1" "$NAME" "$expressions" >$W/new.yaml
    mv $W/new.yaml $W/policies/$NAME.yaml
    eventually 5 changed_since "$2" "$before" || fail "$2 is not taken: $(tail -n 1 "$OUT/daemon.log" | cut -c 1-200)"
}

# CHECK enforce-posture-block core: in whitelist mode what no rule names is denied, and pipes, sockets and the like still work
check_enforce_posture_block() {
    need_daemon
    policy $NAME $NAME '  action: Allow
  process:
    matchDirectories:
    - dir: /usr/local/bin/
    matchPaths:
    - path: /usr/bin/sh
  file:
    matchDirectories:
    - dir: /usr/
      recursive: true
    - dir: /dev/
      recursive: true
    - dir: /proc/
      recursive: true
    - dir: /tmp/
      recursive: true
    matchPaths:
    - path: /etc/public'
    attacker $NAME plain $NAME || return
    allowed 'cat /etc/public'
    denied 'cat /etc/settings'
    denied '/usr/bin/good'
    allowed 'echo one | cat | cat; (echo two) 2>&1 | tee /tmp/file; cat </tmp/file; echo three >/dev/null; ls -l /proc/self/fd | cat'
    allowed 'mkfifo /tmp/fifo; cat /tmp/fifo & echo four >/tmp/fifo; wait'
    # The listener's input has no end: that would be the client's, maybe before it has sent anything.
    allowed 'exec 3<>/tmp/fifo; nc -l -p 7777 <&3 >/tmp/heard & until echo five | nc 127.0.0.1 7777 2>/dev/null; do :; done; wait; grep five /tmp/heard'
    expect "runc exec of an allowed program" runc exec $NAME $APPLETS/true
    runc exec $NAME /usr/bin/good && fail "runc exec runs an unlisted program"
}

# CHECK enforce-posture-audit full: with posture audit the unlisted happens and is reported
check_enforce_posture_audit() {
    need_daemon --file-posture audit
    policy $NAME $NAME '  action: Allow
  process:
    matchPaths:
    - path: /usr/bin/sh
  file:
    matchPaths:
    - path: /etc/public'
    attacker $NAME plain $NAME || return
    local before
    before=$(alerts_count $NAME)
    allowed 'cat /etc/settings'
    eventually 3 more_alerts $NAME "$before" || fail "no alert"
    wait_alert $NAME 'any(.path=="/etc/settings" and .action=="Audit" and .result=="Passed" and .policy=="DefaultPosture")'
    allowed '/usr/bin/good'
    wait_alert $NAME 'any(.path=="/usr/bin/good" and .operation=="exec" and .result=="Passed")'
}
