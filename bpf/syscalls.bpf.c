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
#include "tally.h"

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
	judge_and_count(level);
	scratch_release(scratch);
	return 0;
}

#ifdef __TARGET_ARCH_x86
#define EXECVE 59
#define EXECVEAT 322
#define EXECVE_COMPATIBLE (11 | PC_SYSCALL_COMPATIBLE)
#define EXECVEAT_COMPATIBLE (358 | PC_SYSCALL_COMPATIBLE)
#else
#define EXECVE 221
#define EXECVEAT 281
#define EXECVE_COMPATIBLE (11 | PC_SYSCALL_COMPATIBLE)
#define EXECVEAT_COMPATIBLE (387 | PC_SYSCALL_COMPATIBLE)
#endif

static __always_inline bool is_exec(__s64 call)
{
	return call == EXECVE || call == EXECVEAT || call == (__s64)EXECVE_COMPATIBLE || call == (__s64)EXECVEAT_COMPATIBLE;
}

#define CLONE3 435 /* everywhere, in both ABIs */

/* A fork ends twice, and with 0 in the child, which did not call it. */
static __always_inline bool is_forks_child(__s64 call, __s64 result)
{
	__u32 number = call & ~PC_SYSCALL_COMPATIBLE;
	if (result)
		return false;
#ifdef __TARGET_ARCH_x86
	if (call & PC_SYSCALL_COMPATIBLE)
		return number == 2 || number == 120 || number == 190 || number == CLONE3; /* fork, clone, vfork */
	return (number >= 56 && number <= 58) || number == CLONE3;
#else
	return number == 220 || number == CLONE3;
#endif
}

/* The exec that the hook has seen this task begin, or `call`. */
static __always_inline __u32 exec_under_way(__u64 task, __u32 call)
{
	struct deferred_alert *kept = bpf_map_lookup_elem(&deferred, &task);
	return kept && is_exec(kept->alert.syscall) ? kept->alert.syscall : call;
}

static __always_inline bool is_listed_for_host(void *registers)
{
	__u32 zero = 0;
	struct pc_switches *now = bpf_map_lookup_elem(&switches, &zero);
	if (!now || !(set_flags(now->host_policy) & PC_SET_SYSCALLS))
		return false;
	__s64 call = syscall_number((void *)bpf_get_current_task(), registers);
	return is_exec(call) || is_listed(now->host_policy, call);
}

static __always_inline int ended(void *registers, __s64 result)
{
	struct actor who;
	__u32 zero = 0;
	/* Most calls of a host with such a rule are not listed, and who makes them need not be found out. */
	if (!label_of_current() && !is_listed_for_host(registers))
		return 0;
	if (!acting(&who, PC_SET_SYSCALLS))
		return 0;
	__u64 task = bpf_get_current_task();
	__s64 call = syscall_number((void *)task, registers);
	/* The kernel makes an execve of the new program's own ABI out of any exec that worked (x86). */
	__u32 made = is_exec(call) ? exec_under_way(task, call) : (__u32)call;
	if (!is_listed(who.policy, made) || is_forks_child(made, result))
		return 0;
	call = made;
	struct deferred_alert *kept = deferred_of(task, call);
	if (kept) {
		if (kept->alert.operation) {
			__u32 used = kept->alert.path_length + kept->alert.executable_length + kept->alert.parent_length + kept->alert.arguments_length
				+ kept->alert.directory_length;
			kept->alert.result = result;
			if (used <= sizeof kept->paths)
				alert_send(kept, sizeof kept->alert + used);
		}
		bpf_map_delete_elem(&deferred, &task);
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
	__s64 call = syscall_number((void *)bpf_get_current_task(), registers);
	if (!paths)
		return 0;
	for (int index = 0; index < PC_ENDLESS_SYSCALLS; index++)
		if (paths->endless[index] == call)
			return ended(registers, 0);
	return 0;
}
