/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a message to port 53 asks for (RFC 1035, 4.1). It is read from the sender's memory before the kernel copies it, so that a second
 * thread can still change it: these rules keep programs from names, and are no wall against code that is there to get past them.
 */
#ifndef PORTCULLIS_DNS_H
#define PORTCULLIS_DNS_H

#include "scratch.h"
#include "dnsname.h"

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
