/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The part of the ABI that is about self-protection. Included by abi.h, and only there. */
#ifndef PORTCULLIS_ABI_GUARD_H
#define PORTCULLIS_ABI_GUARD_H

/* Maps and programs that are guarded at one time, stale ids included. At the bound a new one is not guarded, and counted (PC_COUNT_GUARD_FULL). */
#define PC_GUARDED_MAX 16384
/* Executables with rights. */
#define PC_GUARD_FILES_MAX 64

/* One element. All zero: off. Addresses are only compared. */
struct pc_guard {
	__u64 on;
	__u64 unlocked_until; /* nanoseconds since boot; all ones: until a daemon locks again */
	__u64 directory;      /* address of the dentry of the directory that holds all pin directories */
	__u64 mount;          /* address of the mount of its bpffs in the host's mount namespace */
	__u64 file_system;    /* address of its super block */
	__u64 object;         /* hash of the object whose programs are attached */
};

/* What a process may that none other may; given at its exec, by what file it executes. */
enum pc_guard_right {
	PC_GUARD_WRITE = 1,  /* our maps, programs, pins and mounts */
	PC_GUARD_SIGNAL = 2, /* signals and limits */
	PC_GUARD_TRACE = 4,
	PC_GUARD_DAEMON = 8, /* what it makes is ours from then on, and nobody else touches it */
	PC_GUARD_ALL = 15,
};

struct pc_guard_file {
	__u64 inode;
	__u32 device;
	__u32 inode_generation;
};

struct pc_guard_mark {
	__u64 start_time; /* of the thread group leader; PC_REDUCED only */
	__u32 rights;
	__u32 reserved;
};

enum pc_guard_kind { PC_GUARD_MAP = 1, PC_GUARD_PROGRAM = 2 };

struct pc_guard_id {
	__u32 kind;
	__u32 id;
};

#endif
