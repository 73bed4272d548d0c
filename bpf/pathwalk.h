/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of a file, from the file up to the root of its mount namespace: across mounts, and past the root of the task, which the
 * task may move as it likes (chroot(2)). bpf_d_path stops there, and so would let a chroot rename what a rule names.
 *
 * A path that is read while something is renamed or mounted may be one that never was. rename_lock and mount_lock are the kernel's own
 * sequence counts over both: where they stand still, one reading is enough. They count what happens anywhere, though, and a busy or
 * hostile container could keep every other's paths from being read. So what follows are readings in pairs: each dentry has a count of
 * its own renames (d_seq), and when a second reading meets the same dentries, mounts and counts as the first, the first was true.
 *
 * Whoever includes this has made `struct scratch` with the members `walk`, `tops` and `match.bytes`.
 */
#ifndef PORTCULLIS_PATHWALK_H
#define PORTCULLIS_PATHWALK_H

#include "identify.h"
#include "walk.h"

/* The sequence counts are the first members of these locks (seqlock_t, include/linux/seqlock_types.h). */
extern const void rename_lock __ksym __weak;
extern const void mount_lock __ksym __weak;

#define MAXIMUM_ERRNO 4095 /* include/linux/err.h */
#define NAME_BYTES_MAX 255 /* NAME_MAX, include/uapi/linux/limits.h */

/* One reading by the locks' counts, the rest in pairs. */
#ifdef PC_REDUCED
#define WALK_READINGS 9 /* 5.10 verifies each turn of a loop anew */
#else
#define WALK_READINGS (1 + 2 * PC_PATH_TRIES)
#endif

static __always_inline void sequences_read(struct walk_sequences *sequences)
{
	bpf_probe_read_kernel(&sequences->rename, sizeof sequences->rename, &rename_lock);
	bpf_probe_read_kernel(&sequences->mount, sizeof sequences->mount, &mount_lock);
}

/* Makes a reading tell whether it went the same way as the one before; the way is long, so it is told by a hash. */
static __always_inline void walk_note(struct walk *walk, __u64 value)
{
	walk->seen.way = (walk->seen.way ^ value) * 0x9e3779b97f4a7c15ULL;
}

/* A file that is in no mount tree: of a file system that the kernel keeps to itself, or cut off from its tree. */
static __always_inline __u32 walk_end_outside(struct walk *walk, struct match *match, __u32 name_length, __u64 name)
{
	struct mount *mount = (void *)walk->mount;
	__u64 namespace = (__u64)BPF_CORE_READ(mount, mnt_ns);
	const char memfd[6] = { 'm', 'e', 'm', 'f', 'd', ':' };
	if (namespace < (__u64)-MAXIMUM_ERRNO) /* MNT_NS_INTERNAL is an error pointer */
		return WALK_DETACHED;
	if (walk->offset != PC_PATH_BYTES || name_length <= sizeof memfd || name_length > NAME_BYTES_MAX)
		return WALK_EXEMPT;
	walk->offset = masked(PC_PATH_BYTES - name_length, PC_PATH_BYTES - 1);
	if (bpf_probe_read_kernel(&match->bytes[walk->offset], masked(name_length, NAME_BYTES_MAX), (void *)name))
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

#ifdef PC_REDUCED
#define WALK_STEP static __noinline
#else
#define WALK_STEP static __always_inline /* a frame less: all frames of a call together have 512 bytes */
#endif

/* One component or one mount up. True when the walk is over. */
WALK_STEP long walk_step(struct scratch *scratch)
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
		if (walk->reading) {
			walk_note(walk, parent);
			walk_note(walk, walk->mountpoint);
			walk_note(walk, walk->mount_root);
		}
		if (parent == walk->mount || !parent) {
			walk->outcome = walk_end(walk, match);
			return 1;
		}
		walk->dentry = walk->mountpoint;
		walk_enter(walk, parent);
		return 0;
	}
	if (walk->reading) {
		__u32 sequence = 1;
		bpf_probe_read_kernel(&sequence, sizeof sequence, (void *)dentry + bpf_core_field_offset(struct dentry, d_seq));
		walk_note(walk, walk->dentry);
		/* The counts only grow, so that their sums are the same only if each of them is. */
		walk->seen.renames += sequence;
		walk->seen.torn |= sequence & 1;
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
	if (length > NAME_BYTES_MAX || length + 1 > walk->offset) {
		walk->outcome = WALK_TOO_LONG;
		return 1;
	}
	__u32 offset = masked(walk->offset - length - 1, PC_PATH_BYTES - 1);
	if (!walk->confirming) {
		match->bytes[offset] = '/';
		bpf_probe_read_kernel(&match->bytes[offset + 1], masked(length, NAME_BYTES_MAX), (void *)part.name);
	}
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

static __always_inline void walk_start(struct walk *walk)
{
	walk->dentry = walk->from_dentry;
	walk_enter(walk, walk->from_mount);
	walk->root = 0;
	walk->root_offset = 0;
	walk->offset = PC_PATH_BYTES;
}

static __always_inline void walk_on(struct scratch *scratch)
{
	struct walk *walk = &scratch->walk;
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

static __always_inline struct walk_top *top_of(struct scratch *scratch, __u64 mount)
{
	return &scratch->tops[masked(mount >> 6 ^ mount >> 10, WALK_TOPS - 1)];
}

/* A first reading that proved true may have met a mount at the root. */
static __always_inline void walk_learn(struct scratch *scratch)
{
	struct walk *walk = &scratch->walk;
	if (walk->begun != WALK_BEGUN || !walk->first_offset || walk->outcome != WALK_DONE || walk->offset != walk->first_offset)
		return;
	struct walk_top *top = top_of(scratch, walk->from_mount);
	top->mount = walk->from_mount;
	top->sequence = walk->before.mount;
}

/*
 * Writes the path of walk.from_dentry in the struct mount walk.from_mount to the end of match.bytes and says how that went in
 * walk.outcome. The first reading goes on from where walk_first_mount left it, if that was used.
 */
static __always_inline void walk_path(struct scratch *scratch)
{
	struct walk *walk = &scratch->walk;
	for (__u32 reading = 0; reading < WALK_READINGS; reading++) {
		walk->reading = reading;
		walk->confirming = reading && !(reading & 1);
		if (reading || walk->begun == WALK_AFRESH) {
			if (!reading)
				sequences_read(&walk->before);
			walk_start(walk);
			walk->seen.way = walk->seen.renames = walk->seen.torn = 0;
		}
		if (reading || walk->begun != WALK_ARRIVED)
			walk_on(scratch);
		if (!reading) {
			struct walk_sequences after;
			sequences_read(&after);
			/* Odd: something is being changed right now. */
			if (walk->before.rename == after.rename && walk->before.mount == after.mount && !((after.rename | after.mount) & 1)) {
				walk_learn(scratch);
				return;
			}
		} else if (!walk->confirming) {
			walk->first = walk->seen;
		} else if (walk->seen.way == walk->first.way && walk->seen.renames == walk->first.renames && !walk->first.torn) {
			return;
		}
	}
	walk->outcome = WALK_CHANGING;
}

/* The struct mount that a vfsmount is embedded in. */
static __always_inline __u64 mount_of(struct vfsmount *vfsmount)
{
	return (__u64)vfsmount - bpf_core_field_offset(struct mount, mnt);
}

static __always_inline void walk_from(struct walk *walk, __u64 dentry, __u64 mount)
{
	walk->from_dentry = dentry;
	walk->from_mount = mount;
	walk->begun = WALK_AFRESH;
}

/* Components that walk_first_mount takes; what is deeper is left to walk_path. */
#define FIRST_MOUNT_STEPS 12

/*
 * Begins the first reading in the hook itself, where the verifier knows the file's type: a load there is what costs a helper's call,
 * ten times as much, once the pointer has been through memory. It ends at the root of the file's mount, where nothing is typed; mostly
 * that is the container's root, and the reading has arrived if that is known.
 */
static __always_inline void walk_first_mount(struct scratch *scratch, struct file *file)
{
	struct walk *walk = &scratch->walk;
	walk_from(walk, (__u64)file->f_path.dentry, mount_of(file->f_path.mnt));
#ifndef PC_REDUCED
	struct match *match = &scratch->match;
	struct dentry *dentry = file->f_path.dentry, *root = file->f_path.mnt->mnt_root;
	__u32 offset = PC_PATH_BYTES;

	sequences_read(&walk->before);
	for (int step = 0; step < FIRST_MOUNT_STEPS && dentry != root; step++) {
		struct dentry *parent = dentry->d_parent;
		__u32 length = dentry->d_name.len;
		if (parent == dentry || length > NAME_BYTES_MAX || length + 1 > offset)
			break;
		offset = masked(offset - length - 1, PC_PATH_BYTES - 1);
		match->bytes[offset] = '/';
		bpf_probe_read_kernel(&match->bytes[offset + 1], masked(length, NAME_BYTES_MAX), dentry->d_name.name);
		dentry = parent;
	}
	walk->offset = offset;
	walk->first_offset = 0;
	if (dentry == root && offset != PC_PATH_BYTES) {
		struct walk_top *top = top_of(scratch, walk->from_mount);
		if (top->mount == walk->from_mount && top->sequence == walk->before.mount) {
			walk->root = (__u64)root;
			walk->outcome = WALK_DONE;
			walk->begun = WALK_ARRIVED;
			return;
		}
		walk->first_offset = offset;
	}
	walk->dentry = (__u64)dentry;
	walk_enter(walk, walk->from_mount);
	walk->root = 0;
	walk->root_offset = 0;
	walk->begun = WALK_BEGUN;
#endif
}

#endif
