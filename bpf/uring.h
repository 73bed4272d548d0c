/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* io_uring's requests, reduced to what is read here: the kernel keeps what each asks for in a struct of its own, where the request begins. */
#ifndef PORTCULLIS_URING_H
#define PORTCULLIS_URING_H

#include "kern.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct io_cqe {
	__u64 user_data;
	__s32 res;
	__u32 flags; /* in the place of fd */
	int fd; /* of the request's file, until it has a result */
};

struct io_ring_ctx;

struct io_kiocb {
	struct file *file;
	__u8 opcode;
	__u64 flags;
	struct io_cqe cqe; /* since 5.19 */
	struct io_ring_ctx *ctx;
	void *async_data;
};

struct filename {
	const char *name; /* the kernel's copy; the caller's own is not kept any more since 7.0 */
};

/* Since 7.0 there is one pointer more around it. */
struct delayed_filename {
	struct filename *__incomplete_filename;
};

struct open_how {
	__u64 flags;
	__u64 mode;
};

struct io_open {
	int dfd;
	__u32 file_slot;
	struct filename *filename;
	struct open_how how;
};

struct io_open___delayed {
	struct delayed_filename filename;
};

struct io_unlink {
	int dfd;
	int flags;
	struct filename *filename;
};

struct io_unlink___delayed {
	struct delayed_filename filename;
};

struct io_mkdir {
	int dfd;
	unsigned short mode;
	struct filename *filename;
};

struct io_mkdir___delayed {
	struct delayed_filename filename;
};

struct io_rename {
	int old_dfd;
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
	int flags;
};

struct io_rename___delayed {
	struct delayed_filename oldpath;
	struct delayed_filename newpath;
};

/* Links of both kinds, since 6.0. */
struct io_link {
	int old_dfd;
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
	int flags;
};

struct io_link___delayed {
	struct delayed_filename oldpath;
	struct delayed_filename newpath;
};

struct io_hardlink {
	int old_dfd;
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
};

struct io_symlink {
	int new_dfd;
	struct filename *oldpath;
	struct filename *newpath;
};

struct io_connect {
	struct sockaddr *addr;
	int addr_len;
};

struct io_accept {
	int flags;
	__u32 file_slot;
};

struct io_socket {
	int domain;
	int type;
	int protocol;
};

struct io_bind {
	int addr_len;
};

struct io_listen {
	int backlog;
};

struct __kernel_sockaddr_storage {
	unsigned short ss_family;
};

struct io_async_msghdr {
	struct __kernel_sockaddr_storage addr;
};

struct io_uring_cqe {
	__u64 user_data;
	__s32 res;
	__u32 flags;
};

#pragma clang attribute pop

/* include/uapi/linux/io_uring.h */
enum uring_operation {
	IORING_OP_ACCEPT = 13,
	IORING_OP_CONNECT = 16,
	IORING_OP_OPENAT = 18,
	IORING_OP_OPENAT2 = 28,
	IORING_OP_RENAMEAT = 35,
	IORING_OP_UNLINKAT = 36,
	IORING_OP_MKDIRAT = 37,
	IORING_OP_SYMLINKAT = 38,
	IORING_OP_LINKAT = 39,
	IORING_OP_SOCKET = 45,
	IORING_OP_BIND = 56,
	IORING_OP_LISTEN = 57,
};

/* IOSQE_CQE_SKIP_SUCCESS: of a success nobody is told, tracepoints neither. */
#define REQ_F_CQE_SKIP 0x40

/* More completions come of this request (include/uapi/linux/io_uring.h). */
#define IORING_CQE_F_MORE 2

/* The calls that do the same (the architectures' tables). */
#ifdef __TARGET_ARCH_x86
#define CALL_OPENAT 257
#define CALL_OPENAT2 437
#define CALL_UNLINKAT 263
#define CALL_RENAMEAT2 316
#define CALL_MKDIRAT 258
#define CALL_SYMLINKAT 266
#define CALL_LINKAT 265
#define CALL_CONNECT 42
#define CALL_ACCEPT4 288
#define CALL_SOCKET 41
#define CALL_BIND 49
#define CALL_LISTEN 50
#else
#define CALL_OPENAT 56
#define CALL_OPENAT2 437
#define CALL_UNLINKAT 35
#define CALL_RENAMEAT2 276
#define CALL_MKDIRAT 34
#define CALL_SYMLINKAT 36
#define CALL_LINKAT 37
#define CALL_CONNECT 203
#define CALL_ACCEPT4 242
#define CALL_SOCKET 198
#define CALL_BIND 200
#define CALL_LISTEN 201
#endif

/* The name of a request, however this kernel keeps it. The compiler may not make one reading of the two: the kernel knows one place alone. */
#define uring_name(request, type, member)                                                              \
	({                                                                                             \
		struct filename *name_found;                                                           \
		if (bpf_core_field_exists(struct type##___delayed, member)) {                          \
			name_found = BPF_CORE_READ((struct type##___delayed *)(request), member.__incomplete_filename); \
			asm volatile("" : "+r"(name_found));                                           \
		} else {                                                                               \
			name_found = BPF_CORE_READ((struct type *)(request), member);                  \
			asm volatile("" : "+r"(name_found) : : "memory");                              \
		}                                                                                      \
		name_found;                                                                            \
	})

#endif
