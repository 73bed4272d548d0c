/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Room for one verdict. A path does not fit the stack, and walk state in registers would exceed the verifier's patience.
 *
 * The kernel may preempt a program for another task on the same CPU (PREEMPT and PREEMPT_LAZY kernels), so that room is claimed: each
 * CPU has a few, and who finds none cannot decide.
 */
#ifndef PORTCULLIS_SCRATCH_H
#define PORTCULLIS_SCRATCH_H

#include "maps.h"
#include "match.h"

struct walk_sequences {
	__u32 rename;
	__u32 mount;
};

/* What one reading of a path met, to be compared with another's. */
struct walk_seen {
	__u64 way;     /* hash of dentries and mounts, in order */
	__u64 renames; /* sum of the dentries' d_seq */
	__u64 torn;    /* one of these was odd: being renamed right then */
};

/* A mount at the root of its namespace, so that files in it have no more names than those in the mount. */
struct walk_top {
	__u64 mount;
	__u64 sequence; /* mount_lock's when this was so: as long as that stands still, it is */
};

#define WALK_TOPS 16

/* Where a walk from a file to the root of its mount tree stands. */
struct walk {
	__u64 dentry;
	__u64 mount;
	__u64 mount_parent; /* of `mount`; this and the next two stand as the kernel has them, and are read together */
	__u64 mountpoint;
	__u64 mount_root;
	__u64 root;       /* the root dentry of the lowest mount that lies at `/`: a container's root, seen from anywhere */
	__u32 offset;     /* of the path in match.bytes */
	__u32 outcome;    /* enum walk_outcome */
	__u32 root_offset; /* `offset` when `root` was met */
	__u32 reading;     /* from 0; each is a walk from the start */
	__u32 confirming;  /* this one only looks whether the last one was true, and writes no bytes */
	__u32 begun;       /* enum walk_begun */
	__u32 first_offset; /* `offset` at the root of the file's own mount, if the first reading came there; else 0 */
	__u32 reserved;
	__u64 from_dentry; /* in */
	__u64 from_mount;  /* in */
	struct walk_sequences before;
	struct walk_seen first;
	struct walk_seen seen;
};

/* How far walk_first_mount brought the first reading. */
enum walk_begun {
	WALK_AFRESH = 0,
	WALK_BEGUN = 1,
	WALK_ARRIVED = 2,
};

enum walk_outcome {
	WALK_UNDER_WAY = 0,
	WALK_DONE = 1,
	WALK_ANONYMOUS = 2, /* not in a mount tree, and has a name of its own: memfd */
	WALK_EXEMPT = 3,    /* in no mount tree by nature: pipes, sockets, what file systems open for themselves */
	WALK_TOO_LONG = 4,
	WALK_DETACHED = 5,
	WALK_CHANGING = 6,
};

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

/* Where the reading of a name in a DNS message stands. */
struct dns_walk {
	__u32 at;     /* of the next byte in `paths` */
	__u32 end;    /* of what was read */
	__u32 label;  /* bytes that are left of the label */
	__u32 length; /* out: of the name, a dot before each label */
	__u32 done;   /* out */
	__u32 differs; /* a second message's name is another one */
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
	/* The alert's three paths one after the other, and room for what a masked length may write behind. Before: what a hook brings. */
	__u8 paths[2 * PC_PATH_BYTES + PC_ALERT_EXECUTABLE_BYTES];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PC_SCRATCH_LEVELS);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

static __always_inline struct scratch *scratch_at(__u32 level)
{
	return bpf_map_lookup_elem(&scratches, &level);
}

/* Claims one and says which; NULL if all are in use. */
static __always_inline struct scratch *scratch_claim(__u32 *level)
{
	for (__u32 index = 0; index < PC_SCRATCH_LEVELS; index++) {
		struct scratch *scratch = scratch_at(index);
		if (!scratch)
			return NULL;
#ifdef PC_REDUCED
		/* 5.10 runs LSM programs with preemption off, and has no compare-and-exchange. */
		bool claimed = !scratch->busy;
		scratch->busy = 1;
#else
		bool claimed = !__sync_val_compare_and_swap(&scratch->busy, 0, 1);
#endif
		if (claimed) {
			*level = index;
			return scratch;
		}
	}
	return NULL;
}

static __always_inline void scratch_release(struct scratch *scratch)
{
	*(volatile __u32 *)&scratch->busy = 0;
}

#endif
