/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is asked of name servers: messages to port 53, when the call that sends them ends. They are read from the sender's memory, as it is then. One that is not
 * a query for one name, or not a whole one, is told of without its name.
 */
#ifndef PORTCULLIS_TELEDNS_H
#define PORTCULLIS_TELEDNS_H

#include "telesockets.h"
#include "dnsname.h"

/* Messages of one sendmmsg(2), and queries of one message in a stream, that are told of. */
#define DNS_MESSAGES 8
/* Messages of one sendmmsg(2) of which it is found out whether there are more queries, to count them as lost. */
#define DNS_MESSAGES_SEEN 64
#define DNS_QUERIES 4
#define SOCK_STREAM 1 /* include/linux/net.h */
#define SOCK_DGRAM 2

/* Where a member of struct msghdr or struct iovec is, and how large it is (sendmsg(2)): all are words, but for msg_namelen, behind which there is as much room. */
enum message_member {
	MESSAGE_NAME,
	MESSAGE_NAME_LENGTH,
	MESSAGE_PIECES,
	MESSAGE_COUNT,
	MESSAGE_WORDS = 8, /* of struct mmsghdr: the seven of struct msghdr, and msg_len */
};

static __always_inline __u64 user_word(__u64 base, __u32 index, bool compatible)
{
	__u64 value = 0;
	if (compatible)
		bpf_probe_read_user(&value, sizeof(__u32), (void *)(base + index * sizeof(__u32)));
	else
		bpf_probe_read_user(&value, sizeof value, (void *)(base + index * sizeof value));
	return value;
}

/* Whether the call may be one to a name server; before anything else is looked at, since each write(2) comes here. */
static __always_inline bool may_be_query(__s32 descriptor, __u32 shape)
{
	struct file *file = file_of(descriptor);
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return false;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sock = socket ? BPF_CORE_READ(socket, sk) : NULL;
	if (!sock)
		return false;
	__u32 family = BPF_CORE_READ(sock, __sk_common.skc_family), type = BPF_CORE_READ(socket, type);
	if ((family != AF_INET && family != AF_INET6) || (type != SOCK_STREAM && type != SOCK_DGRAM))
		return false;
	/* Where else it may go is said by the message. */
	if (type == SOCK_DGRAM && shape != PC_CALL_WRITE && shape != PC_CALL_WRITEV)
		return true;
	return BPF_CORE_READ(sock, __sk_common.skc_dport) == __builtin_bswap16(DNS_PORT);
}

/* Copies the beginning of the message; how much of it. */
static __always_inline __u32 gather_pieces(struct scratch *scratch, __u64 pieces, __u64 count, bool compatible)
{
	__u32 used = 0;
	for (__u32 index = 0; index < DNS_SEGMENTS && index < count; index++) {
		__u32 before = used;
		used = dns_piece(scratch, used, (void *)user_word(pieces, 2 * index, compatible), user_word(pieces, 2 * index + 1, compatible));
		if (used < before)
			return 0;
	}
	return used;
}

/* Tells of what was gathered, one query after the other. */
static __always_inline void tell_queries(struct scratch *scratch, __u32 level, __u32 gathered)
{
	struct pc_event *event = &scratch->event;
	bool is_stream = event->socket_type == SOCK_STREAM;
	__u32 texts = scratch->used, begin = is_stream ? 2 : 0;
	for (__u32 index = 0; index < DNS_QUERIES; index++) {
		__u32 end = dns_message(level, begin, gathered), length = scratch->name.length;
		scratch->used = texts;
		event->path_length = 0;
		event->flags &= ~PC_EVENT_PATH_UNREADABLE;
		/* The dot before the first label is left out, but for the name that is nothing else. */
		if (!end) {
			event->flags |= PC_EVENT_PATH_UNREADABLE;
		} else if (!length) {
			scratch->paths[0] = '.';
			event->path_length = add_name(scratch, scratch->paths, 2);
		} else {
			__u32 from = begin + DNS_HEADER_BYTES + 1;
			scratch->paths[masked(from + length - 1, 2 * PC_DNS_MESSAGE_BYTES - 1)] = 0;
			event->path_length = add_name(scratch, &scratch->paths[masked(from, 2 * PC_DNS_MESSAGE_BYTES - 1)], PC_DNS_NAME_BYTES + 1);
		}
		event->time = bpf_ktime_get_boot_ns();
		record_send(scratch);
		begin = end + 2;
		if (!end || !is_stream || begin >= gathered)
			break;
	}
	/* The next message's name goes where this one's was. */
	scratch->used = texts;
}

/* Tells of one message of the call that stands in the scratch, if it goes to a name server. `header` is its struct msghdr where it has one. */
__noinline int tell_message(__u32 level, __u64 header)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return 0;
	struct pc_event *event = &scratch->event;
	bool compatible = event->syscall & PC_SYSCALL_COMPATIBLE;
	__u64 *registers = scratch->registers, name = 0;
	__u32 shape = scratch->call.shape, name_length = 0, gathered;
	struct sock *sock = record_socket(event, registers[0]);
	if (!sock)
		return 0;
	if (shape == PC_CALL_SEND) {
		name = registers[4];
		name_length = registers[5];
	} else if (header) {
		name = user_word(header, MESSAGE_NAME, compatible);
		name_length = user_word(header, MESSAGE_NAME_LENGTH, compatible);
	}
	record_known_address(event, sock, true);
	__u32 known = event->port;
	/* A stream goes where it is connected to, whatever the message says. */
	if (name && event->socket_type == SOCK_DGRAM)
		record_internet_address(event, name, name_length, true);
	if (known != DNS_PORT && event->port != DNS_PORT)
		return 0;
	if (!scratch->used) {
		record_process(level);
		record_directory(scratch, level, AT_FDCWD);
	}
	if (shape == PC_CALL_WRITE || shape == PC_CALL_SEND)
		gathered = dns_piece(scratch, 0, (void *)registers[1], registers[2]);
	else if (shape == PC_CALL_WRITEV)
		gathered = gather_pieces(scratch, registers[1], registers[2], compatible);
	else
		gathered = gather_pieces(scratch, user_word(header, MESSAGE_PIECES, compatible), user_word(header, MESSAGE_COUNT, compatible), compatible);
	tell_queries(scratch, level, gathered);
	return 0;
}

/* Whether a message of a sendmmsg goes to a name server; by its port alone. */
__noinline int is_for_server(__u32 level, __u64 header)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	struct address_begin begin = {};
	if (!scratch)
		return 0;
	struct pc_event *event = &scratch->event;
	bool compatible = event->syscall & PC_SYSCALL_COMPATIBLE;
	struct sock *sock = record_socket(event, scratch->registers[0]);
	if (!sock)
		return 0;
	record_known_address(event, sock, true);
	if (event->port == DNS_PORT)
		return 1;
	__u64 name = user_word(header, MESSAGE_NAME, compatible);
	if (!name || event->socket_type != SOCK_DGRAM || bpf_probe_read_user(&begin, 4, (void *)name))
		return 0;
	return __builtin_bswap16(begin.port) == DNS_PORT;
}

/* Tells of the call that stands in the scratch. */
static __always_inline void tell_sending(struct scratch *scratch, __u32 level)
{
	struct pc_event *event = &scratch->event;
	__u32 shape = scratch->call.shape;
	__builtin_memcpy(event->registers, scratch->registers, sizeof event->registers);
	if (shape != PC_CALL_SENDMMSG) {
		tell_message(level, shape == PC_CALL_SENDMSG ? event->registers[1] : 0);
		return;
	}
	/* What it returned is how many were sent; of none, the first is what failed. */
	__u32 count_sent = event->result > 0 ? event->result : 1, size = MESSAGE_WORDS * (event->syscall & PC_SYSCALL_COMPATIBLE ? sizeof(__u32) : sizeof(__u64));
	for (__u32 index = 0; index < DNS_MESSAGES && index < count_sent; index++)
		tell_message(level, event->registers[1] + index * size);
	/* Whoever sends many to somebody else has lost nothing. */
	bool lost = count_sent > DNS_MESSAGES_SEEN;
	for (__u32 index = DNS_MESSAGES; index < DNS_MESSAGES_SEEN && index < count_sent && !lost; index++)
		lost = is_for_server(level, event->registers[1] + index * size);
	if (lost)
		count(PC_COUNT_EVENTS_LOST);
}

#endif
