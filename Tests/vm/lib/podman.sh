# Containers of podman, with all its state in the guest's memory. It has no image here: `podman run --rootfs` takes a prepared root.

PODMAN=$W/podman

# podman_here WORD...: podman with crun, as it is on a machine without systemd.
podman_here() {
    podman --root $PODMAN/root --runroot $PODMAN/run --tmpdir $PODMAN/tmp --storage-driver vfs --events-backend file --cgroup-manager cgroupfs \
        --hooks-dir $PODMAN/hooks --runtime crun "$@"
}

# podman_hooks: the hook file that is shipped, with the paths of this guest.
podman_hooks() {
    mkdir -p $PODMAN/hooks
    jq --arg hook "$BIN/x86_64/portcullis-hook" --arg run $W/run --arg spool $W/spool \
        '.hook.path=$hook | .hook.args+=["--socket",$run+"/hook.sock","--spool",$spool,"--timeout","10s"]' "$here/../../hooks.d/portcullis.json" >$PODMAN/hooks/portcullis.json
}

# podman_run NAME APP WORD...: a container on a root of its own, with the label app=APP. ARGUMENTS are more options for `podman run`. Its output is in
# $W/containers/NAME/output, and with -d the container's id on that file's last line.
podman_run() {
    root_for "$1"
    # shellcheck disable=SC2086 # a list of words
    podman_here run --name "$1" --network none --annotation app="$2" ${ARGUMENTS:-} --rootfs $W/containers/"$1"/rootfs "${@:3}" </dev/null >$W/containers/"$1"/output 2>&1
}

# drop_podman: its containers, and the processes by which it waits for them.
drop_podman() {
    [ -e $PODMAN ] || return 0
    podman_here rm -f -t 0 -a
    eventually 20 podman_is_gone || { fail "left behind by podman: $(podman_processes | tr '\n' ' ')"; podman_processes | cut -d' ' -f1 | xargs -r kill -KILL; }
    umount -l $PODMAN/root/* 2>/dev/null
    rm -rf $PODMAN
}
podman_processes() { pgrep -af -- "(^|/)(conmon|podman) .*$PODMAN/"; }
podman_is_gone() { ! podman_processes; }
