/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who may touch what is ours, and what is ours. */
#ifndef PORTCULLIS_GUARD_H
#define PORTCULLIS_GUARD_H

#include "actor.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pc_guard);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} guard SEC(".maps");

/* Ids are given out in order and not reused before 2^31: one that is left behind when its object goes binds nobody. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PC_GUARDED_MAX);
	__type(key, struct pc_guard_id);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} guarded SEC(".maps");

/* Executables with rights. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PC_GUARD_FILES_MAX);
	__type(key, struct pc_guard_file);
	__type(value, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} guard_files SEC(".maps");

#ifdef PC_REDUCED
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct pc_guard_mark);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} guard_marks SEC(".maps");
#else
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct pc_guard_mark);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} guard_marks SEC(".maps");
#endif

static __always_inline struct pc_guard *guard_in_force(void)
{
	__u32 zero = 0;
	struct pc_guard *now = bpf_map_lookup_elem(&guard, &zero);
	return now && now->on ? now : NULL;
}

/* The rights of a process, by its thread group leader: not inherited, and gone with the next exec. */
static __always_inline __u32 rights_of(struct task_struct *task)
{
	struct task_struct *leader = task_read(task, group_leader);
	if (!leader)
		return 0;
#ifdef PC_REDUCED
	__u64 address = (__u64)leader;
	struct pc_guard_mark *mark = bpf_map_lookup_elem(&guard_marks, &address);
	return mark && mark->start_time == task_read(leader, start_boottime) ? mark->rights : 0;
#else
	struct pc_guard_mark *mark = bpf_task_storage_get(&guard_marks, leader, NULL, 0);
	return mark ? mark->rights : 0;
#endif
}

/*
 * Whether the guard is in force and the current task lacks the right. Pid 1 (which stops services, and all of them at shutdown) and kernel threads are
 * never bound; unlocked, nobody is who belongs to no container.
 */
static __noinline int lacks(__u32 right)
{
	struct pc_guard *now = guard_in_force();
	struct task_struct *task = current_task();
	if (!now || bpf_get_current_pid_tgid() >> 32 == 1 || task_read(task, flags) & PF_KTHREAD)
		return 0;
	if (rights_of(task) & right)
		return 0;
	return bpf_ktime_get_boot_ns() >= now->unlocked_until || label_of_current();
}

/* -EPERM, which is -1: without this the compiler negates the condition, and 6.12 does not follow that into [-4095, 0]. */
static __always_inline int refuse(bool refused)
{
	int result = 0;
	if (refused) {
		count(PC_COUNT_GUARD_REFUSED);
		asm volatile("%0 = %1" : "=r"(result) : "i"(-1));
	}
	return result;
}

static __always_inline struct pc_guard_file file_key(struct inode *inode)
{
	struct pc_guard_file key = {
		.inode = BPF_CORE_READ(inode, i_ino), .device = BPF_CORE_READ(inode, i_sb, s_dev), .inode_generation = BPF_CORE_READ(inode, i_generation),
	};
	return key;
}

/* The rights that a file's execution gives. */
static __always_inline __u32 listed(struct inode *inode)
{
	struct pc_guard_file key = file_key(inode);
	__u32 *rights = bpf_map_lookup_elem(&guard_files, &key);
	return rights ? *rights : 0;
}

#endif
