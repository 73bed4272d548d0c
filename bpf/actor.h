/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose policy is asked: that of the current task's container, if it is one that is judged, or the host's. */
#ifndef PORTCULLIS_ACTOR_H
#define PORTCULLIS_ACTOR_H

#include "identify.h"

struct actor {
	struct pc_label *label; /* of the current task; acting() only, and NULL for the host's */
	__u64 policy;           /* the slot's or the host's policy word */
	__u64 root;
	__u32 slot;
	__u32 generation;
	__u32 source;
	__u32 entered; /* it came in by setns; acting_by_exec() only */
};

/* What a task is taken to be under whose label is of an older generation: denied wherever a rule could deny. */
#define STALE_POLICY \
	((__u64)(PC_SET_PROCESS | PC_SET_FILE | PC_SET_NETWORK | PC_SET_CAPABILITIES | PC_SET_DNS | PC_SET_PROCESS_STRICT | PC_SET_FILE_STRICT \
		 | PC_SET_NETWORK_STRICT | PC_SET_CAPABILITIES_STRICT | PC_SET_DNS_STRICT) << PC_POLICY_SET_BITS)

static __always_inline __u32 set_flags(__u64 policy)
{
	return PC_POLICY_FLAGS(policy);
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

/* Whether the current process has a controlling terminal (tty(4)). */
static __always_inline bool has_terminal(void)
{
	struct task_struct *task = current_task();
	return BPF_CORE_READ(task, signal, tty);
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

/* The daemon itself: a policy of the host must not keep it from the files by which that policy can be changed. */
static __always_inline bool is_daemon(void)
{
	__u32 zero = 0;
	struct task_struct *task = current_task();
	struct pc_switches *now = bpf_map_lookup_elem(&switches, &zero);
	__u64 leader = (__u64)BPF_CORE_READ(task, group_leader);
	return now && now->daemon == leader && now->daemon_start == BPF_CORE_READ((struct task_struct *)leader, start_boottime);
}

/* Whether the current task is of no container, by its key as well as by its label, and no kernel thread. */
static __noinline int is_of_host(void)
{
	struct identified found;
	struct task_struct *task = current_task();
	if (task_read(task, flags) & PF_KTHREAD || is_daemon())
		return 0;
	identify(task, &found);
	return found.source == PC_SOURCE_HOST;
}

/* Whether the host has rules of the `wanted` flags, by which `who` is judged. */
static __always_inline bool host_policy(struct actor *who, __u32 wanted)
{
	__u32 zero = 0;
	struct pc_switches *now = bpf_map_lookup_elem(&switches, &zero);
	__u64 policy = now ? *(volatile __u64 *)&now->host_policy : 0;
	if (!(set_flags(policy) & wanted))
		return false;
	who->label = NULL;
	who->policy = policy;
	who->root = 0;
	who->slot = PC_SLOT_HOST;
	who->generation = 0;
	who->source = PC_SOURCE_HOST;
	return true;
}

/*
 * Whether the current task is judged by rules of the `wanted` flags. Not the runtime's own processes before their exec, labelled or
 * known by their key only: what they do there is the host's doing.
 */
static __always_inline bool acting(struct actor *who, __u32 wanted)
{
	struct pc_label *label = label_of_current();
	if (!label)
		return host_policy(who, wanted) && is_of_host();
	if (label->flags & (PC_LABEL_SETUP | PC_LABEL_RUNTIME))
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
	who->entered = found.source == PC_SOURCE_KEY || found.label_flags & PC_LABEL_ENTERED;
	if (found.source == PC_SOURCE_SETUP)
		return false;
	if (found.source == PC_SOURCE_HOST)
		return host_policy(who, wanted);
	/* If the slot was given to another container between the two looks, its generation says so: the task is stale, and denied. */
	return slot_policy(who, found.slot, found.generation, wanted);
}

#endif
