// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What containers and the host do with files, sockets and themselves, as system calls tell of it when they end: with their result.
 *
 * Hooks      tp_btf/sys_exit
 * Maps       as in maps.h; .rodata.calls: what is known of each call, written before the load; scratches (not pinned)
 * Kernel     6.1; built with PC_REDUCED for 5.10
 * Verifier   lengths are masked or bounded just before use; what follows paths are global functions, verified once
 *
 * Attached only while somebody is to be seen with more than execs and exits: with it, each system call of the machine takes the kernel's
 * slow way out. A call that is not in the table is let go after a load or two, before it is known who makes it.
 */
#include "record.h"
#include "see.h"
#include "teledns.h"
#include "telesockets.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

_Static_assert(sizeof(struct pc_call) == sizeof(__u64), "copied as one");

#define CALLS (2 * PC_SYSCALLS_MAX)
/* The machine's own ABI, then the 32-bit one. */
const volatile struct pc_call calls[CALLS] __attribute__((aligned(8))) SEC(".rodata.calls") = {};

#define FMODE_CREATED 0x100000 /* include/linux/fs.h, since 4.19 */
#ifdef __TARGET_ARCH_x86
#define REGISTERS pt_regs___x86
#define NUMBER_OF(registers) ((__u32)(registers)->orig_ax & ~X32_SYSCALL_BIT)
#else
#define REGISTERS pt_regs___arm64
#define NUMBER_OF(registers) ((__u32)(registers)->syscallno)
#endif

/* Whether the call under way came by the 32-bit ABI. */
static __always_inline bool is_compatible(void)
{
#ifdef __TARGET_ARCH_x86
	struct task_struct *task = current_task();
	return task_read(task, thread_info.status) & TS_COMPAT;
#else
	return false; /* arm64 says so in a flag of the thread that is not read yet: its 32-bit calls are not reported */
#endif
}

static __always_inline __u64 first_argument(struct REGISTERS *registers, bool compatible)
{
#ifdef __TARGET_ARCH_x86
	return compatible ? (__u32)registers->bx : registers->di;
#else
	return registers->orig_x0;
#endif
}

static __always_inline void take_registers(struct scratch *scratch, struct REGISTERS *registers, bool compatible)
{
	__u64 *to = scratch->registers;
#ifdef __TARGET_ARCH_x86
	if (compatible) {
		to[0] = (__u32)registers->bx;
		to[1] = (__u32)registers->cx;
		to[2] = (__u32)registers->dx;
		to[3] = (__u32)registers->si;
		to[4] = (__u32)registers->di;
		to[5] = (__u32)registers->bp;
		return;
	}
	to[0] = registers->di;
	to[1] = registers->si;
	to[2] = registers->dx;
	to[3] = registers->r10;
	to[4] = registers->r8;
	to[5] = registers->r9;
#else
	to[0] = registers->orig_x0;
	for (int index = 1; index < 6; index++)
		to[index] = registers->regs[index];
#endif
}

/* The argument by its place from 1. */
static __always_inline __u64 argument(struct scratch *scratch, __u32 place)
{
	return scratch->registers[masked(place - 1, 7)];
}

/* Adds the file behind a descriptor as the path; false if it has none. */
static __always_inline bool record_file(struct scratch *scratch, __u32 level, __s32 descriptor)
{
	struct pc_event *event = &scratch->event;
	struct file *file = file_of(descriptor);
	if (!file)
		return false;
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	event->owner = BPF_CORE_READ(inode, i_uid.val);
	if (event->operation == PC_OPERATION_OPEN && BPF_CORE_READ(file, f_mode) & FMODE_CREATED)
		event->operation = PC_OPERATION_CREATE;
	event->path_length = add_path(scratch, level, (__u64)BPF_CORE_READ(file, f_path.dentry), BPF_CORE_READ(file, f_path.mnt), PC_PATH_BYTES - 1);
	if (scratch->cut)
		event->flags |= PC_EVENT_PATH_CUT;
	return event->path_length;
}

/* Adds the path as the caller wrote it. */
static __always_inline void record_text(struct scratch *scratch, __u32 level, __u32 place)
{
	struct pc_event *event = &scratch->event;
	int length = add_text(level, argument(scratch, place));
	event->flags |= PC_EVENT_RAW_PATH | (length < 0 ? PC_EVENT_PATH_UNREADABLE : scratch->cut ? PC_EVENT_PATH_CUT : 0);
	event->path_length = length < 0 ? 0 : length;
}

/* Adds the other path, which is made absolute here where it is relative to another directory than the path. */
static __always_inline void record_other_text(struct scratch *scratch, __u32 level)
{
	struct pc_event *event = &scratch->event;
	__u32 place = scratch->call.other_path, directory = scratch->call.other_directory, before = scratch->used;
	__u8 first = 0;
	bpf_probe_read_user(&first, 1, (void *)argument(scratch, place));
	if (directory && first != '/' && (__s32)argument(scratch, directory) != (__s32)argument(scratch, scratch->call.directory)) {
		add_directory(level, argument(scratch, directory));
		if (scratch->used < PC_EVENT_TEXT_BYTES)
			scratch->text[masked(scratch->used++, PC_EVENT_TEXT_BYTES - 1)] = '/';
	}
	int length = add_text(level, argument(scratch, place));
	event->flags |= PC_EVENT_RAW_OTHER_PATH | (length < 0 || scratch->cut ? PC_EVENT_OTHER_PATH_CUT : 0);
	event->other_path_length = scratch->used - before;
}

/* Tells of the call that stands in the scratch. */
__noinline int tell(__u32 level)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return 0;
	struct pc_event *event = &scratch->event;
	__u32 directory = scratch->call.directory, shape = scratch->call.shape;
	bool passed = event->result >= 0;

	__builtin_memcpy(event->registers, scratch->registers, sizeof event->registers);
	record_process(level);
	record_directory(scratch, level, directory ? (__s32)argument(scratch, directory) : AT_FDCWD);
	scratch->cut = 0;
	bool known = shape == PC_CALL_FILE || (shape == PC_CALL_OPENS && passed);
	if (known)
		known = record_file(scratch, level, shape == PC_CALL_FILE ? (__s32)scratch->registers[0] : event->result);
	if (!known && scratch->call.path)
		record_text(scratch, level, scratch->call.path);
	if (scratch->call.other_path)
		record_other_text(scratch, level);
	record_send(scratch);
	return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(pc_call_event, struct REGISTERS *registers, long result)
{
	struct identified who;
	__u32 number = NUMBER_OF(registers), level = 0;
	if (number >= PC_SYSCALLS_MAX)
		return 0;
	number = masked(number, PC_SYSCALLS_MAX - 1);
	if (!(calls[number].visibility | calls[PC_SYSCALLS_MAX + number].visibility))
		return 0;
	bool compatible = is_compatible();
	const volatile struct pc_call *call = &calls[masked(compatible ? PC_SYSCALLS_MAX + number : number, CALLS - 1)];
	__u32 wanted = call->visibility;
	if (!wanted)
		return 0;
	if (is_refusal(result))
		wanted |= PC_SEE_FAILURES;
	/* An exec that worked is told of by its own event, and has left nothing to tell of here. */
	if (call->type == PC_EVENT_EXEC_FAILED && result >= 0)
		return 0;
	/* One that is cut off has done nothing yet, and is told of when it is made anew: all but a connect, which goes on without its caller. */
	if (is_cut_off(result) && call->shape != PC_CALL_CONNECT && call->shape != PC_CALL_SOCKETCALL)
		return 0;
	if (!is_seen(&who, wanted))
		return 0;
	if (call->operation == PC_OPERATION_DNS && !may_be_query(first_argument(registers, compatible), call->shape))
		return 0;
	struct scratch *scratch = scratch_claim(&level);
	if (!scratch) {
		count(PC_COUNT_EVENTS_LOST);
		return 0;
	}
	record_begin(scratch, &who, call->type);
	scratch->event.operation = call->operation;
	scratch->event.result = result;
	scratch->event.syscall = number | (compatible ? PC_SYSCALL_COMPATIBLE : 0);
	/* As one volatile word: what is read otherwise the compiler takes to be 0. */
	*(__u64 *)&scratch->call = *(const volatile __u64 *)call;
	take_registers(scratch, registers, compatible);
	if (call->operation == PC_OPERATION_DNS)
		tell_sending(scratch, level);
	else if (call->type == PC_EVENT_NETWORK)
		tell_socket(level);
	else
		tell(level);
	scratch_release(scratch);
	return 0;
}
