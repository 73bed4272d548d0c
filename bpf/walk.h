/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the walk from a file to the root of its mount namespace stands. It lives in a scratch, see pathwalk.h. */
#ifndef PORTCULLIS_WALK_H
#define PORTCULLIS_WALK_H

#include "kern.h"

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

#endif
