# Policies, by the directory that the daemon watches.

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
    - path: /work/kept/secret
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
# whitelist_of PATH: a whitelist with that file and what a shell needs.
whitelist_of() {
    echo "  action: Allow
  file:
    matchPaths:
    - {path: $1}
    matchDirectories:
    - {dir: /usr/, recursive: true}
    - {dir: /dev/, recursive: true}
    - {dir: /tmp/, recursive: true}
    - {dir: /proc/, recursive: true}"
}
