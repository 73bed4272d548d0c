/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What an automaton reads besides paths, or before them, put into its place at the end of match.bytes. */
#ifndef PORTCULLIS_SPELL_H
#define PORTCULLIS_SPELL_H

#include "scratch.h"

#define SPELL_PIECE 128

/* Puts text where the automaton expects a path, piece by piece: the verifier must see that each fits wherever it is put. */
static __always_inline void spell_text(struct scratch *scratch)
{
	__u32 length = scratch->request.text_length, at = scratch->request.text_at;
	if (length > PC_PATH_BYTES)
		length = PC_PATH_BYTES;
	scratch->walk.offset = PC_PATH_BYTES - length;
	for (__u32 piece = 0; piece < PC_PATH_BYTES / SPELL_PIECE; piece++) {
		__u32 done = piece * SPELL_PIECE, left = length - done;
		if (done >= length)
			break;
		__u32 size = masked(left < SPELL_PIECE ? left : SPELL_PIECE, 2 * SPELL_PIECE - 1);
		bpf_probe_read_kernel(&scratch->match.bytes[masked(PC_PATH_BYTES - left, PC_PATH_BYTES - 1)], size,
				      &scratch->paths[masked(at + done, 2 * PC_PATH_BYTES - 1)]);
	}
}

/* Puts the key or the text where the automaton expects a path. */
static __always_inline void spell(struct scratch *scratch)
{
	struct request *request = &scratch->request;
	if (request->wanted & REQUEST_TEXT) {
		spell_text(scratch);
		return;
	}
	*(__u32 *)&scratch->match.bytes[PC_PATH_BYTES - sizeof(__u32)] = request->key;
	scratch->walk.offset = PC_PATH_BYTES - (request->key_length & 7);
}

/* Puts what the automaton reads before the path in its place. */
static __always_inline __u32 spell_prefix(struct scratch *scratch)
{
	__u32 prefix = scratch->request.prefix, length = scratch->request.prefix_length, offset = scratch->walk.offset - length;
	if (offset >= PC_PATH_BYTES)
		return PC_REASON_TOO_LONG;
	for (__u32 index = 0; index < 3 && index < length; index++)
		scratch->match.bytes[masked(offset + index, PC_PATH_BYTES - 1)] = prefix >> (8 * index);
	scratch->walk.offset = offset;
	return PC_REASON_RULE;
}

#endif
