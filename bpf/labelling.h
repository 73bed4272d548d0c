/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Labels for tasks that were there before their container was registered: by ancestry, by key, by cgroup. Runs once over all tasks; the daemon runs
 * it again until it gives none any more, since a fork under way may have missed the label of its parent.
 */
#ifndef PORTCULLIS_LABELLING_H
#define PORTCULLIS_LABELLING_H

#include "identify.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pc_labelling);
} labelling SEC(".maps");

/* Cgroups of containers whose tasks are being labelled: to slot and generation, as in pc_identity. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PC_CAPACITY_MAX);
	__type(key, __u64);
	__type(value, __u64);
} labelling_cgroups SEC(".maps");

/* The task's cgroup in the unified hierarchy; 0 for the root, where the whole machine may be. */
static __always_inline __u64 cgroup_of(struct task_struct *task)
{
	struct cgroup *cgroup = BPF_CORE_READ(task, cgroups, dfl_cgrp);
	return cgroup && BPF_CORE_READ(cgroup, level) ? BPF_CORE_READ(cgroup, kn, id) : 0;
}

/* Of a thread its leader's, of a process its parent's; what that one was doing is not this one's. */
static __always_inline bool label_by_ancestry(struct task_struct *task, struct pc_label *label)
{
	struct task_struct *above = task->pid == task->tgid ? task->real_parent : task->group_leader;
	struct pc_label *found = above ? label_of(above) : NULL;
	if (!found)
		return false;
	label->slot = found->slot;
	label->generation = found->generation;
	label->flags = found->flags & PC_LABEL_ENTERED;
	/* Still what its parent is, the runtime's own process. */
	if (task->flags & PF_FORKNOEXEC || task->pid != task->tgid) {
		label->flags |= found->flags & (PC_LABEL_SETUP | PC_LABEL_RUNTIME);
		label->setup_mount = found->setup_mount;
	}
	return true;
}

static __always_inline bool label_by_place(struct task_struct *task, struct pc_label *label)
{
	struct identified who;
	identify(task, &who);
	if (who.source == PC_SOURCE_KEY) {
		label->slot = who.slot;
		label->generation = who.generation;
		label->flags = PC_LABEL_ENTERED | (task->flags & PF_FORKNOEXEC ? PC_LABEL_RUNTIME : 0);
		return true;
	}
	__u64 cgroup = cgroup_of(task);
	__u64 *both = cgroup && who.source == PC_SOURCE_HOST ? bpf_map_lookup_elem(&labelling_cgroups, &cgroup) : NULL;
	if (!both)
		return false;
	label->slot = (__u32)*both;
	label->generation = *both >> 32;
	/* What has executed nothing yet may be the runtime on its way in, which is moved before it enters. */
	label->flags = task->flags & PF_FORKNOEXEC ? PC_LABEL_ENTERED | PC_LABEL_RUNTIME : 0;
	return true;
}

#endif
