/*
 * uring [sqpoll] PATH: leave the mount namespace, then let a worker of io_uring open PATH and read it.
 * uring socket FAMILY TYPE PROTOCOL: make a socket by io_uring with credentials that were the task's own a moment ago.
 * uring files DIRECTORY NAME: create, rename, link and remove NAME there, and fail to open it.
 * uring connect PORT: connect to somebody who listens, and accept that.
 * uring multishot PORT: one request that accepts two connections, from the two ports behind, after many requests that are complete at once, and while another with
 *     the same number waits.
 * uring full PORT: accept a connection while the completion queue is full and a later request with the same number waits.
 * uring many PORT COUNT PATH: wait for as many connections in vain, and open PATH.
 */
#include "attack.h"
#include <arpa/inet.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

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

/* Hands one request in, and waits until so many completions are there. */
static void hand_in(struct io_uring_sqe request, unsigned completed)
{
	unsigned tail = *word(submissions, parameters.sq_off.tail), mask = *word(submissions, parameters.sq_off.ring_mask);
	entries[tail & mask] = request;
	word(submissions, parameters.sq_off.array)[tail & mask] = tail & mask;
	__atomic_store_n(word(submissions, parameters.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	unsigned flags = IORING_ENTER_GETEVENTS | (parameters.flags & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0);
	must("io_uring_enter", syscall(SYS_io_uring_enter, ring, 1, completed, flags, NULL, 0));
}

/* The result of the next completion, which is there. */
static int take_completion(void)
{
	unsigned head = *word(completions, parameters.cq_off.head);
	struct io_uring_cqe *done = (void *)(completions + parameters.cq_off.cqes);
	int result = done[head & *word(completions, parameters.cq_off.ring_mask)].res;
	__atomic_store_n(word(completions, parameters.cq_off.head), head + 1, __ATOMIC_RELEASE);
	if (result < 0) errno = -result;
	return result;
}

/* Carries out one request and returns its result. */
static int carry_out(struct io_uring_sqe request)
{
	hand_in(request, 1);
	return take_completion();
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

/* Before 5.15 there are requests fewer. */
static void if_there(const char *what, int result)
{
	if (result != -EINVAL) must(what, result);
}

static int files(char **a)
{
	start();
	int directory = (int)must("open directory", open(a[0], O_RDONLY | O_DIRECTORY));
	uintptr_t name = (uintptr_t)a[1];
	must("openat", carry_out((struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = directory, .addr = name, .len = 0600, .open_flags = O_RDWR | O_CREAT }));
	if_there("linkat", carry_out((struct io_uring_sqe){ .opcode = IORING_OP_LINKAT, .fd = directory, .addr = name, .len = (unsigned)directory, .off = (uintptr_t)"linked" }));
	if_there("symlinkat", carry_out((struct io_uring_sqe){ .opcode = IORING_OP_SYMLINKAT, .fd = directory, .addr = (uintptr_t)"target", .off = (uintptr_t)"symbolic" }));
	if_there("mkdirat", carry_out((struct io_uring_sqe){ .opcode = IORING_OP_MKDIRAT, .fd = directory, .addr = (uintptr_t)"made", .len = 0700 }));
	must("renameat", carry_out((struct io_uring_sqe){ .opcode = IORING_OP_RENAMEAT, .fd = directory, .addr = name, .len = (unsigned)AT_FDCWD, .off = (uintptr_t)"renamed" }));
	must("unlinkat", carry_out((struct io_uring_sqe){ .opcode = IORING_OP_UNLINKAT, .fd = AT_FDCWD, .addr = (uintptr_t)"renamed" }));
	if (carry_out((struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = directory, .addr = name, .open_flags = O_RDONLY }) != -ENOENT) return 1;
	puts("done");
	return 0;
}

static struct sockaddr_in here(int port) { return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }; }

static int bound(int port)
{
	struct sockaddr_in address = here(port);
	int made = (int)must("socket", socket(AF_INET, SOCK_STREAM, 0));
	must("bind", bind(made, (void *)&address, sizeof address));
	return made;
}

static int listening(int port)
{
	int listener = bound(port);
	must("listen", listen(listener, 2));
	return listener;
}

static void connect_from(int from, int port)
{
	struct sockaddr_in address = here(port);
	must("connect", connect(bound(from), (void *)&address, sizeof address));
}

static int multishot(char **a)
{
	int port = atoi(a[0]);
	start();
	hand_in((struct io_uring_sqe){ .opcode = IORING_OP_ACCEPT, .fd = listening(port), .ioprio = IORING_ACCEPT_MULTISHOT, .user_data = 7 }, 0);
	if (mkfifo("/tmp/waits", 0600)) refused("mkfifo");
	hand_in((struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .flags = IOSQE_ASYNC, .fd = AT_FDCWD, .addr = (uintptr_t)"/tmp/waits", .open_flags = O_RDONLY, .user_data = 7 }, 0);
	/* More than are kept: but they are complete. */
	for (int left = 1100; left; left--)
		if (carry_out((struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t)"none", .open_flags = O_RDONLY }) != -ENOENT) return 1;
	connect_from(port + 1, port);
	connect_from(port + 2, port);
	hand_in((struct io_uring_sqe){ .opcode = IORING_OP_NOP }, 3);
	for (int index = 0; index < 3; index++) must("completion", take_completion());
	puts("done");
	return 0;
}

static int full(char **a)
{
	int port = atoi(a[0]);
	start();
	hand_in((struct io_uring_sqe){ .opcode = IORING_OP_ACCEPT, .fd = listening(port), .user_data = 7 }, 0);
	hand_in((struct io_uring_sqe){ .opcode = IORING_OP_ACCEPT, .fd = listening(port + 1), .user_data = 7 }, 0);
	for (unsigned index = 0; index < parameters.cq_entries; index++) hand_in((struct io_uring_sqe){ .opcode = IORING_OP_NOP }, 0);
	connect_from(port + 2, port);
	/* What the connection has woken is carried out on the way back from any call. */
	while (!(*word(submissions, parameters.sq_off.flags) & IORING_SQ_CQ_OVERFLOW)) must("getppid", syscall(SYS_getppid));
	puts("done");
	return 0;
}

static int many(char **a)
{
	start();
	int listener = listening(atoi(a[0]));
	for (int left = atoi(a[1]); left; left--)
		hand_in((struct io_uring_sqe){ .opcode = IORING_OP_ACCEPT, .fd = listener, .user_data = (unsigned)left }, 0);
	must("openat", carry_out((struct io_uring_sqe){ .opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (uintptr_t)a[2], .open_flags = O_RDONLY }));
	puts("done");
	return 0;
}

static int joined(char **a)
{
	struct sockaddr_in address = here(atoi(a[0]));
	int listener = listening(atoi(a[0])), client = (int)must("socket", socket(AF_INET, SOCK_STREAM, 0));
	start();
	must("connect", carry_out((struct io_uring_sqe){ .opcode = IORING_OP_CONNECT, .fd = client, .addr = (uintptr_t)&address, .off = sizeof address }));
	must("accept", carry_out((struct io_uring_sqe){ .opcode = IORING_OP_ACCEPT, .fd = listener }));
	puts("done");
	return 0;
}

int main(int count, char **arguments)
{
	char bytes[256];
	int polled = count > 2 && !strcmp(arguments[1], "sqpoll");
	if (count < 2) return 254;
	if (count > 4 && !strcmp(arguments[1], "socket")) return make_socket(arguments + 2);
	if (count > 3 && !strcmp(arguments[1], "files")) return files(arguments + 2);
	if (count > 2 && !strcmp(arguments[1], "connect")) return joined(arguments + 2);
	if (count > 2 && !strcmp(arguments[1], "multishot")) return multishot(arguments + 2);
	if (count > 2 && !strcmp(arguments[1], "full")) return full(arguments + 2);
	if (count > 4 && !strcmp(arguments[1], "many")) return many(arguments + 2);
	if (polled) parameters.flags = IORING_SETUP_SQPOLL;
	must("unshare", unshare(CLONE_NEWNS));
	start();
	int file = (int)must("openat by a worker", carry_out((struct io_uring_sqe){
		.opcode = IORING_OP_OPENAT, .flags = IOSQE_ASYNC, .fd = AT_FDCWD, .addr = (uintptr_t)arguments[count - 1], .open_flags = O_RDONLY }));
	int length = (int)must("read by a worker", carry_out((struct io_uring_sqe){
		.opcode = IORING_OP_READ, .flags = IOSQE_ASYNC, .fd = file, .addr = (uintptr_t)bytes, .len = sizeof bytes }));
	return write(1, bytes, (size_t)length) < 0;
}
