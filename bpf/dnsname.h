/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The name in a DNS message (RFC 1035, 4.1). Whoever includes this has made `struct scratch`, with room for the message in `paths` and the walk in `name`.
 */
#ifndef PORTCULLIS_DNSNAME_H
#define PORTCULLIS_DNSNAME_H

#include "dnswalk.h"

/* One piece of the message behind those that are in `paths` already; how many bytes are there then. */
static __always_inline __u32 dns_piece(struct scratch *scratch, __u32 used, const void *base, __u64 length)
{
	if (used >= PC_DNS_MESSAGE_BYTES || !length)
		return used;
	__u32 size = length < PC_DNS_MESSAGE_BYTES - used ? length : PC_DNS_MESSAGE_BYTES - used;
	size = masked(size, 2 * PC_DNS_MESSAGE_BYTES - 1);
	if (bpf_probe_read_user(&scratch->paths[masked(used, PC_DNS_MESSAGE_BYTES - 1)], size, base))
		return 0;
	return used + size;
}

struct dns_context {
	struct scratch *scratch;
};

/*
 * One byte of the name, which becomes text where it stands; 1 when there is no more. The state is in the scratch: of what is on the stack, up to 6.7 the verifier
 * takes the values of the first turn for those of all.
 */
static long dns_turn(__u32 index, struct dns_context *context)
{
	struct dns_walk *walk = &context->scratch->name;
	if (walk->at >= walk->end)
		return 1;
	__u8 *byte = &context->scratch->paths[masked(walk->at, 2 * PC_DNS_MESSAGE_BYTES - 1)];
	if (walk->label) {
		walk->label--;
		if (*byte >= 'A' && *byte <= 'Z')
			*byte |= 0x20;
		else if (!*byte)
			*byte = 1; /* in no name that a rule can have */
	} else if (!*byte) {
		walk->done = 1;
		return 1;
	} else if (*byte > DNS_LABEL_BYTES) {
		return 1;
	} else {
		walk->label = *byte;
		*byte = '.';
	}
	walk->at++;
	walk->length++;
	return 0;
}

static __always_inline __u32 dns_word(struct scratch *scratch, __u32 at)
{
	return (__u32)scratch->paths[masked(at, 2 * PC_DNS_MESSAGE_BYTES - 1)] << 8 | scratch->paths[masked(at + 1, 2 * PC_DNS_MESSAGE_BYTES - 1)];
}

#define DNS_TYPE_OPT 41 /* RFC 6891, 6.1.2 */
#define DNS_OPT_BYTES 11

/*
 * The name of the message that begins at `begin` becomes text; where the message ends, 0 if it is not one whole query for one name. Global, as is the next one, so that
 * 5.10 checks its loop once.
 */
__noinline int dns_message(__u32 level, __u32 begin, __u32 used)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return 0;
	struct dns_walk *walk = &scratch->name;
	struct dns_context context = { .scratch = scratch };
	__u32 more = dns_word(scratch, begin + 10);
	if (used < begin + DNS_HEADER_BYTES || begin > PC_DNS_MESSAGE_BYTES)
		return 0;
	/* One question, no answers, no authorities, and at most one record besides. */
	if (dns_word(scratch, begin + 4) != 1 || dns_word(scratch, begin + 6) || dns_word(scratch, begin + 8) || more > 1)
		return 0;
	*walk = (struct dns_walk){ .at = begin + DNS_HEADER_BYTES, .end = used };
#ifdef PC_REDUCED
	for (int turn = 0; turn <= PC_DNS_NAME_BYTES; turn++)
		if (dns_turn(turn, &context))
			break;
#else
	bpf_loop(PC_DNS_NAME_BYTES + 1, dns_turn, &context, 0);
#endif
	if (!walk->done || walk->length > PC_DNS_NAME_BYTES)
		return 0;
	/* The final zero, type and class. */
	__u32 end = walk->at + 5;
	if (more) {
		if (end + DNS_OPT_BYTES > used || dns_word(scratch, end + 1) != DNS_TYPE_OPT)
			return 0;
		end += DNS_OPT_BYTES + dns_word(scratch, end + 9);
	}
	return end;
}

#endif
