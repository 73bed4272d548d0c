// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Identity: labels given, inherited, counted and taken away; and the probe through which the daemon sees a process.
 *
 * Hooks      lsm/task_alloc, lsm/task_free   inheritance that can fail a fork; only where BPF-LSM is enabled
 *            tp_btf/sched_process_fork       inheritance elsewhere, and children that setns made
 *            tp_btf/sched_process_exec       a label sticks; setup ends
 *            tp_btf/sched_process_exit       a labelled task is gone
 *            tp_btf/sched_process_free       the same as task_free where that is not used; cleans the hash of labels
 *            raw_tp (never attached)         the probes of processes and files, run by BPF_PROG_TEST_RUN
 *            iter/task                       all labels, for a daemon that adopts what it finds; labels for what was there first
 * Maps       identities, slots, labels or labels_hash, counters, slots_empty; probe_result, file_result, labelling,
 *            labelling_cgroups (not pinned)
 * Kernel     5.10 (BTF, tp_btf, test run of raw_tp). Task storage from 5.11; mount namespaces have sequences on all.
 * Verifier   no atomics with a fetched result (5.12); no bpf_get_current_task_btf (5.11); LSM returns are constants in
 *            [-4095, 0] (6.12).
 */
#include "give.h"
#include "labelling.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Structs that live on the stack only would be missing from the BTF, by which a test checks the ABI. */
struct pc_slot_empty *slot_empty_in_btf;
struct pc_label_line *label_line_in_btf;

/* Where the probe leaves what it found. Not pinned: each daemon has its own and runs one probe at a time. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pc_probe);
} probe_result SEC(".maps");

/* The same of the file probe. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pc_file_probe);
} file_result SEC(".maps");

/*
 * Counts a labelled task out, once; tells the daemon if it was the last one of a container that has ended. Called at the exit
 * and again when the task is freed: a program that is preempted on this CPU (tracepoints can be, from 7.0 on) makes the kernel
 * leave out another task's run of the same program, and a fork that fails late has no exit at all.
 */
static __always_inline void task_went(struct pc_label *label)
{
	__u32 index = label->slot;
	if (label->flags & PC_LABEL_GONE)
		return;
	label->flags |= PC_LABEL_GONE;
	struct pc_slot *slot = bpf_map_lookup_elem(&slots, &index);
	if (!slot || (slot->state >> 32) != label->generation)
		return;
	__atomic_fetch_add(&slot->tasks, -1, __ATOMIC_RELAXED);
	/* Each reads after its own decrement, so at least the last one sees 0; a second message does no harm. */
	if (*(volatile __s64 *)&slot->tasks > 0 || (__u32)slot->state != PC_SLOT_RETIRED)
		return;
	struct pc_slot_empty empty = { .slot = index, .generation = label->generation };
	if (bpf_ringbuf_output(&slots_empty, &empty, sizeof empty, 0))
		count(PC_COUNT_EMPTY_LOST);
}

/* The label that a child of `parent` gets; false if it gets none. */
static __always_inline bool inherited(struct task_struct *parent, struct pc_label *label)
{
	struct pc_label *own = label_of_process(parent);
	if (own) {
		*label = *own;
		label->flags &= ~(PC_LABEL_FIRST | PC_LABEL_GONE);
		return true;
	}
	struct identified who;
	identify(parent, &who);
	if (who.source != PC_SOURCE_KEY)
		return false;
	label->slot = who.slot;
	label->generation = who.generation;
	label->flags = PC_LABEL_ENTERED | PC_LABEL_RUNTIME;
	return true;
}

/* Before the child exists for anyone, and for io_uring's workers too, which no fork tracepoint reports. */
SEC("lsm/task_alloc")
int BPF_PROG(pc_task_alloc, struct task_struct *task, unsigned long clone_flags, int ret)
{
	struct pc_label label = {};
	if (ret)
		return ret;
	struct task_struct *parent = bpf_get_current_task_btf();
	if (!inherited(parent, &label))
		return 0;
	return give(task, &label) ? 0 : -12; /* ENOMEM: an unlabelled child would be taken for the host's */
}

/* Also of a task that was labelled in task_alloc and then not made after all. LSM programs are never left out (6.2). */
SEC("lsm/task_free")
int BPF_PROG(pc_task_free, struct task_struct *task)
{
	struct pc_label *label = label_of(task);
	if (label)
		task_went(label);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(pc_fork, struct task_struct *parent, struct task_struct *child)
{
	struct pc_label label = {};
	struct identified who;

	if (label_of(child))
		return 0;
	if (inherited(parent, &label)) {
		give(child, &label);
		return 0;
	}
	/* setns(CLONE_NEWPID) changes the children only: such a child is inside although its parent is not. */
	identify(child, &who);
	if (who.source != PC_SOURCE_KEY)
		return 0;
	label.slot = who.slot;
	label.generation = who.generation;
	label.flags = PC_LABEL_ENTERED | PC_LABEL_RUNTIME;
	give(child, &label);
	return 0;
}

/* The first of a container's processes to leave setup shows the container's root, by which files of other trees are told. */
static __always_inline void root_known(struct task_struct *task, struct pc_label *label)
{
	__u32 index = label->slot;
	struct pc_slot *slot = bpf_map_lookup_elem(&slots, &index);
	struct fs_struct *fs = task->fs;
	if (slot && fs && !slot->root && (slot->state >> 32) == label->generation)
		slot->root = (__u64)fs->root.dentry;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(pc_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct pc_label *label = label_of(task);
	if (label) {
		label->flags &= ~(PC_LABEL_FIRST | PC_LABEL_RUNTIME);
		if (label->flags & PC_LABEL_SETUP && !in_setup(task, label)) {
			label->flags &= ~PC_LABEL_SETUP;
			label->flags |= PC_LABEL_FIRST;
			root_known(task, label);
		}
		return 0;
	}
	struct identified who;
	identify(task, &who);
	if (who.source != PC_SOURCE_KEY)
		return 0;
	struct pc_label fresh = { .slot = who.slot, .generation = who.generation, .flags = PC_LABEL_ENTERED };
	give(task, &fresh);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(pc_exit, struct task_struct *task)
{
	struct pc_label *label = label_of(task);
	if (label)
		task_went(label);
	return 0;
}

SEC("tp_btf/sched_process_free")
int BPF_PROG(pc_free, struct task_struct *task)
{
	struct pc_label *label = label_of(task);
	if (label)
		task_went(label);
	if (label_store == PC_LABELS_IN_HASH) {
		__u64 address = (__u64)task;
		bpf_map_delete_elem(&labels_hash, &address);
	}
	return 0;
}

/* The struct pid behind an open pidfd, whose number in the daemon's own pid namespace must be `number`. */
static __always_inline struct pid *pid_behind(struct file *file, int number, unsigned int level)
{
	/* From 6.9 a pidfd is an inode of pidfs; before, an anonymous inode whose file holds the pid. */
	struct pid *candidates[2] = { BPF_CORE_READ(file, f_inode, i_private), BPF_CORE_READ(file, private_data) };
	for (int index = 0; index < 2; index++) {
		struct pid *pid = candidates[index];
		unsigned int depth = 0;
		int found = 0;
		if (!pid || bpf_core_read(&depth, sizeof depth, &pid->level) || depth < level || depth > 32)
			continue;
		void *number_at = (void *)&pid->numbers[0] + level * bpf_core_type_size(struct upid) + bpf_core_field_offset(struct upid, nr);
		if (bpf_core_read(&found, sizeof found, number_at) || found != number)
			continue;
		return pid;
	}
	return NULL;
}

/* args[0]: a descriptor of the calling process, O_PATH ones included. */
SEC("raw_tp")
int pc_probe_file(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 zero = 0;
	struct pc_file_probe *out = bpf_map_lookup_elem(&file_result, &zero);
	if (!out)
		return 0;
	__u64 descriptor = ctx->args[0];
	struct task_struct *self = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(self, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	__builtin_memset(out, 0, sizeof *out);
	out->status = PC_PROBE_GONE;
	if (descriptor >= BPF_CORE_READ(table, max_fds) || bpf_probe_read_kernel(&file, sizeof file, files + descriptor) || !file)
		return 0;
	struct inode *inode = BPF_CORE_READ(file, f_path.dentry, d_inode);
	if (!inode)
		return 0;
	out->device = BPF_CORE_READ(inode, i_sb, s_dev);
	out->inode = BPF_CORE_READ(inode, i_ino);
	out->inode_generation = BPF_CORE_READ(inode, i_generation);
	out->links = BPF_CORE_READ(inode, i_nlink);
	out->mode = BPF_CORE_READ(inode, i_mode);
	out->status = PC_PROBE_FOUND;
	return 0;
}

/* args[0]: a pidfd of the calling process; args[1]: the process id that it was opened with. */
SEC("raw_tp")
int pc_probe(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 zero = 0;
	struct pc_probe *out = bpf_map_lookup_elem(&probe_result, &zero);
	if (!out)
		return 0;
	__u64 descriptor = ctx->args[0];
	int number = ctx->args[1];
	struct task_struct *self = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(self, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	__builtin_memset(out, 0, sizeof *out);
	out->status = PC_PROBE_UNKNOWN;
	if (descriptor >= BPF_CORE_READ(table, max_fds) || bpf_probe_read_kernel(&file, sizeof file, files + descriptor) || !file)
		return 0;
	struct pid *pid = pid_behind(file, number, BPF_CORE_READ(self, thread_pid, level));
	if (!pid)
		return 0;
	out->status = PC_PROBE_GONE;
	struct hlist_node *link = BPF_CORE_READ(pid, tasks[PIDTYPE_TGID].first);
	if (!link)
		return 0;
	struct task_struct *task = (void *)link - bpf_core_field_offset(struct task_struct, pid_links)
				   - PIDTYPE_TGID * bpf_core_type_size(struct hlist_node);
	struct mnt_namespace *mounts = BPF_CORE_READ(task, nsproxy, mnt_ns);
	if (!mounts || BPF_CORE_READ(task, exit_state) || BPF_CORE_READ(task, flags) & PF_EXITING)
		return 0;
	struct upid own;
	own_pid(BPF_CORE_READ(task, thread_pid), &own);
	out->pid = number;
	out->task = (__u64)task;
	out->start_time = BPF_CORE_READ(task, start_boottime);
	out->mount_namespace = BPF_CORE_READ(mounts, ns.inum);
	out->pid_namespace = BPF_CORE_READ(own.ns, ns.inum);
	out->user_namespace = BPF_CORE_READ(task, real_cred, user_ns, ns.inum);
	out->uid = BPF_CORE_READ(task, real_cred, euid.val);
	out->mount_sequence = mount_sequence_of(mounts);
	out->root_mount = (__u64)BPF_CORE_READ(task, fs, root.mnt);
	out->root = (__u64)BPF_CORE_READ(task, fs, root.dentry);
	out->executed = !(BPF_CORE_READ(task, flags) & PF_FORKNOEXEC);
	out->cgroup = cgroup_of(task);
	if (out->cgroup == cgroup_of(BPF_CORE_READ(task, real_parent)))
		out->cgroup = 0;
	out->status = PC_PROBE_FOUND;
	return 0;
}

SEC("iter/task")
int pc_list_labels(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	if (!task)
		return 0;
	struct pc_label *label = label_of(task);
	if (!label || task->exit_state)
		return 0;
	struct pc_label_line line = {
		.slot = label->slot, .generation = label->generation, .pid = task->tgid, .thread = task->pid
	};
	bpf_seq_write(ctx->meta->seq, &line, sizeof line);
	return 0;
}

SEC("iter/task")
int pc_label_tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct pc_label label = {};
	__u32 zero = 0;
	struct pc_labelling *now = bpf_map_lookup_elem(&labelling, &zero);
	if (!task || !now)
		return 0;
	if (task->exit_state || task->flags & PF_KTHREAD || label_of(task))
		return 0;
	if (now->pass == PC_LABELLING_ANCESTRY ? !label_by_ancestry(task, &label) : !label_by_place(task, &label))
		return 0;
	/* A fork that is labelled by its own program in this very moment would be counted twice; then the slot is freed by the next daemon. */
	if (give(task, &label))
		now->given++;
	else
		now->failed++;
	return 0;
}
