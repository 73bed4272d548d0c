// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Observation: what containers execute and how their processes end, through the telemetry ring.
 *
 * Hooks      tp_btf/sched_process_exec   attached after identity's, which may have given the label that is reported
 *            tp_btf/sched_process_exit   attached before identity's, which may report the slot empty
 * Maps       as in maps.h; scratch (not pinned): one event under construction for each CPU
 * Kernel     5.10
 * Verifier   lengths are masked or bounded just before use; 5.10 and 6.1 forget bounds across helper calls
 */
#include "identify.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct exec_event {
	struct pc_event event;
	/* Twice the room: a variable offset below the first half plus a length below the second stays inside. */
	__u8 data[PC_EXECUTABLE_BYTES + PC_ARGUMENTS_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exec_event);
} scratch SEC(".maps");

/* Fills what every event has. False if nobody wants to hear of this task. */
static __always_inline bool begin(struct pc_event *event, struct task_struct *task, __u16 type)
{
	struct identified who;
	identify(task, &who);
	if (who.source == PC_SOURCE_SETUP)
		return false;
	if (who.source == PC_SOURCE_HOST) {
		__u32 zero = 0;
		struct pc_switches *now = bpf_map_lookup_elem(&switches, &zero);
		if (!now || !now->host_events)
			return false;
	}
	__builtin_memset(event, 0, sizeof *event);
	event->type = type;
	event->source = who.source;
	event->label_flags = who.label_flags;
	event->slot = who.slot;
	event->generation = who.generation;
	event->time = bpf_ktime_get_boot_ns();
	event->pid = task->tgid;
	struct task_struct *leader = task->group_leader;
	event->start_time = leader ? leader->start_boottime : task->start_boottime;
	struct upid own;
	own_pid(leader ? leader->thread_pid : task->thread_pid, &own);
	event->namespace_pid = own.nr;
	event->pid_namespace = BPF_CORE_READ(own.ns, ns.inum);
	struct nsproxy *proxy = task->nsproxy;
	event->mount_namespace = proxy ? BPF_CORE_READ(proxy, mnt_ns, ns.inum) : 0;
	event->uid = task->cred->euid.val;
	event->gid = task->cred->egid.val;
	bpf_core_read(&event->comm, sizeof event->comm, &task->comm);
	struct task_struct *parent = task->real_parent;
	event->parent_pid = parent->tgid;
	bpf_core_read(&event->parent_comm, sizeof event->parent_comm, &parent->comm);
	struct task_struct *parent_leader = BPF_CORE_READ(parent, group_leader);
	own_pid(BPF_CORE_READ(parent_leader, thread_pid), &own);
	event->parent_namespace_pid = own.nr;
	return true;
}

static __always_inline void send(void *record, __u32 size)
{
	count(bpf_ringbuf_output(&events, record, size, 0) ? PC_COUNT_EVENTS_LOST : PC_COUNT_EVENTS);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(pc_exec_event, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	__u32 zero = 0;
	struct exec_event *record = bpf_map_lookup_elem(&scratch, &zero);
	if (!record || !begin(&record->event, task, PC_EVENT_EXEC))
		return 0;
	struct pc_event *event = &record->event;

	long length = bpf_probe_read_kernel_str(record->data, PC_EXECUTABLE_BYTES, bprm->filename);
	/* The helper counts the NUL. A full buffer is a cut one, but for the one length that fits exactly. */
	__u32 path = length > 0 && length <= PC_EXECUTABLE_BYTES ? length - 1 : 0;
	if (length == PC_EXECUTABLE_BYTES)
		event->flags |= PC_EVENT_EXECUTABLE_CUT;
	event->executable_length = path;

	struct mm_struct *mm = task->mm;
	__u64 start = mm ? mm->arg_start : 0, end = mm ? mm->arg_end : 0;
	__u64 wanted = end > start ? end - start : 0;
	if (wanted > PC_ARGUMENTS_BYTES - 1) {
		wanted = PC_ARGUMENTS_BYTES - 1;
		event->flags |= PC_EVENT_ARGUMENTS_CUT;
	}
	__u32 arguments = wanted & (PC_ARGUMENTS_BYTES - 1);
	path &= PC_EXECUTABLE_BYTES - 1;
	if (bpf_probe_read_user(record->data + path, arguments, (void *)start)) {
		event->flags |= PC_EVENT_ARGUMENTS_UNREADABLE;
		arguments = 0;
	}
	event->arguments_length = arguments;
	__u32 size = sizeof *event + path + arguments;
	if (size <= sizeof *record)
		send(record, size);
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(pc_exit_event, struct task_struct *task)
{
	struct pc_event event;
	struct signal_struct *signal = task->signal;

	/* `live` is counted down before the tracepoint: only the last thread ends the process. */
	if (!signal || signal->live.counter != 0)
		return 0;
	if (!begin(&event, task, PC_EVENT_EXIT))
		return 0;
	struct task_struct *leader = task->group_leader;
	event.exit_code = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code : leader ? leader->exit_code : task->exit_code;
	send(&event, sizeof event);
	return 0;
}
