# Enforcement in pods of a real containerd, through the plugin for NRI.

# CHECK nri-enforced full slow: a policy that selects by a pod's label denies what the first program of each container does, and what runs already when the plugin comes
check_nri_enforced() {
    need_daemon
    local containerd said
    [ -x "$BIN/portcullis-nri" ] || skip "portcullis-nri is not built (make nri)"
    containerd=${PORTCULLIS_CONTAINERD_CACHE:-/var/cache/portcullis-containerd}/2.x
    [ -x $containerd/bin/containerd ] || skip "there is no containerd (Tests/host/containerd/fetch 2.x)"
    said=$("$here/../nri/check" --bin "$BIN" --containerd $containerd --daemon $W --keep enforced 2>&1) || fail "$(grep -m 1 -A 8 '^FAIL' <<<"$said" | paste -sd ' ')"
    echo "$said"
    note "$(grep -m 1 '^ok ' <<<"$said")"
    [ -z "$(find $W/policies -name 'till*')" ] || fail "its policy is still there"
}
