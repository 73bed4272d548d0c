# Attackers: containers whose init is a shell that takes commands from a pipe, so that what runs is the container's own.

# install_programs ROOT: what is attacked, and the attacker's own tools.
install_programs() {
    local root=$1 program
    cp "$PROGRAMS/secret-tool" "$root/usr/bin/secret-tool"
    cp "$PROGRAMS/libc.so" "$root/usr/lib/libc.so"
    ln -s libc.so "$root/usr/lib/ld-musl-x86_64.so.1"
    cp "$PROGRAMS/good" "$root/usr/bin/good"
    for program in reach alter remount swarm pass uring; do cp "$PROGRAMS/$program" "$root/usr/local/bin/$program"; done
    # /allowed is named by the whitelist of both classes, /work by that of files only.
    mkdir -p "$root/allowed" "$root/work" "$root/vol"
    cp "$PROGRAMS/secret-static" "$root/work/evil"
    echo SECRET-CONTENT >"$root/etc/secret"
    echo public >"$root/etc/public"
    echo settings >"$root/etc/settings"
}

declare -A TO FROM

# attacker ID TEMPLATE APP: start one. EDIT is jq for the configuration.
attacker() {
    local to from line starting
    bundle "$1" "$2" "$3" '"/bin/sh"' "${EDIT:-}"
    coproc SESSION { exec runc run -d --bundle $W/containers/"$1" "$1" 2>$W/containers/"$1"/output; }
    starting=$SESSION_PID
    exec {to}>&"${SESSION[1]}" {from}<&"${SESSION[0]}"
    TO[$1]=$to FROM[$1]=$from
    wait "$starting" || { fail "container $1 does not start: $(tail -n 2 $W/containers/"$1"/output)"; return 1; }
    inside "$1" 'exit 7'
    [ "$STATUS" = 7 ] || { fail "the shell of $1 does not answer"; return 1; }
}

# inside ID SCRIPT: run it in a child of the container's init. OUTPUT is what it said, STATUS its status.
inside() {
    local line
    OUTPUT= STATUS=none
    printf '( %s\n) </dev/null 2>&1; echo "@@ $?"\n' "$2" >&"${TO[$1]}" || return 1
    while read -r -t 30 -u "${FROM[$1]}" line; do
        # Behind output that does not end its line, too.
        case $line in *'@@ '*) STATUS=${line##*@@ } OUTPUT+=${line%%@@ *}; break ;; esac
        OUTPUT+=$line$'\n'
    done
    echo "[$1] $2 -> $STATUS: $OUTPUT"
}

# --- policies

# policy NAME APP BODY: a policy for containers with the label app=APP, in force when this returns. BODY is indented as below spec.
policy() {
    policy_text "$@" | policy_file "$1"
}
# policy_file NAME: standard input becomes NAME.yaml in the policy directory, and the containers are switched to it.
policy_file() {
    local before
    before=$(policy_changes "$1")
    cat >$W/new.yaml
    mv $W/new.yaml $W/policies/"$1".yaml
    eventually 5 policies_changed "$1" "$before" || fail "policy $1 is not taken: $(tail -n 1 "$OUT/daemon.log" | cut -c 1-200)"
}
no_policy() { # no_policy NAME: remove it again
    local before
    before=$(policy_changes "$1")
    rm $W/policies/"$1".yaml
    eventually 5 policies_changed "$1" "$before" || fail "policy $1 is not removed"
}
# The daemon says so when it has switched the containers.
policy_changes() { grep -c "policies changed.*\"default/$1\"" "$OUT/daemon.log"; }
policies_changed() { [ "$(policy_changes "$1")" -gt "$2" ]; }
policy_text() {
    printf 'apiVersion: security.kubearmor.com/v1\nkind: KubeArmorPolicy\nmetadata:\n  name: %s\nspec:\n  selector:\n    matchLabels:\n      app: %s\n%s\n' \
        "$1" "$2" "$3"
}
# The bypass suite's policies stay: they are in force before any container starts.
remove_policies() { find $W/policies -type f ! -name 'bypass-*' -exec rm {} +; }

standing_policies() {
    policy_text bypass-block bypass-block '  action: Block
  severity: 7
  message: the secret is not for you
  process:
    matchPaths:
    - path: /usr/bin/secret-tool
  file:
    matchPaths:
    - path: /etc/secret
    - path: /vol/secret
    - path: /etc/settings
      readOnly: true
    matchDirectories:
    - dir: /work/deep/
      recursive: true' >$W/policies/bypass-block.yaml
    policy_text bypass-allow bypass-allow '  action: Allow
  process:
    matchPaths:
    - path: /usr/bin/sh
    - path: /usr/bin/good
    matchDirectories:
    - dir: /usr/local/bin/
      recursive: true
    - dir: /allowed/
      recursive: true
  file:
    matchPaths:
    - path: /usr/bin/sh
    - path: /usr/bin/good
    - path: /etc/passwd
    - path: /etc/settings
      readOnly: true
    matchDirectories:
    - dir: /
    - dir: /usr/local/
      recursive: true
    - dir: /usr/lib/
      recursive: true
    - dir: /allowed/
      recursive: true
    - dir: /work/e/
      recursive: true
    - dir: /work/
    - dir: /tmp/
      recursive: true
    - dir: /dev/
      recursive: true
    - dir: /proc/
      recursive: true
    - dir: /sys/
      recursive: true' >$W/policies/bypass-allow.yaml
}

# --- attacks

# attack SCRIPT: run it in three containers. Without a policy it must get its secret, or it proves nothing. Under a Block rule and under a
# whitelist it must be refused with EACCES, and an alert must say so. What is got announces itself with SECRET-. Options, as variables:
#   AGAINST   which policies (default "block allow")     TEMPLATE   the containers' kind (default privileged)
#   HIDDEN    what a program says that does not show the errno
#   QUIETLY   nothing is reported: the kernel refuses it for a reason of its own, such as a descriptor left out
attack() {
    local kind before
    for kind in control ${AGAINST:-block allow}; do
        [ "${TO[$NAME-$kind]:-}" ] || attacker "$NAME-$kind" "${TEMPLATE:-privileged}" bypass-$kind || return
        before=$(alerts_count "$NAME-$kind")
        inside "$NAME-$kind" "$1"
        if [ $kind = control ]; then
            case $OUTPUT in *SECRET-*) ;; *) fail "the attack does not work even without a policy: $1: $(said)" ;; esac
        else
            refused "$kind" "$before" "$1"
        fi
    done
}
# try_once SCRIPT [ID]: the same in one container with a policy of the check's own.
try_once() {
    local before
    before=$(alerts_count "${2:-$NAME}")
    inside "${2:-$NAME}" "$1"
    CONTAINER=${2:-$NAME} refused "" "$before" "$1"
}
refused() { # refused KIND ALERTS-BEFORE SCRIPT
    case $OUTPUT in *SECRET-*) fail "$1: got through: $3: $(said)"; return ;; esac
    # What hides the errno, as a dynamic loader does, is named by HIDDEN.
    case $OUTPUT-$STATUS in *'ermission denied'* | *-13 | *-126 | *${HIDDEN:-ermission denied}*) ;; *) fail "$1: failed for another reason: $3: $(said)"; return ;; esac
    [ "${QUIETLY:-}" ] || eventually 3 more_alerts "${CONTAINER:-$NAME-$1}" "$2" || fail "$1: refused without an alert: $3"
}
alerts_count() { alerts_of "$1" | wc -l; }
more_alerts() { [ "$(alerts_count "$1")" -gt "$2" ]; }
said() { echo "status $STATUS, $(echo "$OUTPUT" | tr '\n' ' ' | cut -c 1-160)"; }
