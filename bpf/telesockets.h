/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What telemetry tells of sockets: which kind, and whose address. */
#ifndef PORTCULLIS_TELESOCKETS_H
#define PORTCULLIS_TELESOCKETS_H

#include "record.h"

#define AF_UNIX 1 /* include/linux/socket.h, as are the next two */
#define AF_INET 2
#define AF_INET6 10
#define SOCK_TYPE_MASK 0xf /* include/linux/net.h */
#define SOCKADDR_FAMILY_BYTES 2
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define UNIX_NAME_BYTES 108 /* struct sockaddr_un */
#define EINPROGRESS 115 /* the address is taken, the connection under way */

/* A call that a signal has cut off, include/linux/errno.h: the kernel makes it anew, or the caller is told EINTR, which only shows later. */
#define RESTART_FIRST 512
#define RESTART_LAST 516

static __always_inline bool is_cut_off(__s64 result)
{
	return result <= -RESTART_FIRST && result >= -RESTART_LAST;
}

/* bind(2), connect(2): what an address of a family that is read here begins with, in network byte order (ip(7), ipv6(7)). */
struct address_begin {
	__u16 family;
	__u16 port;
	__u8 bytes[20]; /* IPv4: the address first; IPv6: 4 bytes of flow information before it */
};

/* The sock behind a file; fills in which kind of socket that is. NULL if it is none. */
static __always_inline struct sock *record_socket_file(struct pc_event *event, struct file *file)
{
	if (!file || (BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sock = socket ? BPF_CORE_READ(socket, sk) : NULL;
	if (!sock)
		return NULL;
	event->socket_family = BPF_CORE_READ(sock, __sk_common.skc_family);
	event->socket_type = BPF_CORE_READ(socket, type);
	event->socket_protocol = BPF_CORE_READ(sock, sk_protocol);
	return sock;
}

static __always_inline struct sock *record_socket(struct pc_event *event, __s32 descriptor)
{
	return record_socket_file(event, file_of(descriptor));
}

/* The address that the kernel has for a socket: of its peer, or its own. */
static __always_inline void record_known_address(struct pc_event *event, struct sock *sock, bool peer)
{
	struct sock_common *common = &sock->__sk_common;
	if (event->socket_family != AF_INET && event->socket_family != AF_INET6)
		return;
	event->port = peer ? __builtin_bswap16(BPF_CORE_READ(sock, __sk_common.skc_dport)) : BPF_CORE_READ(sock, __sk_common.skc_num);
	if (event->socket_family == AF_INET) {
		__u32 address = peer ? BPF_CORE_READ(sock, __sk_common.skc_daddr) : BPF_CORE_READ(sock, __sk_common.skc_rcv_saddr);
		__builtin_memcpy(event->address, &address, sizeof address);
	} else if (bpf_core_field_exists(common->skc_v6_daddr)) {
		if (peer)
			bpf_core_read(event->address, sizeof event->address, &common->skc_v6_daddr);
		else
			bpf_core_read(event->address, sizeof event->address, &common->skc_v6_rcv_saddr);
	}
}

static __always_inline void record_address(struct pc_event *event, struct address_begin *begin)
{
	if (begin->family == AF_INET && event->socket_family == AF_INET6) {
		/* As the socket sees it (ipv6(7)): ::ffff:a.b.c.d. */
		__builtin_memset(event->address, 0, 10);
		event->address[10] = event->address[11] = 0xff;
		__builtin_memcpy(event->address + 12, begin->bytes, 4);
	} else if (begin->family == AF_INET)
		__builtin_memcpy(event->address, begin->bytes, 4);
	else if (begin->family == AF_INET6)
		__builtin_memcpy(event->address, begin->bytes + 4, 16);
	else
		return;
	event->port = __builtin_bswap16(begin->port);
}

/* An address that the kernel has copied from the caller. */
static __always_inline void record_copied_address(struct pc_event *event, const void *address)
{
	struct address_begin begin = {};
	bpf_probe_read_kernel(&begin, sizeof begin, address);
	record_address(event, &begin);
}

/* An address of the internet that the caller gave. What is sent from a socket of IPv4 needs no family (udp(7)): `sends`. */
static __always_inline void record_internet_address(struct pc_event *event, __u64 address, __u32 length, bool sends)
{
	struct address_begin begin = {};
	if (length < 8 || bpf_probe_read_user(&begin, 8, (void *)address))
		return;
	if (sends && !begin.family && event->socket_family == AF_INET)
		begin.family = AF_INET;
	if (begin.family == AF_INET6 && (length < sizeof begin || bpf_probe_read_user(&begin, sizeof begin, (void *)address)))
		return;
	record_address(event, &begin);
}

/* The address that the caller gave; a name in the file system is told of as the path, an abstract one with an @ before it (unix(7)). */
static __always_inline void record_given_address(struct scratch *scratch, __u64 address, __u32 length)
{
	struct pc_event *event = &scratch->event;
	struct address_begin begin = {};
	if (length < 4 || bpf_probe_read_user(&begin, 4, (void *)address))
		return;
	if (begin.family == AF_UNIX) {
		__u64 name = address + SOCKADDR_FAMILY_BYTES;
		__u32 before = scratch->used;
		if (!(begin.port & 0xff)) {
			if (scratch->used < PC_EVENT_TEXT_BYTES)
				scratch->text[masked(scratch->used++, PC_EVENT_TEXT_BYTES - 1)] = '@';
			name++;
		}
		__u32 room = room_of(scratch), left = address + length - name;
		/* Not always ended by a NUL: the length counts (unix(7)). */
		if (left > UNIX_NAME_BYTES)
			left = UNIX_NAME_BYTES;
		long read = room > UNIX_NAME_BYTES ? bpf_probe_read_user_str(text_end(scratch), masked(left + 1, 127), (void *)name) : 0;
		if (read > 0)
			scratch->used += read - 1;
		event->path_length = scratch->used - before;
		event->flags |= PC_EVENT_RAW_PATH;
		return;
	}
	record_internet_address(event, address, length, false);
}

/* The calls that socketcall(2) stands for (include/uapi/linux/net.h). */
enum socketcall {
	SOCKETCALL_SOCKET = 1,
	SOCKETCALL_BIND = 2,
	SOCKETCALL_CONNECT = 3,
	SOCKETCALL_LISTEN = 4,
	SOCKETCALL_ACCEPT = 5,
	SOCKETCALL_ACCEPT4 = 18,
};

/* Makes of a socketcall(2) the call that it stands for; false if that is none that is told of. */
static __always_inline bool unfold_socketcall(struct scratch *scratch)
{
	struct pc_event *event = &scratch->event;
	__u64 at = scratch->registers[1];
	__u32 kind = scratch->registers[0], values[4] = {}, count = 3;
	switch (kind) {
	case SOCKETCALL_SOCKET:
		event->operation = PC_OPERATION_SOCKET;
		scratch->call.shape = PC_CALL_SOCKET;
		event->syscall = PC_SYSCALL_COMPATIBLE | 359; /* arch/x86/entry/syscalls/syscall_32.tbl, as are the next ones */
		break;
	case SOCKETCALL_BIND:
		event->operation = PC_OPERATION_BIND;
		scratch->call.shape = PC_CALL_BIND;
		event->syscall = PC_SYSCALL_COMPATIBLE | 361;
		break;
	case SOCKETCALL_CONNECT:
		event->operation = PC_OPERATION_CONNECT;
		scratch->call.shape = PC_CALL_CONNECT;
		event->syscall = PC_SYSCALL_COMPATIBLE | 362;
		break;
	case SOCKETCALL_LISTEN:
		count = 2;
		event->operation = PC_OPERATION_LISTEN;
		scratch->call.shape = PC_CALL_LISTEN;
		event->syscall = PC_SYSCALL_COMPATIBLE | 363;
		break;
	case SOCKETCALL_ACCEPT:
	case SOCKETCALL_ACCEPT4:
		event->operation = PC_OPERATION_ACCEPT;
		scratch->call.shape = PC_CALL_ACCEPT;
		event->syscall = PC_SYSCALL_COMPATIBLE | 364;
		break;
	default: return false;
	}
	for (__u32 index = 0; index < 4; index++) {
		values[index] = 0;
		if (index < count)
			bpf_probe_read_user(&values[index], sizeof values[index], (void *)(at + index * sizeof values[index]));
		scratch->registers[index] = values[index];
	}
	scratch->registers[4] = scratch->registers[5] = 0;
	return true;
}

/* Tells of the call that stands in the scratch. */
__noinline int tell_socket(__u32 level)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return 0;
	struct pc_event *event = &scratch->event;
	if (scratch->call.shape == PC_CALL_SOCKETCALL && !unfold_socketcall(scratch))
		return 0;
	__u64 *registers = scratch->registers;
	__u32 shape = scratch->call.shape;
	if (is_cut_off(event->result)) {
		if (shape != PC_CALL_CONNECT)
			return 0;
		/* The address is taken, and the connection may come about. */
		event->flags |= PC_EVENT_NO_RESULT;
		event->result = 0;
	}
	bool passed = event->result >= 0;

	__builtin_memcpy(event->registers, registers, sizeof event->registers);
	record_process(level);
	record_directory(scratch, level, AT_FDCWD);
	if (shape == PC_CALL_SOCKET) {
		event->socket_family = registers[0];
		event->socket_type = registers[1] & SOCK_TYPE_MASK;
		event->socket_protocol = registers[2];
		record_send(scratch);
		return 0;
	}
	struct sock *sock = record_socket(event, shape == PC_CALL_ACCEPT && passed ? event->result : (__s32)registers[0]);
	if (shape == PC_CALL_CONNECT || shape == PC_CALL_BIND)
		record_given_address(scratch, registers[1], registers[2]);
	/* What the kernel took is what counts, whatever is in the caller's memory by now. */
	if (sock && (passed || (shape == PC_CALL_CONNECT && event->result == -EINPROGRESS)) && !(shape == PC_CALL_ACCEPT && !passed))
		record_known_address(event, sock, shape == PC_CALL_CONNECT || shape == PC_CALL_ACCEPT);
	record_send(scratch);
	return 0;
}

#endif
