/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The label of a task, wherever this kernel can keep it. `task` must be a pointer that the verifier knows as a task (a
 * tracepoint's argument, or a member walked from one), because task storage takes nothing else.
 *
 * The switch is read-only data: the verifier sees its value and drops the other branch, so that one object loads on 5.10,
 * which has no task storage, and uses it everywhere else.
 */
#ifndef PORTCULLIS_LABEL_H
#define PORTCULLIS_LABEL_H

#include "maps.h"

/*
 * A member of a task, or of what a task points to. Programs that get the task as an argument read it directly; on 5.10 an LSM program has
 * but its address, and reads through the helper.
 */
#ifdef PC_REDUCED
#define task_read(pointer, member) BPF_CORE_READ(pointer, member)
#else
#define task_read(pointer, member) ((pointer)->member)
#endif

const volatile __u32 label_store = PC_LABELS_IN_TASKS;

static __always_inline struct pc_label *label_of(struct task_struct *task)
{
#ifndef PC_REDUCED
	if (label_store == PC_LABELS_IN_TASKS) {
		/* Most tasks of a machine have no storage at all, and a load is a tenth of a call. */
		if (bpf_core_field_exists(task->bpf_storage) && !task->bpf_storage)
			return NULL;
		return bpf_task_storage_get(&labels, task, NULL, 0);
	}
#endif
	__u64 address = (__u64)task;
	return bpf_map_lookup_elem(&labels_hash, &address);
}

/* The task's own label, or its thread group leader's: a runtime's init may exec from a thread that no add could label. */
static __always_inline struct pc_label *label_of_process(struct task_struct *task)
{
	struct pc_label *label = label_of(task);
	if (label || task_read(task, pid) == task_read(task, tgid))
		return label;
	struct task_struct *leader = task_read(task, group_leader);
	return leader ? label_of(leader) : NULL;
}

/* Gives `task`, which has none, a label. False if it cannot be kept. */
static __always_inline bool label_give(struct task_struct *task, struct pc_label *label)
{
	if (label_store == PC_LABELS_IN_TASKS)
		return bpf_task_storage_get(&labels, task, label, BPF_LOCAL_STORAGE_GET_F_CREATE) != NULL;
	__u64 address = (__u64)task;
	return bpf_map_update_elem(&labels_hash, &address, label, BPF_ANY) == 0;
}

#endif
