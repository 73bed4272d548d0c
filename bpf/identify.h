/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which container does a task belong to? Its label says so, for as long as the task lives and whatever it unshares or
 * joins. A task without one is recognised by its namespaces, call by call.
 */
#ifndef PORTCULLIS_IDENTIFY_H
#define PORTCULLIS_IDENTIFY_H

#include "label.h"

struct identified {
	__u32 source; /* enum pc_source */
	__u32 slot;
	__u32 generation;
	__u32 label_flags;
};

/* The mount namespace's number that is never reused; 0 if this kernel has none (none such is known from 5.10 on). */
static __always_inline __u64 mount_sequence_of(struct mnt_namespace *namespace)
{
	__u64 sequence = 0;
	if (bpf_core_field_exists(struct mnt_namespace___sequenced, seq)) {
		struct mnt_namespace___sequenced *old = (void *)namespace;
		bpf_core_read(&sequence, sizeof sequence, &old->seq);
	} else if (bpf_core_field_exists(struct ns_common___numbered, ns_id)) {
		struct ns_common___numbered *common = (void *)&namespace->ns;
		bpf_core_read(&sequence, sizeof sequence, &common->ns_id);
	}
	return sequence;
}

/* At least MAX_PID_NS_LEVEL (32), as a mask. */
#define PC_PID_LEVELS 63

/* The pid's last number and namespace: those of the process itself (pid_namespaces(7)), not of its future children. */
static __always_inline void own_pid(struct pid *pid, struct upid *out)
{
	unsigned int level = 0;
	out->nr = 0;
	out->ns = NULL;
	if (!pid)
		return;
	/* The size is relocated only to be checked: up to 6.1 a product with it has no bounds, and moves no pointer to a pid then. */
	if (bpf_core_type_size(struct upid) != sizeof(struct upid))
		return;
	bpf_core_read(&level, sizeof level, &pid->level);
	bpf_core_read(out, sizeof *out, (void *)&pid->numbers[0] + (level & PC_PID_LEVELS) * sizeof(struct upid));
}

/* False if the task has no namespaces any more. */
static __always_inline bool key_of(struct task_struct *task, struct pc_identity_key *key, __u64 *sequence)
{
	struct nsproxy *proxy = task_read(task, nsproxy);
	if (!proxy)
		return false;
	struct mnt_namespace *mounts = task_read(proxy, mnt_ns);
	if (!mounts)
		return false;
	struct upid own;
	own_pid(task_read(task, thread_pid), &own);
	if (!own.ns)
		return false;
	key->mount_namespace = task_read(mounts, ns.inum);
	bpf_core_read(&key->pid_namespace, sizeof key->pid_namespace, &own.ns->ns.inum);
	*sequence = mount_sequence_of(mounts);
	return true;
}

static __always_inline bool in_setup(struct task_struct *task, struct pc_label *label)
{
	if (!(label->flags & PC_LABEL_SETUP))
		return false;
	struct fs_struct *fs = task_read(task, fs);
	return fs && (__u64)task_read(fs, root.mnt) == label->setup_mount;
}

/*
 * The label of the init of the pid namespace that `task` is in. An init that unshares its mount namespace takes the key along
 * with it: who enters the container then has a key that nobody knows, but is in the init's pid namespace, which no process
 * can leave. The host's init has no label, so in the host's pid namespace this finds nothing.
 */
static __always_inline struct pc_label *label_of_namespace_init(struct task_struct *task)
{
	struct nsproxy *proxy = task_read(task, nsproxy);
	struct pid_namespace *children = proxy ? task_read(proxy, pid_ns_for_children) : NULL;
	struct upid own;
	own_pid(task_read(task, thread_pid), &own);
	/* Its own namespace, reached on the way that the verifier can follow; another one if it has unshared since. */
	if (!children || own.ns != children)
		return NULL;
	struct task_struct *init = task_read(children, child_reaper);
	return init && init != task ? label_of(init) : NULL;
}

/* Reads the label or the key of `task`, which is the current task or the child of a fork. */
static __always_inline void identify(struct task_struct *task, struct identified *who)
{
	struct pc_identity_key key = {};
	__u64 sequence = 0;

	__builtin_memset(who, 0, sizeof *who);
	struct pc_label *label = label_of_process(task);
	if (label) {
		who->slot = label->slot;
		who->generation = label->generation;
		who->label_flags = label->flags;
		struct pc_slot *slot = bpf_map_lookup_elem(&slots, &who->slot);
		__u64 state = slot ? slot->state : 0;
		if ((state >> 32) != who->generation || (__u32)state == PC_SLOT_FREE) {
			who->source = PC_SOURCE_STALE;
			count(PC_COUNT_STALE);
		} else {
			who->source = in_setup(task, label) ? PC_SOURCE_SETUP : PC_SOURCE_LABEL;
		}
		return;
	}
	if (!key_of(task, &key, &sequence))
		return;
	struct pc_identity *identity = bpf_map_lookup_elem(&identities, &key);
	if (!identity) {
		label = label_of_namespace_init(task);
		if (!label)
			return;
		who->slot = label->slot;
		who->generation = label->generation;
		struct pc_slot *slot = bpf_map_lookup_elem(&slots, &who->slot);
		/* While the init is in setup so is all that the runtime makes there. */
		if (!slot || (slot->state >> 32) != who->generation || (__u32)slot->state != PC_SLOT_ACTIVE || label->flags & PC_LABEL_SETUP)
			return;
		who->source = PC_SOURCE_KEY;
		return;
	}
	__u64 both = *(volatile __u64 *)&identity->slot_and_generation;
	who->slot = (__u32)both;
	who->generation = both >> 32;
	struct pc_slot *slot = bpf_map_lookup_elem(&slots, &who->slot);
	/* An element of a hash may be taken for another key while it is read here; the slot says whose it is. */
	if (!slot || (slot->state >> 32) != who->generation || (__u32)slot->state != PC_SLOT_ACTIVE
	    || slot->mount_sequence != sequence) {
		count(PC_COUNT_REUSED_KEY);
		return;
	}
	who->source = PC_SOURCE_KEY;
}

#endif
