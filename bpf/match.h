/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One path against one automaton of a set: a table look-up for each byte, whatever the number of rules. abi.h has the form of the
 * table. The bytes are taken in chunks, between which the state of the walk lives in memory, so that the verifier sees one short loop.
 */
#ifndef PORTCULLIS_MATCH_H
#define PORTCULLIS_MATCH_H

#include "setmaps.h"

struct match {
	__u32 set;       /* in: index in `sets` */
	__u32 position;  /* in: where the path starts in `bytes`, which it ends with; then how far the walk is */
	__u64 cell;      /* the last transition */
	__u32 row;       /* out: the row of decisions; 0: no rule matches */
	__u32 flags;     /* out: the PC_CELL_* flags of the last transition, shifted down by 56 */
	__u32 broken;    /* out: the image is not whole */
	__u32 decisions; /* as in the header of the set */
	__u32 sources;
	__u32 terminals;
	/* The path's last byte is the last one below PC_PATH_BYTES; the rest is room for what is read past it. */
	__u8 bytes[PC_PATH_BYTES + 256];
};

/* Bytes taken from one page, and pages in one turn of the outermost loop, at most: a path goes through four in a set of 10,000 rules. */
#ifdef PC_REDUCED
#define PC_MATCH_CHUNK 16
#define PC_MATCH_PAGES 1
#else
#define PC_MATCH_CHUNK 40
#define PC_MATCH_PAGES 5
#endif

#define PAGE_BYTES sizeof(struct pc_set_page)

static __always_inline struct pc_set_page *page_of(void *image, __u32 page)
{
	return bpf_map_lookup_elem(image, &page);
}

/*
 * Takes bytes as long as a few pages serve, a chunk in each at most and one byte at least; 1 when the walk is over.
 *
 * What a byte costs is the way from one cell to the address of the next: a load and two additions. The rest of the sum is `step`, which
 * depends on the path alone and is ready by then. Nothing is called in the inner loop, so that all of this stays in registers.
 */
static __always_inline long match_pages(struct match *match, void *image, struct pc_set_header *header)
{
	__u64 cell = match->cell;
	__u32 position = match->position;
	for (int turn = 0; turn < PC_MATCH_PAGES; turn++) {
		__u32 left = PC_PATH_BYTES - position, last = PC_CELL_CLASS(cell), index = 0;
		__u32 limit = left < PC_MATCH_CHUNK ? left : PC_MATCH_CHUNK;
		__u32 base = (__u32)cell & 0xffffff, origin = base & ~(PAGE_BYTES - 1);
		void *page = page_of(image, base / PAGE_BYTES);
		__u8 *bytes = &match->bytes[masked(position, PC_PATH_BYTES - 1)];

		if (!page) {
			match->broken = 1;
			return 1;
		}
		for (; index < limit; index++) {
			__u32 byte = bytes[index];
			if ((__s64)cell < 0 && byte != '/') { /* PC_CELL_PAUSES */
				if (cell & PC_CELL_FINAL)
					goto over;
				continue;
			}
			__u32 class = header->classes[byte], step = class * 8 - origin - (last << 24);
			asm volatile("" : "+r"(step));
			__u32 offset = (__u32)cell + step; /* the class is in the cell's low half, too */
			if (offset > PAGE_BYTES - sizeof cell)
				goto on;
			cell = *(__u64 *)(page + offset);
			last = class;
			if (PC_CELL_CLASS(cell) == class)
				continue;
			/* The default transition, whose class is 0. */
			cell = *(__u64 *)(page + masked(offset - class * 8, PAGE_BYTES - sizeof cell));
			last = 0;
			if (!cell || (__u32)cell > 0xffffff) {
				cell = 0;
				goto over;
			}
		}
		if (limit == left)
			goto over;
	on:
		position += index;
	}
	match->position = position;
	match->cell = cell;
	return 0;
over:
	match->row = PC_CELL_ROW(cell);
	match->flags = cell >> 56;
	return 1;
}

#ifndef PC_REDUCED
struct match_context {
	struct match *match;
	void *image;
	struct pc_set_header *header;
};

static long match_turn(__u32 index, struct match_context *context)
{
	return match_pages(context->match, context->image, context->header);
}
#endif

/* Fills in `row`, `flags` and, if need be, `broken`; row 0 where the set has no such rules. */
static __always_inline void match_path(struct match *match, __u32 automaton)
{
	void *image = bpf_map_lookup_elem(&sets, &match->set);
	struct pc_set_header *header = image ? (void *)page_of(image, 0) : NULL;
	match->row = match->flags = 0;
	if (!header) {
		match->broken = 1;
		return;
	}
	match->decisions = header->decisions;
	match->sources = header->sources;
	match->terminals = header->terminals;
	__u32 base = header->start[masked(automaton, PC_AUTOMATA_MAX - 1)];
	if (!base)
		return;
	match->cell = base;
#ifndef PC_REDUCED
	struct match_context context = { .match = match, .image = image, .header = header };
	bpf_loop(PC_PATH_BYTES, match_turn, &context, 0);
#else
	for (int turn = 0; turn < 2 * PC_PATH_BYTES_REDUCED / PC_MATCH_CHUNK; turn++)
		if (match_pages(match, image, header))
			return;
	match->broken = 1; /* a path through too many pages */
#endif
}

/* The row of what no rule of that kind matches. */
static __always_inline __u32 row_of_none(__u32 automaton)
{
	switch (automaton) {
	case PC_AUTOMATON_FILE: return PC_ROW_NONE_FILE;
	case PC_AUTOMATON_NETWORK: return PC_ROW_NONE_NETWORK;
	case PC_AUTOMATON_CAPABILITY: return PC_ROW_NONE_CAPABILITY;
	case PC_AUTOMATON_DNS: return PC_ROW_NONE_DNS;
	case PC_AUTOMATON_PRESET: return PC_ROW_NONE_PRESET;
	case PC_AUTOMATON_SYSCALL: return PC_ROW_NONE_SYSCALL;
	default: return 0;
	}
}

/* A decision word of the set that the last path was matched in; PC_ACTION_BLOCK | PC_RULE_NONE << 8 and `broken` if it is not whole. */
static __always_inline __u32 decision_at(struct match *match, __u32 automaton, __u32 row, __u32 source, __u32 owner, __u32 write)
{
	if (!row)
		row = row_of_none(automaton);
	__u32 number = ((row * match->sources + source) * 2 + owner) * 2 + write, at = match->decisions + number / 2;
	void *image = bpf_map_lookup_elem(&sets, &match->set);
	struct pc_set_page *page = image ? page_of(image, at / PC_PAGE_CELLS) : NULL;
	if (page) {
		__u64 cell = page->cells[masked(at, PC_PAGE_CELLS - 1)];
		return number & 1 ? cell >> 32 : (__u32)cell;
	}
	match->broken = 1;
	return PC_ACTION_BLOCK | PC_RULE_NONE << 8;
}

#endif
