// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Observation: what containers execute and how their processes end, through the telemetry ring.
 *
 * Hooks      tp_btf/sched_process_exec   attached after identity's, which may have given the label that is reported
 *            tp_btf/sched_process_exit   attached before identity's, which may report the slot empty
 * Maps       as in maps.h; scratches (not pinned): events under construction on each CPU
 * Kernel     6.1; built with PC_REDUCED for 5.10
 * Verifier   lengths are masked or bounded just before use; 5.10 and 6.1 forget bounds across helper calls
 */
#include "record.h"
#include "see.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Whether an exec or an exit of the current task is reported, and whose it is. */
static __always_inline bool is_process_seen(struct identified *who, __u16 type)
{
	__u32 zero = 0;
	struct pc_switches *now = bpf_map_lookup_elem(&switches, &zero);
	identify(current_task(), who);
	switch (who->source) {
	case PC_SOURCE_SETUP: return false;
	case PC_SOURCE_STALE: return true;
	case PC_SOURCE_HOST: return now && now->host_visibility & PC_SEE_PROCESS;
	default:
		return visibility_of(who->slot, who->generation) & (type == PC_EVENT_EXEC ? PC_SEE_PROCESS | PC_SEE_JUDGED : PC_SEE_PROCESS);
	}
}

/* Claims room for an event and fills in whose it is; NULL if nobody wants to hear of it. */
static __always_inline struct scratch *begin(__u32 *level, __u16 type)
{
	struct identified who;
	if (!is_process_seen(&who, type))
		return NULL;
	struct scratch *scratch = scratch_claim(level);
	if (!scratch) {
		count(PC_COUNT_EVENTS_LOST);
		return NULL;
	}
	record_begin(scratch, &who, type);
	record_process(*level);
	record_directory(scratch, *level, AT_FDCWD);
	return scratch;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(pc_exec_event, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	__u32 level = 0;
	struct scratch *scratch = begin(&level, PC_EVENT_EXEC);
	if (!scratch)
		return 0;
	scratch->event.operation = PC_OPERATION_EXEC;
	scratch->event.flags |= PC_EVENT_RAW_PATH;
	scratch->event.path_length = add_name(scratch, bprm->filename, PC_PATH_BYTES);
	if (scratch->cut)
		scratch->event.flags |= PC_EVENT_PATH_CUT;
	record_send(scratch);
	scratch_release(scratch);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(pc_exit_event, struct task_struct *task)
{
	struct signal_struct *signal = task->signal;
	__u32 level = 0;

	/* `live` is counted down before the tracepoint: only the last thread ends the process. */
	if (!signal || signal->live.counter != 0)
		return 0;
	struct scratch *scratch = begin(&level, PC_EVENT_EXIT);
	if (!scratch)
		return 0;
	struct task_struct *leader = task->group_leader;
	scratch->event.exit_code = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : leader ? leader->exit_code : task->exit_code;
	record_send(scratch);
	scratch_release(scratch);
	return 0;
}
