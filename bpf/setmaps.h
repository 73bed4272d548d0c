/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The policy sets: what the matching code reads. Apart from maps.h, so that the matching can be timed by itself. */
#ifndef PORTCULLIS_SETMAPS_H
#define PORTCULLIS_SETMAPS_H

#include "abi.h"
#include "kern.h"

/* The image of one set; its number of pages is the set's own. */
struct set_image {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_INNER_MAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct pc_set_page));
};

/* A set is written whole into a map of its own, which is then put here, and only then named by a slot's policy word. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, PC_SETS_MAX);
	__type(key, __u32);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
	__array(values, struct set_image);
} sets SEC(".maps");

#endif
