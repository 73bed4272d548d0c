/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel/user ABI: every struct and number that the eBPF programs and the daemon share stands here and only here. Both
 * sides include this file; a test compares its layout with the BTF of the built objects.
 *
 * Fixed-width types and explicit padding only. A change of meaning or layout raises PC_ABI_VERSION, and with it the pin
 * directory: two versions never share a map.
 */
#ifndef PORTCULLIS_ABI_H
#define PORTCULLIS_ABI_H

#include <linux/types.h>

#define PC_ABI_VERSION 1

/* Containers known at one time, unless the configuration says otherwise. At the bound an add is refused (tableFull). */
#define PC_CAPACITY_DEFAULT 4096
#define PC_CAPACITY_MAX 65536
/* What is kept of a container's message for a restarted daemon: chunks in the map `records`. Annotations beyond are not kept. */
#define PC_RECORD_CHUNK_BYTES 1024
#define PC_RECORD_CHUNKS 24
/* Bytes of one event's executable path and of its arguments. Longer ones are cut and flagged. */
#define PC_EXECUTABLE_BYTES 512
#define PC_ARGUMENTS_BYTES 1024
#define PC_COMM_BYTES 16
/* Labelled tasks at one time where labels live in a hash (PC_LABELS_IN_HASH). Beyond it PC_COUNT_LABEL_FAILED counts. */
#define PC_LABELS_MAX 65536

/* Where the label of a task is kept. */
enum pc_label_store {
	PC_LABELS_IN_TASKS = 0, /* task storage: kernel 5.11 and later */
	PC_LABELS_IN_HASH = 1,  /* a hash keyed by the task's address, cleaned when the task is freed */
};

/* A container's namespaces as inode numbers, which the kernel reuses at once. */
struct pc_identity_key {
	__u32 mount_namespace;
	__u32 pid_namespace; /* the task's active one, not the one its children get */
};

/* `slot` in the low half, `generation` in the high: one word, so that a reader never pairs the halves of two containers. */
struct pc_identity {
	__u64 mount_sequence; /* the mount namespace's 64-bit number, never reused */
	__u64 slot_and_generation;
};

/* pc_slot.state: the low half; the high half is the slot's generation. */
enum pc_slot_state {
	PC_SLOT_FREE = 0,
	PC_SLOT_ACTIVE = 1,
	PC_SLOT_RETIRED = 2, /* the init is dead, or its key belongs to another: nothing new matches, labelled tasks go on */
};

/* One container. The map is mapped into the daemon: state and policy are single aligned words, stored atomically. */
struct pc_slot {
	__u64 policy; /* policy set in the low half, its generation in the high; 0: none */
	__u64 state;
	__u64 mount_sequence;
	__s64 tasks; /* tasks that carry this slot's label */
};

enum pc_label_flag {
	PC_LABEL_SETUP = 1,   /* still the runtime's process: its root is the mount that it had at the add */
	PC_LABEL_FIRST = 2,   /* the last exec was the one that left setup */
	PC_LABEL_ENTERED = 4, /* came in by setns, recognised by its key */
	PC_LABEL_GONE = 8,    /* its task is counted out of the slot */
};

/* Who a task belongs to. Given at the add, inherited at fork, kept until the task ends. */
struct pc_label {
	__u32 slot;
	__u32 generation;
	__u32 flags;
	__u32 reserved;
	__u64 setup_mount; /* address of the root mount at the add; only compared, never followed */
};

/* A chunk of what the daemon must remember of a container across its own restart. */
struct pc_record_key {
	__u32 slot;
	__u32 chunk;
};

struct pc_record {
	__u32 generation;
	__u32 length; /* of the whole record; chunk 0 only */
	__u8 bytes[PC_RECORD_CHUNK_BYTES];
};

/* What the probe program finds behind a pidfd. */
enum pc_probe_status {
	PC_PROBE_NONE = 0, /* the program did not run */
	PC_PROBE_FOUND = 1,
	PC_PROBE_GONE = 2,    /* no such task, or one that is exiting */
	PC_PROBE_UNKNOWN = 3, /* this kernel's pidfd is laid out in no way that the program knows */
};

struct pc_probe {
	__u32 status;
	__u32 pid;
	__u64 task;       /* address: the key of PC_LABELS_IN_HASH */
	__u64 start_time; /* nanoseconds since boot, suspend included */
	__u32 mount_namespace;
	__u32 pid_namespace;
	__u32 user_namespace;
	__u32 uid; /* effective, in the initial user namespace */
	__u64 mount_sequence;
	__u64 root_mount;
};

enum pc_event_type {
	PC_EVENT_EXEC = 1,
	PC_EVENT_EXIT = 2,
};

/* How the container of an event was found. */
enum pc_source {
	PC_SOURCE_HOST = 0,
	PC_SOURCE_LABEL = 1,
	PC_SOURCE_KEY = 2,
	PC_SOURCE_SETUP = 3, /* labelled, and still the runtime's process */
	PC_SOURCE_STALE = 4, /* labelled with a generation that its slot no longer has: never the host, never the new container */
};

enum pc_event_flag {
	PC_EVENT_EXECUTABLE_CUT = 1,
	PC_EVENT_ARGUMENTS_CUT = 2,
	PC_EVENT_ARGUMENTS_UNREADABLE = 4,
};

/* An event; for an exec `executable_length` bytes of path and `arguments_length` bytes of NUL-separated arguments follow. */
struct pc_event {
	__u16 type;
	__u16 flags;
	__u16 source;
	__u16 label_flags;
	__u32 slot;
	__u32 generation;
	__u64 time;       /* nanoseconds since boot, suspend included */
	__u64 start_time; /* of the process; with pid it names the process for good */
	__u32 pid;
	__u32 namespace_pid; /* pid in the task's own pid namespace */
	__u32 parent_pid;
	__u32 parent_namespace_pid; /* the parent's pid in *its* active pid namespace */
	__u32 uid;                  /* effective, in the initial user namespace */
	__u32 gid;
	__u32 mount_namespace;
	__u32 pid_namespace;
	__s32 exit_code; /* as wait(2) gives it: signal in the low 7 bits, exit status in bits 8 to 15 */
	__u16 executable_length;
	__u16 arguments_length;
	__u8 comm[PC_COMM_BYTES];
	__u8 parent_comm[PC_COMM_BYTES];
};

/* The last labelled task of a retired slot is gone. At most one for a slot's generation and CPU, so the ring cannot fill. */
struct pc_slot_empty {
	__u32 slot;
	__u32 generation;
};

/* One line of the label listing (bpf_iter). */
struct pc_label_line {
	__u32 slot;
	__u32 generation;
	__u32 pid;
	__u32 thread;
};

/* Switches that change while the programs run; a mapped array of one. */
struct pc_switches {
	__u32 host_events; /* also report processes that are in no container */
	__u32 reserved;
};

/* What is pinned here, for the next daemon. */
struct pc_meta {
	__u32 abi;
	__u32 capacity;
	__u32 label_store;
	__u32 fork_by_lsm;
	__u64 identity_object; /* hash of the object whose programs are attached */
	__u64 observe_object;
};

/* Per-CPU counters, by index. */
enum pc_counter {
	PC_COUNT_EVENTS = 0,
	PC_COUNT_EVENTS_LOST = 1,  /* the event ring was full */
	PC_COUNT_LABELS = 2,       /* labels given by inheritance or by key */
	PC_COUNT_LABEL_FAILED = 3, /* a label could not be kept; with task_alloc the fork failed, else the key still decides */
	PC_COUNT_STALE = 4,        /* a label of an older generation was met */
	PC_COUNT_EMPTY_LOST = 5,   /* a pc_slot_empty did not fit; the daemon sweeps its ended slots anyway */
	PC_COUNT_REUSED_KEY = 6,   /* a key matched by inode numbers only: a reused number, or a slot just retired */
	PC_COUNTERS = 7,
};

#endif
