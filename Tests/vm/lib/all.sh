# What every process of the guest's runner knows. OUT is the directory shared with the host; W is the guest's own.
. "$OUT/settings"
W=/run/vm
export XDG_RUNTIME_DIR=/run PATH=$W/applets:$PATH
for part in assert daemon container podman policy attacker sampler feed suite; do . "$here/lib/$part.sh"; done

# Warnings of the kernel, by number: any check during which one appears has failed.
kernel_complaints() { dmesg | grep -E 'WARNING:|BUG:|Oops|suspicious RCU|INFO: task .* blocked|refcount_t'; }
kernel_messages() { kernel_complaints | wc -l; }

prepare_guest() {
    # Static applets start in a fifth of the time that coreutils take here.
    mkdir -p $W/applets
    cp /bin/busybox $W/applets/
    $W/applets/busybox --install $W/applets
    rm -f $W/applets/{sh,bash,ash,runc,jq,ps,nsenter,unshare,mount}
    hash -r
    mkdir -p -m 700 $W $W/containers $W/policies
    make_root
    make_templates
    standing_policies
}

# clean_up NAME: nothing of a check is left to the next one: containers, policies, processes that it started in the background.
clean_up() {
    local id job
    for job in $(jobs -p); do kill -KILL "$job" 2>/dev/null; done
    reset_pool
    drop_podman
    for id in $(ls $W/containers); do case $id in pool-*) ;; *) drop "$id" ;; esac done
    remove_policies
    if daemon_runs; then eventually 10 nothing_left || fail "left behind: $(what_is_left)"; fi
}
# drop ID: the container and its files.
drop() {
    [ ! -e /run/runc/"$1" ] || runc delete -f "$1" || fail "runc cannot delete $1"
    umount -l $W/containers/"$1"/rootfs 2>/dev/null
    rm -rf $W/containers/"$1"
}
