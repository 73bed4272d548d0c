/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a hook puts its question: room is claimed, what is asked is written there, and the verdict is fetched from the judge, which the
 * daemon links in the place of `decide` before it attaches the hook.
 */
#ifndef PORTCULLIS_ASK_H
#define PORTCULLIS_ASK_H

#include "alert.h"
#include "decide.h"
#include "pathwalk.h"
#include "pause.h"

#define EPERM 1
#define EACCES 13

/* Without a judge nothing that is asked about can be decided. Weak, so that the compiler believes nothing about the answer. */
__noinline __weak int decide(__u32 level, __u32 what)
{
	return PC_ACTION_BLOCK;
}

static __always_inline void fill(struct request *request, struct actor *who, __u32 operation, __u32 automaton, __u32 wanted)
{
	__builtin_memset(request, 0, sizeof *request);
	request->policy = who->policy;
	request->root = who->root;
	request->slot = who->slot;
	request->generation = who->generation;
	request->source = who->source;
	request->operation = operation;
	request->automaton = automaton;
	request->wanted = wanted;
	if (who->label && who->label->source_policy == who->policy) {
		request->source_class = who->label->source_class;
		request->classified = 1;
	}
}

/* What the rules may ask of an open file itself, while the verifier knows its type. */
static __always_inline void about_file(struct request *request, struct inode *inode)
{
	request->mode = inode->i_mode;
	request->owner = (__u64)inode;
	request->uid = inode->i_uid.val;
	request->file.inode = inode->i_ino;
	request->file.device = inode->i_sb->s_dev;
	request->file.inode_generation = inode->i_generation;
}

/* No room to work in: what is strict is denied, and reported without texts. */
static __noinline int no_room(struct actor *who, __u32 operation, __u32 automaton)
{
	struct request request;
	count(PC_COUNT_UNDECIDED);
	if (!(set_flags(who->policy) & strict_of(automaton)))
		return 0;
	fill(&request, who, operation, automaton, 0);
	settle(&request, PC_ACTION_BLOCK, PC_REASON_SCRATCH, PC_RULE_NONE << 8);
	bool paused = is_paused(who->slot, who->generation);
	request.decision = PAUSED_DECISION(request.decision, paused);
	/* In the ring itself: it does not fit the stack. */
	struct pc_alert *alert = bpf_ringbuf_reserve(&alerts, sizeof *alert, 0);
	if (alert) {
		alert_begin(alert, &request);
		bpf_ringbuf_submit(alert, 0);
	}
	count(alert ? PC_COUNT_ALERTS : PC_COUNT_ALERTS_LOST);
	if (paused)
		return 0;
	count(PC_COUNT_DENIED);
	return 1;
}

#define FMODE_NOACCOUNT 0x20000000 /* include/linux/fs.h */

struct question {
	__u32 operation;
	__u32 automaton;
	__u32 write;
	__u32 wanted;
	__u32 mode;
	__u64 dentry;
	struct vfsmount *mount;
	__u64 owner;
};

/* The file that a file system opened for another one's; the path that the user sees is `user_path` from 6.8 on, and f_path before. */
struct backing_file {
	struct path user_path;
} __attribute__((preserve_access_index));

/* What file systems open for themselves: overlayfs opens the file beneath after the open of the file above was judged. */
static __always_inline bool is_inner(struct file *file)
{
	return file->f_mode & FMODE_NOACCOUNT;
}

/* The path by which the user opened it. A mapping of overlayfs holds the file beneath. */
static __always_inline void shown_as(struct file *file, struct question *question)
{
	question->dentry = (__u64)file->f_path.dentry;
	question->mount = file->f_path.mnt;
	if (is_inner(file) && bpf_core_field_exists(struct backing_file, user_path)) {
		struct backing_file *backing = (void *)file;
		question->dentry = (__u64)BPF_CORE_READ(backing, user_path.dentry);
		question->mount = BPF_CORE_READ(backing, user_path.mnt);
	}
}

/* 1 if what was filled in is denied. */
static __always_inline int verdict(struct scratch *scratch, __u32 level)
{
	int action = decide(level, DECIDE_VERDICT);
	scratch_release(scratch);
	return action == PC_ACTION_BLOCK;
}

/* 1 if it is denied. */
static __always_inline int ask(struct actor *who, struct question *question)
{
	__u32 level = 0;
	struct scratch *scratch = scratch_claim(&level);
	if (!scratch)
		return no_room(who, question->operation, question->automaton);
	struct request *request = &scratch->request;
	fill(request, who, question->operation, question->automaton, question->wanted);
	request->write = question->write;
	request->mode = question->mode;
	request->dentry = question->dentry;
	request->mount = mount_of(question->mount);
	request->owner = question->owner;
	scratch->walk.begun = WALK_AFRESH;
	return verdict(scratch, level);
}

#endif
