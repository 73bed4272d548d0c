/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of a file, from the file up to the root of its mount namespace: across mounts, and past the root of the task, which the
 * task may move as it likes (chroot(2)). bpf_d_path stops there, and so would let a chroot rename what a rule names.
 *
 * rename_lock and mount_lock are the kernel's own sequence counts over renames and mounts: a path read while one changes may be one
 * that never was, and is read again.
 */
#ifndef PORTCULLIS_PATHWALK_H
#define PORTCULLIS_PATHWALK_H

#include "scratch.h"

/* The sequence counts are the first members of these locks (seqlock_t, include/linux/seqlock_types.h). */
extern const void rename_lock __ksym __weak;
extern const void mount_lock __ksym __weak;

#define MAXIMUM_ERRNO 4095 /* include/linux/err.h */

struct sequences {
	__u32 rename;
	__u32 mount;
};

static __always_inline void sequences_read(struct sequences *sequences)
{
	bpf_probe_read_kernel(&sequences->rename, sizeof sequences->rename, &rename_lock);
	bpf_probe_read_kernel(&sequences->mount, sizeof sequences->mount, &mount_lock);
}

/* A file that is in no mount tree: of a file system that the kernel keeps to itself, or cut off from its tree. */
static __always_inline __u32 walk_end_outside(struct walk *walk, struct match *match, __u32 name_length, __u64 name)
{
	struct mount *mount = (void *)walk->mount;
	__u64 namespace = (__u64)BPF_CORE_READ(mount, mnt_ns);
	const char memfd[6] = { 'm', 'e', 'm', 'f', 'd', ':' };
	if (namespace < (__u64)-MAXIMUM_ERRNO) /* MNT_NS_INTERNAL is an error pointer */
		return WALK_DETACHED;
	if (walk->offset != PC_PATH_BYTES || name_length <= sizeof memfd || name_length > 255)
		return WALK_EXEMPT;
	walk->offset = masked(PC_PATH_BYTES - name_length, PC_PATH_BYTES - 1);
	if (bpf_probe_read_kernel(&match->bytes[walk->offset], masked(name_length, 255), (void *)name))
		return WALK_EXEMPT;
	for (__u32 index = 0; index < sizeof memfd; index++)
		if (match->bytes[masked(walk->offset + index, PC_PATH_BYTES - 1)] != (__u8)memfd[index])
			return WALK_EXEMPT;
	return WALK_ANONYMOUS;
}

/* Goes on in a mount: its root is where the names of its files end. */
static __always_inline void walk_enter(struct walk *walk, __u64 mount)
{
	struct mount *at = (void *)mount;
	walk->mount = mount;
	/* One read for the three where they stand side by side, as they have since 3.x. */
	if (bpf_core_field_offset(struct mount, mnt_mountpoint) == bpf_core_field_offset(struct mount, mnt_parent) + 8
	    && bpf_core_field_offset(struct mount, mnt.mnt_root) == bpf_core_field_offset(struct mount, mnt_parent) + 16) {
		bpf_probe_read_kernel(&walk->mount_parent, 24, (void *)at + bpf_core_field_offset(struct mount, mnt_parent));
	} else {
		walk->mount_parent = (__u64)BPF_CORE_READ(at, mnt_parent);
		walk->mountpoint = (__u64)BPF_CORE_READ(at, mnt_mountpoint);
		walk->mount_root = (__u64)BPF_CORE_READ(at, mnt.mnt_root);
	}
}

/* Whether a mount namespace is one that tasks are in, and not one of open_tree's or fsmount's, whose number is 0. */
static __always_inline bool is_whole(struct mnt_namespace *namespace)
{
#ifndef PC_REDUCED
	struct nsproxy *proxy = bpf_get_current_task_btf()->nsproxy;
	if (proxy && proxy->mnt_ns == namespace)
		return true;
#endif
	return mount_sequence_of(namespace);
}

/* The top of a mount tree: a namespace's root, or the root of something detached. */
static __always_inline __u32 walk_end(struct walk *walk, struct match *match)
{
	struct mount *mount = (void *)walk->mount;
	struct mnt_namespace *namespace = BPF_CORE_READ(mount, mnt_ns);
	if ((__u64)namespace >= (__u64)-MAXIMUM_ERRNO)
		return WALK_EXEMPT;
	if (!namespace || !is_whole(namespace)) /* none: lazily unmounted */
		return WALK_DETACHED;
	if (walk->offset == PC_PATH_BYTES) { /* the root itself */
		walk->offset = PC_PATH_BYTES - 1;
		match->bytes[PC_PATH_BYTES - 1] = '/';
	}
	return WALK_DONE;
}

/* One component or one mount up. True when the walk is over. */
static __noinline long walk_step(struct scratch *scratch)
{
	struct walk *walk = &scratch->walk;
	struct match *match = &scratch->match;
	struct dentry *dentry = (void *)walk->dentry;

	if (walk->dentry == walk->mount_root) {
		/* Mounts stacked at one place give the path no name: from 7.0 on there is one more beneath every root than before. */
		if (!walk->root || walk->offset != walk->root_offset) {
			walk->root = walk->mount_root;
			walk->root_offset = walk->offset;
		}
		__u64 parent = walk->mount_parent;
		if (parent == walk->mount || !parent) {
			walk->outcome = walk_end(walk, match);
			return 1;
		}
		walk->dentry = walk->mountpoint;
		walk_enter(walk, parent);
		return 0;
	}
	struct {
		__u64 parent;
		__u64 hash_and_length;
		__u64 name;
	} part = {};
	/* One read for the three where they stand side by side, as they have since 3.x. */
	if (bpf_core_field_offset(struct dentry, d_name) == bpf_core_field_offset(struct dentry, d_parent) + 8) {
		bpf_probe_read_kernel(&part, sizeof part, (void *)dentry + bpf_core_field_offset(struct dentry, d_parent));
	} else {
		part.parent = (__u64)BPF_CORE_READ(dentry, d_parent);
		bpf_core_read(&part.hash_and_length, 16, &dentry->d_name);
	}
	__u32 length = part.hash_and_length >> 32; /* struct qstr on a little-endian machine */
	if (part.parent == walk->dentry || !part.parent) {
		walk->outcome = walk_end_outside(walk, match, length, part.name);
		return 1;
	}
	if (length > 255 || length + 1 > walk->offset) {
		walk->outcome = WALK_TOO_LONG;
		return 1;
	}
	__u32 offset = masked(walk->offset - length - 1, PC_PATH_BYTES - 1);
	match->bytes[offset] = '/';
	bpf_probe_read_kernel(&match->bytes[offset + 1], masked(length, 255), (void *)part.name);
	walk->offset = offset;
	walk->dentry = part.parent;
	return 0;
}

#ifndef PC_REDUCED
struct walk_context {
	struct scratch *scratch;
};

static long walk_turn(__u32 index, struct walk_context *context)
{
	return walk_step(context->scratch);
}
#endif

static __always_inline void walk_once(struct scratch *scratch, __u64 dentry, __u64 mount)
{
	struct walk *walk = &scratch->walk;
	walk->dentry = dentry;
	walk_enter(walk, mount);
	walk->root = 0;
	walk->root_offset = 0;
	walk->offset = PC_PATH_BYTES;
	walk->outcome = WALK_UNDER_WAY;
#ifdef PC_REDUCED
	for (int step = 0; step < PC_PATH_STEPS_REDUCED; step++)
		if (walk_step(scratch))
			break;
	if (walk->outcome == WALK_DONE && walk->offset < PC_PATH_BYTES - PC_PATH_BYTES_REDUCED)
		walk->outcome = WALK_TOO_LONG;
#else
	struct walk_context context = { .scratch = scratch };
	bpf_loop(PC_PATH_STEPS, walk_turn, &context, 0);
#endif
	if (walk->outcome == WALK_UNDER_WAY)
		walk->outcome = WALK_TOO_LONG;
}

/* Writes the path of `dentry` in the struct mount `mount` to the end of match.bytes and says how that went in walk.outcome. */
static __always_inline void walk_path(struct scratch *scratch, __u64 dentry, __u64 mount)
{
	struct sequences before, after;
	for (int attempt = 0; attempt < PC_PATH_TRIES; attempt++) {
		sequences_read(&before);
		scratch->walk.outcome = WALK_CHANGING;
		/* Odd: someone is changing things right now. */
		if ((before.rename | before.mount) & 1)
			continue;
		walk_once(scratch, dentry, mount);
		sequences_read(&after);
		if (before.rename == after.rename && before.mount == after.mount)
			break;
		scratch->walk.outcome = WALK_CHANGING;
	}
}

/* The struct mount that a vfsmount is embedded in. */
static __always_inline __u64 mount_of(struct vfsmount *vfsmount)
{
	return (__u64)vfsmount - bpf_core_field_offset(struct mount, mnt);
}

#endif
