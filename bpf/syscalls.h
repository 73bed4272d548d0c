/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * System calls that rules list. What a call's path is, the hooks know, and what came of it, only its end; so what a hook found is kept until then.
 */
#ifndef PORTCULLIS_SYSCALLS_H
#define PORTCULLIS_SYSCALLS_H

#include "alert.h"

/* By the index of the set; written by the daemon before a slot names the set. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PC_SETS_MAX);
	__type(key, __u32);
	__type(value, struct pc_syscall_set);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} syscall_sets SEC(".maps");

/* An alert on its way; operation 0: no rule is about what the call does. */
struct deferred_alert {
	struct pc_alert alert;
	__u8 paths[PC_PATH_BYTES + 3 * PC_ALERT_EXECUTABLE_BYTES + PC_ARGUMENTS_BYTES];
};

/* By task: an exec gives another thread's id to the one that makes it. Full: the oldest is forgotten, and its call judged by the text that the caller gave. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, __u64);
	__type(value, struct deferred_alert);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} deferred SEC(".maps");

/* A call that a hook saw so long ago has ended, or hangs; its alert is worth nothing then. */
#define PC_DEFER_NANOSECONDS (60ULL * 1000 * 1000 * 1000)

/* What the task's call under way has kept already, or NULL. Older entries are of calls whose end nobody saw. */
static __always_inline struct deferred_alert *deferred_of(__u64 task, __u32 call)
{
	struct deferred_alert *kept = bpf_map_lookup_elem(&deferred, &task);
	return kept && kept->alert.syscall == call && bpf_ktime_get_boot_ns() - kept->alert.time < PC_DEFER_NANOSECONDS ? kept : NULL;
}

/*
 * `alert` stands in a scratch, with its paths behind it. A call may ask about several paths: a rename about two, an exec about the program and its interpreters. The
 * first that a rule is about stays.
 */
static __always_inline void defer(struct pc_alert *alert)
{
	__u64 task = bpf_get_current_task();
	struct deferred_alert *kept = deferred_of(task, alert->syscall);
	if (kept && kept->alert.operation)
		return;
	bpf_map_update_elem(&deferred, &task, (struct deferred_alert *)alert, BPF_ANY);
}

static __always_inline void defer_nothing(struct scratch *scratch)
{
	scratch->alert.operation = 0;
	scratch->alert.syscall = scratch->request.syscall;
	scratch->alert.time = bpf_ktime_get_boot_ns();
	defer(&scratch->alert);
}

/* The number as in pc_alert; negative if there is none. `registers` are those that the task came into the kernel with. */
static __always_inline __s64 syscall_number(struct task_struct *task, void *registers)
{
#ifdef __TARGET_ARCH_x86
	struct pt_regs___x86 *regs = registers;
	__s64 number = (__s32)BPF_CORE_READ(regs, orig_ax);
	if (number < 0)
		return -1;
	number &= ~X32_SYSCALL_BIT;
	return BPF_CORE_READ(task, thread_info.status) & TS_COMPAT ? number | PC_SYSCALL_COMPATIBLE : number;
#else
	struct pt_regs___arm64 *regs = registers;
	return BPF_CORE_READ(regs, syscallno);
#endif
}

/* Whether the rules of a policy word's set list the call. */
static __always_inline bool is_listed(__u64 policy, __s64 call)
{
	__u32 set = PC_POLICY_SET(policy), number = (__u32)call & ~PC_SYSCALL_COMPATIBLE, other = (__u32)call >> 31;
	struct pc_syscall_set *listed = bpf_map_lookup_elem(&syscall_sets, &set);
	if (!listed || call < 0 || number >= PC_SYSCALLS_MAX)
		return false;
	return listed->listed[masked(other, 1)][masked(number / 64, PC_SYSCALLS_MAX / 64 - 1)] >> (number & 63) & 1;
}

static __always_inline void syscall_prefix(struct request *request, __u32 call)
{
	__u32 number = call & ~PC_SYSCALL_COMPATIBLE;
	request->syscall = call;
	request->prefix = PC_KEY_BYTE(number) | PC_KEY_BYTE(number >> 6) << 8 | PC_KEY_BYTE(call >> 31) << 16;
	request->prefix_length = 3;
}

#endif
