/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a verdict is told by: the outcome in the request, and the alert's fixed part. */
#ifndef PORTCULLIS_ALERT_H
#define PORTCULLIS_ALERT_H

#include "actor.h"
#include "scratch.h"

/* Verdicts. Apart from telemetry, so that no flood of events can push an alert out. Full: the alert is lost and counted. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} alerts SEC(".maps");

#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFDIR 0040000
#define S_IFBLK 0060000
#define MODE_EXECUTABLE 0111

static __always_inline __u32 mode_of(__u64 inode)
{
	struct inode *at = (void *)inode;
	return inode ? BPF_CORE_READ(at, i_mode) : 0;
}

static __always_inline __u64 inode_of(__u64 dentry)
{
	struct dentry *at = (void *)dentry;
	return (__u64)BPF_CORE_READ(at, d_inode);
}

/* The flag of a set that has rules for this automaton, and the one of a set where they could deny. */
static __always_inline __u32 class_of(__u32 automaton)
{
	switch (automaton) {
	case PC_AUTOMATON_PROCESS: return PC_SET_PROCESS;
	case PC_AUTOMATON_NETWORK: return PC_SET_NETWORK;
	case PC_AUTOMATON_CAPABILITY: return PC_SET_CAPABILITIES;
	case PC_AUTOMATON_DNS: return PC_SET_DNS;
	case PC_AUTOMATON_PRESET: return PC_SET_PRESETS;
	case PC_AUTOMATON_SYSCALL: return PC_SET_SYSCALLS;
	default: return PC_SET_FILE;
	}
}

static __always_inline __u32 strict_of(__u32 automaton)
{
	switch (automaton) {
	case PC_AUTOMATON_PROCESS: return PC_SET_PROCESS_STRICT;
	case PC_AUTOMATON_NETWORK: return PC_SET_NETWORK_STRICT;
	case PC_AUTOMATON_CAPABILITY: return PC_SET_CAPABILITIES_STRICT;
	case PC_AUTOMATON_DNS: return PC_SET_DNS_STRICT;
	case PC_AUTOMATON_PRESET: return PC_SET_PRESETS_STRICT;
	case PC_AUTOMATON_SYSCALL: return 0;
	default: return PC_SET_FILE_STRICT;
	}
}

static __always_inline void settle(struct request *request, __u32 action, __u32 reason, __u32 decision)
{
	request->decision = (decision & ~3) | action;
	request->reason = reason;
}

/* Writes the alert's fixed part. */
static __always_inline void alert_begin(struct pc_alert *alert, struct request *request)
{
	struct task_struct *task = (void *)bpf_get_current_task(), *leader = BPF_CORE_READ(task, group_leader);
	struct task_struct *parent = BPF_CORE_READ(task, real_parent), *parent_leader = BPF_CORE_READ(parent, group_leader);
	struct upid own;

	__builtin_memset(alert, 0, sizeof *alert);
	alert->operation = request->operation;
	alert->reason = request->reason;
	alert->source = request->source;
	alert->automaton = request->automaton;
	alert->decision = request->decision;
	alert->slot = request->slot;
	alert->generation = request->generation;
	alert->set = PC_POLICY_SET(request->policy);
	alert->set_generation = request->policy >> 32;
	alert->write = request->write;
	alert->port = request->port;
	alert->address_family = request->address_family;
	alert->syscall = request->syscall;
	alert->result = request->result;
	alert->raw_path = !!(request->wanted & REQUEST_TEXT);
	__builtin_memcpy(alert->address, request->address, sizeof alert->address);
	alert->time = bpf_ktime_get_boot_ns();
	alert->start_time = BPF_CORE_READ(leader, start_boottime);
	alert->pid = bpf_get_current_pid_tgid() >> 32;
	own_pid(BPF_CORE_READ(leader, thread_pid), &own);
	alert->namespace_pid = own.nr;
	alert->parent_pid = BPF_CORE_READ(parent, tgid);
	own_pid(BPF_CORE_READ(parent_leader, thread_pid), &own);
	alert->parent_namespace_pid = own.nr;
	alert->uid = BPF_CORE_READ(task, cred, euid.val);
	struct inode *inode = (void *)request->owner;
	if (inode)
		alert->owner = BPF_CORE_READ(inode, i_uid.val);
	bpf_core_read(&alert->comm, sizeof alert->comm, &task->comm);
	bpf_core_read(&alert->parent_comm, sizeof alert->parent_comm, &parent->comm);
	alert->cpu = bpf_get_smp_processor_id();
	struct tty_struct *tty = BPF_CORE_READ(task, signal, tty);
	if (tty)
		bpf_core_read(&alert->tty, PC_COMM_BYTES - 1, &tty->name);
}

static __always_inline void alert_send(void *alert, __u32 size)
{
	count(bpf_ringbuf_output(&alerts, alert, size, 0) ? PC_COUNT_ALERTS_LOST : PC_COUNT_ALERTS);
}

#endif
