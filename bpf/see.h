/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whose events are reported, decided before anything else is looked at. */
#ifndef PORTCULLIS_SEE_H
#define PORTCULLIS_SEE_H

#include "actor.h"

#define EPERM 1 /* include/uapi/asm-generic/errno-base.h, as is the next one */
#define EACCES 13

/* Whether a call was refused, as PC_SEE_FAILURES has it. */
static __always_inline bool is_refusal(__s64 result)
{
	return result == -EPERM || result == -EACCES;
}

/* Whether what is seen of a container or the host includes one of the `wanted` kinds. Nothing but processes is execs and exits alone. */
static __always_inline bool includes(__u64 visibility, __u32 wanted)
{
	if (visibility & wanted & ~PC_SEE_PROCESS)
		return true;
	return visibility & wanted && visibility & (PC_SEE_FILE | PC_SEE_NETWORK | PC_SEE_CAPABILITIES | PC_SEE_DNS | PC_SEE_FAILURES);
}

/* What is seen of a slot; nothing if the generation is an older one, which is counted where labels are met: not again for each call that is not told of. */
static __always_inline __u64 visibility_of(__u32 index, __u32 generation)
{
	struct pc_slot *slot = bpf_map_lookup_elem(&slots, &index);
	__u64 state = slot ? slot->state : 0;
	if (!slot || (state >> 32) != generation || (__u32)state == PC_SLOT_FREE)
		return 0;
	return *(volatile __u64 *)&slot->visibility;
}

/* Whether an act of the current task is to be reported, and whose it is. Not the runtime's own processes before their exec. */
static __always_inline bool is_seen(struct identified *who, __u32 wanted)
{
	__u32 zero = 0;
	struct pc_switches *now = bpf_map_lookup_elem(&switches, &zero);
	if (!now || !(now->any_visibility & wanted))
		return false;
	struct task_struct *task = current_task();
	struct pc_label *label = label_of_process(task);
	if (label) {
		if (label->flags & (PC_LABEL_SETUP | PC_LABEL_RUNTIME))
			return false;
		who->slot = label->slot;
		who->generation = label->generation;
		who->label_flags = label->flags;
		who->source = PC_SOURCE_LABEL;
		return includes(visibility_of(who->slot, who->generation), wanted) && !is_daemon();
	}
	if (!includes(now->host_visibility, wanted) || task_read(task, flags) & PF_KTHREAD)
		return false;
	/* One that came in by setns and has executed nothing since. */
	identify(task, who);
	if (who->source != PC_SOURCE_HOST && (who->source != PC_SOURCE_KEY || !includes(visibility_of(who->slot, who->generation), wanted)))
		return false;
	return !is_daemon();
}

#endif
