# What the kernel counts of its verdicts, for metrics.

# CHECK verdict-counts core: verdicts are counted by operation and by what came of them, and add up to all verdicts
check_verdict_counts() {
    need_daemon
    local blocked allowed
    policy $NAME $NAME '  action: Block
  file:
    matchPaths:
    - path: /etc/secret'
    attacker $NAME plain $NAME || return
    blocked=$(status .verdicts.open.block)
    allowed=$(status .verdicts.open.allow)
    inside $NAME "cat /etc/secret"
    same "reading what is blocked" 1 "$STATUS"
    expect "the denied open among the blocked ones: $(status .verdicts.open.block) after $blocked" [ "$(status .verdicts.open.block)" -gt "$blocked" ]
    inside $NAME "cat /etc/settings"
    same "reading what is not" 0 "$STATUS"
    expect "the open that was let through among the allowed ones: $(status .verdicts.open.allow) after $allowed" [ "$(status .verdicts.open.allow)" -gt "$allowed" ]
    eventually 5 verdicts_add_up || fail "the verdicts by operation do not add up: $(verdict_sums)"
    expect "the hook's registration among the answers that were timed" [ "$(status '.latency.answers.registered.nanoseconds')" -gt 0 ]
    expect "the daemon's memory known inside its sandbox" [ "$(status .process.residentBytes)" -gt 1000000 ]
}
# verdict_sums: all verdicts, and the sum of those by operation and action.
verdict_sums() {
    pc status | flat | tr '\t' '\n' | awk -F= '$1 == ".counters.verdicts" { all = $2 } $1 ~ /^\.verdicts\./ { sum += $2 } END { print all + 0, sum + 0 }'
}
verdicts_add_up() { local all sum; read -r all sum < <(verdict_sums); [ "$all" = "$sum" ]; }
