# The checks, read from the lines that declare them: `# CHECK name set[ tag...]: what it proves`, above the function check_name (with _
# for -). Sets: core (every kernel, every run), full (6.1 in every run), long (make test-long only), observe (a kernel started without BPF-LSM,
# and only there). Tags: two-cpus; slow (takes up to half an hour); last (after all others, because those before it would have to load all programs again).

# list_checks DIRECTORY: name, set and tags, what it proves; separated by tabs, in the order of the files.
list_checks() { sed -n 's/^# CHECK \([^ ]*\) \([^:]*\): \(.*\)$/\1\t\2\t\3/p' "$1"/checks/*.sh; }

# select_checks DIRECTORY SET KERNEL [PATTERN...]: the lines of list_checks that are to run.
select_checks() {
    local directory=$1 set=$2 kernel=$3 name tags rest pattern
    shift 3
    while IFS=$'\t' read -r name tags rest; do
        case "$kernel ${tags%% *}" in *-observe\ observe) ;; *-observe\ * | *\ observe) continue ;; esac
        if [ $# -gt 0 ]; then
            for pattern; do
                # shellcheck disable=SC2053 # a pattern is meant
                [[ $name == $pattern ]] && break
            done
            # shellcheck disable=SC2053
            [[ $name == $pattern ]] || continue
        else
            case "$set ${tags%% *}" in "core core" | "full core" | "full full" | long\ * | *\ observe) ;; *) continue ;; esac
        fi
        printf '%s\t%s\t%s\n' "$name" "$tags" "$rest"
    done < <(list_checks "$directory" | awk -F'\t' '$2 ~ / last$/ { late = late $0 "\n"; next } { print } END { printf "%s", late }')
}
