# The suite: KubeArmor's own tests as tables of ours (Tests/vm/suite/*.table), run in containers that have the files, users and tools which they speak of.
#
# A table holds cases. `= NAME` begins one, the lines behind are the policy's `spec`; `! cluster|host|forced|with-previous` says what kind it is, and that the policy
# before stays in force. `> CONTAINER | COMMAND | RESULT | ALERT` runs a command: RESULT is ok, ok:TEXT (in the output), den (EACCES), eperm or fails, ALERT `none` or words:
# action, PD|EPERM|Passed, DP (DefaultPosture), sev= call= (exactly), raw (the path is the caller's text) or resolved, once, res= src= msg= (a part), policy= (another one's). `- NAME | REASON` is a case that cannot be run here.

SUITE=$here/suite

# suite_root: the image.
suite_root() {
    local root=$W/suite-root name
    [ ! -d $root ] || return 0
    mkdir -p $root/{bin,sbin,usr/bin,usr/sbin,usr/share/nginx/html,etc,proc,dev,sys,tmp,run/secrets/kubernetes.io/serviceaccount,root,credentials/keys,var/www/html,var/lib/mysql,home/user1/dir1}
    cp /bin/busybox $root/bin/busybox
    for name in cat ls sleep touch su head ping echo mkdir mount umount true chmod stat; do ln $root/bin/busybox $root/bin/$name; done
    mkdir -p $root/foo/bar
    for name in bin/rmdir bin/unlink usr/bin/unlink foo/bar/unlink unlink usr/bin/whoami sbin/route usr/sbin/arping; do ln $root/bin/busybox $root/$name; done
    cp /bin/busybox $root/bin/sh
    # Not busybox, which knows itself by its names.
    cp /bin/dash $root/bin/dash
    cp --parents -L $(ldd /bin/dash | grep -o '/[^ ]*') $root
    for name in usr/bin/apt usr/bin/apt-get usr/bin/python3.6; do cp "$PROGRAMS/good" $root/$name; done
    ln -s python3.6 $root/usr/bin/python3
    cp "$PROGRAMS/sockets" $root/usr/bin/curl
    cp "$PROGRAMS/query" "$PROGRAMS/memory" $root/usr/bin
    cp "$PROGRAMS/terminal" $root/bin
    for name in readwrite home/user1/readwrite hello home/user1/hello; do cp "$PROGRAMS/readwrite" $root/$name; done
    printf 'root:x:0:0:root:/root:/bin/sh\nuser1:x:1000:1000::/home/user1:/bin/sh\n' >$root/etc/passwd
    printf 'root:x:0:\nuser1:x:1000:\n' >$root/etc/group
    printf 'root:*:1::::::\nuser1:*:1::::::\n' >$root/etc/shadow
    echo 'root:*::' >$root/etc/gshadow
    echo suite >$root/etc/hostname
    echo 'multi on' >$root/etc/host.conf
    echo 'secret file 1' >$root/secret.txt
    echo 'plain file' >$root/plain.txt
    echo 'password file' >$root/credentials/password
    echo token >$root/credentials/token
    echo 'key file 1' | tee $root/credentials/keys/priv.key >$root/home/user1/dir1/key1.txt
    echo token >$root/run/secrets/kubernetes.io/serviceaccount/token
    echo 'secret file user1' >$root/home/user1/secret_data1.txt
    echo other >$root/home/user1/otherfile.txt
    echo '<?php' >$root/var/www/html/wp-config.php
    echo page >$root/usr/share/nginx/html/index.html
    echo '#!/bin/sh' >$root/docker-entrypoint.sh
    echo marker >$root/marker
    chown -R 1000:1000 $root/home/user1
}

# suite_container NAME: start the container that the tables call so, once.
suite_container() {
    local edit
    [ -z "${TO[$1]:-}" ] || return 0
    case $1 in
    u[1-3]) edit='.annotations={group:"group-1",container:"ubuntu-'${1#u}'"}' ;;
    u[45]) edit='.annotations={group:"group-2",container:"ubuntu-'${1#u}'"}' ;;
    n[12]) edit='.annotations={app:"nginx","portcullis.io/namespace":"nginx'${1#n}'"}' ;;
    d1) edit='.annotations={app:"debian","portcullis.io/namespace":"nginx1"}' ;;
    later) edit='.annotations={"portcullis.io/namespace":"nginx-later"}' ;;
    c[12]) edit='.annotations={pod:"two","kubearmor.io/container.name":"container-'${1#c}'"}' ;;
    *) fail "the tables speak of a container $1 that there is not"; return 1 ;;
    esac
    # The runtime mounts over /run, which the image has files in.
    edit+=' | .mounts|=map(select(.destination!="/run" and .destination!="/tmp"))'
    ROOT=$W/suite-root EDIT=$edit attacker "$1" privileged "$1"
}

# suite_apply NAME KIND FORCED: puts the spec of standard input in force.
suite_apply() {
    local kind=KubeArmorPolicy annotations=
    case $2 in cluster) kind=KubeArmorClusterPolicy ;; host) kind=KubeArmorHostPolicy ;; esac
    [ -z "$3" ] || annotations="portcullis.io/force: 'true'"
    { printf 'apiVersion: security.kubearmor.com/v1\nkind: %s\nmetadata:\n  name: %s\n  annotations: {%s}\nspec:\n' $kind "$1" "$annotations"; sed 's/^/  /'; } >$W/suite.yaml
    "$BIN/portcullis" policy apply --socket $W/run/control.sock $W/suite.yaml >$W/said 2>&1 || { fail "$1: the policy is refused: $(cat $W/said)"; return 1; }
    case $2 in cluster) IN_FORCE+=("_cluster/$1") ;; host) IN_FORCE+=("_host/$1") ;; *) IN_FORCE+=("default/$1") ;; esac
}
suite_withdraw() {
    local policy
    for policy in "${IN_FORCE[@]}"; do "$BIN/portcullis" policy delete --socket $W/run/control.sock "$policy" >/dev/null || fail "$policy cannot be deleted"; done
    IN_FORCE=()
}

# suite_run CONTAINER COMMAND: OUTPUT and STATUS.
suite_run() {
    if [ "$1" = host ]; then
        STATUS=0
        OUTPUT=$(eval "$2" 2>&1) || STATUS=$?
    else
        inside "$1" "$2"
    fi
}
suite_alerts() { if [ "$1" = host ]; then grep -F '"host":true' $W/alerts.json; else alerts_of "$1"; fi; }
suite_count() { suite_alerts "$1" | wc -l; }

# suite_has CONTAINER BEFORE POLICY WORDS: one of the alerts behind the first BEFORE has all of this.
suite_has() {
    local line word policy=$3
    case " $4 " in *' DP '*) policy=DefaultPosture ;; *' policy='*) policy=${4##*policy=} policy=${policy%% *} ;; esac
    while IFS= read -r line; do
        line=$'\t'$line$'\t'
        case $line in *$'\t'.policy="$policy"$'\t'*) ;; *) continue ;; esac
        for word in $4; do
            case $word in
            Block | Audit) word=$'\t'.action=$word$'\t' ;;
            PD) word=$'\t''.result=Permission denied'$'\t' ;;
            EPERM) word=$'\t''.result=Operation not permitted'$'\t' ;;
            Passed) word=$'\t'.result=Passed$'\t' ;;
            DP | once | policy=*) continue ;;
            sev=*) word=$'\t'.severity=${word#sev=}$'\t' ;;
            call=*) word=$'\t'.syscall=${word#call=}$'\t' ;;
            raw) word=$'\t'.rawPath=true$'\t' ;;
            resolved) word=$'\t'.rawPath=false$'\t' ;;
            src=*) word=$'\t'.executable=${word#src=}$'\t' ;;
            res=*) [[ $line =~ $'\t'.(path|resource)=[^$'\t']*"${word#res=}" ]] || continue 2; continue ;;
            msg=*) [[ $line =~ $'\t'.message=[^$'\t']*"${word#msg=}" ]] || continue 2; continue ;;
            *) fail "the table has an alert word $word that is not known" ;;
            esac
            case $line in *"$word"*) ;; *) continue 2 ;; esac
        done
        return 0
    done < <(suite_alerts "$1" | tail -n +$(($2 + 1)) | flat)
    return 1
}
# Alerts come in order: behind that of the marker there is none of the command.
suite_others() { # suite_others NUMBER CASE CONTAINER BEFORE COMMAND: there are so many of the command.
    if [ "$3" = host ]; then fail "the host has no marker"; return; fi
    inside "$3" '/bin/cat /marker'
    eventually 3 suite_marked "$3" "$4" || fail "$2: the marker's alert does not come"
    same "$2: alerts of $5: $(suite_alerts "$3" | tail -n +$(($4 + 1)) | grep -vF '"path":"/marker"' | told)" "$1" $(($(suite_count "$3") - $4 - 1))
}
suite_marked() { suite_alerts "$1" | tail -n +$(($2 + 1)) | grep -qF '"path":"/marker"'; }

# suite_row CASE 'CONTAINER | COMMAND | RESULT | ALERT'
suite_row() {
    local container command result alert before
    IFS=$'\x1f' read -r container command result alert <<<"${2// | /$'\x1f'}"
    if [ "$container" != host ]; then suite_container "$container" || return; fi
    before=$(suite_count "$container")
    suite_run "$container" "$command"
    case $result-$STATUS-$OUTPUT in
    ok-0-*) ;;
    fails-0-*) fail "$1: it works: $command" ;;
    fails-*) ;;
    ok:*-0-*"${result#ok:}"*) ;;
    den-0-* | eperm-0-*) fail "$1: not refused: $command: $(said)" ;;
    den-13-* | den-126-* | den-*'ermission denied'*) ;;
    eperm-*'peration not permitted'*) ;;
    *) fail "$1: not $result: $command: $(said); $(suite_alerts "$container" | tail -n +$((before + 1)) | told)" ;;
    esac
    case $alert in
    none) suite_others 0 "$1" "$container" "$before" "$command" ;;
    *) eventually 3 suite_has "$container" "$before" "$1" "$alert" ||
        fail "$1: no alert with $alert of $command, among: $(suite_alerts "$container" | tail -n +$((before + 1)) | flat | cut -c 1-500)" ;;
    esac
    case " $alert " in *' once '*) suite_others 1 "$1" "$container" "$before" "$command" ;; esac
    ROWS=$((ROWS + 1))
}

# suite TABLE: all of its cases.
suite() {
    local line case='' kind='' forced='' keep='' spec='' left=0
    ROWS=0 IN_FORCE=()
    need_daemon
    suite_root
    policy_text suite-marker any '  action: Audit
  file:
    matchPaths: [{path: /marker}]' | sed '/matchLabels/,/app:/d; s/selector:/selector: {}/; s/KubeArmorPolicy/KubeArmorClusterPolicy/' >$W/new.yaml
    mv $W/new.yaml $W/policies/suite-marker.yaml
    eventually 5 marker_known || fail "the marker's policy is not taken"
    if feed_is_here; then feed_begin; else note "not compared through gRPC: $NO_FEED"; fi
    while IFS= read -r line || [ "$line" ]; do
        case $line in
        '' | '#'*) continue ;;
        '- '*' | '*) left=$((left + 1)) ;;
        '= '*)
            # A policy that the next case adds to has no rows of its own.
            [ -z "$spec" ] || suite_apply "$case" "$kind" "$forced" <<<"$spec"
            case=${line#= } kind='' forced='' keep='' spec=''
            if [ -z "${PENDING:-}" ]; then suite_withdraw; fi
            PENDING=1
            ;;
        '! '*)
            for keep in ${line#! }; do case $keep in cluster | host) kind=$keep ;; forced) forced=1 ;; with-previous) ;; *) fail "the table has a word $keep" ;; esac done
            ;;
        '> '*)
            if [ "$spec" ]; then
                suite_apply "$case" "$kind" "$forced" <<<"$spec"
                spec=
            fi
            PENDING=
            suite_row "$case" "${line#> }"
            ;;
        *) spec+=$line$'\n' ;;
        esac
    done <"$SUITE/$1.table"
    suite_withdraw
    [ -z "${FEED_PID:-}" ] || feed_end
    [ $ROWS -gt 0 ] || fail "the table $1 has no rows"
    note "$ROWS rows, $left cases that cannot be run here"
}
marker_known() { "$BIN/portcullis" policy list --socket $W/run/control.sock --json | grep -q '"identity":"_cluster/suite-marker"'; }
