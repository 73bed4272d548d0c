/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a hook notes of the system call that it is asked in. */
#ifndef PORTCULLIS_NOTESYSCALL_H
#define PORTCULLIS_NOTESYSCALL_H

#include "ask.h"
#include "syscalls.h"

#define THREAD_BYTES 16384 /* arch/x86/include/asm/page_64_types.h, without KASAN */

static __always_inline void *registers_of_current(void)
{
#ifdef PC_REDUCED
	/* 5.10 has no helper for it. */
	struct task_struct *task = (void *)bpf_get_current_task();
	return (void *)BPF_CORE_READ(task, stack) + THREAD_BYTES - bpf_core_type_size(struct pt_regs___x86);
#else
	return (void *)bpf_task_pt_regs(bpf_get_current_task_btf());
#endif
}

/* Has the rules about system calls look at the path, if the one under way is listed. */
static __noinline int note_path(struct actor *who, __u64 dentry, struct vfsmount *mount)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__s64 call = BPF_CORE_READ(task, flags) & PF_IO_WORKER ? -1 : syscall_number(task, registers_of_current());
	__u32 level = 0;
	if (!is_listed(who->policy, call))
		return 0;
	struct scratch *scratch = scratch_claim(&level);
	/* Without room the caller's own text is looked at, at the call's end. */
	if (!scratch)
		return 0;
	struct request *request = &scratch->request;
	fill(request, who, PC_OPERATION_SYSCALL, PC_AUTOMATON_SYSCALL, REQUEST_DEFER);
	syscall_prefix(request, call);
	request->dentry = dentry;
	request->mount = mount_of(mount);
	scratch->walk.begun = WALK_AFRESH;
	decide(level, DECIDE_VERDICT);
	scratch_release(scratch);
	return 0;
}

static __always_inline void note_syscall(struct actor *who, struct dentry *dentry, struct vfsmount *mount)
{
	if (set_flags(who->policy) & PC_SET_SYSCALLS)
		note_path(who, (__u64)dentry, mount);
}

#endif
