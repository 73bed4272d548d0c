# Enforcement: sections whose rules name things by words, network and capabilities.

# CHECK enforce-network core: sockets are denied by protocol and type, with the rule in the alert; those that never leave the machine are not, and the hooks come and go
check_enforce_network() {
    need_daemon
    # Up to 5.12 a hook that was attached once stays.
    [ "$KERNEL" = 5.10 ] || same "hooks without network rules" "" "$(on_demand)"
    policy $NAME $NAME '  action: Block
  severity: 7
  network:
    matchProtocols:
    - protocol: tcp
    - {protocol: udp, action: Audit}
    - protocol: raw, icmpv6
      message: no pinging'
    attacker $NAME privileged $NAME || return
    [ "$KERNEL" = 5.10 ] || same "hooks with them" "socket_accept socket_bind socket_connect socket_create socket_listen socket_sendmsg" "$(on_demand)"
    denied 'sockets socket 2 1 0'
    alert .operation=socket .action=Block .section=network .policy=$NAME '.rule=network.matchProtocols[0]' .severity=7 \
        '.resource=domain=AF_INET type=SOCK_STREAM protocol=TCP' .executable=/usr/local/bin/sockets '.result=Permission denied'
    denied 'sockets socket 10 1 6'
    denied 'sockets socket 2 3 1'
    alert '.rule=network.matchProtocols[2]' '.resource=domain=AF_INET type=SOCK_RAW protocol=ICMP' '.message=no pinging'
    denied 'sockets socket 10 2 58'
    alert '.resource=domain=AF_INET6 type=SOCK_DGRAM protocol=ICMPv6'
    # Not TCP and not UDP, whatever their type.
    allowed 'sockets socket 1 1 0 && sockets socket 1 2 0 && sockets socket 1 5 0'
    local before
    before=$(alerts_count $NAME)
    allowed 'sockets socket 2 2 17'
    eventually 3 more_alerts $NAME "$before" || fail "an audited socket is not reported"
    alert .action=Audit .result=Passed '.resource=domain=AF_INET type=SOCK_DGRAM protocol=UDP'
    # Others are not concerned, the machine itself least of all.
    run_container $NAME-other privileged $NAME-other $APPLETS/sockets socket 2 1 0 || fail "a container without the policy may make no socket"
    "$PROGRAMS/sockets" socket 2 1 0 >/dev/null || fail "the machine may make no socket"
    # Detached with the last such policy, and attached again with the next.
    local round
    for round in 1 2 3; do
        no_policy $NAME
        policy $NAME $NAME '  action: Block
  network:
    matchProtocols:
    - protocol: tcp'
        denied 'sockets socket 2 1 0'
    done
    no_policy $NAME
    allowed 'sockets socket 2 1 0'
    [ "$KERNEL" = 5.10 ] || eventually 5 none_on_demand || fail "the hooks stay: $(on_demand)"
}
on_demand() { pc status | flat | tr '\t' '\n' | sed -n 's/^\.enforcement\.hooksOnDemand[^=]*=\(socket_.*\|capable\)$/\1/p' | sort | paste -sd ' '; }
none_on_demand() { [ -z "$(on_demand)" ]; }

# CHECK enforce-network-calls full: a socket from before the policy does not connect, bind, listen or accept, and the alert has the address
check_enforce_network_calls() {
    need_daemon
    attacker $NAME plain $NAME || return
    local call port=7000
    for call in connect bind listen accept; do
        port=$((port + 1))
        inside $NAME "mkfifo /tmp/$call; (sockets later $call $port /tmp/$call >/tmp/$call.said 2>&1; echo \"status \$?\" >>/tmp/$call.said) & until grep -q waiting /tmp/$call.said; do :; done"
    done
    policy $NAME $NAME '  action: Block
  network:
    matchProtocols:
    - protocol: tcp'
    for call in connect bind listen accept; do
        inside $NAME ": >/tmp/$call; until grep status /tmp/$call.said; do :; done; cat /tmp/$call.said"
        case $OUTPUT in *ermission\ denied*'status 13'*) ;; *) fail "$call is not denied: $(said)" ;; esac
        wait_alert $NAME "any(.operation==\"$call\" and .policy==\"$NAME\")"
    done
    wait_alert $NAME 'any(.operation=="connect" and .resource=="domain=AF_INET type=SOCK_STREAM protocol=TCP address=127.0.0.1 port=7001")'
    wait_alert $NAME 'any(.operation=="bind" and (.resource | endswith("address=127.0.0.1 port=7002")))'
}

# CHECK enforce-network-whitelist full: where a protocol is allowed the others follow the posture; fromSource rules look at the executable
check_enforce_network_whitelist() {
    need_daemon
    policy $NAME $NAME '  action: Allow
  network:
    matchProtocols:
    - protocol: udp
    - protocol: tcp
      fromSource:
      - path: /usr/local/bin/nc'
    attacker $NAME privileged $NAME || return
    allowed 'sockets socket 2 2 0'
    denied 'sockets socket 2 1 0'
    alert .policy=DefaultPosture .section=network .action=Block
    denied 'sockets socket 17 3 768'
    # What never leaves the machine is no posture's business.
    allowed 'sockets socket 1 1 0 && sockets socket 16 3 0'
    # By its path: by its bare name the shell would run the applet itself.
    allowed "mkfifo /tmp/fifo; exec 3<>/tmp/fifo; $APPLETS/nc -l -p 7777 <&3 >/tmp/heard & until echo five | $APPLETS/nc 127.0.0.1 7777 2>/dev/null; do :; done; wait; grep five /tmp/heard"
    # The other sections have no Allow rule, so that they are no whitelists.
    allowed 'cat /etc/settings && /usr/bin/good'
}

# CHECK enforce-capabilities core: a capability is denied with EPERM, and the alert names it; in whitelist mode those that no rule names are
check_enforce_capabilities() {
    need_daemon
    policy $NAME $NAME '  action: Block
  tags: [caps]
  capabilities:
    matchCapabilities:
    - capability: net_raw'
    attacker $NAME privileged $NAME || return
    [ "$KERNEL" = 5.10 ] || same "hooks on demand" capable "$(on_demand)"
    not_capable 'sockets socket 2 3 1'
    alert .operation=capability .resource=CAP_NET_RAW .section=capabilities .policy=$NAME '.rule=capabilities.matchCapabilities[0]' '.result=Operation not permitted'
    # With credentials that io_uring puts on; 5.10 cannot make a socket so.
    [ "$KERNEL" = 5.10 ] || not_capable 'uring socket 2 3 1'
    allowed 'echo x >/tmp/file && sockets owner /tmp/file'
    policy $NAME $NAME '  action: Allow
  capabilities:
    matchCapabilities:
    - capability: net_raw
    - capability: chown
      fromSource:
      - path: /usr/local/bin/chown'
    allowed 'sockets socket 2 3 1'
    not_capable 'sockets owner /tmp/file'
    alert .resource=CAP_CHOWN .policy=DefaultPosture
    allowed "$APPLETS/chown 7 /tmp/file"
    # A capability that the process does not have is the kernel's own refusal, and no alert.
    policy $NAME-plain $NAME-plain '  action: Block
  capabilities:
    matchCapabilities:
    - capability: net_raw'
    attacker $NAME-plain plain $NAME-plain || return
    inside $NAME-plain 'sockets socket 2 3 1'
    same "a raw socket without the capability ($(said))" 1 "$STATUS"
    # Alerts come in order: one for what is judged, and none before it.
    policy $NAME-plain $NAME-plain '  action: Audit
  capabilities:
    matchCapabilities:
    - capability: net_raw
    - capability: net_bind_service'
    inside $NAME-plain "sockets socket 2 3 1; $APPLETS/timeout 0.1 $APPLETS/nc -l -p 77"
    eventually 3 more_alerts $NAME-plain 0 || fail "binding a low port is not reported"
    same "the first alert" CAP_NET_BIND_SERVICE "$(alerts_of $NAME-plain | head -n 1 | flat .resource)"
}
# not_capable SCRIPT: it is refused there with EPERM, and reported.
not_capable() {
    local before
    before=$(alerts_count $NAME)
    inside $NAME "$1"
    case $STATUS-$OUTPUT in 1-*'peration not permitted'*) ;; *) fail "not refused with EPERM: $1: $(said)" ;; esac
    eventually 3 more_alerts $NAME "$before" || fail "denied without an alert: $1"
}

# CHECK enforce-namespace-posture full: a namespace of the configuration has postures of its own, and a reload changes them for running containers
check_enforce_namespace_posture() {
    printf 'namespaces:\n  lenient:\n    file-posture: audit\n    network-posture: loud\n    visibility: none\n' >$W/namespaces.yaml
    need_daemon --config $W/namespaces.yaml
    expect "the wrong value is warned about" grep -q 'namespaces.yaml:4:22: lenient: network-posture is not audit or block: the one for all counts' "$OUT/daemon.log"
    policy_text $NAME $NAME '  action: Allow
  network:
    matchProtocols: [{protocol: udp}]
  file:
    matchDirectories:
    - {dir: /usr/, recursive: true}
    - {dir: /dev/, recursive: true}' | sed 's/^  name: .*/&\n  namespace: lenient/' >$W/new.yaml
    mv $W/new.yaml $W/policies/$NAME.yaml
    eventually 5 policy_is_known lenient/$NAME || fail "the policy is not taken"
    EDIT='.annotations["portcullis.io/namespace"]="lenient"' attacker $NAME plain $NAME || return
    local before
    before=$(alerts_count $NAME)
    allowed 'cat /etc/settings'
    eventually 3 more_alerts $NAME "$before" || fail "the unlisted is not reported"
    alert .action=Audit .policy=DefaultPosture .path=/etc/settings
    denied 'sockets socket 2 1 0'
    # What it runs is not told.
    same "events of a namespace without visibility" 0 "$(events_of $NAME | wc -l)"
    printf 'namespaces:\n  lenient:\n    network-posture: audit\n' >$W/namespaces.yaml
    kill -HUP "$(daemon_pid)"
    eventually 5 posture_is lenient audit || fail "the configuration is not read again: $(pc status | flat | tr '\t' '\n' | grep -i posture | tr '\n' ' ')"
    denied 'cat /etc/settings'
    allowed 'sockets socket 2 1 0'
    wait_events $NAME 'any(.type=="exec" and .process.executable=="/usr/local/bin/sockets")'
}
policy_is_known() { "$BIN/portcullis" policy list --socket $W/run/control.sock --json | grep -q "\"identity\":\"$1\""; }
posture_is() { [ "$(status .enforcement.namespacePostures."$1".networkPosture)" = "$2" ]; }
