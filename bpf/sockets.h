/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Hooks of the sections `network` and `capabilities`: what is asked is a few bytes instead of a path, and the same automata answer.
 *
 * Each is attached only while some set has rules of its section: the machine calls some of these for everything it does.
 */
#ifndef PORTCULLIS_SOCKETS_H
#define PORTCULLIS_SOCKETS_H

#include "ask.h"
#include "dns.h"
#include "notesyscall.h"

#define AF_UNIX 1 /* include/linux/socket.h, as are the next three */
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define CAP_OPT_NOAUDIT 2 /* include/linux/security.h */
#define SOCK_STREAM 1 /* include/linux/net.h */
#define SOCK_DGRAM 2
#define MSG_FASTOPEN 0x20000000 /* include/linux/socket.h */

/* bind(2), connect(2): what an address of a family that is read here begins with, in network byte order (ip(7), ipv6(7)). */
struct address_begin {
	__u16 family;
	__u16 port;
	__u8 bytes[20]; /* IPv4: the address first; IPv6: 4 bytes of flow information before it */
};

static __always_inline __u32 socket_key(__u32 family, __u32 type, __u32 protocol)
{
	return PC_KEY_BYTE(family) | PC_KEY_BYTE(type) << 8 | PC_KEY_BYTE(protocol) << 16 | PC_KEY_BYTE(protocol >> 6) << 24;
}

/* `length` as the caller gave it: what is behind was never written. */
static __always_inline void read_address(struct request *request, const void *address, int length)
{
	struct address_begin begin = {};
	if (length < 8)
		return;
	bpf_probe_read_kernel(&begin, 8, address);
	if (begin.family == AF_INET) {
		__builtin_memcpy(request->address, begin.bytes, 4);
	} else if (begin.family == AF_INET6 && length >= (int)sizeof begin) {
		bpf_probe_read_kernel(&begin, sizeof begin, address);
		__builtin_memcpy(request->address, begin.bytes + 4, 16);
	} else {
		return;
	}
	request->address_family = begin.family;
	request->port = __builtin_bswap16(begin.port);
}

/* 1 if it is denied. */
static __always_inline int ask_key(struct actor *who, __u32 operation, __u32 automaton, __u32 key, __u32 length, __u32 wanted, const void *address, int address_length)
{
	__u32 level = 0;
	struct scratch *scratch = scratch_claim(&level);
	if (!scratch)
		return no_room(who, operation, automaton);
	struct request *request = &scratch->request;
	fill(request, who, operation, automaton, wanted);
	request->key = key;
	request->key_length = length;
	if (address)
		read_address(request, address, address_length);
	return verdict(scratch, level);
}

static __always_inline int ask_socket(__u32 operation, __u32 family, __u32 type, __u32 protocol, const void *address, int length)
{
	struct actor who;
	if (!acting(&who, PC_SET_NETWORK))
		return 0;
	/* These never leave the machine: only a rule that names them is about them, never a posture. */
	__u32 wanted = family == AF_UNIX || family == AF_NETLINK ? REQUEST_NO_POSTURE : 0;
	return ask_key(&who, operation, PC_AUTOMATON_NETWORK, socket_key(family, type, protocol), 4, wanted, address, length);
}

static __always_inline int ask_open_socket(__u32 operation, struct socket *socket, const void *address, int length)
{
	struct sock *sock = socket->sk;
	if (!sock)
		return 0;
	return ask_socket(operation, sock->__sk_common.skc_family, (__u16)socket->type, sock->sk_protocol, address, length);
}

SEC("lsm/socket_create")
int BPF_PROG(pc_socket_create, int family, int type, int protocol, int kernel, int ret)
{
	if (ret)
		return ret;
	return !kernel && ask_socket(PC_OPERATION_SOCKET, family, type, protocol, NULL, 0) ? -EACCES : 0;
}

SEC("lsm/socket_connect")
int BPF_PROG(pc_socket_connect, struct socket *socket, struct sockaddr *address, int length, int ret)
{
	return ret ? ret : ask_open_socket(PC_OPERATION_CONNECT, socket, address, length) ? -EACCES : 0;
}

SEC("lsm/socket_bind")
int BPF_PROG(pc_socket_bind, struct socket *socket, struct sockaddr *address, int length, int ret)
{
	return ret ? ret : ask_open_socket(PC_OPERATION_BIND, socket, address, length) ? -EACCES : 0;
}

SEC("lsm/socket_listen")
int BPF_PROG(pc_socket_listen, struct socket *socket, int backlog, int ret)
{
	return ret ? ret : ask_open_socket(PC_OPERATION_LISTEN, socket, NULL, 0) ? -EACCES : 0;
}

SEC("lsm/socket_accept")
int BPF_PROG(pc_socket_accept, struct socket *socket, struct socket *new_socket, int ret)
{
	return ret ? ret : ask_open_socket(PC_OPERATION_ACCEPT, socket, NULL, 0) ? -EACCES : 0;
}

/* Whether the message may go to a name server: by what it says itself, or by what its socket is connected to, for it is not always the first that counts. */
static __always_inline bool is_for_dns(struct sock *sock, struct msghdr *message)
{
	struct address_begin begin = {};
	void *name = BPF_CORE_READ(message, msg_name);
	if (sock->__sk_common.skc_dport == __builtin_bswap16(DNS_PORT))
		return true;
	if (!name || BPF_CORE_READ(message, msg_namelen) < 4)
		return false;
	bpf_probe_read_kernel(&begin, 4, name);
	return begin.port == __builtin_bswap16(DNS_PORT);
}

#ifdef __TARGET_ARCH_x86
#define SENDMMSG 307
#define SENDMMSG_X32 538
#define SENDMMSG_COMPATIBLE (345 | PC_SYSCALL_COMPATIBLE)
#define SOCKETCALL_COMPATIBLE (102 | PC_SYSCALL_COMPATIBLE)
#else
#define SENDMMSG 269
#define SENDMMSG_X32 269
#define SENDMMSG_COMPATIBLE (374 | PC_SYSCALL_COMPATIBLE)
#define SOCKETCALL_COMPATIBLE (102 | PC_SYSCALL_COMPATIBLE)
#endif

/* sendmmsg(2) asks nobody about a message that goes to the same address as the one before it (net/socket.c, used_address). */
static __always_inline bool is_one_of_many(struct msghdr *message)
{
	__s64 call = syscall_number((void *)bpf_get_current_task(), registers_of_current());
	if (!BPF_CORE_READ(message, msg_name))
		return false;
	return call == SENDMMSG || call == SENDMMSG_X32 || call == (__s64)SENDMMSG_COMPATIBLE || call == (__s64)SOCKETCALL_COMPATIBLE;
}

/* 1 if what the message asks for is denied. */
static __noinline int ask_dns(struct actor *who, struct msghdr *message, __u32 type)
{
	__u32 level = 0;
	struct scratch *scratch = scratch_claim(&level);
	if (!scratch)
		return no_room(who, PC_OPERATION_DNS, PC_AUTOMATON_DNS);
	struct request *request = &scratch->request;
	fill(request, who, PC_OPERATION_DNS, PC_AUTOMATON_DNS, REQUEST_TEXT);
	__u64 total = BPF_CORE_READ(message, msg_iter.count);
	__u32 used = dns_gather(scratch, &message->msg_iter);
	if (!dns_name(scratch, level, used, total, type == SOCK_STREAM) || is_one_of_many(message)) {
		request->unclear = PC_REASON_MESSAGE;
		request->text_length = 0;
	}
	void *name = BPF_CORE_READ(message, msg_name);
	if (name)
		read_address(request, name, BPF_CORE_READ(message, msg_namelen));
	return verdict(scratch, level);
}

SEC("lsm/socket_sendmsg")
int BPF_PROG(pc_socket_sendmsg, struct socket *socket, struct msghdr *message, int size, int ret)
{
	struct actor who;
	if (ret)
		return ret;
	if (!acting(&who, PC_SET_DNS | PC_SET_NETWORK))
		return 0;
	struct sock *sock = socket->sk;
	__u32 type = (__u16)socket->type, family = sock ? sock->__sk_common.skc_family : 0;
	if ((family != AF_INET && family != AF_INET6) || (type != SOCK_STREAM && type != SOCK_DGRAM))
		return 0;
	/* A connection that is made by sending (tcp(7)) is asked about nowhere else. */
	if (message->msg_flags & MSG_FASTOPEN && type == SOCK_STREAM && set_flags(who.policy) & PC_SET_NETWORK
	    && ask_key(&who, PC_OPERATION_CONNECT, PC_AUTOMATON_NETWORK, socket_key(family, type, sock->sk_protocol), 4, 0, message->msg_name, message->msg_namelen))
		return -EACCES;
	if (!(set_flags(who.policy) & PC_SET_DNS) || !is_for_dns(sock, message))
		return 0;
	return ask_dns(&who, message, type) ? -EACCES : 0;
}

/*
 * The kernel at work with credentials of its own, overlayfs with its mounter's say, or asking about another task. io_uring also puts on credentials that are
 * not the task's now (IORING_REGISTER_PERSONALITY, and those of a worker), but they were its own: who has io_uring is asked always.
 */
static __always_inline bool is_on_kernels_behalf(const struct cred *cred)
{
	struct task_struct *task = current_task();
	if (cred == task_read(task, real_cred) || task_read(task, flags) & PF_IO_WORKER)
		return false;
	return !bpf_core_field_exists(task->io_uring) || !task_read(task, io_uring);
}

SEC("lsm/capable")
int BPF_PROG(pc_capable, const struct cred *cred, struct user_namespace *namespace, int capability, unsigned int options, int ret)
{
	struct actor who;
	if (ret)
		return ret;
	if (!acting(&who, PC_SET_CAPABILITIES) || is_on_kernels_behalf(cred))
		return 0;
	__u32 wanted = options & CAP_OPT_NOAUDIT ? REQUEST_SILENT : 0;
	if (!ask_key(&who, PC_OPERATION_CAPABILITY, PC_AUTOMATON_CAPABILITY, (__u32)PC_KEY_BYTE(capability) << 24, 1, wanted, NULL, 0))
		return 0;
	/* From 6.12 on the result's bounds must be known: the compiler may not make a difference of this -1 and the 0 above. */
	int refusal = -EPERM;
	asm volatile("" : "+r"(refusal));
	return refusal;
}

#endif
