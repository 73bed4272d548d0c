# The bypass suite, part 1: other names for what a rule names. Each attack is tried without a policy (it must work), against a policy that
# blocks /usr/bin/secret-tool and /etc/secret, and against a whitelist that names neither. Aliases are made in /allowed, which
# the whitelist allows for both classes.

# CHECK bypass-direct core: the secret is not read and not run by its own name
check_bypass_direct() {
    need_daemon
    attack 'cat /etc/secret'
    attack '/usr/bin/secret-tool'
    attack 'reach read /etc/secret'
    attack 'reach exec /usr/bin/secret-tool'
}

# CHECK bypass-hard-link core: a hard link, also one made from a descriptor
check_bypass_hard_link() {
    need_daemon
    attack 'ln /etc/secret /allowed/one && cat /allowed/one'
    attack 'ln /usr/bin/secret-tool /allowed/two && /allowed/two'
    attack 'alter link-descriptor /etc/secret /allowed/three && cat /allowed/three'
    attack 'alter link-descriptor /usr/bin/secret-tool /allowed/four && /allowed/four'
}

# CHECK bypass-alias-in-image full: a hard link that the image brings along; what a whitelist names is allowed by that name, so only Block rules are asked
check_bypass_alias_in_image() {
    need_daemon
    BEFORE_START='ln etc/secret allowed/one; ln usr/bin/secret-tool allowed/two; ln work/evil work/other; ln work/evil allowed/three' attackers
    AGAINST=block attack 'cat /allowed/one'
    # A program with several links may be several programs, as busybox is: the one name is blocked, not all (docs/security.md).
    attack /usr/bin/secret-tool
    inside "$NAME-block" /allowed/two
    case $OUTPUT in *SECRET-RAN*) ;; *) fail "another link of a program with two names, a documented limit: $(said)" ;; esac
    # In whitelist mode each name must be allowed by itself.
    AGAINST=allow attack /work/other
    inside "$NAME-allow" /allowed/three
    case $OUTPUT in *SECRET-RAN*) ;; *) fail "an allowed link of a program with other links: $(said)" ;; esac
}

# CHECK bypass-volume-alias core: the directory of the secret mounted at a second place when the container was made; as above
check_bypass_volume_alias() {
    need_daemon
    VOLUMES="/vol /allowed" attackers
    attack 'cat /vol/secret'
    AGAINST=block attack 'cat /allowed/secret'
}

# CHECK bypass-volume-late full: the same where the policy comes after the container: the path is denied, the other name is not, which is a documented limit
check_bypass_volume_late() {
    need_daemon
    local EDIT=. id volume
    for volume in /vol /work; do
        EDIT+=' | .mounts+=[{destination:"'$volume'",type:"bind",source:"'$W'/containers/@ID@/volume",options:["bind","rw"]}]'
    done
    jq "$EDIT" $W/privileged.json >$W/edited.json
    for id in $NAME $NAME-after; do
        mkdir -p $W/containers/$id/volume
        echo SECRET-VOLUME >$W/containers/$id/volume/secret
        EDIT='' attacker $id edited $NAME || return
        [ $id = $NAME ] || continue
        policy $NAME $NAME '  action: Block
  file:
    matchPaths:
    - path: /vol/secret'
        try 'cat /vol/secret'
        inside $NAME 'cat /work/secret'
        case $OUTPUT in *SECRET-*) ;; *) fail "what docs/security.md calls a limit is stopped: another name on a volume, policy after the container: $(said)" ;; esac
    done
    NAME=$NAME-after
    try 'cat /vol/secret'
    try 'cat /work/secret'
    NAME=${NAME%-after}
}

# CHECK bypass-symbolic-link full: symbolic links of one's own and the one that merges /bin into /usr/bin
check_bypass_symbolic_link() {
    need_daemon
    attack 'ln -s /etc/secret /allowed/one && cat /allowed/one'
    attack 'ln -s /usr/bin/secret-tool /allowed/two && /allowed/two'
    attack '/bin/secret-tool'
    attack 'ln -s /etc /allowed/three && cat /allowed/three/secret'
    attack 'cat /usr/../etc//./secret'
}

# CHECK bypass-rename core: rename it, its directory, or exchange it with something else
check_bypass_rename() {
    need_daemon
    attack 'mv /etc/secret /allowed/one && cat /allowed/one'
    attack 'mv /usr/bin/secret-tool /allowed/two && /allowed/two'
    attack 'mv /etc /allowed/three && cat /allowed/three/secret || cat /allowed/three/secret /allowed/one'
    attack 'mv /usr/bin /usr/local/other && /usr/local/other/secret-tool || /allowed/two'
}

# CHECK bypass-exchange full: exchange it with another file in one step
check_bypass_exchange() {
    need_daemon
    attack 'echo x >/allowed/one; alter exchange /etc/secret /allowed/one && cat /allowed/one'
    attack 'echo x >/allowed/two; alter exchange /usr/bin/secret-tool /allowed/two && /allowed/two'
}

# CHECK bypass-copy-up core: force overlayfs to copy the file up, which gives it another inode, then use it
check_bypass_copy_up() {
    need_daemon
    attack 'chmod 700 /etc/secret; chown 0:0 /etc/secret; touch /etc/secret; cat /etc/secret'
    attack 'chmod 755 /usr/bin/secret-tool; chown 0:0 /usr/bin/secret-tool; touch /usr/bin/secret-tool; /usr/bin/secret-tool'
    # The host copies it up, as an engine does that changes a file from outside.
    local kind
    for kind in block allow; do touch $W/containers/pool-$kind/rootfs/usr/bin/secret-tool $W/containers/pool-$kind/rootfs/etc/secret; done
    attack 'cat /etc/secret'
    attack '/usr/bin/secret-tool'
}

# CHECK bypass-replaced full: the file replaced from the host under the same name
check_bypass_replaced() {
    need_daemon
    attack 'cat /etc/secret'
    local kind root
    for kind in control block allow; do
        root=$W/containers/pool-$kind/rootfs
        echo SECRET-NEW >"$root"/etc/new && mv "$root"/etc/new "$root"/etc/secret
        cp "$PROGRAMS/secret-static" "$root"/usr/bin/new && mv "$root"/usr/bin/new "$root"/usr/bin/secret-tool
    done
    attack 'cat /etc/secret'
    attack '/usr/bin/secret-tool'
}

# CHECK bypass-proc-self core: through /proc/self/root, cwd, fd and exe, and through another process
check_bypass_proc_self() {
    need_daemon
    attack 'cat /proc/self/root/etc/secret'
    attack 'cat /proc/1/root/etc/secret'
    attack '/proc/self/root/usr/bin/secret-tool'
    attack 'cd /etc; cat /proc/self/cwd/secret'
    attack 'reach read-by-descriptor /etc/secret'
    attack 'reach exec-by-descriptor /usr/bin/secret-tool'
    attack 'reach exec-empty-path /usr/bin/secret-tool'
    attack 'exec 5</usr/bin/secret-tool; /proc/self/fd/5'
}

# CHECK bypass-openat2 full: openat2 with another root for the lookup
check_bypass_openat2() {
    need_daemon
    attack 'reach read-openat2 / etc/secret'
    attack 'reach read-openat2 /etc secret'
    attack 'reach read-openat2 /etc ../../secret'
}

# CHECK bypass-chroot full: under another root
check_bypass_chroot() {
    need_daemon
    attack 'reach chroot-read /etc /secret'
    attack 'reach chroot-exec /usr /bin/secret-tool'
    attack 'cp /usr/local/bin/busybox /work/busybox; chroot / /work/busybox cat /etc/secret; reach chroot-read / /etc/secret'
    # chroot itself is nobody's business: it works, what the rules let through is read there, and a file that is only called so under the new root is not
    # the one that is named.
    local kind
    for kind in block allow; do
        inside pool-$kind 'reach chroot-read /etc /passwd && mkdir -p /tmp/jail/etc && echo another >/tmp/jail/etc/secret && reach chroot-read /tmp/jail /etc/secret'
        case $STATUS-$OUTPUT in 0-root:*another*) ;; *) fail "chroot changes what the $kind rules let through: $(said); $(alerts_of pool-$kind | tail -n 2 | told)" ;; esac
    done
}

# CHECK bypass-handle full: by file handle, without a name
check_bypass_handle() {
    need_daemon
    VOLUMES=/vol attackers
    attack 'reach handle-read /vol /vol/secret'
}

# CHECK bypass-long-path full: 60 directories deep and 3,000 bytes long, reached step by step
check_bypass_long_path() {
    need_daemon
    local name
    name=$(printf 'd%.0s' $(seq 49))
    # The directories are made from the outside, and read from inside by going down one by one.
    BEFORE_START='mkdir -p work/deep && cd work/deep && for i in $(seq 60); do mkdir '$name' && cd '$name' || exit 1; done; echo SECRET-DEEP >secret' attackers
    attack 'reach deep /work/deep 60 49 secret'
    attack "p=/work/deep; for i in \$(seq 60); do p=\$p/$name; done; cat \$p/secret"
}

# CHECK bypass-glob full: rules by pattern and by executable's name hold under the same aliases
check_bypass_glob() {
    need_daemon
    policy $NAME $NAME '  action: Block
  process:
    matchPaths:
    - execname: secret-tool
  file:
    matchPatterns:
    - pattern: /etc/secre[t-z]
    - pattern: /**/*-secret.{key,pem}'
    local script
    attacker $NAME privileged $NAME
    for script in 'cat /etc/secret' 'cp /bin/sh /work/x-secret.key; cat /work/x-secret.key' 'mkdir -p /work/a/b; cat /etc/../work/a/../../etc/secret' \
        'secret-tool' 'mkdir /work/q; cp /usr/bin/secret-tool /work/q/; /work/q/secret-tool' 'reach chroot-read /etc /secret' 'ln /etc/secret /work/l; cat /work/l'; do
        try "$script"
    done
}
