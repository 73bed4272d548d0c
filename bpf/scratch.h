/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Room for one verdict. A path does not fit the stack, and walk state in registers would exceed the verifier's patience. */
#ifndef PORTCULLIS_SCRATCH_H
#define PORTCULLIS_SCRATCH_H

#include "dnswalk.h"
#include "maps.h"
#include "match.h"
#include "walk.h"

/* What is asked; filled in by the hook. */
struct request {
	__u64 dentry;
	__u64 mount;
	__u64 owner;       /* inode whose owner counts */
	__u64 policy;
	__u64 root;        /* the slot's */
	__u32 slot;
	__u32 generation;
	__u32 source;      /* enum pc_source */
	__u32 operation;
	__u32 automaton;
	__u32 write;
	__u32 wanted;      /* enum request_flag */
	__u32 mode;        /* of the file that the operation makes or names; 0: unknown */
	__u32 previous;    /* PC_CELL_* flags that a rename's old path had among process rules */
	__u32 reason;      /* out: enum pc_reason */
	__u32 decision;    /* out */
	__u32 source_class;
	__u32 classified;  /* `source_class` is known already */
	__u32 uid;         /* of the file, where `file` has an inode */
	struct pc_file_key file; /* inode 0: to be read */
	__u32 key;         /* network and capabilities: what the automaton reads instead of a path, its last `key_length` bytes */
	__u32 key_length;
	__u32 address_family; /* of the three next; 0: no address */
	__u32 port;
	__u8 address[16];
	__u32 prefix;      /* PC_KEY_BYTEs that the automaton reads before the path, the first one lowest */
	__u32 prefix_length; /* how many they are, at most 3 */
	__u32 unclear;     /* enum pc_reason why the hook itself cannot tell what is asked */
	__u32 text_at;     /* what the automaton reads is text in `paths`, with REQUEST_TEXT */
	__u32 text_length;
	__u64 exec_memory; /* of the exec's new mm_struct: where its arguments are already, and nobody can change them any more */
	__u64 exec_at;     /* address there of the next argument */
	__u32 exec_left;   /* how many there are from it on */
	__u32 exec_count;  /* how many there are, from `exec_begin` on */
	__u64 exec_begin;
	__u32 exec_place;  /* the decision's place in its row */
	__u32 followed_by_others; /* the path is no longer in match.bytes */
	__u32 syscall;     /* as in pc_alert, as is the next one */
	__s32 result;
	__u32 reserved;
};

enum request_flag {
	REQUEST_NO_POSTURE = 1,  /* only what a rule says counts */
	REQUEST_READ_ONLY = 2,   /* only what is blocked by a rule's readOnly counts */
	REQUEST_NAME_LEAVES = 4, /* the file loses or shares this name: rename's old path, link's old path */
	REQUEST_NAME_COMES = 8,  /* a file with `mode` takes this name */
	REQUEST_CONTENT = 16,    /* the file's content changes */
	REQUEST_QUIET = 32,      /* an audit was reported for this already */
	REQUEST_SILENT = 64,     /* the kernel only asks, and wants no word of it */
	REQUEST_TEXT = 128,      /* text_length bytes of `paths` instead of a path */
	REQUEST_DEFER = 256,     /* kept for the end of the system call, when its result is known */
};

struct scratch {
	__u32 busy;
	__u32 reserved;
	struct dns_walk name;
	struct request request;
	struct walk walk;
	struct walk_top tops[WALK_TOPS]; /* a few mounts at a time, each in the place that its address gives it */
	struct match match;
	struct pc_alert alert;
	/* The alert's texts one after the other, and room for what a masked length may write behind. Before: what a hook brings. */
	__u8 paths[2 * PC_PATH_BYTES + PC_ALERT_EXECUTABLE_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PC_SCRATCH_LEVELS);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

#include "claim.h"

#endif
