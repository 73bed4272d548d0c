/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One path against one automaton of a set: a table look-up for each byte, whatever the number of rules. abi.h has the form of the
 * table. The state of the walk lives in memory, and the bytes are taken in chunks, so that the verifier sees one short loop.
 */
#ifndef PORTCULLIS_MATCH_H
#define PORTCULLIS_MATCH_H

#include "setmaps.h"

struct match {
	__u32 set;      /* in: index in `sets` */
	__u32 position; /* in: where the path starts in `bytes`, which it ends with; then how far the walk is */
	__u32 base;     /* in: the automaton's start state */
	__u32 class;    /* of the byte at `position`; 0 on the way through a default transition */
	__u32 row;      /* out: the row of decisions; 0: no rule matches */
	__u32 flags;    /* out: the PC_CELL_* flags of the last transition, shifted down by 56 */
	__u32 broken;   /* out: the image is not whole */
	__u32 zero;     /* a zero that the verifier does not know */
	/* The path's last byte is the last one below PC_PATH_BYTES; the rest is room for a name that is read past it. */
	__u8 bytes[PC_PATH_BYTES + 256];
};

/* Steps in one turn of the outer loop. */
#define PC_MATCH_CHUNK 16

static __always_inline struct pc_set_page *page_of(void *image, __u32 page)
{
	return bpf_map_lookup_elem(image, &page);
}

/*
 * Takes up to PC_MATCH_CHUNK steps: a byte, or the default transition of a state that has none for the byte. 1 when the walk is over.
 * All that changes comes from memory and goes back there, so that to the verifier each turn looks like the one before.
 */
static __always_inline long match_chunk(struct match *match)
{
	void *image = bpf_map_lookup_elem(&sets, &match->set);
	struct pc_set_page *page = image ? page_of(image, 0) : NULL;
	if (!page) {
		match->broken = 1;
		return 1;
	}
	struct pc_set_header *header = (void *)page;
	__u32 loaded = match->zero, position = match->position, base = match->base, class = match->class, row = match->row, flags = match->flags;
	__u32 at = base + class;
	long over = 1;

	for (int turn = 0; turn < PC_MATCH_CHUNK; turn++) {
		if (at / PC_PAGE_CELLS != loaded) {
			loaded = at / PC_PAGE_CELLS;
			page = page_of(image, loaded);
			if (!page) {
				match->broken = 1;
				return 1;
			}
		}
		__u64 cell = page->cells[masked(at, PC_PAGE_CELLS - 1)];
		if (!cell || PC_CELL_CLASS(cell) != class) {
			at = base;
			row = flags = match->zero;
			if (!class)
				goto out;
			class = match->zero;
			continue;
		}
		row = PC_CELL_ROW(cell);
		flags = cell >> 56;
		if (++position >= PC_PATH_BYTES || cell & PC_CELL_FINAL)
			goto out;
		base = PC_CELL_BASE(cell);
		class = header->classes[match->bytes[masked(position, PC_PATH_BYTES - 1)]];
		at = base + class;
	}
	over = 0;
out:
	match->position = position;
	match->base = base;
	match->class = class;
	match->row = row;
	match->flags = flags;
	return over;
}

/* The first byte's class. */
static __always_inline void match_begin(struct match *match)
{
	void *image = bpf_map_lookup_elem(&sets, &match->set);
	struct pc_set_header *header = image ? (void *)page_of(image, 0) : NULL;
	match->row = match->flags = match->zero = 0;
	match->class = header ? header->classes[match->bytes[masked(match->position, PC_PATH_BYTES - 1)]] : 0;
}

#ifndef PC_REDUCED
struct match_context {
	struct match *match;
};

static long match_turn(__u32 index, struct match_context *context)
{
	return match_chunk(context->match);
}

/* Fills in `row`, `flags` and, if need be, `broken`. A byte takes two steps at most. */
static __always_inline void match_path(struct match *match)
{
	struct match_context context = { .match = match };
	match_begin(match);
	bpf_loop(2 * PC_PATH_BYTES / PC_MATCH_CHUNK, match_turn, &context, 0);
}
#else
static __always_inline void match_path(struct match *match)
{
	match_begin(match);
	for (int turn = 0; turn < 2 * PC_PATH_BYTES_REDUCED / PC_MATCH_CHUNK; turn++)
		if (match_chunk(match))
			break;
}
#endif

/* A decision word of the set's image; PC_ACTION_BLOCK | PC_RULE_NONE << 8 and `broken` set if the image is not whole. */
static __always_inline __u32 decision_at(struct match *match, __u32 automaton, __u32 row, __u32 source, __u32 owner, __u32 write)
{
	void *image = bpf_map_lookup_elem(&sets, &match->set);
	struct pc_set_page *first = image ? page_of(image, 0) : NULL;
	if (first) {
		struct pc_set_header *header = (void *)first;
		if (!row && automaton == PC_AUTOMATON_FILE)
			row = 1;
		__u32 number = ((row * header->sources + source) * 2 + owner) * 2 + write;
		__u32 at = header->decisions + number / 2;
		struct pc_set_page *page = page_of(image, at / PC_PAGE_CELLS);
		if (page) {
			__u64 cell = page->cells[masked(at, PC_PAGE_CELLS - 1)];
			return number & 1 ? cell >> 32 : (__u32)cell;
		}
	}
	match->broken = 1;
	return PC_ACTION_BLOCK | PC_RULE_NONE << 8;
}

/* The base of an automaton's start state; 0 if the set has no such rules. */
static __always_inline __u32 start_of(struct match *match, __u32 automaton)
{
	void *image = bpf_map_lookup_elem(&sets, &match->set);
	struct pc_set_page *first = image ? page_of(image, 0) : NULL;
	if (!first) {
		match->broken = 1;
		return 0;
	}
	struct pc_set_header *header = (void *)first;
	return header->start[automaton & 1 ? PC_AUTOMATON_FILE : automaton ? PC_AUTOMATON_SOURCE : PC_AUTOMATON_PROCESS];
}

#endif
