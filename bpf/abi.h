/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel/user ABI: every struct and number that the eBPF programs and the daemon share stands here and only here. Both
 * sides include this file; a test compares its layout with the BTF of the built objects.
 *
 * Fixed-width types and explicit padding only. A change of meaning or layout raises PC_ABI_VERSION, and with it the pin
 * directory: two versions never share a map. A daemon takes over what another version has pinned by the names of the
 * members (FormerPins.swift lists them): a member whose meaning changes gets another name. Until the first release it stays 1.
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
/* Bytes of one event's executable path, of which the end is kept, and of its arguments. Longer ones are cut and flagged. */
#define PC_EXECUTABLE_BYTES 512
#define PC_ARGUMENTS_BYTES 1024
/* Bytes of all texts of one event together. What does not fit is cut and flagged. */
#define PC_EVENT_TEXT_BYTES 8192
#define PC_COMM_BYTES 16
/* Labelled tasks at one time where labels live in a hash (PC_LABELS_IN_HASH). Beyond it PC_COUNT_LABEL_FAILED counts. */
#define PC_LABELS_MAX 65536

/* Policy sets at one time, from 1; 0 means none. At the bound a container that needs one more is refused or keeps the one it has. */
#define PC_SETS_MAX 4096
/* A set's image is made of pages of 64-bit cells: 16 KiB each, and at most 8 MiB together. */
#define PC_PAGE_CELLS 2048
#define PC_SET_PAGES_MAX 512
/* Rules of one set, and classes of executables that its fromSource rules tell apart (the first is "any other"). */
#define PC_RULES_MAX 65535
#define PC_SOURCES_MAX 64
#define PC_ARGUMENTS_MAX 64 /* of one exec that an allowedArgs rule looks at; one with more is not allowed by it */
#define PC_ARGUMENTS_MAX_REDUCED 20
/* Files known by identity at one time. Beyond it a file is known by its path alone, and the daemon says so. */
#define PC_FILES_MAX 65536
/* A path is judged up to this length, as path_resolution(7) has it; a longer one cannot be decided. */
#define PC_PATH_BYTES 4096
/* Components and mounts that one path is followed through. 2,048 components is what PC_PATH_BYTES can hold. */
#define PC_PATH_STEPS 2176
/* The same on 5.10, which cannot run a loop of that length here. */
#define PC_PATH_STEPS_REDUCED 64
#define PC_PATH_BYTES_REDUCED 512
/* A path read while files were renamed or mounts changed is read again, in so many pairs of readings at most. */
#define PC_PATH_TRIES 8
/* Verdicts under way on one CPU: a kernel may preempt one for another. Beyond it a verdict cannot be decided. */
#define PC_SCRATCH_LEVELS 4
/* Bytes of an executable's path and of the working directory in an alert. Longer ones keep their end. */
#define PC_ALERT_EXECUTABLE_BYTES 1024

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

/*
 * A policy word: the set's index, what is in it (enum pc_set_flag), and the set's generation in the high half; 0: no policies. What the
 * processes of the host have, that is of no container, is in pc_switches, and reported as this slot's.
 */
#define PC_POLICY_SET_BITS 12
#define PC_POLICY_SET(word) ((__u32)(word) & (PC_SETS_MAX - 1))
#define PC_POLICY_FLAGS(word) ((__u32)(word) >> PC_POLICY_SET_BITS)
#define PC_SLOT_HOST 0xffffffff

/* One container. The map is mapped into the daemon: state and policy are single aligned words, stored atomically. */
struct pc_slot {
	__u64 policy; /* a policy word */
	__u64 state;
	__u64 mount_sequence;
	__s64 tasks; /* tasks that carry this slot's label */
	__u64 root;  /* address of the dentry that is the container's root, known from its first exec on; only compared */
	__u64 paused_until; /* nanoseconds since boot, suspend included: until then what would be denied is only reported */
	__u64 visibility; /* enum pc_see_flag: which events of it are reported */
};

enum pc_label_flag {
	PC_LABEL_SETUP = 1,   /* still the runtime's process: its root is the mount that it had at the add */
	PC_LABEL_FIRST = 2,   /* the last exec was the one that left setup */
	PC_LABEL_ENTERED = 4, /* came in by setns, recognised by its key */
	PC_LABEL_GONE = 8,    /* its task is counted out of the slot */
	PC_LABEL_RUNTIME = 16, /* entered and forked, and has executed nothing since: still the runtime's process */
};

/* Who a task belongs to. Given at the add, inherited at fork, kept until the task ends. */
struct pc_label {
	__u32 slot;
	__u32 generation;
	__u32 flags;
	__u32 source_class; /* of the executable, in the set that `source_policy` names */
	__u64 setup_mount; /* address of the root mount at the add; only compared, never followed */
	__u64 source_policy; /* the slot's policy word when `source_class` was found; 0: not yet */
	__u64 reported;    /* address of the dentry for which this task's last system call raised an alert already; only compared */
};

#include "abi_set.h"
#include "abi_guard.h"

/* What is at an index of `sets`, for the daemon: to look that map up costs a grace period each time. 0 pages: nothing. */
struct pc_set_entry {
	__u32 generation;
	__u32 pages;
	__u64 digest;
};

/* What was judged or reported. */
enum pc_operation {
	PC_OPERATION_EXEC = 1,
	PC_OPERATION_OPEN = 2,
	PC_OPERATION_WRITE = 3,
	PC_OPERATION_MAP_EXECUTABLE = 4,
	PC_OPERATION_MAP_WRITABLE = 5,
	PC_OPERATION_TRUNCATE = 6,
	PC_OPERATION_UNLINK = 7,
	PC_OPERATION_RMDIR = 8,
	PC_OPERATION_MKDIR = 9,
	PC_OPERATION_MKNOD = 10,
	PC_OPERATION_SYMLINK = 11,
	PC_OPERATION_LINK = 12,
	PC_OPERATION_RENAME = 13,
	PC_OPERATION_CHMOD = 14,
	PC_OPERATION_CHOWN = 15,
	PC_OPERATION_RECEIVE = 16,
	PC_OPERATION_MOUNT = 17,
	PC_OPERATION_UNMOUNT = 18,
	PC_OPERATION_PIVOT_ROOT = 19,
	PC_OPERATION_SOCKET = 20,
	PC_OPERATION_CONNECT = 21,
	PC_OPERATION_BIND = 22,
	PC_OPERATION_LISTEN = 23,
	PC_OPERATION_ACCEPT = 24,
	PC_OPERATION_CAPABILITY = 25,
	PC_OPERATION_DNS = 26,
	PC_OPERATION_MAP_ANONYMOUS = 27,
	PC_OPERATION_SYSCALL = 28, /* one that has no other name here */
	PC_OPERATION_CREATE = 29,
	PC_OPERATION_SETUID = 30, /* setuid, setreuid, setresuid, setfsuid */
	PC_OPERATION_SETGID = 31, /* setgid, setregid, setresgid, setfsgid, setgroups */
	PC_OPERATION_PTRACE = 32,
	PC_OPERATION_CHROOT = 33,
	PC_OPERATION_SETNS = 34,
	PC_OPERATION_UNSHARE = 35,
	PC_OPERATION_CAPSET = 36,
	PC_OPERATIONS = 37,
};

/* Why a verdict fell. */
enum pc_reason {
	PC_REASON_RULE = 0,      /* the rule that `decision` names, or the posture */
	PC_REASON_TOO_LONG = 1,  /* undecidable: the path is longer or deeper than can be followed */
	PC_REASON_DETACHED = 2,  /* undecidable: the file is in no mount tree any more, or in none yet */
	PC_REASON_CHANGING = 3,  /* undecidable: the path changed each time it was read */
	PC_REASON_SCRATCH = 4,   /* undecidable: no room to work in */
	PC_REASON_FOREIGN = 5,   /* undecidable: the file or the task is in a mount namespace older than the container */
	PC_REASON_IMAGE = 6,     /* undecidable: the set's image is not whole */
	PC_REASON_STALE = 7,     /* the task's label is of an older generation than its slot */
	PC_REASON_MOUNTS = 8,    /* a container with path rules may not change its mounts */
	PC_REASON_ANCESTOR = 9,  /* renaming a directory above what a rule names would rename that too */
	PC_REASON_NAMED = 10,    /* a process rule names this file: it is not renamed, linked or replaced */
	PC_REASON_ARGUMENTS = 11, /* undecidable: the arguments of an exec cannot be read */
	PC_REASON_MESSAGE = 12,  /* undecidable: not one whole DNS query, in one call */
	PC_REASONS = 13,
};

enum pc_alert_flag {
	PC_ALERT_ARGUMENTS_CUT = 1,
	PC_ALERT_ARGUMENTS_UNREADABLE = 2,
	PC_ALERT_DIRECTORY_CUT = 4,
};

/*
 * An alert. Texts follow: the path (`path_length` bytes), the executable of the task, the parent's, the arguments, each with a NUL, and the
 * working directory. For sockets and capabilities the path is what the automaton read. The arguments of an exec are those that the
 * new program was to have: the first `argument_count` texts, and what is behind them is none.
 */
struct pc_alert {
	__u16 operation; /* enum pc_operation */
	__u16 reason;    /* enum pc_reason */
	__u16 source;    /* enum pc_source */
	__u16 automaton; /* enum pc_automaton: whose rule decided */
	__u32 decision;  /* action, flags and rule, as in the image */
	__u32 slot;
	__u32 generation;
	__u32 set;
	__u32 set_generation;
	__u32 write; /* the access was a writing one */
	__u64 time; /* nanoseconds since boot, suspend included */
	__u64 start_time;
	__u32 pid;
	__u32 namespace_pid;
	__u32 parent_pid;
	__u32 parent_namespace_pid;
	__u32 uid; /* effective, in the initial user namespace */
	__u32 owner; /* of the file, in the initial user namespace */
	__u16 path_length;
	__u16 executable_length;
	__u16 parent_length;
	__u16 port;    /* of the address that a socket is connected or bound to */
	__u8 address[16]; /* the same; IPv4 in its first four bytes */
	__u32 address_family; /* 0: there is none, or one that is not read */
	__u32 syscall; /* its number, PC_SYSCALL_COMPATIBLE for the other ABI's; of PC_OPERATION_SYSCALL */
	__s32 result;  /* what it returned, as far as 32 bits hold it */
	__u32 raw_path; /* the path is the text that the caller gave, followed by nobody */
	__u8 comm[PC_COMM_BYTES];
	__u8 parent_comm[PC_COMM_BYTES];
	__u16 cpu; /* with `time` it names the alert */
	__u16 arguments_length;
	__u16 directory_length;
	__u16 flags; /* enum pc_alert_flag */
	__u32 argument_count; /* 0: all of them are arguments */
	__u32 reserved;
	__u8 tty[PC_COMM_BYTES]; /* as in pc_event */
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
	__u64 root;   /* address of the dentry that is its root */
	__u64 cgroup; /* id in the unified hierarchy; 0: the hierarchy's root, or the parent's too */
	__u32 executed; /* not 0: it has run a program since it was forked */
	__u32 reserved;
};

/* What one run of the labelling does, and what it came to. */
enum pc_labelling_pass {
	PC_LABELLING_ANCESTRY = 1, /* threads and children of labelled tasks */
	PC_LABELLING_KEY = 2,      /* tasks in a container's namespaces or in its cgroup */
};

struct pc_labelling {
	__u32 pass;
	__u32 given;
	__u32 failed;
	__u32 reserved;
};

/* Where a struct of another ABI version has a member: offset and size in bytes, read from that version's BTF. */
struct pc_member {
	__u32 at;
	__u32 size;
};

/* What is moved of another version's labels. The rest is found anew: it refers to that version's policy sets. */
struct pc_former_label {
	struct pc_member slot;
	struct pc_member generation;
	struct pc_member flags;
	struct pc_member setup_mount;
};

enum pc_moving_pass {
	PC_MOVING_ALL = 1,  /* flags of labels that were moved already follow the other version's, whose programs see each exec first */
	PC_MOVING_REST = 2, /* only what is missing: the daemon gives labels itself */
};

#include "abi_event.h"

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
	__u32 host_visibility; /* enum pc_see_flag: which events of processes that are in no container are reported */
	__u32 any_visibility;  /* what the host and the containers are reported with, taken together: the rest need not be looked at */
	__u64 host_policy; /* the policy word of processes that are in no container */
	__u64 host_paused_until; /* as in pc_slot, of these */
	__u64 daemon;       /* address of the daemon's task, for which the host's policy is not, and of whose acts there are no events; only compared */
	__u64 daemon_start; /* when that began, in nanoseconds since boot */
};

/* What is pinned here, for the next daemon. */
struct pc_meta {
	__u32 abi;
	__u32 capacity;
	__u32 label_store;
	__u32 fork_by_lsm;
	__u64 identity_object; /* hash of the object whose programs are attached */
	__u64 observe_object;
	__u64 enforce_object; /* 0: nothing is enforced here */
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
	PC_COUNT_JUDGED = 7,       /* verdicts in containers with rules of the class */
	PC_COUNT_DENIED = 8,       /* of these, denials */
	PC_COUNT_UNDECIDED = 9,    /* paths that could not be followed to their end, denied or not */
	PC_COUNT_ALERTS = 10,
	PC_COUNT_ALERTS_LOST = 11, /* the alert ring was full; the verdict stood */
	PC_COUNT_GUARD_REFUSED = 12, /* attempts on what is the daemon's own */
	PC_COUNT_GUARD_FULL = 13,  /* maps and programs that are not guarded, because the table is full */
	PC_COUNTERS = 14,
};

/* Verdicts by what was judged and what came of it, in the per-CPU map `verdicts`. Its size does not follow PC_OPERATIONS: it is pinned. */
#define PC_VERDICTS_MAX 256
#define PC_VERDICT_ACTIONS 4 /* enum pc_action, and room */
#define PC_VERDICT_INDEX(operation, action) (((__u32)(operation) * PC_VERDICT_ACTIONS + ((__u32)(action) & (PC_VERDICT_ACTIONS - 1))) & (PC_VERDICTS_MAX - 1))

#endif
