# The bypass suite, part 2: other ways to run a program, and files put in the place of allowed ones.

# CHECK bypass-dynamic-loader core: the program given to the dynamic loader, or mapped executable by hand
check_bypass_dynamic_loader() {
    need_daemon
    local HIDDEN='Not a valid dynamic program'
    attack '/lib/ld-musl-x86_64.so.1 /usr/bin/secret-tool'
    attack 'cp /usr/lib/libc.so /allowed/loader; chmod 755 /allowed/loader; /allowed/loader /usr/bin/secret-tool; /lib/ld-musl-x86_64.so.1 /usr/bin/secret-tool'
    # Under a whitelist the mapping itself is a read, which the file section judges.
    AGAINST=block attack 'reach map-exec /usr/bin/secret-tool'
    AGAINST=block attack 'reach map-then-protect /usr/bin/secret-tool'
}

# CHECK bypass-script core: a script whose interpreter is the program
check_bypass_script() {
    need_daemon
    attack 'printf "#!/usr/bin/secret-tool\n" >/allowed/script; chmod 755 /allowed/script; /allowed/script || /usr/bin/secret-tool'
}

# CHECK bypass-memfd core: content in an anonymous file; runs under Block rules, which is a documented limit, and not in whitelist mode
check_bypass_memfd() {
    need_daemon
    limit 'reach exec-memfd /work/evil anything'
    limit 'reach exec-memfd /usr/bin/secret-tool secret-tool'
    policy $NAME $NAME '  action: Block
  process:
    matchPatterns:
    - pattern: "memfd:**"'
    attacker $NAME privileged $NAME
    try 'reach exec-memfd /work/evil anything'
}

# CHECK bypass-copy full: a copy under a new name runs under Block rules, which is a documented limit, and not in whitelist mode
check_bypass_copy() {
    need_daemon
    limit 'cp /work/evil /work/copy; /work/copy'
    limit 'cp /work/evil /tmp/copy; chmod 755 /tmp/copy; /tmp/copy'
    limit 'cat /usr/bin/secret-tool >/work/copy2; chmod 755 /work/copy2; /work/copy2'
    limit 'cp /usr/bin/secret-tool /work/copy3; /work/copy3'
    attack /usr/bin/secret-tool
}

# CHECK bypass-allowed-replaced core: evil content in the place of a program that the whitelist allows: renamed, linked, written, truncated
check_bypass_allowed_replaced() {
    need_daemon
    AGAINST=allow attack 'cp /work/evil /work/one; mv /work/one /usr/bin/good && /usr/bin/good'
    AGAINST=allow attack 'cp /work/evil /work/two; rm /usr/bin/good && mv /work/two /usr/bin/good && /usr/bin/good'
    AGAINST=allow attack 'rm -f /usr/bin/good; ln -s /work/evil /usr/bin/good && /usr/bin/good'
}

# CHECK bypass-allowed-written full: an allowed program overwritten in place
check_bypass_allowed_written() {
    need_daemon
    AGAINST=allow attack 'cat /work/evil >/usr/bin/good && /usr/bin/good'
    AGAINST=allow attack 'cp /work/evil /usr/bin/good && /usr/bin/good'
    AGAINST=allow attack 'dd if=/work/evil of=/usr/bin/good conv=notrunc && /usr/bin/good'
}

# CHECK bypass-allowed-added full: a new program in a directory whose programs the whitelist allows
check_bypass_allowed_added() {
    need_daemon
    AGAINST=allow attack 'cp /work/evil /allowed/new && /allowed/new'
    AGAINST=allow attack 'cp /work/evil /work/one; mv /work/one /allowed/moved && /allowed/moved'
}

# CHECK bypass-allowed-linked full: the same by hard link, by unnamed file, by exchange
check_bypass_allowed_linked() {
    need_daemon
    AGAINST=allow attack 'ln /work/evil /allowed/one && /allowed/one'
    AGAINST=allow attack 'alter link-descriptor /work/evil /allowed/two && /allowed/two'
    AGAINST=allow attack 'cp /work/evil /work/three; alter exchange /work/three /usr/bin/good && /usr/bin/good'
    AGAINST=allow attack 'cp /work/evil /work/five; alter exchange /usr/bin/good /work/five && /usr/bin/good'
    AGAINST=allow attack 'mkdir /work/e && cp /work/evil /work/e/four && mv /work/e /allowed/e && /allowed/e/four'
}

# CHECK bypass-allowed-unnamed full: a file that was made without a name and is linked to an allowed one, on a tmpfs, because overlayfs has none
check_bypass_allowed_unnamed() {
    need_daemon
    VOLUMES=/allowed attackers
    AGAINST=allow attack 'alter link-unnamed /work/evil /allowed /allowed/one && /allowed/one'
}

# CHECK bypass-allowed-mounted full: evil content mounted over an allowed program or directory
check_bypass_allowed_mounted() {
    need_daemon
    AGAINST=allow attack 'mount --bind /work/evil /usr/bin/good && /usr/bin/good; r=$?; umount /usr/bin/good 2>/dev/null; exit $r'
    AGAINST=allow attack 'mkdir /work/e /work/u /work/w; cp /work/evil /work/e/new; mount -t tmpfs none /tmp && mkdir /tmp/u /tmp/w && mount -t overlay -o lowerdir=/work/e:/allowed,upperdir=/tmp/u,workdir=/tmp/w none /allowed && /allowed/new'
    AGAINST=allow attack 'mount -t tmpfs none /allowed && cp /work/evil /allowed/new && /allowed/new'
}
