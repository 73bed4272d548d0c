/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a message to port 53 asks for (RFC 1035, 4.1). It is read from the sender's memory before the kernel copies it, so that a second
 * thread can still change it: these rules keep programs from names, and are no wall against code that is there to get past them.
 */
#ifndef PORTCULLIS_DNS_H
#define PORTCULLIS_DNS_H

#include "scratch.h"

/* Bytes of a name in a message (RFC 1035, 3.1), and of what is read of the message to find it. */
#define PC_DNS_NAME_BYTES 255
#define PC_DNS_MESSAGE_BYTES 1024
#define DNS_PORT 53
#define DNS_HEADER_BYTES 12
#define DNS_LABEL_BYTES 63
#define DNS_SEGMENTS 4

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

/* Copies the beginning of the message; how much of it. 0: it is not in the sender's memory, or cannot be read. */
static __always_inline __u32 dns_gather(struct scratch *scratch, struct iov_iter *iter)
{
	__u32 used = 0;
	__u64 offset = iter->iov_offset;
	const struct iovec *pieces;
	bool is_list;

	if (bpf_core_field_exists(iter->iter_type)) {
		__u8 type = BPF_CORE_READ(iter, iter_type);
		if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) && type == bpf_core_enum_value(enum iter_type, ITER_UBUF))
			return dns_piece(scratch, 0, (const void *)BPF_CORE_READ(iter, ubuf) + offset, BPF_CORE_READ(iter, count));
		is_list = type == bpf_core_enum_value(enum iter_type, ITER_IOVEC);
	} else {
		struct iov_iter___directed *directed = (void *)iter;
		is_list = (BPF_CORE_READ(directed, type) & ~1) == bpf_core_enum_value(enum iter_type, ITER_IOVEC);
	}
	if (!is_list)
		return 0;
	if (bpf_core_field_exists(iter->__iov)) {
		pieces = BPF_CORE_READ(iter, __iov);
	} else {
		struct iov_iter___unhidden *unhidden = (void *)iter;
		pieces = BPF_CORE_READ(unhidden, iov);
	}
	__u64 left = iter->count;
	for (int index = 0; index < DNS_SEGMENTS; index++) {
		struct iovec piece = {};
		if (!left || bpf_probe_read_kernel(&piece, sizeof piece, &pieces[index]) || piece.iov_len < offset)
			break;
		__u64 length = piece.iov_len - offset;
		if (length > left)
			length = left;
		__u32 before = used;
		used = dns_piece(scratch, used, piece.iov_base + offset, length);
		if (used < before)
			return 0;
		left -= length;
		offset = 0;
	}
	return used;
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

struct dns_pair {
	struct scratch *scratch;
	__u32 first;
	__u32 second;
	__u32 length;
};

/* Whether two names differ at a place; then it is the last one that is looked at. */
static long dns_compare(__u32 index, struct dns_pair *pair)
{
	__u8 *bytes = pair->scratch->paths;
	if (index >= pair->length)
		return 1;
	if (bytes[masked(pair->first + index, 2 * PC_DNS_MESSAGE_BYTES - 1)] == bytes[masked(pair->second + index, 2 * PC_DNS_MESSAGE_BYTES - 1)])
		return 0;
	pair->scratch->name.differs = 1;
	return 1;
}

/* Whether two names of one length are the same. */
__noinline int dns_same(__u32 level, __u32 first, __u32 second, __u32 length)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return 0;
	struct dns_pair pair = { .scratch = scratch, .first = first, .second = second, .length = length };
	scratch->name.differs = 0;
#ifdef PC_REDUCED
	for (__u32 index = 0; index <= PC_DNS_NAME_BYTES; index++)
		if (dns_compare(index, &pair))
			break;
#else
	bpf_loop(PC_DNS_NAME_BYTES, dns_compare, &pair, 0);
#endif
	return !scratch->name.differs;
}

/*
 * Finds the name in what was gathered. False: it is not a whole query for one name, and nothing else. In a stream it may be two queries for
 * the same name, which is how glibc asks for both kinds of addresses.
 */
static __always_inline bool dns_name(struct scratch *scratch, __u32 level, __u32 used, __u64 total, bool is_stream)
{
	struct request *request = &scratch->request;
	struct dns_walk *walk = &scratch->name;
	__u32 header = is_stream ? 2 : 0, end = dns_message(level, header, used);
	if (!end || (is_stream && end != 2 + dns_word(scratch, 0)))
		return false;
	__u32 at = header + DNS_HEADER_BYTES, length = walk->length;
	request->text_at = at;
	request->text_length = length;
	if (end == total)
		return true;
	if (!is_stream || dns_word(scratch, end) != total - end - 2 || (__u32)dns_message(level, end + 2, used) != total || walk->length != length)
		return false;
	return dns_same(level, at, end + 2 + DNS_HEADER_BYTES, length);
}

#endif
