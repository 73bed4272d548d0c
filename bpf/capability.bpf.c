// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Which capabilities are used: asked for by the kernel on behalf of a process, and had or not.
 *
 * Hooks      fexit/cap_capable; where the kernel lets no program attach to its functions, tp_btf/cap_capable (6.15), which does not tell
 *            the questions that the kernel asks without meaning it
 * Maps       as in maps.h; scratches, shared with telemetry.bpf.c
 * Kernel     6.1; built with PC_REDUCED for 5.10
 * Verifier   as telemetry.bpf.c
 *
 * Attached only while somebody is to be seen with capabilities: the kernel asks for one in much that it does.
 */
#include "record.h"
#include "see.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define CAP_OPT_NOAUDIT 2 /* include/linux/security.h */
#define CAP_SYS_ADMIN 21 /* include/uapi/linux/capability.h */

static __always_inline int tell_capability(const struct cred *cred, int capability, int result)
{
	struct task_struct *task = current_task();
	struct identified who;
	__u32 level = 0;
	/* The kernel at work with credentials of its own, or asking about another task. io_uring's workers wear those of who asked. */
	if (cred != task_read(task, cred) && cred != task_read(task, real_cred) && !(task_read(task, flags) & PF_IO_WORKER))
		return 0;
	if (!is_seen(&who, PC_SEE_CAPABILITIES))
		return 0;
	struct scratch *scratch = scratch_claim(&level);
	if (!scratch) {
		count(PC_COUNT_EVENTS_LOST);
		return 0;
	}
	record_begin(scratch, &who, PC_EVENT_CAPABILITY);
	scratch->event.operation = PC_OPERATION_CAPABILITY;
	scratch->event.capability = capability;
	scratch->event.result = result;
	record_process(level);
	record_directory(scratch, level, AT_FDCWD);
	record_send(scratch);
	scratch_release(scratch);
	return 0;
}

SEC("fexit/cap_capable")
int BPF_PROG(pc_capability_event, const struct cred *cred, struct user_namespace *namespace, int capability, unsigned int options, int result)
{
	return options & CAP_OPT_NOAUDIT ? 0 : tell_capability(cred, capability, result);
}

SEC("tp_btf/cap_capable")
int BPF_PROG(pc_capability_traced_event, const struct cred *cred, struct user_namespace *target, const struct user_namespace *capable, int capability, int result)
{
	/* Asked about at every allocation of memory, only to be more generous. */
	if (capability == CAP_SYS_ADMIN && result)
		return 0;
	return tell_capability(cred, capability, result);
}
