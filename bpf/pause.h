/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The administrator's way out: for a while, what would be denied is only reported. Asked where something is about to be denied, so that it costs
 * nothing else anything; and the time is compared here, so that it ends whatever becomes of the daemon.
 */
#ifndef PORTCULLIS_PAUSE_H
#define PORTCULLIS_PAUSE_H

#include "maps.h"

static __always_inline bool is_paused(__u32 index, __u32 generation)
{
	__u64 until = 0;
	if (index == PC_SLOT_HOST) {
		__u32 zero = 0;
		struct pc_switches *now = bpf_map_lookup_elem(&switches, &zero);
		until = now ? now->host_paused_until : 0;
	} else {
		struct pc_slot *slot = bpf_map_lookup_elem(&slots, &index);
		/* A label of another generation is that of a container that nobody has paused. */
		until = slot && (slot->state >> 32) == generation ? slot->paused_until : 0;
	}
	return until && bpf_ktime_get_boot_ns() < until;
}

/* A refusal as it is while the container is paused, or as it was. */
#define PAUSED_DECISION(decision, paused) ((paused) ? ((decision) & ~3) | PC_ACTION_AUDIT | PC_DECISION_PAUSED : (decision))

#endif
