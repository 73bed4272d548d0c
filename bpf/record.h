/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An event under construction: its fixed part, and its texts one after the other. Who did it is captured here, in the kernel, while it is
 * there: a process that is gone a moment later can be asked nothing.
 *
 * Global functions, so that the verifier looks at each by itself; they take the number of a claimed scratch and find all else there.
 */
#ifndef PORTCULLIS_RECORD_H
#define PORTCULLIS_RECORD_H

#include "actor.h"
#include "dnswalk.h"
#include "walk.h"

struct match {
	/* A path's last byte is the last one below PC_PATH_BYTES; the rest is room for what is read past it. */
	__u8 bytes[PC_PATH_BYTES + 256];
};

struct scratch {
	__u32 busy;
	__u32 used; /* bytes of text */
	__u32 cut;  /* the last text that was added is not whole */
	__u32 reserved;
	struct walk walk;
	struct walk_top tops[WALK_TOPS];
	union {
		struct match match;
		__u8 paths[PC_PATH_BYTES]; /* a DNS message, when no path is walked any more */
	};
	struct dns_walk name;
	struct pc_call call __attribute__((aligned(8)));
	__u64 registers[8]; /* as the event's; 6 are used, and a masked index stays inside */
	struct pc_event event;
	/* At once behind the event. What is added behind the first half has room for a length below PC_PATH_BYTES. */
	__u8 text[PC_EVENT_TEXT_BYTES + PC_PATH_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PC_SCRATCH_LEVELS);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

#include "claim.h"
#include "pathwalk.h"

_Static_assert(__builtin_offsetof(struct scratch, text) == __builtin_offsetof(struct scratch, event) + sizeof(struct pc_event), "one record");

#define AT_FDCWD (-100) /* include/uapi/linux/fcntl.h */
#define TERMINAL_END (PC_COMM_BYTES - 1)

/* How much more text fits. */
static __always_inline __u32 room_of(struct scratch *scratch)
{
	return scratch->used < PC_EVENT_TEXT_BYTES ? PC_EVENT_TEXT_BYTES - scratch->used : 0;
}

/* Where the next text goes. */
static __always_inline void *text_end(struct scratch *scratch)
{
	return &scratch->text[masked(scratch->used, PC_EVENT_TEXT_BYTES - 1)];
}

/*
 * Adds the path of walk.from_dentry, of which the last `limit` bytes are kept; its length. 0: it has none by nature, or none any more. In memory,
 * because only numbers can be arguments.
 */
__noinline int add_walked(__u32 level, __u32 limit)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return 0;
	scratch->cut = 0;
	if (!scratch->walk.from_dentry)
		return 0;
	walk_path(scratch);
	__u32 outcome = scratch->walk.outcome, room = room_of(scratch);
	scratch->cut = outcome != WALK_DONE && outcome != WALK_ANONYMOUS && outcome != WALK_EXEMPT;
	if (outcome == WALK_EXEMPT || outcome == WALK_CHANGING)
		return 0;
	__u32 length = PC_PATH_BYTES - scratch->walk.offset;
	if (limit > room)
		limit = room;
	if (length > limit) {
		length = limit;
		scratch->cut = 1;
	}
	length = masked(length, PC_PATH_BYTES - 1);
	if (!length)
		return 0;
	bpf_probe_read_kernel(text_end(scratch), masked(length, PC_PATH_BYTES - 1), &scratch->match.bytes[masked(PC_PATH_BYTES - length, PC_PATH_BYTES - 1)]);
	scratch->used += length;
	return length;
}

static __always_inline __u32 add_path(struct scratch *scratch, __u32 level, __u64 dentry, struct vfsmount *mount, __u32 limit)
{
	walk_from(&scratch->walk, dentry, mount_of(mount));
	return add_walked(level, limit);
}

/* Adds a text of the caller's; its length without the NUL, negative if it cannot be read. */
__noinline int add_text(__u32 level, __u64 address)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return -1;
	__u32 room = room_of(scratch);
	scratch->cut = !room;
	if (!room)
		return 0;
	long length = bpf_probe_read_user_str(text_end(scratch), PC_PATH_BYTES, (void *)address);
	if (length <= 0)
		return -1;
	/* The helper counts the NUL; a full buffer is a cut one. */
	scratch->cut = length == PC_PATH_BYTES;
	length--;
	if (length > room) {
		length = room;
		scratch->cut = 1;
	}
	scratch->used += length;
	return length;
}

/* Adds the executable of `task`; its length. A process that ends has given it back by then. */
static __always_inline __u32 add_executable(struct scratch *scratch, __u32 level, struct task_struct *task)
{
	struct file *file = BPF_CORE_READ(task, mm, exe_file);
	scratch->cut = 0;
	if (!file)
		return 0;
	return add_path(scratch, level, (__u64)BPF_CORE_READ(file, f_path.dentry), BPF_CORE_READ(file, f_path.mnt), PC_EXECUTABLE_BYTES);
}

/* Adds the command line as the process has it now: it is its own memory. */
static __always_inline void add_arguments(struct scratch *scratch, struct task_struct *task)
{
	struct pc_event *event = &scratch->event;
	struct mm_struct *mm = task_read(task, mm);
	__u64 start = mm ? task_read(mm, arg_start) : 0, end = mm ? task_read(mm, arg_end) : 0;
	__u64 wanted = end > start ? end - start : 0;
	__u32 room = room_of(scratch);
	if (room > PC_ARGUMENTS_BYTES - 1)
		room = PC_ARGUMENTS_BYTES - 1;
	if (wanted > room) {
		wanted = room;
		event->flags |= PC_EVENT_ARGUMENTS_CUT;
	}
	wanted = masked(wanted, PC_ARGUMENTS_BYTES - 1);
	if (bpf_probe_read_user(text_end(scratch), masked(wanted, PC_ARGUMENTS_BYTES - 1), (void *)start)) {
		event->flags |= PC_EVENT_ARGUMENTS_UNREADABLE;
		wanted = 0;
	}
	event->arguments_length = wanted;
	scratch->used += wanted;
}

/* Begins an event of the current task, about whom `who` says whose it is. */
static __always_inline void record_begin(struct scratch *scratch, struct identified *who, __u16 type)
{
	struct pc_event *event = &scratch->event;
	__builtin_memset(event, 0, sizeof *event);
	scratch->used = 0;
	event->type = type;
	event->source = who->source;
	event->label_flags = who->label_flags;
	event->slot = who->slot;
	event->generation = who->generation;
	event->owner = PC_OWNER_UNKNOWN;
}

/* Fills in all that is about the process and its parent, but for its directory. */
__noinline int record_process(__u32 level)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	struct task_struct *task = current_task();
	if (!scratch)
		return 0;
	struct pc_event *event = &scratch->event;
	struct task_struct *leader = task_read(task, group_leader), *parent = task_read(task, real_parent);
	struct upid own;

	event->time = bpf_ktime_get_boot_ns();
	event->cpu = bpf_get_smp_processor_id();
	event->pid = task_read(task, tgid);
	event->start_time = leader ? task_read(leader, start_boottime) : task_read(task, start_boottime);
	own_pid(leader ? task_read(leader, thread_pid) : task_read(task, thread_pid), &own);
	event->namespace_pid = own.nr;
	event->pid_namespace = BPF_CORE_READ(own.ns, ns.inum);
	struct nsproxy *proxy = task_read(task, nsproxy);
	event->mount_namespace = proxy ? BPF_CORE_READ(proxy, mnt_ns, ns.inum) : 0;
	event->uid = BPF_CORE_READ(task, cred, euid.val);
	event->gid = BPF_CORE_READ(task, cred, egid.val);
	bpf_core_read(&event->comm, sizeof event->comm, &task->comm);
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);
	if (tty)
		bpf_core_read(&event->tty, TERMINAL_END, &tty->name);
	event->executable_length = add_executable(scratch, level, task);
	if (scratch->cut)
		event->flags |= PC_EVENT_EXECUTABLE_CUT;
	if (parent) {
		event->parent_pid = task_read(parent, tgid);
		bpf_core_read(&event->parent_comm, sizeof event->parent_comm, &parent->comm);
		own_pid(BPF_CORE_READ(parent, group_leader, thread_pid), &own);
		event->parent_namespace_pid = own.nr;
		event->parent_length = add_executable(scratch, level, parent);
		if (scratch->cut)
			event->flags |= PC_EVENT_PARENT_CUT;
	}
	add_arguments(scratch, task);
	return 0;
}

/* The current process's file behind a descriptor; NULL if there is none. */
static __always_inline struct file *file_of(__s32 descriptor)
{
	struct task_struct *task = current_task();
	struct files_struct *open = task_read(task, files);
	struct fdtable *table = open ? task_read(open, fdt) : NULL;
	struct file **files = table ? task_read(table, fd) : NULL, *file = NULL;
	if (!files || descriptor < 0 || (__u32)descriptor >= task_read(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof file, &files[descriptor]);
	return file;
}

/* Adds the directory that a descriptor stands for, AT_FDCWD being the working directory; its length. */
__noinline int add_directory(__u32 level, __s32 descriptor)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	struct task_struct *task = current_task();
	struct dentry *dentry;
	struct vfsmount *mount;
	if (!scratch)
		return 0;
	if (descriptor == AT_FDCWD) {
		struct fs_struct *fs = BPF_CORE_READ(task, fs);
		if (!fs)
			return 0;
		dentry = BPF_CORE_READ(fs, pwd.dentry);
		mount = BPF_CORE_READ(fs, pwd.mnt);
	} else {
		struct file *file = file_of(descriptor);
		if (!file)
			return 0;
		dentry = BPF_CORE_READ(file, f_path.dentry);
		mount = BPF_CORE_READ(file, f_path.mnt);
	}
	return add_path(scratch, level, (__u64)dentry, mount, PC_PATH_BYTES - 1);
}

static __always_inline void record_directory(struct scratch *scratch, __u32 level, __s32 descriptor)
{
	scratch->cut = 0;
	scratch->event.directory_length = add_directory(level, descriptor);
	if (scratch->cut)
		scratch->event.flags |= PC_EVENT_DIRECTORY_CUT;
}

static __always_inline void record_send(struct scratch *scratch)
{
	__u32 used = scratch->used;
	if (used > PC_EVENT_TEXT_BYTES)
		used = PC_EVENT_TEXT_BYTES;
	count(bpf_ringbuf_output(&events, &scratch->event, sizeof scratch->event + used, 0) ? PC_COUNT_EVENTS_LOST : PC_COUNT_EVENTS);
}

/* A kernel's or a program's own name for a file, kept by the kernel: at most `limit` bytes with its NUL. Its length without it. */
static __always_inline __u32 add_name(struct scratch *scratch, const void *name, __u32 limit)
{
	__u32 room = room_of(scratch);
	scratch->cut = !room;
	if (!room)
		return 0;
	long length = bpf_probe_read_kernel_str(text_end(scratch), limit, name);
	if (length <= 0)
		return 0;
	scratch->cut = length == limit;
	length--;
	if (length > room) {
		length = room;
		scratch->cut = 1;
	}
	scratch->used += length;
	return length;
}

#endif
