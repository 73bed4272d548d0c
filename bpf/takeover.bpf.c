// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Takeover: every task's label, from the map of another ABI version into this version's, while the programs of both run. Run by the
 * daemon again and again until nothing is moved any more; loaded for that only.
 *
 * Hooks      iter/task
 * Maps       labels or labels_hash, slots, counters; former_labels or former_labels_hash are the other version's; moving (not pinned)
 * Kernel     5.10 (iter/task). Task storage from 5.11.
 * Verifier   where the other version's members are is read-only data: the offsets are constants when the program is checked.
 */
#include "give.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* A section of its own, so that the loader can set it apart from label_store. */
const volatile struct pc_former_label former_label SEC(".rodata.former") = {};

/* Of these two the loader takes the pinned map instead of a new one; its values have another size. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct pc_label);
} former_labels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PC_LABELS_MAX);
	__type(key, __u64);
	__type(value, struct pc_label);
} former_labels_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pc_labelling);
} moving SEC(".maps");

static __always_inline void *former_of(struct task_struct *task)
{
	if (label_store == PC_LABELS_IN_TASKS)
		return bpf_task_storage_get(&former_labels, task, NULL, 0);
	__u64 address = (__u64)task;
	return bpf_map_lookup_elem(&former_labels_hash, &address);
}

/* A macro, so that the offset stays the constant that the verifier sees. */
#define FORMER(label, member)                                                                                           \
	(former_label.member.size == 8 ? *(volatile __u64 *)((label) + former_label.member.at)                          \
				       : *(volatile __u32 *)((label) + former_label.member.at))

SEC("iter/task")
int pc_move_labels(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	__u32 zero = 0;
	struct pc_labelling *now = bpf_map_lookup_elem(&moving, &zero);
	/* One that is ending executes nothing any more, and gives nobody a label. */
	if (!task || !now || task->exit_state || task->flags & PF_EXITING)
		return 0;
	void *former = former_of(task);
	/* One that is counted out there is about to end. */
	if (!former || FORMER(former, flags) & PC_LABEL_GONE)
		return 0;
	__u32 index = FORMER(former, slot), generation = FORMER(former, generation);
	struct pc_label *own = label_of(task);
	if (!own) {
		struct pc_label label = { .slot = index, .generation = generation, .flags = FORMER(former, flags) };
		struct pc_slot *slot = bpf_map_lookup_elem(&slots, &index);
		/* Of a container that is gone: nobody's any more, but never the host's either, and counted nowhere. */
		bool is_stale = !slot || slot->state >> 32 != generation || (__u32)slot->state == PC_SLOT_FREE;
		label.setup_mount = FORMER(former, setup_mount);
		if (!(is_stale ? label_give(task, &label) : give(task, &label))) {
			now->failed++;
			return 0;
		}
		now->given++;
		own = label_of(task);
	} else if (now->pass != PC_MOVING_ALL) {
		return 0;
	}
	if (!own || own->slot != index || own->generation != generation)
		return 0;
	/* An exec in this moment may have changed the other label before it could find this one. */
	for (int attempt = 0; attempt < 4; attempt++) {
		__u32 flags = FORMER(former, flags) & ~PC_LABEL_GONE;
		__u32 before = *(volatile __u32 *)&own->flags;
		/* Most are the same; what is not written cannot take an exit's mark away. */
		if ((before & ~PC_LABEL_GONE) != flags)
			*(volatile __u32 *)&own->flags = flags | (before & PC_LABEL_GONE);
		if ((FORMER(former, flags) & ~PC_LABEL_GONE) == flags)
			break;
	}
	return 0;
}
