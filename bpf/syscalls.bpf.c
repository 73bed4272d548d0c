// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Rules about system calls: they report, and deny nothing.
 *
 * Hooks      tp_btf/sys_exit     a listed call has ended, and its result is known
 *            tp_btf/sys_enter    calls that never end: attached only while a set lists one of them
 * Maps       as in maps.h; sets, syscall_sets, deferred, alerts; syscall_paths and scratches (not pinned)
 * Kernel     6.1; built with PC_REDUCED for 5.10
 * Verifier   as judge.bpf.c, whose code is part of these programs: a judge is linked into LSM programs only
 *
 * Loaded and attached only while some set has such rules: with it, each system call of the machine takes the kernel's slow way in and out.
 */
#include "ask.h"
#include "judge.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Written by the daemon once. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pc_syscall_paths);
} syscall_paths SEC(".maps");

/* The argument by its place from 1, as the caller gave it; 0 if there is none. */
static __always_inline __u64 argument_of(void *registers, __u32 place, bool compatible)
{
#ifdef __TARGET_ARCH_x86
	struct pt_regs___x86 *regs = registers;
	switch (place) {
	case 1: return compatible ? (__u32)BPF_CORE_READ(regs, bx) : BPF_CORE_READ(regs, di);
	case 2: return compatible ? (__u32)BPF_CORE_READ(regs, cx) : BPF_CORE_READ(regs, si);
	case 3: return compatible ? (__u32)BPF_CORE_READ(regs, dx) : BPF_CORE_READ(regs, dx);
	case 4: return compatible ? (__u32)BPF_CORE_READ(regs, si) : BPF_CORE_READ(regs, r10);
	default: return 0;
	}
#else
	struct pt_regs___arm64 *regs = registers;
	switch (place) {
	case 1: return BPF_CORE_READ(regs, orig_x0);
	case 2: return BPF_CORE_READ(regs, regs[1]);
	case 3: return BPF_CORE_READ(regs, regs[2]);
	case 4: return BPF_CORE_READ(regs, regs[3]);
	default: return 0;
	}
#endif
}

/* Has the rules look at the text that the caller gave, because no hook has seen the path. */
static __noinline int judge_text(struct actor *who, __u32 call, __s32 result, __u64 text)
{
	__u32 level = 0;
	struct scratch *scratch = scratch_claim(&level);
	if (!scratch) {
		count(PC_COUNT_ALERTS_LOST);
		return 0;
	}
	struct request *request = &scratch->request;
	fill(request, who, PC_OPERATION_SYSCALL, PC_AUTOMATON_SYSCALL, REQUEST_TEXT);
	syscall_prefix(request, call);
	request->result = result;
	/* Room for the three bytes before it. */
	long length = text ? bpf_probe_read_user_str(scratch->paths, PC_PATH_BYTES - 3, (void *)text) : 0;
	request->text_length = length > 0 ? length - 1 : 0;
	judge(level);
	scratch_release(scratch);
	return 0;
}

static __always_inline int ended(void *registers, __s64 result)
{
	struct actor who;
	__u32 zero = 0;
	if (!acting(&who, PC_SET_SYSCALLS))
		return 0;
	struct task_struct *task = (void *)bpf_get_current_task();
	__s64 call = syscall_number(task, registers);
	if (!is_listed(who.policy, call))
		return 0;
	__u64 thread = bpf_get_current_pid_tgid();
	struct deferred_alert *kept = bpf_map_lookup_elem(&deferred, &thread);
	if (kept && kept->alert.syscall == (__u32)call) {
		if (kept->alert.operation) {
			__u32 used = kept->alert.path_length + kept->alert.executable_length + kept->alert.parent_length;
			kept->alert.result = result;
			if (used <= sizeof kept->paths)
				alert_send(kept, sizeof kept->alert + used);
		}
		bpf_map_delete_elem(&deferred, &thread);
		return 0;
	}
	struct pc_syscall_paths *paths = bpf_map_lookup_elem(&syscall_paths, &zero);
	__u32 other = (__u32)call >> 31, place = paths ? paths->argument[masked(other, 1)][masked(call, PC_SYSCALLS_MAX - 1)] : 0;
	return judge_text(&who, call, result, argument_of(registers, place, other));
}

SEC("tp_btf/sys_exit")
int BPF_PROG(pc_sys_exit, void *registers, long result)
{
	return ended(registers, result);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(pc_sys_enter, void *registers, long number)
{
	__u32 zero = 0;
	struct pc_syscall_paths *paths = bpf_map_lookup_elem(&syscall_paths, &zero);
	if (!paths)
		return 0;
	for (int index = 0; index < 4; index++)
		if (paths->endless[index] == number)
			return ended(registers, 0);
	return 0;
}
