/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A label given to a task that has none, and counted in its slot. */
#ifndef PORTCULLIS_GIVE_H
#define PORTCULLIS_GIVE_H

#include "label.h"

static __always_inline void task_came(__u32 index)
{
	struct pc_slot *slot = bpf_map_lookup_elem(&slots, &index);
	if (slot)
		__atomic_fetch_add(&slot->tasks, 1, __ATOMIC_RELAXED);
}

static __always_inline bool give(struct task_struct *task, struct pc_label *label)
{
	if (!label_give(task, label)) {
		count(PC_COUNT_LABEL_FAILED);
		return false;
	}
	task_came(label->slot);
	count(PC_COUNT_LABELS);
	return true;
}

#endif
