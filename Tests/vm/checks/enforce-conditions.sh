# Enforcement: conditions beside the path (terminals, arguments), names in the DNS, presets, and policies of the host.

# CHECK enforce-terminal core: a rule with pts: false stops who has a terminal, in process, file and network rules, and nobody else
check_enforce_terminal() {
    need_daemon
    policy $NAME $NAME '  action: Block
  severity: 3
  process:
    matchPaths:
    - {path: /usr/bin/good, pts: false}
  file:
    matchPaths:
    - {path: /etc/settings, pts: false}
  network:
    matchProtocols:
    - {protocol: udp, pts: false}'
    attacker $NAME plain $NAME || return
    allowed '/usr/bin/good && cat /etc/settings && sockets socket 2 2 17'
    denied "terminal /usr/bin/good"
    alert .operation=exec .policy=$NAME '.rule=process.matchPaths[0]' .severity=3
    denied "terminal $APPLETS/cat /etc/settings"
    alert .operation=open .path=/etc/settings
    denied "terminal $APPLETS/sockets socket 2 2 17"
    alert .operation=socket .section=network
    allowed "terminal $APPLETS/sockets socket 2 1 6"
    policy $NAME $NAME '  action: Allow
  process:
    matchPaths:
    - {path: /usr/bin/good, pts: false}
    matchDirectories:
    - {dir: /usr/local/bin/, recursive: true}
    - {dir: /usr/bin/}'
    allowed /usr/bin/good
    denied "terminal /usr/bin/good"
}

# CHECK enforce-arguments core: a program may be given only the arguments that its rule allows, wherever they lie in memory
check_enforce_arguments() {
    local echo=$APPLETS/echo long most=64
    need_daemon
    # On 5.10 less is looked at, of arguments as of paths.
    if [ "$KERNEL" = 5.10 ]; then long=$(printf 'x%.0s' {1..400}) most=20; else long=$(printf 'x%.0s' {1..3000}); fi
    policy $NAME $NAME '  action: Block
  process:
    matchPaths:
    - path: /usr/local/bin/echo
      allowedArgs: [-n, one, two words, "'"$long"'"]
    - execname: seq
      allowedArgs: ["3"]
    - path: /usr/local/bin/env
      allowedArgs: [GIVEN=1, /usr/local/bin/true]
      action: Audit'
    attacker $NAME plain $NAME || return
    local before
    allowed "$echo one && $echo -n one 'two words' one && $APPLETS/seq 3 && $echo $long && cp $APPLETS/seq /tmp/seq && /tmp/seq 3"
    # So many arguments are looked at, and pages that they lie across.
    allowed "$echo $(printf "one %.0s" $(seq $((most - 4)))) -n $long $long $long"
    allowed "$echo $(printf "one %.0s" $(seq $most))"
    denied "$echo $(printf "one %.0s" $(seq $((most + 1))))"
    denied "$echo three"
    alert .operation=exec .path=/usr/local/bin/echo .policy=$NAME '.rule=process.matchPaths[0]' .reason=
    denied "$echo"
    denied "$echo one on"
    denied "$echo one ones"
    denied "$echo one ''"
    denied "$echo one ${long}x"
    denied "$echo one $long $long three"
    denied '/tmp/seq 4'
    alert '.rule=process.matchPaths[1]' .path=/tmp/seq
    before=$(alerts_count $NAME)
    allowed "$APPLETS/env GIVEN=1 /usr/local/bin/true"
    allowed "$APPLETS/env OTHER=1 /usr/local/bin/true"
    eventually 3 more_alerts $NAME "$before" || fail "other arguments are not reported"
    alert .action=Audit .path=/usr/local/bin/env
    same "alerts of one run with other arguments and one with those that are allowed" $((before + 1)) "$(alerts_count $NAME)"
    # By the loader nobody knows which of the arguments are the program's.
    policy $NAME $NAME '  action: Block
  process:
    matchPaths:
    - path: /usr/bin/secret-tool
      allowedArgs: [known]'
    inside $NAME '/usr/bin/secret-tool known'
    case $OUTPUT in *SECRET-*) ;; *) fail "it does not run with what is allowed: $(said)" ;; esac
    denied '/usr/bin/secret-tool'
    HIDDEN='Not a valid dynamic program' try '/usr/lib/ld-musl-x86_64.so.1 /usr/bin/secret-tool known'
}

# CHECK enforce-dns core: names that a query asks for are allowed or denied with all below them, in UDP and TCP, however the message is sent
check_enforce_dns() {
    need_daemon
    policy $NAME $NAME '  action: Block
  severity: 10
  network:
    matchDNSQueries:
    - domain: Example.org
    - {domain: ok.example.org, action: Audit}
    - domain: curl.test
      fromSource:
      - path: /usr/local/bin/nc'
    attacker $NAME privileged $NAME || return
    local form before
    for form in udp connected pieces to-nobody tcp tcp-two tcp-to-nobody; do
        denied "query $form www.eXample.org"
        alert .operation=dns .section=dns .policy=$NAME '.rule=network.matchDNSQueries[0]' .severity=10 .action=Block
        allowed "query $form example.com"
    done
    denied 'query udp example.org'
    alert '.resource=domain=example.org address=127.0.0.1 port=53'
    allowed 'query udp notexample.org && query udp org && query udp curl.test'
    # What is not one whole query cannot be decided.
    for form in sendmmsg two tcp-pieces tcp-other tcp-prefix odd; do
        denied "query $form example.com"
        alert .operation=dns '.reason=it is not one whole DNS query in one call' .policy=
    done
    policy $NAME $NAME '  action: Allow
  network:
    matchDNSQueries:
    - domain: example.org'
    allowed 'query udp example.org && query udp a.example.org && query udp example.org.shop.svc.cluster.local'
    denied 'query udp example.com'
    alert .policy=DefaultPosture .section=dns '.resource=domain=example.com address=127.0.0.1 port=53'
    # Connecting by sending is asked about like connect(2).
    policy $NAME $NAME '  action: Block
  network:
    matchProtocols:
    - protocol: udp'
    allowed 'query fastopen example.org'
    attacker $NAME-open privileged $NAME-open || return
    local NAME=$NAME-open
    inside $NAME 'mkfifo /tmp/go; (sockets later fastopen 7009 /tmp/go >/tmp/said 2>&1; echo "status $?" >>/tmp/said) & until grep -q waiting /tmp/said; do :; done'
    policy $NAME $NAME '  action: Block
  network:
    matchProtocols:
    - protocol: tcp'
    inside $NAME ': >/tmp/go; until grep status /tmp/said; do :; done; cat /tmp/said'
    case $OUTPUT in *'status 13'*) ;; *) fail "connecting by sending is not denied: $(said)" ;; esac
}

# CHECK enforce-presets core: programs in memory, memory that becomes code, other processes' environment and files, and sessions from outside with a terminal
check_enforce_presets() {
    need_daemon
    policy $NAME $NAME '  severity: 6
  message: a preset
  presets:
  - name: filelessExec
  - name: anonymousMapExec
  - name: protectEnv
    action: Audit
  - name: protectProc
    action: Block
  - name: exec'
    attacker $NAME privileged $NAME || return
    allowed '/usr/bin/good && cat /etc/settings /proc/self/environ /proc/self/maps && memory said && memory protect-file'
    # As just-in-time compilers map theirs.
    allowed 'memory memfd-share'
    denied 'memory exec'
    alert .operation=exec .section=presets .policy=$NAME '.rule=presets[0]' .severity=6 '.message=a preset' .path=memfd:copy
    denied 'memory memfd-map'
    inside $NAME 'mount -o remount,exec /dev/shm && cp /usr/local/bin/memory /dev/shm/memory'
    denied '/dev/shm/memory said'
    alert .path=/dev/shm/memory
    denied 'memory anonymous'
    alert '.rule=presets[1]' .operation=map-anonymous .path=
    denied 'memory protect'
    denied 'memory shared'
    denied 'memory written'
    # Of another process: that of the container's init.
    denied 'cat /proc/1/maps'
    alert '.rule=presets[3]' .operation=open .path=/proc/1/maps
    denied 'cat /proc/1/task/1/environ'
    policy $NAME $NAME '  presets:
  - name: protectEnv
  - name: exec'
    denied 'cat /proc/1/environ'
    alert '.rule=presets[0]' .path=/proc/1/environ
    allowed 'cat /proc/1/maps && (cat /proc/self/environ) && memory anonymous && memory exec'
    # A preset that is not about such memory is asked about it as well, and has nothing against it, however often.
    policy $NAME $NAME '  presets:
  - name: filelessExec
  - name: exec'
    allowed 'memory often && memory anonymous'
    # Without a terminal one may come in, with one only if the preset is not there.
    runc exec $NAME /usr/bin/good || fail "a session without a terminal is stopped"
    if runc_with_terminal $NAME; then fail "a session with a terminal is not stopped"; fi
    wait_alert $NAME 'any(.rule=="presets[1]" and .operation=="exec" and .path=="/usr/bin/good")'
    no_policy $NAME
    runc_with_terminal $NAME || fail "a session with a terminal does not work without the preset: $(cat $W/session)"
}
# runc_with_terminal ID: a session in the container, with a terminal.
runc_with_terminal() { "$PROGRAMS/terminal" runc exec -t "$1" /usr/bin/good </dev/null >$W/session 2>&1; }

# host_policy NAME ANNOTATIONS BODY: a policy of this host.
host_policy() {
    printf 'apiVersion: security.kubearmor.com/v1\nkind: KubeArmorHostPolicy\nmetadata:\n  name: %s\n  annotations: {%s}\nspec:\n  nodeSelector:\n    matchLabels:\n      kubearmor.io/hostname: "*"\n%s\n' \
        "$1" "$2" "$3" >$W/new.yaml
    mv $W/new.yaml $W/policies/"$1".yaml
    eventually 5 host_policy_is "_host/$1" || fail "the host's policy is not in force: $(grep -v policies\ changed "$OUT/daemon.log" | tail -n 1 | cut -c 1-300)"
}
host_policy_is() { pc status | flat | tr '\t' '\n' | grep -q "^\.enforcement\.host\.policies.*=$1\$"; }
host_alerts() { grep -c '"host":true' $W/alerts.json; }
more_host_alerts() { [ "$(host_alerts)" -gt "$1" ]; }
# on_host EXPECTED COMMAND...: 0 for what works, else what is refused and reported.
on_host() {
    local before result=0
    before=$(host_alerts)
    "${@:2}" >$W/said 2>&1 || result=$?
    case $1-$result in
    0-0) ;;
    0-*) fail "the host is refused: ${*:2}: $(cat $W/said)" ;;
    *-0) fail "the host is not refused: ${*:2}" ;;
    *) grep -Eqi 'permission denied|not permitted' $W/said || fail "the host failed for another reason: ${*:2}: $(cat $W/said)"
        eventually 3 more_host_alerts "$before" || fail "refused without an alert: ${*:2}" ;;
    esac
}
# host_alert WORD...: the last alert about the host has all these fields.
host_alert() {
    local last word
    last=$(grep '"host":true' $W/alerts.json | tail -n 1 | flat)
    for word; do case $'\t'$last$'\t' in *$'\t'"$word"$'\t'*) ;; *) fail "the host's alert has no $word: $last" ;; esac done
}

# CHECK enforce-host core: a policy of the host is for processes in no container and only for those, in every section; containers come and go meanwhile
check_enforce_host() {
    need_daemon
    attacker $NAME privileged $NAME || return
    cp "$PROGRAMS/good" "$PROGRAMS/sockets" $W/
    echo kept >$W/kept
    mkdir -p /usr/local/bin
    cp "$PROGRAMS/good" /usr/local/bin/host-tool
    host_policy $NAME '' '  action: Block
  severity: 9
  process:
    matchPaths:
    - path: /run/vm/good
    - execname: host-tool
  file:
    matchPaths:
    - {path: /run/vm/kept, readOnly: true}
    - path: /etc/settings
  network:
    matchProtocols:
    - {protocol: raw, fromSource: [{path: /run/vm/sockets}]}
  capabilities:
    matchCapabilities:
    - {capability: sys_chroot, fromSource: [{path: /usr/sbin/chroot}]}'
    on_host 1 $W/good
    host_alert .operation=exec .path=/run/vm/good .policy=$NAME .namespace= .severity=9 .action=Block .container.id=
    on_host 1 /usr/local/bin/host-tool
    on_host 1 /bin/sh -c "echo x >>$W/kept"
    on_host 0 cat $W/kept
    on_host 1 $W/sockets socket 2 3 1
    host_alert .section=network '.resource=domain=AF_INET type=SOCK_RAW protocol=ICMP'
    on_host 0 $W/sockets socket 2 1 0
    on_host 0 "$PROGRAMS/sockets" socket 2 3 1
    [ ! -x /usr/sbin/chroot ] || { on_host 1 /usr/sbin/chroot / /bin/true; host_alert .resource=CAP_SYS_CHROOT; }
    # The container's own paths of the same name, and a new container.
    allowed 'cat /etc/settings && sockets socket 2 3 1'
    run_container $NAME-new plain $NAME-new /usr/bin/good || fail "a container does not run: $(cat $W/containers/$NAME-new/output)"
    # What the runtime does in the container on its behalf is not the host's.
    runc exec $NAME $APPLETS/cat /etc/settings >/dev/null || fail "a session in the container is refused"
    # A program is replaced by the host's package manager, blocked or not.
    cp "$PROGRAMS/good" $W/good.new && mv $W/good.new $W/good || fail "a blocked program cannot be replaced"
    on_host 1 $W/good
    # Without a daemon, and with the next one.
    stop_daemon
    if $W/good 2>/dev/null; then fail "nothing is denied while no daemon runs"; fi
    start_daemon $(cat $W/daemon.options)
    on_host 1 $W/good
    rm $W/policies/$NAME.yaml
    eventually 5 no_host_policy || fail "the policy of the host does not end"
    on_host 0 $W/good
    on_host 0 $W/sockets socket 2 3 1
}
no_host_policy() { ! pc status | flat | grep -q '\.enforcement\.host\.policies[^=]*=_host'; }

# CHECK enforce-host-whitelist core: an Allow of the host makes its class a whitelist by the host's posture; what would lock people out is refused unless it is meant
check_enforce_host_whitelist() {
    need_daemon --host-file-posture block --host-network-posture audit
    cp "$PROGRAMS/sockets" $W/sockets
    local body='  action: Allow
  network:
    matchProtocols:
    - {protocol: tcp, fromSource: [{path: /run/vm/sockets}]}
    - protocol: udp'
    host_policy $NAME '' "$body"
    expect "the rule without fromSource is warned about" grep -q 'spec.network.matchProtocols\[1\]: ignored: in a KubeArmorHostPolicy, Allow needs fromSource' <(pc status)
    local before
    before=$(host_alerts)
    on_host 0 $W/sockets socket 2 1 0
    on_host 0 $W/sockets socket 2 2 0
    eventually 3 more_host_alerts "$before" || fail "what the host does besides is not reported"
    host_alert .policy=DefaultPosture .action=Audit .section=network
    rm $W/policies/$NAME.yaml
    eventually 5 no_host_policy || fail "the policy does not end"
    # Everything but one directory for one program: nobody could start anything.
    sed "s/^  name: .*/  name: $NAME-lock/" >$W/lock.yaml <<END
apiVersion: security.kubearmor.com/v1
kind: KubeArmorHostPolicy
metadata:
  name: lock
spec:
  nodeSelector: {matchLabels: {kubernetes.io/hostname: "*"}}
  file:
    matchDirectories:
    - {dir: /srv/, recursive: true, fromSource: [{path: /usr/bin/web}]}
  action: Allow
END
    if "$BIN/portcullis" policy apply --socket $W/run/control.sock $W/lock.yaml >$W/said 2>&1; then fail "a policy that locks everybody out is taken"; fi
    expect "it says why: $(cat $W/said)" grep -q 'would lock people out: .*could not open .*what no rule allows is blocked.*--force' $W/said
    on_host 0 /bin/true
    cp $W/lock.yaml $W/policies/lock.yaml
    eventually 5 grep -q 'policies/lock.yaml.*would lock people out' "$OUT/daemon.log" || fail "a file of that kind is taken"
    rm $W/policies/lock.yaml
    # Meant, and only for what this check needs: nothing else runs on this machine then.
    "$BIN/portcullis" policy apply --force --socket $W/run/control.sock - >$W/said 2>&1 <<END || fail "what is meant is refused: $(cat $W/said)"
apiVersion: security.kubearmor.com/v1
kind: KubeArmorHostPolicy
metadata:
  name: forced
spec:
  nodeSelector: {matchLabels: {kubernetes.io/hostname: "*"}}
  process:
    matchPaths:
    - {path: /run/vm/sockets, ownerOnly: true}
    - {path: /usr/bin/login}
  file:
    matchDirectories:
    - {dir: /var/lib/portcullis/policies/, recursive: true}
  action: Block
END
    on_host 0 $W/sockets socket 2 1 0
    # Nobody touches what the daemon keeps, but the daemon does: else nothing could be corrected.
    on_host 1 cat /var/lib/portcullis/policies/_host/forced
    on_host 1 rm /var/lib/portcullis/policies/_host/forced
    "$BIN/portcullis" policy delete _host/forced --socket $W/run/control.sock >/dev/null || fail "it cannot be deleted"
    on_host 0 ls /var/lib/portcullis/policies
}
