/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose policy is asked: the container of the current task, if it is one that is judged. */
#ifndef PORTCULLIS_ACTOR_H
#define PORTCULLIS_ACTOR_H

#include "identify.h"

struct actor {
	struct pc_label *label; /* of the current task; acting() only */
	__u64 policy;           /* the slot's policy word */
	__u64 root;
	__u32 slot;
	__u32 generation;
	__u32 source;
};

/* What a task is taken to be under whose label is of an older generation: denied wherever a rule could deny. */
#define STALE_POLICY \
	((__u64)(PC_SET_PROCESS | PC_SET_FILE | PC_SET_NETWORK | PC_SET_CAPABILITIES | PC_SET_PROCESS_STRICT | PC_SET_FILE_STRICT \
		 | PC_SET_NETWORK_STRICT | PC_SET_CAPABILITIES_STRICT) << 16)

static __always_inline __u32 set_flags(__u64 policy)
{
	return (__u32)policy >> 16;
}

/* The task, as task_read and label_of take it. */
static __always_inline struct task_struct *current_task(void)
{
#ifdef PC_REDUCED
	return (void *)bpf_get_current_task();
#else
	return bpf_get_current_task_btf();
#endif
}

/* The current task's label, or its thread group leader's. */
static __always_inline struct pc_label *label_of_current(void)
{
	return label_of_process(current_task());
}

static __always_inline bool slot_policy(struct actor *who, __u32 slot_index, __u32 generation, __u32 wanted)
{
	struct pc_slot *slot = bpf_map_lookup_elem(&slots, &slot_index);
	who->slot = slot_index;
	who->generation = generation;
	who->source = PC_SOURCE_LABEL;
	__u64 state = slot ? slot->state : 0;
	if (!slot || (state >> 32) != generation || (__u32)state == PC_SLOT_FREE) {
		who->source = PC_SOURCE_STALE;
		who->policy = STALE_POLICY;
		who->root = 0;
		count(PC_COUNT_STALE);
		return true;
	}
	/* One load of one word: what follows is judged by one set, whatever the daemon switches to meanwhile. */
	who->policy = *(volatile __u64 *)&slot->policy;
	who->root = slot->root;
	return set_flags(who->policy) & wanted;
}

/*
 * Whether the current task is judged by rules of the `wanted` flags. Not the runtime's own processes before their exec, labelled or
 * known by their key only: what they do there is the host's doing.
 */
static __always_inline bool acting(struct actor *who, __u32 wanted)
{
	struct pc_label *label = label_of_current();
	if (!label || label->flags & (PC_LABEL_SETUP | PC_LABEL_RUNTIME))
		return false;
	who->label = label;
	return slot_policy(who, label->slot, label->generation, wanted);
}

/* The same for an exec, which is judged from the first one inside the container on. */
static __always_inline bool acting_by_exec(struct actor *who, __u32 wanted)
{
	struct identified found;
	who->label = NULL;
	identify(current_task(), &found);
	if (found.source == PC_SOURCE_HOST || found.source == PC_SOURCE_SETUP)
		return false;
	/* If the slot was given to another container between the two looks, its generation says so: the task is stale, and denied. */
	return slot_policy(who, found.slot, found.generation, wanted);
}

#endif
