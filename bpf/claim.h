/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Claiming a scratch. The kernel may preempt a program for another task on the same CPU (PREEMPT and PREEMPT_LAZY kernels), so that room
 * is claimed: each CPU has a few, and who finds none has none. Whoever includes this has made `struct scratch` and the map `scratches`.
 */
#ifndef PORTCULLIS_CLAIM_H
#define PORTCULLIS_CLAIM_H

static __always_inline struct scratch *scratch_at(__u32 level)
{
	return bpf_map_lookup_elem(&scratches, &level);
}

/* Claims one and says which; NULL if all are in use. */
static __always_inline struct scratch *scratch_claim(__u32 *level)
{
	for (__u32 index = 0; index < PC_SCRATCH_LEVELS; index++) {
		struct scratch *scratch = scratch_at(index);
		if (!scratch)
			return NULL;
#ifdef PC_REDUCED
		/* 5.10 runs LSM programs with preemption off, and has no compare-and-exchange. */
		bool claimed = !scratch->busy;
		scratch->busy = 1;
#else
		bool claimed = !__sync_val_compare_and_swap(&scratch->busy, 0, 1);
#endif
		if (claimed) {
			*level = index;
			return scratch;
		}
	}
	return NULL;
}

static __always_inline void scratch_release(struct scratch *scratch)
{
	*(volatile __u32 *)&scratch->busy = 0;
}

#endif
