# The bypass suite, part 3: mounts, namespaces and other containers' ways of looking at the same files.

# CHECK bypass-unshare-mount full: from a mount namespace of one's own
check_bypass_unshare_mount() {
    need_daemon
    attack 'unshare -m cat /etc/secret'
    attack 'unshare -m /usr/bin/secret-tool'
    attack 'unshare -m sh -c "mount --bind /etc /work; cat /work/secret"'
}

# CHECK bypass-unshare-user core: from a user namespace, where everybody may mount
check_bypass_unshare_user() {
    need_daemon
    attack 'unshare -Urm cat /etc/secret'
    attack 'unshare -Urm /usr/bin/secret-tool'
    attack 'unshare -Urm sh -c "mount --bind /etc /work; cat /work/secret"'
    attack 'remount user-read /etc /work /work/secret'
    # An ordinary container has no capability to mount with, but may have user namespaces.
    TEMPLATE=plain attackers
    attack 'remount user-read /etc /work /work/secret'
}

# CHECK bypass-unshare-pid full: from other pid, network, ipc and cgroup namespaces
check_bypass_unshare_pid() {
    need_daemon
    attack 'unshare -p -f -n -i -u cat /etc/secret'
    attack 'unshare -p -f -m -n -i -u /usr/bin/secret-tool'
}

# CHECK bypass-setns full: into the mount namespace of a process of one's own, with mounts of its own
check_bypass_setns() {
    need_daemon
    attack 'unshare -m sleep 1000 & pid=$!; until [ "$(readlink /proc/$pid/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]; do :; done
        remount setns-read $pid /etc/secret; r=$?; kill $pid; exit $r'
    attack 'unshare -m sleep 1000 & pid=$!; until [ "$(readlink /proc/$pid/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]; do :; done
        nsenter -t $pid -m /usr/bin/secret-tool; r=$?; kill $pid; exit $r'
}

# CHECK bypass-host-pid core: in the host's pid namespace, also through the host's mount namespace
check_bypass_host_pid() {
    need_daemon
    EDIT='.linux.namespaces|=map(select(.type!="pid"))' attackers
    attack 'cat /etc/secret'
    attack 'unshare -m /usr/bin/secret-tool'
    attack 'cat /proc/$$/root/etc/secret'
    attack 'nsenter -t 1 -m cat /proc/$(exec sh -c "echo \$PPID")/root/etc/secret || remount setns-read 1 /proc/$$/root/etc/secret'
    attack 'remount setns-read 1 /proc/$$/root/etc/secret'
}

# CHECK bypass-cgroup-move full: from another cgroup
check_bypass_cgroup_move() {
    need_daemon
    attack 'mkdir /sys/fs/cgroup/away && echo 0 >/sys/fs/cgroup/away/cgroup.procs && cat /etc/secret'
    attack 'mkdir /sys/fs/cgroup/far && echo 0 >/sys/fs/cgroup/far/cgroup.procs && /usr/bin/secret-tool'
}

# CHECK bypass-bind-mount core: the file, its directory or the root mounted elsewhere
check_bypass_bind_mount() {
    need_daemon
    attack 'touch /allowed/one; mount --bind /etc/secret /allowed/one && cat /allowed/one'
    attack 'touch /allowed/two; mount --bind /usr/bin/secret-tool /allowed/two && /allowed/two'
    attack 'mkdir /allowed/three; mount --bind /etc /allowed/three && cat /allowed/three/secret'
    attack 'mkdir /allowed/four; mount --rbind / /allowed/four && /allowed/four/usr/bin/secret-tool'
}

# CHECK bypass-overlay-mount full: an overlay that has the secret's directory below
check_bypass_overlay_mount() {
    need_daemon
    attack 'mkdir /allowed/one; mount -t overlay -o lowerdir=/etc:/usr/bin none /allowed/one && cat /allowed/one/secret'
    attack 'mkdir /allowed/two; mount -t overlay -o lowerdir=/usr/bin:/etc none /allowed/two && /allowed/two/secret-tool'
}

# CHECK bypass-open-tree full: a clone of a mount that is in no mount tree, and one that is put elsewhere
check_bypass_open_tree() {
    need_daemon
    attack 'remount tree-read /etc secret'
    attack 'remount tree-read / etc/secret'
    attack 'remount tree-exec /usr/bin secret-tool'
    attack 'mkdir /allowed/one; remount tree-move /etc /allowed/one /allowed/one/secret'
}

# CHECK bypass-lazy-unmount full: from a directory whose mount was taken away
check_bypass_lazy_unmount() {
    need_daemon
    attack 'mkdir /allowed/one; remount lazy-own-read /etc /allowed/one secret'
    VOLUMES=/vol attackers
    attack 'remount lazy-read /vol secret'
}

# CHECK bypass-pivot-root full: another root for the whole namespace
check_bypass_pivot_root() {
    need_daemon
    attack 'remount pivot-read /etc /secret'
}

# CHECK bypass-shared-pid full: two containers in one pid namespace: the one without a policy gives the other's files no way in
check_bypass_shared_pid() {
    need_daemon
    container $NAME-first plain none $APPLETS/sleep 1000
    EDIT='.linux.namespaces|=map(if .type=="pid" then .path="/proc/'$(container_pid $NAME-first)'/ns/pid" else . end)' attackers
    attack 'cat /etc/secret'
    attack '/usr/bin/secret-tool'
    attack 'unshare -m cat /etc/secret'
}

# CHECK bypass-outlive-init full: a daemon that outlives its container's init, in the host's and in a shared pid namespace
check_bypass_outlive_init() {
    need_daemon
    local kind way pid
    container $NAME-first plain none $APPLETS/sleep 1000
    for way in host shared; do
        for kind in control block allow; do
            case $way in
            host) EDIT='.linux.namespaces|=map(select(.type!="pid"))' ;;
            shared) EDIT='.linux.namespaces|=map(if .type=="pid" then .path="/proc/'$(container_pid $NAME-first)'/ns/pid" else . end)' ;;
            esac
            EDIT=$EDIT attacker $NAME-$way-$kind privileged bypass-$kind || continue
            pid=$(container_pid $NAME-$way-$kind)
            inside $NAME-$way-$kind 'swarm outlive $$ /work/result /etc/secret'
            kill -KILL "$pid"
            eventually 10 test -s $W/containers/$NAME-$way-$kind/upper/work/result || { fail "$way $kind: the daemon has no result"; continue; }
            OUTPUT=$(cat $W/containers/$NAME-$way-$kind/upper/work/result) STATUS=0
            if [ $kind = control ]; then
                case $OUTPUT in *SECRET-*) ;; *) fail "$way: the attack does not work even without a policy: $OUTPUT" ;; esac
            else
                refused $kind $NAME-$way-$kind 0 "outlive init in a $way pid namespace"
            fi
        done
    done
    pkill -KILL -x swarm
}
