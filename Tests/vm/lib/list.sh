# The checks, read from the lines that declare them: `# CHECK name set[ tag...]: what it proves`, above the function check_name (with _
# for -). Sets: core (every kernel, every run), full (6.1 in every run), long (make test-long only). Tags: two-cpus, not-5.10 and so on.

# list_checks DIRECTORY: name, set and tags, what it proves; separated by tabs, in the order of the files.
list_checks() { sed -n 's/^# CHECK \([^ ]*\) \([^:]*\): \(.*\)$/\1\t\2\t\3/p' "$1"/checks/*.sh; }

# select_checks DIRECTORY SET KERNEL [PATTERN...]: the lines of list_checks that are to run.
select_checks() {
    local directory=$1 set=$2 kernel=$3 name tags rest pattern found=0
    shift 3
    while IFS=$'\t' read -r name tags rest; do
        if [ $# -gt 0 ]; then
            for pattern; do
                # shellcheck disable=SC2053 # a pattern is meant
                [[ $name == $pattern ]] && break
            done
            # shellcheck disable=SC2053
            [[ $name == $pattern ]] || continue
        else
            case "$set ${tags%% *}" in "core core" | "full core" | "full full" | long\ *) ;; *) continue ;; esac
        fi
        printf '%s\t%s\t%s\n' "$name" "$tags" "$rest"
        found=1
    done < <(list_checks "$directory")
    [ $found = 1 ] || { echo "run: no check is called $*" >&2; return 1; }
}
