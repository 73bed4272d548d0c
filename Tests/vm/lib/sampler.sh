# Processes in containers that try what is denied again and again, and what the daemon says of its looking for containers.

# A process that reads the secret again and again, itself, and writes what came of it to a file of its container's.
reads() { echo "while :; do if read x </etc/secret; then echo open; else echo denied; fi; $APPLETS/usleep 30000; done >/work/$1 2>/dev/null"; }
log_of() { echo "$W/containers/$1/rootfs/work/$2"; }
log_ends_in() { [ "$(tail -n 1 "$(log_of "$1" "$2")")" = "$3" ]; }
replay_is() { [ "$(status .replay.state)" = "$1" ]; }
both_scans_done() { [ "$(status .replay.scans)" -ge 2 ]; }
longer_than() { [ "$(wc -l <"$1")" -gt "$2" ]; }
# refuses ID: its first process cannot read the secret.
refuses() { inside "$1" 'cat /etc/secret' && [ "$STATUS" != 0 ]; }
