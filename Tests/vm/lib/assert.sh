# A check says what it found by these; it goes on after a failure, so that one run shows all of them.
fail() { echo "$*" >>$W/failures; echo "FAIL: $*"; }
note() { echo "$*" >>$W/notes; echo "note: $*"; }
# skip REASON: this kernel cannot be asked. Ends the check.
skip() { echo "$*" >$W/skipped; echo "skip: $*"; clean_up "$NAME"; exit 0; }

# expect WHAT COMMAND...: COMMAND succeeds, or WHAT is what failed.
expect() {
    local what=$1
    shift
    "$@" || fail "$what"
}

# same WHAT EXPECTED FOUND
same() { [ "$2" = "$3" ] || fail "$1: expected $2, found $3"; }

# eventually SECONDS COMMAND...: wait until COMMAND succeeds. For what nothing can be waited on: the state of another process.
eventually() {
    local end=$((EPOCHSECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $EPOCHSECONDS -lt $end ] || return 1
        read -r -t 0.03 <>$W/never || :
    done
}
[ -p $W/never ] || { mkdir -p $W && mkfifo $W/never; }

# matches FILE-OR-"" FILTER: jq's FILTER holds of the JSON lines of standard input, taken as one array.
holds() { jq -se "$1" >/dev/null; }
