# Enforcement under podman, whose containers are started and entered by more than a runtime: conmon, a hook directory, files mounted into /etc.

# CHECK enforce-podman full: podman run and podman exec start in a whitelist of only their own programs and libraries; other programs and files are denied
check_enforce_podman() {
    need_daemon
    command -v podman >/dev/null && command -v conmon >/dev/null && command -v crun >/dev/null || skip "no podman, conmon or crun here"
    local id before
    podman_hooks
    policy $NAME $NAME '  action: Allow
  process:
    matchPaths:
    - path: /usr/bin/linked
    - path: /usr/local/bin/sleep
    - path: /usr/local/bin/reach
  file:
    matchPaths:
    - path: /usr/bin/linked
    - path: /usr/local/bin/sleep
    - path: /usr/local/bin/reach
    - path: /usr/lib/liblinked.so
    - path: /etc/public'
    before=$(wc -l <$W/alerts.json)
    podman_run $NAME-one $NAME /usr/bin/linked || fail "podman run fails"
    same "podman run" linked "$(what_podman_said $NAME-one)"
    ARGUMENTS=-d podman_run $NAME $NAME $APPLETS/sleep 1000 || { fail "podman run -d: $(what_podman_said $NAME)"; return; }
    id=$(tail -n 1 $W/containers/$NAME/output)
    # One start of podman takes three seconds here.
    same "podman exec with a terminal, as somebody else" linked "$(entered -t -u 7:7 $id /usr/bin/linked)"
    same "podman exec, reading what is allowed" public "$(entered $id $APPLETS/reach read /etc/public)"
    # Alerts come in order: if the first one is of the first access that may not be, everything before it had none.
    podman_denies '[.operation,.path,.policy]==["exec","/usr/bin/good","DefaultPosture"]' /usr/bin/good
    podman_denies '[.operation,.path,.policy]==["open","/etc/secret","DefaultPosture"]' $APPLETS/reach read /etc/secret
    # Of both containers; the one that ran to its end is known by its id only.
    expect "two alerts, not more: $(tail -n +$((before + 1)) $W/alerts.json | told)" test $(($(wc -l <$W/alerts.json) - before)) = 2
}
# entered WORD...: what `podman exec WORD...` says; a terminal ends lines with a carriage return.
entered() { podman_here exec "$@" </dev/null 2>&1 | tr -d '\r'; }
# podman_denies FILTER WORD...: `podman exec` of WORD is refused, and the last alert is what FILTER says.
podman_denies() {
    local before said
    before=$(alerts_count "$id")
    said=$(podman_here exec "$id" "${@:2}" </dev/null 2>&1) && fail "podman exec ${*:2} is not denied: $said"
    case $said in *SECRET-* | good*) fail "podman exec ${*:2} got through: $said" ;; *[Pp]'ermission denied'*) ;; *) fail "podman exec ${*:2} fails for another reason: $said" ;; esac
    eventually 5 more_alerts "$id" "$before" || { fail "podman exec ${*:2}: denied without an alert"; return; }
    expect "what podman exec ${*:2} was denied: $(alerts_since "$id" "$before")" alerts_hold "$id" ".[$before] | $1"
}
what_podman_said() { tail -n 3 $W/containers/"$1"/output | tr '\n' ' ' | sed 's/ $//'; }
