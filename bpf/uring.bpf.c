// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What is done by io_uring, which makes no system call of it: a request is taken down when it is handed in, by whom and with which texts,
 * and told of when it is complete, with its result.
 *
 * Hooks      tp_btf/io_uring_submit_req (6.3), before tp_btf/io_uring_submit_sqe; tp_btf/io_uring_complete, in the form that the kernel has;
 *            tp_btf/io_uring_cqe_overflow (5.18)
 * Maps       as in maps.h; requests, places and names (not pinned); scratches, shared with telemetry.bpf.c
 * Kernel     6.1; built with PC_REDUCED for 5.10, where a completion does not say whose request it is of but by the number that the caller
 *            gave it: of several with the same number at one time only the last is told of with its result
 * Verifier   as telemetry.bpf.c
 *
 * Reads, writes and other requests that are not told of cost a switch over their operation.
 */
#include "requests.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct kind {
	__u32 visibility;
	__u32 operation;
	__u32 call;
};

/* What a request does; visibility 0: nothing that is told of. */
static __always_inline struct kind kind_of(__u32 operation)
{
	switch (operation) {
	case IORING_OP_OPENAT: return (struct kind){ PC_SEE_FILE, PC_OPERATION_OPEN, CALL_OPENAT };
	case IORING_OP_OPENAT2: return (struct kind){ PC_SEE_FILE, PC_OPERATION_OPEN, CALL_OPENAT2 };
	case IORING_OP_RENAMEAT: return (struct kind){ PC_SEE_FILE, PC_OPERATION_RENAME, CALL_RENAMEAT2 };
	case IORING_OP_UNLINKAT: return (struct kind){ PC_SEE_FILE, PC_OPERATION_UNLINK, CALL_UNLINKAT };
	case IORING_OP_MKDIRAT: return (struct kind){ PC_SEE_FILE, PC_OPERATION_MKDIR, CALL_MKDIRAT };
	case IORING_OP_SYMLINKAT: return (struct kind){ PC_SEE_FILE, PC_OPERATION_SYMLINK, CALL_SYMLINKAT };
	case IORING_OP_LINKAT: return (struct kind){ PC_SEE_FILE, PC_OPERATION_LINK, CALL_LINKAT };
	case IORING_OP_SOCKET: return (struct kind){ PC_SEE_NETWORK, PC_OPERATION_SOCKET, CALL_SOCKET };
	case IORING_OP_CONNECT: return (struct kind){ PC_SEE_NETWORK, PC_OPERATION_CONNECT, CALL_CONNECT };
	case IORING_OP_BIND: return (struct kind){ PC_SEE_NETWORK, PC_OPERATION_BIND, CALL_BIND };
	case IORING_OP_LISTEN: return (struct kind){ PC_SEE_NETWORK, PC_OPERATION_LISTEN, CALL_LISTEN };
	case IORING_OP_ACCEPT: return (struct kind){ PC_SEE_NETWORK, PC_OPERATION_ACCEPT, CALL_ACCEPT4 };
	default: return (struct kind){};
	}
}

/* Adds the directory and the path, as the kernel has copied it from the caller; and the other path where there is one. */
static __always_inline void record_names(struct scratch *scratch, __u32 level, __s32 directory, struct filename *path, struct filename *other)
{
	struct pc_event *event = &scratch->event;
	record_directory(scratch, level, directory);
	event->flags |= PC_EVENT_RAW_PATH;
	event->path_length = add_name(scratch, BPF_CORE_READ(path, name), PC_PATH_BYTES);
	if (scratch->cut)
		event->flags |= PC_EVENT_PATH_CUT;
	if (!other)
		return;
	event->flags |= PC_EVENT_RAW_OTHER_PATH;
	event->other_path_length = add_name(scratch, BPF_CORE_READ(other, name), PC_PATH_BYTES);
	if (scratch->cut)
		event->flags |= PC_EVENT_OTHER_PATH_CUT;
}

/* Adds the new name of a link or a rename, made absolute here where it is relative to another directory than the old one. */
static __always_inline void record_both(struct scratch *scratch, __u32 level, __s32 from, struct filename *path, __s32 to, struct filename *other)
{
	struct pc_event *event = &scratch->event;
	const char *name = BPF_CORE_READ(other, name);
	char first = 0;
	record_names(scratch, level, from, path, NULL);
	__u32 before = scratch->used;
	bpf_probe_read_kernel(&first, 1, name);
	if (first != '/' && from != to) {
		add_directory(level, to);
		if (scratch->used < PC_EVENT_TEXT_BYTES)
			scratch->text[masked(scratch->used++, PC_EVENT_TEXT_BYTES - 1)] = '/';
	}
	add_name(scratch, name, PC_PATH_BYTES);
	event->flags |= PC_EVENT_RAW_OTHER_PATH | (scratch->cut ? PC_EVENT_OTHER_PATH_CUT : 0);
	event->other_path_length = scratch->used - before;
}

static __always_inline void record_open(struct scratch *scratch, __u32 level, struct io_kiocb *request)
{
	struct io_open *open = (void *)request;
	struct pc_event *event = &scratch->event;
	event->registers[0] = (__s64)BPF_CORE_READ(open, dfd);
	event->registers[2] = BPF_CORE_READ(open, how.flags);
	event->registers[3] = BPF_CORE_READ(open, how.mode);
	record_names(scratch, level, BPF_CORE_READ(open, dfd), uring_name(request, io_open, filename), NULL);
}

static __always_inline void record_rename(struct scratch *scratch, __u32 level, struct io_kiocb *request)
{
	struct io_rename *rename = (void *)request;
	struct pc_event *event = &scratch->event;
	event->registers[0] = (__s64)BPF_CORE_READ(rename, old_dfd);
	event->registers[2] = (__s64)BPF_CORE_READ(rename, new_dfd);
	event->registers[4] = BPF_CORE_READ(rename, flags);
	record_both(scratch, level, BPF_CORE_READ(rename, old_dfd), uring_name(request, io_rename, oldpath), BPF_CORE_READ(rename, new_dfd),
		    uring_name(request, io_rename, newpath));
}

static __always_inline void record_unlink(struct scratch *scratch, __u32 level, struct io_kiocb *request)
{
	struct io_unlink *unlink = (void *)request;
	scratch->event.registers[0] = (__s64)BPF_CORE_READ(unlink, dfd);
	scratch->event.registers[2] = BPF_CORE_READ(unlink, flags);
	record_names(scratch, level, BPF_CORE_READ(unlink, dfd), uring_name(request, io_unlink, filename), NULL);
}

static __always_inline void record_mkdir(struct scratch *scratch, __u32 level, struct io_kiocb *request)
{
	struct io_mkdir *mkdir = (void *)request;
	scratch->event.registers[0] = (__s64)BPF_CORE_READ(mkdir, dfd);
	scratch->event.registers[2] = BPF_CORE_READ(mkdir, mode);
	record_names(scratch, level, BPF_CORE_READ(mkdir, dfd), uring_name(request, io_mkdir, filename), NULL);
}

static __always_inline void record_symlink(struct scratch *scratch, __u32 level, struct io_kiocb *request)
{
	if (bpf_core_type_exists(struct io_link)) {
		struct io_link *link = (void *)request;
		record_names(scratch, level, BPF_CORE_READ(link, new_dfd), uring_name(request, io_link, newpath), uring_name(request, io_link, oldpath));
	} else if (bpf_core_type_exists(struct io_symlink)) {
		struct io_symlink *link = (void *)request;
		record_names(scratch, level, BPF_CORE_READ(link, new_dfd), BPF_CORE_READ(link, newpath), BPF_CORE_READ(link, oldpath));
	}
}

static __always_inline void record_link(struct scratch *scratch, __u32 level, struct io_kiocb *request)
{
	if (bpf_core_type_exists(struct io_link)) {
		struct io_link *link = (void *)request;
		record_both(scratch, level, BPF_CORE_READ(link, old_dfd), uring_name(request, io_link, oldpath), BPF_CORE_READ(link, new_dfd),
			    uring_name(request, io_link, newpath));
	} else if (bpf_core_type_exists(struct io_hardlink)) {
		struct io_hardlink *link = (void *)request;
		record_both(scratch, level, BPF_CORE_READ(link, old_dfd), BPF_CORE_READ(link, oldpath), BPF_CORE_READ(link, new_dfd), BPF_CORE_READ(link, newpath));
	}
}

/* The socket that a request is about, by its descriptor, or by itself where it is known already. */
static __always_inline struct sock *record_request_socket(struct pc_event *event, struct io_kiocb *request)
{
	struct file *file = BPF_CORE_READ(request, file);
	if (!file && bpf_core_field_exists(request->cqe))
		file = file_of(BPF_CORE_READ(request, cqe.fd));
	return record_socket_file(event, file);
}

static __always_inline void record_socket_request(struct scratch *scratch, __u32 level, struct io_kiocb *request, __u32 operation)
{
	struct pc_event *event = &scratch->event;
	record_directory(scratch, level, AT_FDCWD);
	if (operation == IORING_OP_SOCKET) {
		if (!bpf_core_type_exists(struct io_socket))
			return;
		struct io_socket *socket = (void *)request;
		event->registers[0] = event->socket_family = BPF_CORE_READ(socket, domain);
		event->registers[1] = BPF_CORE_READ(socket, type);
		event->registers[2] = event->socket_protocol = BPF_CORE_READ(socket, protocol);
		event->socket_type = event->registers[1] & SOCK_TYPE_MASK;
		return;
	}
	struct sock *sock = record_request_socket(event, request);
	if (operation == IORING_OP_CONNECT) {
		struct io_connect *connect = (void *)request;
		event->registers[1] = (__u64)BPF_CORE_READ(connect, addr);
		event->registers[2] = BPF_CORE_READ(connect, addr_len);
		record_given_address(scratch, event->registers[1], event->registers[2]);
	} else if (operation == IORING_OP_BIND && bpf_core_type_exists(struct io_bind)) {
		struct io_bind *bind = (void *)request;
		struct io_async_msghdr *message = BPF_CORE_READ(request, async_data);
		event->registers[2] = BPF_CORE_READ(bind, addr_len);
		if (message)
			record_copied_address(event, &message->addr);
	} else if (operation == IORING_OP_LISTEN && sock) {
		record_known_address(event, sock, false);
	} else if (operation == IORING_OP_ACCEPT) {
		struct io_accept *accept = (void *)request;
		event->registers[3] = BPF_CORE_READ(accept, flags);
		if (BPF_CORE_READ(accept, file_slot))
			event->reserved |= REQUEST_DIRECT;
	}
}

/* Takes down what a request asks for. */
__noinline int take_down(__u32 level, __u32 operation)
{
	struct scratch *scratch = scratch_at(level & (PC_SCRATCH_LEVELS - 1));
	if (!scratch)
		return 0;
	struct io_kiocb *request = (void *)scratch->registers[0];
	record_process(level);
	switch (operation) {
	case IORING_OP_OPENAT:
	case IORING_OP_OPENAT2: record_open(scratch, level, request); break;
	case IORING_OP_RENAMEAT: record_rename(scratch, level, request); break;
	case IORING_OP_UNLINKAT: record_unlink(scratch, level, request); break;
	case IORING_OP_MKDIRAT: record_mkdir(scratch, level, request); break;
	case IORING_OP_SYMLINKAT: record_symlink(scratch, level, request); break;
	case IORING_OP_LINKAT: record_link(scratch, level, request); break;
	default: record_socket_request(scratch, level, request, operation); break;
	}
	return 0;
}

/* A request that comes has the address of none that is under way: one that is kept under it is over, and nobody has said so. */
static __always_inline void give_up_older(__u64 key)
{
	struct request *kept = bpf_map_lookup_elem(&requests, &key);
	if (kept)
		give_up_request(kept, key);
}

static __always_inline int submitted(struct io_kiocb *request, __u64 key, struct request_name *name)
{
	struct identified who;
	__u32 operation = BPF_CORE_READ(request, opcode), level = 0;
	struct kind kind = kind_of(operation);
	bool refused_only = false;
	if (!kind.visibility)
		return 0;
	if (!is_seen(&who, kind.visibility)) {
		if (!is_seen(&who, PC_SEE_FAILURES))
			return 0;
		refused_only = true;
	}
	struct scratch *scratch = scratch_claim(&level);
	if (!scratch) {
		count(PC_COUNT_EVENTS_LOST);
		return 0;
	}
	struct pc_event *event = &scratch->event;
	record_begin(scratch, &who, kind.visibility == PC_SEE_FILE ? PC_EVENT_FILE : PC_EVENT_NETWORK);
	event->operation = kind.operation;
	event->syscall = kind.call;
	event->flags |= PC_EVENT_IO_URING;
	scratch->registers[0] = (__u64)request;
	take_down(level, operation);
	__u32 note = event->reserved | (refused_only ? REQUEST_ONLY_FAILED : 0);
	event->reserved = 0;
	give_up_older(key);
	/* Nobody will be told of its success, or there is no room to keep it. */
	if (BPF_CORE_READ(request, flags) & REQ_F_CQE_SKIP || !keep_request(scratch, key, name, operation, note)) {
		if (refused_only) {
			count(PC_COUNT_EVENTS_LOST);
		} else {
			event->flags |= PC_EVENT_NO_RESULT;
			record_send(scratch);
		}
	}
	scratch_release(scratch);
	return 0;
}

#ifdef PC_REDUCED
static __always_inline __u64 key_of_number(void *ring, __u64 number)
{
	return (__u64)ring ^ (number + 1) * 0x9e3779b97f4a7c15ULL;
}

SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(pc_request_sqe_event, void *ring, void *request, __u8 operation, __u64 number)
{
	struct request_name name = { (__u64)ring, number, operation == IORING_OP_ACCEPT };
	return submitted(request, key_of_number(ring, number), &name);
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(pc_completion_event, void *ring, __u64 number, int result)
{
	__u64 key = key_of_number(ring, number);
	struct request *kept = bpf_map_lookup_elem(&requests, &key);
	if (kept)
		complete_request(kept, key, result, false);
	return 0;
}
#else
static __always_inline int submitted_now(struct io_kiocb *request)
{
	struct request_name name = { (__u64)BPF_CORE_READ(request, ctx), BPF_CORE_READ(request, cqe.user_data), BPF_CORE_READ(request, opcode) == IORING_OP_ACCEPT };
	return submitted(request, (__u64)request, &name);
}

/* A completion of several: it has no request, only the number. */
static __always_inline int completed_once_more(struct request_name *name, __s32 result)
{
	__u64 *last = bpf_map_lookup_elem(&names, name);
	__u64 key = last ? *last : 0;
	struct request *kept = last ? bpf_map_lookup_elem(&requests, &key) : NULL;
	if (kept && has_name(kept, name) && kept->opcode == IORING_OP_ACCEPT)
		complete_request(kept, key, result, true);
	return 0;
}

static __always_inline int completed(struct io_ring_ctx *ring, struct io_kiocb *request, __u64 number, __s32 result, __u32 flags)
{
	struct request_name name = { (__u64)ring, number, 1 };
	__u64 key = (__u64)request;
	if (!request)
		return flags & IORING_CQE_F_MORE ? completed_once_more(&name, result) : 0;
	name.accepts = BPF_CORE_READ(request, opcode) == IORING_OP_ACCEPT;
	struct request *kept = bpf_map_lookup_elem(&requests, &key);
	if (!kept)
		return 0;
	/* A request that is not told of has the address of one that was, of whose end nobody has said. */
	if (!has_name(kept, &name) || kept->opcode != BPF_CORE_READ(request, opcode))
		give_up_request(kept, key);
	else
		complete_request(kept, key, result, flags & IORING_CQE_F_MORE);
	return 0;
}

SEC("tp_btf/io_uring_submit_req")
int BPF_PROG(pc_request_event, struct io_kiocb *request)
{
	return submitted_now(request);
}

SEC("tp_btf/io_uring_submit_sqe")
int BPF_PROG(pc_request_sqe_event, struct io_kiocb *request)
{
	return submitted_now(request);
}

SEC("tp_btf/io_uring_complete")
int BPF_PROG(pc_completion_event, struct io_ring_ctx *ring, void *request, __u64 number, int result, __u32 flags)
{
	return completed(ring, request, number, result, flags);
}

/* As it is since 6.15: with the completion itself. */
SEC("tp_btf/io_uring_complete")
int BPF_PROG(pc_completion_entry_event, struct io_ring_ctx *ring, void *request, struct io_uring_cqe *entry)
{
	return completed(ring, request, entry->user_data, entry->res, entry->flags);
}

/* Tells of the last request of that name that has this result in it and was not told of so yet; false if there is none. */
static __noinline bool overflowed(struct request_name *name, __s32 result, __u32 flags)
{
	__u64 *last = bpf_map_lookup_elem(&names, name);
	__u64 key = last ? *last : 0;
	for (int index = 0; index < REQUESTS_OF_NUMBER; index++) {
		struct request *kept = key ? bpf_map_lookup_elem(&requests, &key) : NULL;
		struct io_kiocb *request = (void *)key;
		if (!kept || !has_name(kept, name))
			break;
		if (!(kept->note & REQUEST_OVERFLOWED) && BPF_CORE_READ(request, opcode) == kept->opcode && BPF_CORE_READ(request, cqe.user_data) == name->number
		    && BPF_CORE_READ(request, cqe.res) == result && BPF_CORE_READ(request, cqe.flags) == flags) {
			complete_request(kept, key, result, true);
			kept->note |= REQUEST_OVERFLOWED;
			return true;
		}
		key = kept->older;
	}
	return false;
}

/*
 * The completion queue is full, so that nothing else is said of this one. Only its number is given. The request that it is of has its result already, which mostly tells
 * it from another one with the same number. Not always: so none is forgotten because of it.
 */
SEC("tp_btf/io_uring_cqe_overflow")
int BPF_PROG(pc_overflow_event, void *ring, __u64 number, __s32 result, __u32 flags)
{
	struct request_name name = { (__u64)ring, number, 0 };
	if (overflowed(&name, result, flags))
		return 0;
	name.accepts = 1;
	overflowed(&name, result, flags);
	return 0;
}
#endif
