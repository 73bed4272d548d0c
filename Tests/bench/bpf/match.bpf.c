// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The matching code, as the verdict runs it, in a program type that BPF_PROG_TEST_RUN repeats and times; beside it what it is compared
 * with. Nothing of the matching is copied: this file includes the header that the enforcer includes.
 */
#include "../../../bpf/match.h"
#include "case.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct whole_case {
	struct bench_case bench;
	struct match match;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct whole_case);
} cases SEC(".maps");

/* The baseline's rules. The driver sets its size. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct bench_key);
	__type(value, __u32);
} keys SEC(".maps");

/* The two keys that the baseline makes: without and with a source. */
struct bench_keys {
	struct bench_key plain;
	struct bench_key sourced;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bench_keys);
} scratch SEC(".maps");

static __always_inline struct whole_case *the_case(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&cases, &zero);
}

SEC("tc") int empty(struct __sk_buff *packet)
{
	struct whole_case *whole = the_case();
	return whole ? whole->bench.set : 0;
}

/* What judge() does between the path and the verdict. */
SEC("tc") int automaton(struct __sk_buff *packet)
{
	struct whole_case *whole = the_case();
	if (!whole)
		return 0;
	struct match *match = &whole->match;
	match->set = whole->bench.set;
	match->broken = 0;
	match->position = whole->bench.offset;
	match_path(match, whole->bench.automaton);
	whole->bench.decision = decision_at(match, whole->bench.automaton, match->row, 0, 0, 0);
	whole->bench.broken = match->broken;
	return 0;
}

/*
 * A rule is a key of a hash map: 200 bytes of path, 200 of source. Each directory above the file is looked up, then the file, each with
 * the source and without. What does not fit 199 bytes is not looked at.
 */
SEC("tc") int hash_walk(struct __sk_buff *packet)
{
	struct whole_case *whole = the_case();
	__u32 zero = 0, hits = 0;
	struct bench_keys *both = bpf_map_lookup_elem(&scratch, &zero);
	if (!whole || !both)
		return 0;
	__builtin_memset(both, 0, sizeof *both);
	__builtin_memcpy(both->sourced.source, BENCH_SOURCE, sizeof BENCH_SOURCE);
	for (__u32 index = 0; index < BENCH_KEY_BYTES - 1; index++) {
		__u32 at = whole->bench.offset + index;
		if (at >= PC_PATH_BYTES)
			break;
		__u8 byte = whole->match.bytes[masked(at, PC_PATH_BYTES - 1)];
		both->plain.path[index] = byte;
		both->sourced.path[index] = byte;
		if (byte == '/' || at == PC_PATH_BYTES - 1) {
			hits += !!bpf_map_lookup_elem(&keys, &both->sourced);
			hits += !!bpf_map_lookup_elem(&keys, &both->plain);
		}
	}
	whole->bench.hits = hits;
	return 0;
}
