/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The arguments of an exec under way, read where the kernel has copied them: on the stack of the new address space, which nobody runs in
 * yet. No helper reads from there, so its page tables are followed by hand.
 */
#ifndef PORTCULLIS_ARGUMENTS_H
#define PORTCULLIS_ARGUMENTS_H

#include "scratch.h"

enum arguments_outcome {
	ARGUMENTS_ALLOWED = 0,
	ARGUMENTS_OTHERS = 1,
	ARGUMENTS_UNREADABLE = 2,
	ARGUMENTS_MORE = 3,
};

#define PAGE_SIZE 4096
#define PAGE_MASK (PAGE_SIZE - 1)

#ifdef __TARGET_ARCH_x86
/* Where all memory is mapped (CONFIG_RANDOMIZE_MEMORY moves it), and the bit by which AMD's encryption marks a page. */
extern const void page_offset_base __ksym __weak;
extern const void sme_me_mask __ksym __weak;

#define ENTRY_PRESENT 1
#define ENTRY_LARGE 0x80
#define ENTRY_ADDRESS 0x000ffffffffff000ULL

/* Where the kernel has the page of `address` in another address space (Intel's manual, volume 3, 4.5); 0: nowhere now. */
static __always_inline __u64 page_behind(__u64 memory, __u64 address)
{
	struct mm_struct *mm = (void *)memory;
	__u64 table = (__u64)BPF_CORE_READ(mm, pgd), base = 0, encrypted = 0;
	/* The stack begins at the top: with five levels it is beyond what four can reach. */
	__u32 shift = address >> 47 ? 48 : 39;

	if (!&page_offset_base || bpf_probe_read_kernel(&base, sizeof base, &page_offset_base))
		return 0;
	if (&sme_me_mask)
		bpf_probe_read_kernel(&encrypted, sizeof encrypted, &sme_me_mask);
	for (int level = 0; level < 5; level++) {
		__u64 entry = 0;
		if (bpf_probe_read_kernel(&entry, sizeof entry, (void *)(table + ((address >> (shift & 63)) & 511) * sizeof entry)))
			return 0;
		if (!(entry & ENTRY_PRESENT))
			return 0;
		table = base + (entry & ENTRY_ADDRESS & ~encrypted);
		if (shift == 12)
			return table;
		if (entry & ENTRY_LARGE)
			return 0;
		shift -= 9;
	}
	return 0;
}
#else
/* Not known for this architecture: what asks for arguments cannot be decided there. */
static __always_inline __u64 page_behind(__u64 memory, __u64 address)
{
	return 0;
}
#endif

/* Puts the next argument into `paths`, from which on it is whole; its length without the NUL, negative if it cannot be read. */
static __always_inline long argument_next(struct scratch *scratch)
{
	struct request *request = &scratch->request;
	__u32 start = request->exec_at & PAGE_MASK;
	__u64 page = page_behind(request->exec_memory, request->exec_at);
	if (!page || bpf_probe_read_kernel(scratch->paths, PAGE_SIZE, (void *)page))
		return -1;
	page = page_behind(request->exec_memory, (request->exec_at | PAGE_MASK) + 1);
	bool whole = page && !bpf_probe_read_kernel(&scratch->paths[PAGE_SIZE], PAGE_SIZE, (void *)page);
	if (!whole)
		scratch->paths[PAGE_SIZE] = 0;
	long length = bpf_probe_read_kernel_str(scratch->match.bytes, PC_PATH_BYTES, &scratch->paths[start]);
	if (length <= 0 || (!whole && start + length > PAGE_SIZE))
		return -1;
	request->exec_at += length;
	request->exec_left--;
	return length - 1;
}

/*
 * Adds the beginning of the arguments behind `used` bytes of the alert's texts; the length. Of an exec those of the new program; what else is behind them there, the environment, whoever reads the alert leaves out by their number.
 */
__noinline int alert_arguments(__u32 level, __u32 used)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return 0;
	struct request *request = &scratch->request;
	struct pc_alert *alert = &scratch->alert;
	__u8 *to = &scratch->paths[masked(used, 2 * PC_PATH_BYTES - 1)];
	if (request->operation == PC_OPERATION_EXEC && request->automaton != PC_AUTOMATON_SYSCALL) {
		__u32 start = request->exec_begin & PAGE_MASK, length = PAGE_SIZE - start;
		if (length >= PC_ARGUMENTS_BYTES)
			length = PC_ARGUMENTS_BYTES - 1;
		length = masked(length, PC_ARGUMENTS_BYTES - 1);
		__u64 page = request->exec_memory ? page_behind(request->exec_memory, request->exec_begin) : 0;
		if (!page || bpf_probe_read_kernel(to, masked(length, PC_ARGUMENTS_BYTES - 1), (void *)(page + start))) {
			alert->flags |= PC_ALERT_ARGUMENTS_UNREADABLE;
			return 0;
		}
		alert->argument_count = request->exec_count;
		__u32 rest = PC_ARGUMENTS_BYTES - 1 - length;
		page = rest ? page_behind(request->exec_memory, (request->exec_begin | PAGE_MASK) + 1) : 0;
		if (page && !bpf_probe_read_kernel(&scratch->paths[masked(used + length, 2 * PC_PATH_BYTES - 1)], masked(rest, PC_ARGUMENTS_BYTES - 1), (void *)page))
			length += rest;
		return length;
	}
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 start = BPF_CORE_READ(task, mm, arg_start), end = BPF_CORE_READ(task, mm, arg_end), wanted = end > start ? end - start : 0;
	if (wanted > PC_ARGUMENTS_BYTES - 1) {
		wanted = PC_ARGUMENTS_BYTES - 1;
		alert->flags |= PC_ALERT_ARGUMENTS_CUT;
	}
	wanted = masked(wanted, PC_ARGUMENTS_BYTES - 1);
	if (bpf_probe_read_user(to, masked(wanted, PC_ARGUMENTS_BYTES - 1), (void *)start)) {
		alert->flags |= PC_ALERT_ARGUMENTS_UNREADABLE;
		return 0;
	}
	return wanted;
}

#define ARGUMENT_KEY_BYTES 5

/* Has the automaton read an argument that argument_next has put at `start`, behind the key. */
static __always_inline void argument_spell(struct scratch *scratch, __u32 start, __u32 length, __u32 rule, __u32 place)
{
	__u32 at = PC_PATH_BYTES - length;
	__u8 *bytes = scratch->match.bytes;
	bpf_probe_read_kernel(&bytes[masked(at, PC_PATH_BYTES - 1)], masked(length, PC_PATH_BYTES - 1), &scratch->paths[masked(start, PAGE_MASK)]);
	bytes[masked(at - 5, PC_PATH_BYTES - 1)] = PC_KEY_BYTE(rule);
	bytes[masked(at - 4, PC_PATH_BYTES - 1)] = PC_KEY_BYTE(rule >> 6);
	bytes[masked(at - 3, PC_PATH_BYTES - 1)] = PC_KEY_BYTE(rule >> 12);
	bytes[masked(at - 2, PC_PATH_BYTES - 1)] = PC_KEY_BYTE(place);
	bytes[masked(at - 1, PC_PATH_BYTES - 1)] = PC_KEY_BYTE(place >> 6);
	scratch->walk.offset = at - ARGUMENT_KEY_BYTES;
}

#endif
