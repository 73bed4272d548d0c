/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The verdict: follow the path, run the automaton, read the decision, report it. Global functions, so that the verifier looks at each
 * by itself; they take the number of a claimed scratch and find all else there.
 */
#ifndef PORTCULLIS_JUDGE_H
#define PORTCULLIS_JUDGE_H

#include "alert.h"
#include "arguments.h"
#include "decide.h"
#include "pathwalk.h"
#include "pause.h"
#include "spell.h"
#include "syscalls.h"

/* Runs an automaton over the path that was followed last. */
__noinline int match_run(__u32 level, __u32 automaton)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return 0;
	struct match *match = &scratch->match;
	match->position = scratch->walk.offset;
	match_path(match, automaton);
	return 0;
}

/* Follows the path of walk.from_dentry in walk.from_mount, in memory because only numbers can be arguments; an enum walk_outcome. */
__noinline int walk_run(__u32 level)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return WALK_CHANGING;
	walk_path(scratch);
	return scratch->walk.outcome;
}

static __always_inline void walk_executable(struct scratch *scratch, __u32 level, struct task_struct *task)
{
	struct file *file = BPF_CORE_READ(task, mm, exe_file);
	scratch->walk.outcome = WALK_EXEMPT;
	scratch->walk.offset = PC_PATH_BYTES;
	if (!file)
		return;
	walk_from(&scratch->walk, (__u64)BPF_CORE_READ(file, f_path.dentry), mount_of(BPF_CORE_READ(file, f_path.mnt)));
	walk_run(level);
}

static __always_inline __u32 reason_of(__u32 outcome)
{
	switch (outcome) {
	case WALK_TOO_LONG: return PC_REASON_TOO_LONG;
	case WALK_DETACHED: return PC_REASON_DETACHED;
	case WALK_CHANGING: return PC_REASON_CHANGING;
	default: return PC_REASON_RULE;
	}
}

/*
 * The class of the acting executable, kept with the task: found at its exec, and again only when the container's policy changed
 * since. Returns why it cannot be told, or PC_REASON_RULE.
 */
__noinline int classify(__u32 level)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return PC_REASON_SCRATCH;
	struct request *request = &scratch->request;
	struct pc_label *label = label_of_current();
	if (label && label->source_policy == request->policy) {
		request->source_class = label->source_class;
		return PC_REASON_RULE;
	}
	request->source_class = 0;
	/* A runtime's process before its exec: what it runs is the host's, in a root that it may have left, and no rule's business. */
	if (request->slot != PC_SLOT_HOST && (!label || label->flags & (PC_LABEL_SETUP | PC_LABEL_RUNTIME)))
		return PC_REASON_RULE;
	/* Who has made a user namespace names files there as he likes, and is no source that a rule of the host means. */
	if (request->slot == PC_SLOT_HOST && BPF_CORE_READ((struct task_struct *)bpf_get_current_task(), nsproxy, mnt_ns, user_ns, parent))
		return PC_REASON_RULE;
	walk_executable(scratch, level, (void *)bpf_get_current_task());
	__u32 reason = reason_of(scratch->walk.outcome);
	if (reason)
		return reason;
	/* An executable elsewhere, the runtime's own say, is none that a rule of this container names. */
	if (scratch->walk.outcome == WALK_DONE && (!request->root || scratch->walk.root == request->root)) {
		scratch->match.set = PC_POLICY_SET(request->policy);
		match_run(level, PC_AUTOMATON_SOURCE);
		request->source_class = scratch->match.row;
	}
	/* Processes of the host have none: theirs is found each time. */
	if (label && request->slot != PC_SLOT_HOST) {
		label->source_class = request->source_class;
		label->source_policy = request->policy;
	}
	return PC_REASON_RULE;
}

/* Adds the path that was walked last behind `used` bytes of texts; its length. */
static __always_inline __u32 alert_walked(struct scratch *scratch, __u32 used)
{
	__u32 outcome = scratch->walk.outcome;
	if (outcome != WALK_DONE && outcome != WALK_ANONYMOUS)
		return 0;
	__u32 length = PC_PATH_BYTES - scratch->walk.offset;
	if (length > PC_ALERT_EXECUTABLE_BYTES)
		length = PC_ALERT_EXECUTABLE_BYTES;
	bpf_probe_read_kernel(&scratch->paths[masked(used, 2 * PC_PATH_BYTES - 1)], length,
			      &scratch->match.bytes[masked(PC_PATH_BYTES - length, PC_PATH_BYTES - 1)]);
	return length;
}

static __always_inline __u32 alert_executable(struct scratch *scratch, __u32 level, struct task_struct *task, __u32 used)
{
	walk_executable(scratch, level, task);
	return alert_walked(scratch, used);
}

static __always_inline __u32 alert_directory(struct scratch *scratch, __u32 level, __u32 used)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fs_struct *fs = BPF_CORE_READ(task, fs);
	if (!fs)
		return 0;
	walk_from(&scratch->walk, (__u64)BPF_CORE_READ(fs, pwd.dentry), mount_of(BPF_CORE_READ(fs, pwd.mnt)));
	walk_run(level);
	if (PC_PATH_BYTES - scratch->walk.offset > PC_ALERT_EXECUTABLE_BYTES)
		scratch->alert.flags |= PC_ALERT_DIRECTORY_CUT;
	return alert_walked(scratch, used);
}

/* Reports what request.decision and request.reason say of the path that was walked last. */
__noinline int report(__u32 level)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return 0;
	struct pc_alert *alert = &scratch->alert;
	struct task_struct *task = (void *)bpf_get_current_task();
	alert_begin(alert, &scratch->request);
	__u32 length = PC_PATH_BYTES - scratch->walk.offset - scratch->request.prefix_length;
	if (length > PC_PATH_BYTES)
		length = PC_PATH_BYTES;
	bpf_probe_read_kernel(scratch->paths, length, &scratch->match.bytes[masked(PC_PATH_BYTES - length, PC_PATH_BYTES - 1)]);
	alert->path_length = length;
	__u32 used = length, more = alert_executable(scratch, level, task, used);
	alert->executable_length = more;
	used += more;
	more = alert_executable(scratch, level, BPF_CORE_READ(task, real_parent), used);
	alert->parent_length = more;
	used += more;
	more = alert_arguments(level, used);
	alert->arguments_length = more;
	used += more;
	more = alert_directory(scratch, level, used);
	alert->directory_length = more;
	used += more;
	if (used > PC_PATH_BYTES + 3 * PC_ALERT_EXECUTABLE_BYTES + PC_ARGUMENTS_BYTES)
		return 0;
	if (scratch->request.wanted & REQUEST_DEFER)
		defer(alert);
	else
		alert_send(alert, sizeof *alert + used);
	return 0;
}

/* What the rules say of this file under the name that they know it by; NULL if it is not one of these. */
static __always_inline struct pc_file_rule *alias_of(struct request *request)
{
	struct pc_file_key *key = &request->file;
	if (!key->inode) {
		struct inode *inode = (void *)inode_of(request->dentry);
		if (!inode)
			return NULL;
		key->inode = BPF_CORE_READ(inode, i_ino);
		key->device = BPF_CORE_READ(inode, i_sb, s_dev);
		key->inode_generation = BPF_CORE_READ(inode, i_generation);
	}
	key->slot = request->slot;
	key->set_generation = request->policy >> 32;
	return bpf_map_lookup_elem(&files, key);
}

/* Process rules protect the names that they mention: a blocked program keeps its name, an allowed name keeps its program. */
static __always_inline void judge_name(struct scratch *scratch, __u32 level)
{
	struct request *request = &scratch->request;
	__u32 policy = set_flags(request->policy), wanted = request->wanted;
	__u32 strict = policy & PC_SET_PROCESS_STRICT ? PC_ACTION_BLOCK : PC_ACTION_AUDIT;
	__u64 flags;
	__u32 none = PC_RULE_NONE << 8;

	match_run(level, PC_AUTOMATON_PROCESS);
	flags = (__u64)scratch->match.flags << 56;
	struct pc_file_rule *known = policy & PC_SET_FILES && wanted & REQUEST_NAME_LEAVES ? alias_of(request) : NULL;
	if (known && known->process_row) {
		flags |= (__u64)known->process_flags << 56;
		if (!scratch->match.row)
			scratch->match.row = known->process_row;
	}
	if (wanted & REQUEST_NAME_LEAVES) {
		request->previous = scratch->match.flags;
		if (flags & (PC_CELL_NAMED_BLOCK | PC_CELL_BENEATH_BLOCK)) {
			bool named = flags & PC_CELL_NAMED_BLOCK;
			__u32 decision = decision_at(&scratch->match, PC_AUTOMATON_PROCESS, scratch->match.row, 0, 0, 0);
			settle(request, PC_ACTION_BLOCK, named ? PC_REASON_NAMED : PC_REASON_ANCESTOR, named ? decision : none);
			request->automaton = PC_AUTOMATON_PROCESS;
			return;
		}
	}
	if (!(policy & PC_SET_PROCESS_ALLOWS) || !(wanted & (REQUEST_NAME_COMES | REQUEST_CONTENT)))
		return;
	bool directory = (request->mode & S_IFMT) == S_IFDIR, named = flags & PC_CELL_NAMED_ALLOW;
	if (directory) {
		/* A directory that moves within what is allowed brings nothing new; from elsewhere it may bring anything. */
		bool beneath = flags & PC_CELL_BENEATH_ALLOW;
		bool was_named = (__u64)request->previous << 56 & PC_CELL_NAMED_ALLOW;
		if (!beneath && (!named || was_named))
			return;
	} else if (!named || (request->mode & S_IFMT) != S_IFREG || !(request->mode & MODE_EXECUTABLE)) {
		return;
	}
	__u32 decision = decision_at(&scratch->match, PC_AUTOMATON_PROCESS, scratch->match.row, 0, 0, 0);
	settle(request, strict, named ? PC_REASON_NAMED : PC_REASON_ANCESTOR, named ? decision : none);
	request->automaton = PC_AUTOMATON_PROCESS;
}

#ifdef PC_REDUCED
#define ARGUMENTS PC_ARGUMENTS_MAX_REDUCED
#else
#define ARGUMENTS PC_ARGUMENTS_MAX
#endif

/* Looks at the next argument; ARGUMENTS_MORE if it is allowed. */
__noinline int argument_turn(__u32 level)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return ARGUMENTS_UNREADABLE;
	struct request *request = &scratch->request;
	if (!request->exec_left)
		return ARGUMENTS_ALLOWED;
	__u32 start = request->exec_at & PAGE_MASK;
	long length = argument_next(scratch);
	if (length < 0)
		return ARGUMENTS_UNREADABLE;
	if (length > PC_PATH_BYTES - ARGUMENT_KEY_BYTES - 1)
		return ARGUMENTS_OTHERS;
	argument_spell(scratch, start, length, PC_DECISION_RULE(request->decision), request->exec_place);
	match_run(level, PC_AUTOMATON_ARGUMENT);
	return scratch->match.row ? ARGUMENTS_MORE : ARGUMENTS_OTHERS;
}

#ifndef PC_REDUCED
struct arguments_context {
	__u32 level;
	int outcome;
};

static long arguments_turn(__u32 index, struct arguments_context *context)
{
	context->outcome = argument_turn(context->level);
	return context->outcome != ARGUMENTS_MORE;
}
#endif

/* Whether request.decision's rule allows all arguments behind the program's own name; an enum arguments_outcome. */
__noinline int judge_arguments(__u32 level)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return ARGUMENTS_UNREADABLE;
	struct request *request = &scratch->request;
	/* An exec without any is not one that the rule names. */
	if (request->exec_left < 2 || request->exec_left > ARGUMENTS + 1)
		return ARGUMENTS_OTHERS;
	request->followed_by_others = 1;
	if (argument_next(scratch) < 0)
		return ARGUMENTS_UNREADABLE;
	int outcome = ARGUMENTS_MORE;
#ifdef PC_REDUCED
	for (int turn = 0; turn <= ARGUMENTS; turn++) {
		outcome = argument_turn(level);
		if (outcome != ARGUMENTS_MORE)
			break;
	}
#else
	struct arguments_context context = { .level = level, .outcome = ARGUMENTS_MORE };
	bpf_loop(ARGUMENTS + 1, arguments_turn, &context, 0);
	outcome = context.outcome;
#endif
	return outcome;
}

/* What a rule with allowedArgs says besides. */
static __always_inline void settle_arguments(struct scratch *scratch, __u32 level)
{
	struct request *request = &scratch->request;
	if (request->operation == PC_OPERATION_MAP_EXECUTABLE) {
		/* By the exec whose arguments were judged, and not by the loader's hand. */
		struct task_struct *task = (void *)bpf_get_current_task();
		if ((__u64)BPF_CORE_READ(task, mm, exe_file, f_path.dentry) == request->dentry)
			request->decision &= ~3;
		return;
	}
	if (request->operation != PC_OPERATION_EXEC)
		return;
	int outcome = judge_arguments(level);
	if (outcome == ARGUMENTS_ALLOWED)
		request->decision &= ~3;
	else if (outcome == ARGUMENTS_UNREADABLE)
		request->reason = PC_REASON_ARGUMENTS;
}

/* What a rule of the request's own class says. */
static __always_inline void judge_rule(struct scratch *scratch, __u32 level)
{
	struct request *request = &scratch->request;
	__u32 policy = set_flags(request->policy), wanted = request->wanted, automaton = request->automaton, owner = 0;

	match_run(level, automaton);
	if (policy & PC_SET_OWNERS && request->owner) {
		struct inode *inode = (void *)request->owner;
		struct cred *cred = task_read(current_task(), cred);
		owner = (request->file.inode ? request->uid : BPF_CORE_READ(inode, i_uid.val)) == task_read(cred, fsuid.val);
	}
	__u32 source = request->source_class < PC_SOURCES_MAX ? request->source_class : 0;
	if (scratch->match.terminals && has_terminal())
		source += scratch->match.terminals;
	__u32 decision = decision_at(&scratch->match, automaton, scratch->match.row, source, owner, request->write & 1);
	__u32 action = PC_DECISION_ACTION(decision);
	struct pc_file_rule *known = NULL;
	if (policy & PC_SET_FILES && (automaton == PC_AUTOMATON_FILE || automaton == PC_AUTOMATON_PROCESS) && (action != PC_ACTION_BLOCK || PC_DECISION_RULE(decision) == PC_RULE_NONE))
		known = alias_of(request);
	if (known) {
		__u32 row = automaton == PC_AUTOMATON_PROCESS ? known->process_row : known->file_row;
		__u32 other = row ? decision_at(&scratch->match, automaton, row, source, owner, request->write & 1) : 0;
		/* Another name takes away, and never gives. */
		if (PC_DECISION_ACTION(other) == PC_ACTION_BLOCK) {
			decision = other;
			action = PC_ACTION_BLOCK;
		}
	}
	if (wanted & REQUEST_NO_POSTURE && PC_DECISION_RULE(decision) == PC_RULE_NONE)
		action = PC_ACTION_ALLOW;
	if (wanted & REQUEST_READ_ONLY && !(decision & PC_DECISION_READ_ONLY))
		action = PC_ACTION_ALLOW;
	/* An audit of a mapping or of a second look at one open would be a second alert for the same act. */
	if (wanted & REQUEST_QUIET && action == PC_ACTION_AUDIT)
		action = PC_ACTION_ALLOW;
	settle(request, action, PC_REASON_RULE, decision);
	if (action != PC_ACTION_ALLOW && decision & PC_DECISION_ARGUMENTS) {
		request->exec_place = source * 2 + owner;
		settle_arguments(scratch, level);
	}
	if (action != PC_ACTION_BLOCK && wanted & (REQUEST_NAME_LEAVES | REQUEST_NAME_COMES) && (request->mode & S_IFMT) == S_IFDIR
	    && (__u64)scratch->match.flags << 56 & PC_CELL_BENEATH_BLOCK)
		settle(request, PC_ACTION_BLOCK, PC_REASON_ANCESTOR, PC_RULE_NONE << 8);
}

/* Whether the file is in a mount tree that is not the container's: reached through another namespace, the host's say. */
static __always_inline bool is_foreign(struct scratch *scratch)
{
	struct request *request = &scratch->request;
	if (!request->root || scratch->walk.root == request->root || set_flags(request->policy) & PC_SET_MOUNTS)
		return false;
	/* Terminals, pipes and the like that the runtime handed in are opened anew through /dev/stdout and /proc/self/fd. */
	__u32 type = mode_of(inode_of(request->dentry)) & S_IFMT;
	return !type || type == S_IFREG || type == S_IFDIR || type == S_IFBLK;
}

/* Why the path of scratch.request cannot be told, or PC_REASON_RULE; EXEMPT if it has none by nature. */
#define EXEMPT PC_REASONS

static __always_inline __u32 follow(struct scratch *scratch, __u32 level)
{
	struct request *request = &scratch->request;
	if (scratch->walk.begun == WALK_AFRESH)
		walk_from(&scratch->walk, request->dentry, request->mount);
	__u32 outcome = walk_run(level);
	if (outcome == WALK_EXEMPT)
		return EXEMPT;
	if (outcome == WALK_DONE)
		return is_foreign(scratch) ? PC_REASON_FOREIGN : PC_REASON_RULE;
	if (outcome != WALK_ANONYMOUS)
		return reason_of(outcome);
	/* Memory that is passed on by descriptor is no file that a posture is about. */
	if (request->operation == PC_OPERATION_RECEIVE)
		request->wanted |= REQUEST_NO_POSTURE;
	return PC_REASON_RULE;
}

/* Brings what the automaton is to read into its place; the reason why it cannot, or EXEMPT. */
static __always_inline __u32 bring(struct scratch *scratch, __u32 level)
{
	struct request *request = &scratch->request;
	__u32 unclear = request->unclear;
	if (request->automaton == PC_AUTOMATON_PRESET) {
		scratch->walk.offset = PC_PATH_BYTES;
		if (request->dentry)
			unclear = follow(scratch, level);
		/* The preset's condition holds, whatever the path, and wherever it begins. */
		if (unclear && unclear != PC_REASON_FOREIGN)
			scratch->walk.offset = PC_PATH_BYTES;
		request->unclear = unclear == EXEMPT || unclear == PC_REASON_FOREIGN ? PC_REASON_RULE : unclear;
		return spell_prefix(scratch);
	}
	if (unclear) {
		scratch->walk.offset = PC_PATH_BYTES;
		return unclear;
	}
	if (request->key_length || request->wanted & REQUEST_TEXT)
		spell(scratch);
	else
		unclear = follow(scratch, level);
	return unclear || !request->prefix_length ? unclear : spell_prefix(scratch);
}

/* Judges scratch.request; an enum pc_action. What is not allowed has been reported. */
__noinline int judge(__u32 level)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return PC_ACTION_BLOCK;
	struct request *request = &scratch->request;
	__u32 policy = set_flags(request->policy), reason = PC_REASON_RULE, automaton = request->automaton, strict = strict_of(automaton);

	count(PC_COUNT_JUDGED);
	if (!request->classified)
		request->source_class = 0;
	settle(request, PC_ACTION_ALLOW, PC_REASON_RULE, PC_RULE_NONE << 8);
	if (policy & PC_SET_SOURCES && !request->classified && automaton != PC_AUTOMATON_PRESET) {
		reason = classify(level);
		scratch->walk.begun = WALK_AFRESH;
	}
	__u32 unclear = bring(scratch, level);
	if (unclear == EXEMPT)
		return PC_ACTION_ALLOW;
	if (unclear)
		reason = unclear;
	__u32 wanted = request->wanted;
	if (wanted & REQUEST_READ_ONLY && (reason == PC_REASON_FOREIGN || reason == PC_REASON_DETACHED))
		return PC_ACTION_ALLOW;
	if (request->source == PC_SOURCE_STALE)
		reason = PC_REASON_STALE;
	if (!reason) {
		scratch->match.set = PC_POLICY_SET(request->policy);
		scratch->match.broken = 0;
		if (policy & class_of(automaton))
			judge_rule(scratch, level);
		/* The host's administrator replaces programs, blocked ones too: that is what an upgrade is. */
		if (request->slot != PC_SLOT_HOST && wanted & (REQUEST_NAME_LEAVES | REQUEST_NAME_COMES | REQUEST_CONTENT) && PC_DECISION_ACTION(request->decision) != PC_ACTION_BLOCK
		    && policy & (PC_SET_PROCESS_BLOCKS | PC_SET_PROCESS_ALLOWS))
			judge_name(scratch, level);
		if (scratch->match.broken)
			reason = PC_REASON_IMAGE;
	}
	if (reason) {
		count(PC_COUNT_UNDECIDED);
		/* Names count for either class: a path that cannot be followed may be one that a process rule names. */
		if (wanted & (REQUEST_NAME_LEAVES | REQUEST_NAME_COMES))
			strict = PC_SET_PROCESS_STRICT | PC_SET_FILE_STRICT;
		__u32 refusal = PC_ACTION_BLOCK;
		/* On the host, mounts are made and taken away as a matter of course, by container runtimes not least. */
		if (request->slot == PC_SLOT_HOST && reason == PC_REASON_DETACHED)
			refusal = PC_ACTION_AUDIT;
		settle(request, policy & strict ? refusal : PC_ACTION_ALLOW, reason, PC_RULE_NONE << 8);
	}
	__u32 action = PC_DECISION_ACTION(request->decision);
	if (automaton == PC_AUTOMATON_PRESET && !request->reason)
		request->reason = request->unclear;
	if (action == PC_ACTION_BLOCK && is_paused(request->slot, request->generation)) {
		action = PC_ACTION_AUDIT;
		request->decision = PAUSED_DECISION(request->decision, true);
	}
	if (action == PC_ACTION_BLOCK)
		count(PC_COUNT_DENIED);
	/* What does not matter is noted, too: else the caller's own text would be asked about. */
	if (action == PC_ACTION_ALLOW && wanted & REQUEST_DEFER && !reason)
		defer_nothing(scratch);
	if (action == PC_ACTION_ALLOW || wanted & REQUEST_SILENT)
		return action;
	if (request->followed_by_others) {
		walk_from(&scratch->walk, request->dentry, request->mount);
		walk_run(level);
	}
	report(level);
	return action;
}

#endif
