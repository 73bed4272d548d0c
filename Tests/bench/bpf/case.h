/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the timed programs and their driver share: the front of the value of the map `cases`. The path stands in that value's end. */
#ifndef PORTCULLIS_BENCH_CASE_H
#define PORTCULLIS_BENCH_CASE_H

#include <linux/types.h>

#define BENCH_KEY_BYTES 200
#define BENCH_SOURCE "/usr/bin/python3"

/* A rule of the hash walk. */
struct bench_key {
	__u8 path[BENCH_KEY_BYTES];
	__u8 source[BENCH_KEY_BYTES];
};

struct bench_case {
	__u32 automaton; /* in: enum pc_automaton */
	__u32 set;       /* in: index in `sets` */
	__u32 offset;    /* in: where the path starts below PC_PATH_BYTES, where it ends */
	__u32 decision;  /* out, of the automaton */
	__u32 broken;    /* out: the image is not whole */
	__u32 hits;      /* out, of the hash walk */
};

#endif
