# Containers of plain runc on an overlay, as engines make them: each has the prepared root below and an upper layer of its own.

# Where a container's applets are. Busybox's shell runs its own applets through /proc/self/exe when they are called by their bare name, so
# a check that cares about paths writes them out.
APPLETS=/usr/local/bin

# make_root: the image. /bin and /lib are links into /usr, as in today's distributions; applets are hard links, so that the path
# the kernel sees is the applet's; what a rule is to name is a file of its own.
make_root() {
    local root=$W/root program
    mkdir -p $root/usr/bin $root/usr/local/bin $root/usr/lib $root/etc $root/proc $root/dev $root/sys $root/tmp $root/run $root/root
    ln -s usr/bin $root/bin
    ln -s usr/lib $root/lib
    ln -s usr/lib $root/lib64
    cp /bin/busybox $root/usr/local/bin/busybox
    $root/usr/local/bin/busybox --install $root/usr/local/bin
    cp /bin/busybox $root/usr/bin/sh
    echo root:x:0:0:root:/:/bin/sh >$root/etc/passwd
    cp "$PROGRAMS/secret-tool" $root/usr/bin/secret-tool
    cp "$PROGRAMS/libc.so" $root/usr/lib/libc.so
    ln -s libc.so $root/usr/lib/ld-musl-x86_64.so.1
    cp "$PROGRAMS/good" "$PROGRAMS/linked" $root/usr/bin
    cp "$PROGRAMS/liblinked.so" $root/usr/lib
    for program in reach alter remount swarm pass uring sockets query memory terminal acts; do cp "$PROGRAMS/$program" $root/usr/local/bin/$program; done
    # /allowed is named by the bypass suite's whitelist for both classes, /work for files only.
    mkdir -p $root/allowed $root/work $root/vol
    cp "$PROGRAMS/secret-static" $root/work/evil
    echo SECRET-CONTENT >$root/etc/secret
    echo public >$root/etc/public
    echo settings >$root/etc/settings
}

# make_templates: config.json once for each kind of container; sed fills in the rest, because jq takes a third of a second here.
make_templates() {
    local hook='{path:$hook,timeout:20,args:["portcullis-hook","--socket",$run+"/hook.sock","--spool",$spool,"--timeout","10s"]}'
    (cd $W && rm -f config.json && runc spec && mv config.json spec.json)
    jq --arg hook "$BIN/x86_64/portcullis-hook" --arg run $W/run --arg spool $W/spool \
        '.process.terminal=false | .process.args=["@ARGS@"] | .process.env=["PATH=/usr/local/bin:/usr/bin:/bin"] | .root={path:"rootfs",readonly:false}
        | .annotations={app:"@APP@"} | .mounts+=[{destination:"/tmp",type:"tmpfs",source:"tmpfs",options:["nosuid","nodev","mode=1777"]}]
        | .hooks={prestart:['"$hook"'],poststop:['"$hook"']}' $W/spec.json >$W/plain.json
    # A privileged container is the strongest attacker there is short of host root.
    jq --arg names "$(capability_names)" \
        '($names|split(" ")) as $caps | .process.capabilities={bounding:$caps,effective:$caps,permitted:$caps,inheritable:$caps}
        | .process.noNewPrivileges=false | del(.linux.maskedPaths,.linux.readonlyPaths,.linux.seccomp)
        | .linux.resources.devices=[{allow:true,access:"rwm"}]
        | .mounts|=map(if .destination=="/sys" or .destination=="/sys/fs/cgroup" then .options-=["ro"] else . end)' $W/plain.json >$W/privileged.json
}
capability_names() {
    echo CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SETPCAP CAP_LINUX_IMMUTABLE \
        CAP_NET_BIND_SERVICE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_CHROOT \
        CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_MKNOD CAP_LEASE \
        CAP_AUDIT_WRITE CAP_AUDIT_CONTROL CAP_SETFCAP CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ
}

# bundle ID TEMPLATE APP ARGS-JSON [JQ]: a bundle whose label app is APP. JQ edits the configuration further; BEFORE_START is a script for
# its root file system.
bundle() {
    local directory=$W/containers/$1 arguments=${4//\\/\\\\}
    root_for "$1"
    arguments=${arguments//&/\\&}
    sed -e "s/\"@APP@\"/\"$3\"/" -e "s/@ID@/$1/" -e "s|^\( *\)\"@ARGS@\"\$|\1${arguments//|/\\|}|" $W/"$2".json >"$directory/config.json"
    [ -z "${5:-}" ] || { jq "$5" "$directory/config.json" >"$directory/new" && mv "$directory/new" "$directory/config.json"; }
}
root_for() { # root_for ID: its root file system
    local directory=$W/containers/$1
    mkdir -p "$directory"/{upper,work,rootfs}
    mount -t overlay -o "lowerdir=${ROOT:-$W/root},upperdir=$directory/upper,workdir=$directory/work" overlay "$directory/rootfs"
    [ -z "${BEFORE_START:-}" ] || (cd "$directory/rootfs" && eval "$BEFORE_START") || fail "the root of $1 cannot be prepared"
}
# arguments WORD...: as the inside of a JSON array.
arguments() {
    local word text=
    for word; do
        word=${word//\\/\\\\}
        word=${word//\"/\\\"}
        word=${word//$'\t'/\\t}
        text+="${text:+,}\"${word//$'\n'/\\n}\""
    done
    printf '%s' "$text"
}

# container ID TEMPLATE APP WORD...: start it detached, without standard input. EDIT is jq for the configuration.
container() {
    bundle "$1" "$2" "$3" "$(arguments "${@:4}")" "${EDIT:-}"
    runc run -d --bundle $W/containers/"$1" "$1" </dev/null >$W/containers/"$1"/output 2>&1 ||
        { fail "container $1 does not start: $(tail -n 2 $W/containers/"$1"/output | cut -c 1-300)"; return 1; }
}
# run_container ID TEMPLATE APP WORD...: run it to its end; its status is the result.
run_container() {
    bundle "$1" "$2" "$3" "$(arguments "${@:4}")" "${EDIT:-}"
    runc run --bundle $W/containers/"$1" "$1" </dev/null >$W/containers/"$1"/output 2>&1
}
container_pid() { sed -n 's/.*"init_process_pid":\([0-9]*\).*/\1/p' /run/runc/"$1"/state.json; }
stopped() { runc state "$1" | grep -q '"status": "stopped"'; }
tasks() { pc containers | grep -F "\"id\":\"$1\"" | flat .tasks; }
tasks_are() { [ "$(tasks "$1")" = "$2" ]; }
