# What the kernel reports of files, sockets and calls, of whom, and with which result.

ALL_SEEN='--visibility process,file,network,capabilities'

# told_of NAME FILTER...: each of these holds of one of its events.
told_of() {
    local name=$1 filter all=true
    shift
    for filter; do all+=" and any($filter)"; done
    eventually 10 events_hold "$name" "$all" && return
    local missing=() missed=0
    for filter; do events_hold "$name" "any($filter)" || missing+=("$filter"); done
    case $KERNEL in 7*) missed=$(($(status .counters.eventsMissed) - ${MISSED_BEFORE:-0})) ;; esac
    # What the kernel left out, and the daemon counts, is documented; anything more is not.
    [ ${#missing[@]} -gt "$missed" ] || { note "${#missing[@]} events missing, $missed runs left out by the kernel: ${missing[*]}"; return; }
    for filter in "${missing[@]}"; do
        fail "no event with $filter among: $(events_of "$name" | grep -v '"type":"ex' | flat | cut -f1-12 | tail -n 6 | tr '\t\n' ' ;' | cut -c 1-500)"
    done
}
# count_of NAME WORD...: how many of its events have all these words.
count_of() {
    local name=$1 word
    shift
    events_of "$name" | { for word; do set -- "$@"; done; while read -r line; do for word; do case $line in *"$word"*) ;; *) continue 2 ;; esac done; echo; done; } | wc -l
}
need_uring() { [ ! -e /proc/sys/kernel/io_uring_disabled ] || [ "$(cat /proc/sys/kernel/io_uring_disabled)" = 0 ] || skip "io_uring is switched off here"; }
attached() { pc status | flat | tr '\t' '\n' | grep -q "^\.telemetry\.attached\[[0-9]*\]=$1\$"; }

# CHECK telemetry-files core: opens, creations, deletions, renames and changes of files are reported with path, result and who did it
check_telemetry_files() {
    need_daemon $ALL_SEEN
    attacker $NAME privileged $NAME || return
    inside $NAME 'cd /work && echo x >new && '$APPLETS'/cat new >/dev/null && mv new other && chmod 600 other && chown 1:2 other && ln other hard && ln -s other soft && mkdir made && rmdir made && rm other; cat missing; true'
    told_of $NAME '.type=="file" and .operation=="create" and .path=="/work/new" and .rawPath==false and .result=="Passed" and .process.executable=="/usr/bin/sh"' \
        '.operation=="open" and .path=="/work/new" and .process.executable=="/usr/local/bin/cat" and .process.arguments==["/usr/local/bin/cat","new"] and .process.directory=="/work" and .process.parentExecutable=="/usr/bin/sh" and .fileOwner==0' \
        '.operation=="rename" and .path=="/work/new" and .otherPath=="/work/other" and .rawPath' \
        '.operation=="chmod" and .path=="/work/other"' '.operation=="chown" and .path=="/work/other" and .registers[1:]!=null' \
        '.operation=="link" and .path=="/work/other" and .otherPath=="/work/hard"' '.operation=="symlink" and .path=="/work/soft" and .otherPath=="other"' \
        '.operation=="mkdir" and .path=="/work/made"' '.operation=="rmdir" and .path=="/work/made"' '.operation=="unlink" and .path=="/work/other"' \
        '.operation=="open" and .path=="/work/missing" and .result=="No such file or directory" and .returned==-2'
}

# CHECK telemetry-network core: sockets, connections and their other ends are reported with addresses and ports
check_telemetry_network() {
    need_daemon $ALL_SEEN
    attacker $NAME plain $NAME || return
    inside $NAME 'mkfifo /tmp/go && { sockets later accept 7301 /tmp/go & : >/tmp/go; wait; }; acts sockets6 7302; acts local /tmp/socket hidden'
    told_of $NAME '.type=="network" and .operation=="socket" and .family=="AF_INET" and .socketType=="SOCK_STREAM"' \
        '.operation=="bind" and .address=="127.0.0.1" and .port==7301 and .protocol=="TCP" and .result=="Passed"' \
        '.operation=="listen" and .address=="127.0.0.1" and .port==7301' '.operation=="connect" and .address=="127.0.0.1" and .port==7301' \
        '.operation=="accept" and .address=="127.0.0.1" and .port>1023 and .port!=7301' \
        '.operation=="connect" and .family=="AF_INET6" and .address=="0:0:0:0:0:0:0:1" and .port==7302' \
        '.operation=="accept" and .family=="AF_INET6" and .address=="0:0:0:0:0:0:0:1"' \
        '.operation=="bind" and .family=="AF_UNIX" and .socketName=="/tmp/socket"' '.operation=="bind" and .family=="AF_UNIX" and .socketName=="@hidden"'
}

# CHECK telemetry-calls core: setuid, setgid, mount, ptrace and an exec that fails are reported; a refused call with its errno
check_telemetry_calls() {
    need_daemon $ALL_SEEN
    attacker $NAME privileged $NAME || return
    inside $NAME 'acts ids 7; acts trace; acts mounts /tmp; /usr/bin/none; chmod 600 /etc/secret; busybox setpriv true; acts ids 7; true'
    told_of $NAME '.type=="syscall" and .operation=="setuid" and .syscall=="setuid" and .registers[0]==7 and .result=="Passed"' '.operation=="setgid" and .registers[0]==7' \
        '.operation=="ptrace" and .result=="Passed"' '.operation=="mount" and .path=="/tmp" and .otherPath=="none"' '.operation=="unmount" and .path=="/tmp"' \
        '.operation=="unshare"' '.type=="exec-failed" and .path=="/usr/bin/none" and .result=="No such file or directory"'
}

# CHECK telemetry-denied full: what is refused is reported with its errno, also by a policy, and paths beneath descriptors are told whole
check_telemetry_denied() {
    need_daemon $ALL_SEEN
    policy $NAME $NAME '  action: Block
  file:
    matchPaths:
    - path: /etc/secret'
    attacker $NAME privileged $NAME || return
    inside $NAME 'cd /etc && cat secret; cd /run && acts at /work name; acts ids 7 && true'
    told_of $NAME '.operation=="open" and .path=="/etc/secret" and .rawPath and .result=="Permission denied" and .returned==-13' \
        '.operation=="create" and .syscall=="openat2" and .path=="/work/name" and (.rawPath|not)' '.operation=="chmod" and .syscall=="fchmod" and .path=="/work/name" and .fileOwner==0' \
        '.operation=="chown" and .syscall=="fchownat" and .path=="/work/name" and .registers[2]==5' '.operation=="truncate" and .path=="/work/name" and .registers[1]==7' \
        '.operation=="link" and .path=="/work/name" and .otherPath=="/run/linked"' '.operation=="rename" and .path=="/run/linked" and .otherPath=="/work/renamed"' \
        '.operation=="symlink" and .path=="/work/symbolic" and .otherPath=="target"' '.operation=="mkdir" and .path=="/work/made"' '.operation=="unlink" and .path=="/work/made" and .registers[2]==512'
    # An alert of the same act, in the same words.
    alert .path=/etc/secret
}

# CHECK telemetry-compatible full: calls of the 32-bit ABI are reported like the others
check_telemetry_compatible() {
    need_daemon $ALL_SEEN
    attacker $NAME plain $NAME || return
    inside $NAME 'acts old /etc/public'
    [ "$STATUS" != 38 ] || skip "this kernel has no 32-bit calls"
    told_of $NAME '.syscall=="open" and .path=="/etc/public" and .result=="Passed"' '.operation=="socket" and .syscall=="socket" and .socketType=="SOCK_DGRAM" and .registers[0]==2' \
        '.operation=="connect" and .syscall=="connect" and .address=="127.0.0.1" and .port==9 and .result=="Connection refused"'
}

# CHECK telemetry-visibility full: each namespace is seen as its own visibility says, and a reload changes it for running containers
check_telemetry_visibility() {
    printf 'namespaces:\n  quiet: {visibility: none}\n  net: {visibility: network}\nfailures: off\n' >$W/namespaces.yaml
    need_daemon --config $W/namespaces.yaml --visibility process,file,network
    EDIT='.annotations["portcullis.io/namespace"]="quiet"' attacker $NAME-quiet plain $NAME || return
    EDIT='.annotations["portcullis.io/namespace"]="net"' attacker $NAME-net plain $NAME || return
    attacker $NAME plain $NAME || return
    local id
    for id in $NAME-quiet $NAME-net $NAME; do inside $id 'cat /etc/public; sockets socket 2 2 0'; done
    told_of $NAME '.operation=="open" and .path=="/etc/public"' '.operation=="socket"' '.type=="exec"'
    told_of $NAME-net '.operation=="socket"'
    same "other events of net" 0 "$(events_of $NAME-net | grep -vc '"type":"network"')"
    same "events of quiet" 0 "$(events_of $NAME-quiet | wc -l)"
    printf 'namespaces:\n  quiet: {visibility: file}\nfailures: off\n' >$W/namespaces.yaml
    kill -HUP "$(daemon_pid)"
    eventually 5 grep -q 'quiet.*visibility.*file\|"applied"' "$OUT/daemon.log"
    eventually 5 reads_and_is_told $NAME-quiet || fail "a reload does not show it"
    same "execs of quiet" 0 "$(events_of $NAME-quiet | grep -c '"type":"exec"')"
}
reads_and_is_told() { inside "$1" 'cat /etc/public' && events_of "$1" | grep -q '"operation":"open"'; }

# CHECK telemetry-failures full: with visibility none refused calls are reported and nothing else; with failures off nothing is, and nothing is attached
check_telemetry_failures() {
    need_daemon --visibility none --failures on
    attacker $NAME plain $NAME || return
    expect "it is attached" attached sys_exit
    inside $NAME 'cat /etc/public; mount -t tmpfs none /tmp; true'
    told_of $NAME '.operation=="mount" and .result=="Operation not permitted"'
    same "others" 0 "$(events_of $NAME | grep -vc 'not permitted\|ermission denied')"
    drop $NAME
    need_daemon --visibility none --failures off
    attacker $NAME plain $NAME || return
    : >$W/events.json
    same "attached" 0 "$(pc status | flat | tr '\t' '\n' | grep -c '^\.telemetry\.attached\[')"
    inside $NAME 'cat /etc/public; mount -t tmpfs none /tmp; true'
    same "events" 0 "$(events_of $NAME | wc -l)"
    # What was not needed at the start is loaded when it is, by a daemon that has given up most of its rights.
    printf 'namespaces:\n  late: {visibility: file}\n' >$W/namespaces.yaml
    need_daemon --config $W/namespaces.yaml --visibility none --failures off
    printf 'namespaces:\n  late: {visibility: "file,capabilities"}\n' >$W/namespaces.yaml
    kill -HUP "$(daemon_pid)"
    EDIT='.annotations["portcullis.io/namespace"]="late"' attacker $NAME-late plain $NAME || return
    eventually 10 reads_and_is_told $NAME-late || fail "nothing is seen after a reload: $(pc status | flat | tr '\t' '\n' | grep telemetry | tr '\n' ' ')"
}

# CHECK telemetry-host full: the host is seen as host-visibility says, and the daemon's own acts are not
check_telemetry_host() {
    need_daemon --visibility none --failures off --host-visibility file
    echo x >$W/host-file
    cat $W/host-file >/dev/null
    eventually 5 grep -q '"operation":"open".*"path":"'$W/host-file'".*"source":"host"' $W/events.json || fail "no event of the host: $(tail -n 2 $W/events.json | cut -c 1-300)"
    pc status >/dev/null
    same "events of the daemon" 0 "$(grep -c '"hostPid":'"$(daemon_pid)"',' $W/events.json)"
}

# CHECK telemetry-uring core: what is done by io_uring is reported like the calls that do the same, with its result
check_telemetry_uring() {
    need_daemon $ALL_SEEN
    need_uring
    attacker $NAME privileged $NAME || return
    inside $NAME 'cd /run && uring files /work name && uring connect 7303; uring /etc/public && uring sqpoll /etc/public'
    same "status" 0 "$STATUS"
    told_of $NAME '.ioUring and .operation=="open" and .syscall=="openat" and .path=="/work/name" and .result=="Passed" and .returned>2' \
        '.ioUring and .operation=="open" and .path=="/work/name" and .returned==-2' \
        '.ioUring and .operation=="rename" and .path=="/work/name" and .otherPath=="/run/renamed"' '.ioUring and .operation=="unlink" and .path=="/run/renamed"' \
        '.ioUring and .operation=="connect" and .address=="127.0.0.1" and .port==7303' '.ioUring and .operation=="accept" and .address=="127.0.0.1" and .port>1023 and .port!=7303' \
        '.ioUring and .operation=="open" and .path=="/etc/public" and .process.executable=="/usr/local/bin/uring" and .process.arguments==["uring","sqpoll","/etc/public"]'
    # There are no such requests on 5.10.
    [ "$KERNEL" = 5.10 ] || told_of $NAME '.ioUring and .operation=="link" and .path=="/work/name" and .otherPath=="/work/linked"' \
        '.ioUring and .operation=="symlink" and .path=="/work/symbolic" and .otherPath=="target"' '.ioUring and .operation=="mkdir" and .path=="/work/made"'
}

# CHECK telemetry-uring-many core: more requests than are kept are all told of, the oldest without result, and what comes behind them is told of as ever
check_telemetry_uring_many() {
    need_daemon $ALL_SEEN
    need_uring
    attacker $NAME privileged $NAME || return
    inside $NAME 'uring many 7310 1124 /etc/public'
    same "status" 0 "$STATUS"
    # The open itself pushes one out; the rest ends with the program.
    eventually 10 accepts 101 Unknown || fail "told of without result: $(accepts_of Unknown)"
    eventually 10 accepts 1023 'Operation canceled' || fail "told of when cancelled: $(accepts_of 'Operation canceled')"
    told_of $NAME '.ioUring and .operation=="open" and .path=="/etc/public" and .result=="Passed"'
}
accepts_of() { events_of $NAME | grep '"operation":"accept"' | grep -c "\"result\":\"$1\""; }
accepts() { [ "$(accepts_of "$2")" = "$1" ]; }

# CHECK telemetry-uring-multishot core: each connection that one request of io_uring accepts is reported, with its own peer
check_telemetry_uring_multishot() {
    need_daemon $ALL_SEEN
    [ "$KERNEL" != 5.10 ] || skip "5.10 has no such requests"
    need_uring
    attacker $NAME privileged $NAME || return
    inside $NAME 'uring multishot 7320'
    same "status" 0 "$STATUS"
    told_of $NAME '.ioUring and .operation=="accept" and .address=="127.0.0.1" and .port==7321 and .result=="Passed"' \
        '.ioUring and .operation=="accept" and .address=="127.0.0.1" and .port==7322 and .result=="Passed"'
}

# CHECK telemetry-uring-full core: what completes while the completion queue is full is reported with its result
check_telemetry_uring_full() {
    need_daemon $ALL_SEEN
    need_uring
    attacker $NAME privileged $NAME || return
    inside $NAME 'uring full 7330'
    same "status" 0 "$STATUS"
    told_of $NAME '.ioUring and .operation=="accept" and .port==7332 and .result=="Passed" and .returned>2'
}

# CHECK telemetry-interrupted core: a connect that a signal ends is reported, though its result is not known yet
check_telemetry_interrupted() {
    need_daemon $ALL_SEEN
    attacker $NAME plain $NAME || return
    inside $NAME 'sockets interrupted 7340'
    same "status" 0 "$STATUS"
    told_of $NAME '.operation=="connect" and .address=="127.0.0.1" and .port==7340 and .result=="Passed"' \
        '.operation=="connect" and .address=="127.0.0.1" and .port==7340 and .result=="Unknown" and (has("returned")|not)'
}

# CHECK telemetry-dns core: what is asked of name servers is reported with the name, however the message is sent
check_telemetry_dns() {
    need_daemon --visibility dns
    attacker $NAME privileged $NAME || return
    inside $NAME 'for form in udp connected pieces to-nobody unspecified mapped sendmmsg both tcp tcp-two odd; do query $form $form.Example; done; query udp ""; '$APPLETS'/cat /etc/public'
    told_of $NAME '.type=="network" and .operation=="dns" and .domain=="udp.example" and .address=="127.0.0.1" and .port==53 and .protocol=="UDP" and .syscall=="sendto" and .result=="Passed"' \
        '.domain=="connected.example" and .syscall=="write" and .address=="127.0.0.1" and .port==53' '.domain=="pieces.example" and .syscall=="sendmsg" and .port==53' \
        '.domain=="to-nobody.example" and .family=="AF_INET6" and .port==53' '.domain=="sendmmsg.example" and .syscall=="sendmmsg"' \
        '.domain=="unspecified.example" and .address=="127.0.0.1" and .port==53' '.domain=="mapped.example" and .address=="0:0:0:0:0:ffff:7f00:1" and .port==53' \
        '.domain=="both.example" and .returned==2' '.domain=="coth.example" and .returned==2' \
        '.domain=="tcp.example" and .syscall=="writev" and .protocol=="TCP" and .address=="127.0.0.1" and .port==53' '.domain=="."' \
        '.operation=="dns" and .syscall=="sendto" and (has("domain")|not) and .process.arguments[1]=="odd"'
    same "queries in one message" 2 "$(events_of $NAME | grep -c '"domain":"tcp-two.example"')"
    same "what is not asked of a name server" 0 "$(events_of $NAME | grep -vc '"operation":"dns"\|not permitted\|ermission denied')"
}

# CHECK telemetry-capabilities core: capabilities that are used are reported, and those that are not had
check_telemetry_capabilities() {
    need_daemon $ALL_SEEN
    note "seen by $(pc status | flat | tr '\t' '\n' | grep '^.telemetry.attached.*=cap_capable' | cut -d= -f2)"
    attacker $NAME plain $NAME || return
    inside $NAME 'sockets socket 2 3 1; '$APPLETS'/chown 7:7 /etc/public; true'
    told_of $NAME '.type=="capability" and .capability=="CAP_NET_RAW" and .result=="Operation not permitted" and .process.executable=="/usr/local/bin/sockets"' \
        '.type=="capability" and .capability=="CAP_CHOWN" and .result=="Operation not permitted"'
    attacker $NAME-able privileged $NAME || return
    inside $NAME-able 'sockets socket 2 3 1; true'
    told_of $NAME-able '.type=="capability" and .capability=="CAP_NET_RAW" and .result=="Passed"'
}

# CHECK telemetry-alert core: an alert has arguments, directory and terminal of the process; of an exec the arguments that the program was to have
check_telemetry_alert() {
    need_daemon
    policy $NAME $NAME '  action: Block
  process:
    matchPaths:
    - path: /usr/bin/secret-tool
  file:
    matchPaths:
    - path: /etc/secret'
    attacker $NAME plain $NAME || return
    inside $NAME 'cd /work; SECRET=hidden /usr/bin/secret-tool "a b" "" c'
    alert .operation=exec .path=/usr/bin/secret-tool '.process.arguments[0]=/usr/bin/secret-tool' '.process.arguments[1]=a b' '.process.arguments[2]=' '.process.arguments[3]=c' \
        .process.directory=/work .process.terminal= .executable=/usr/bin/sh
    expect "nothing of the environment: $(alerts_of $NAME | tail -n 1 | flat)" eval '! alerts_of $NAME | grep -q "hidden\|arguments\[4\]"'
    inside $NAME 'cd /etc; '$APPLETS'/cat secret'
    alert .operation=open '.process.arguments[1]=secret' .process.directory=/etc .executable=$APPLETS/cat
}
