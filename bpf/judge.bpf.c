// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The judge: what `decide` of enforce.bpf.c's programs becomes.
 *
 * Hooks      none of its own; freplace/decide (BPF_PROG_TYPE_EXT), linked into each enforcing program
 * Maps       as in maps.h; sets, files, alerts; the hooks' scratches
 * Kernel     6.1; built with PC_REDUCED for 5.10, where one such program can be linked into several for the first time
 * Verifier   takes over the helpers and rules of the program that it is linked into, an LSM program; only numbers can be arguments, so
 *            that everything else is in the scratch; frames of judge and hook are counted apart, 512 bytes each
 */
#include "tally.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Structs that no map mentions would be missing from the BTF, by which a test checks the ABI. */
struct pc_set_header *set_header_in_btf;

/* What `what` asks of the claimed scratch number `level`; see enum decide_what. What cannot be understood is refused. */
SEC("freplace/decide")
int pc_decide(__u32 level, __u32 what)
{
	switch (what) {
	case DECIDE_VERDICT:
		return judge_and_count(level);
	case DECIDE_SOURCE:
		return classify(level);
	case DECIDE_REPORT:
		walk_run(level);
		return report(level);
	default:
		return PC_ACTION_BLOCK;
	}
}
