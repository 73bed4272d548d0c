/*
 * loadgen SOCKET CONNECTIONS PREFIX: registers the holders on standard input (holders.c prints them), CONNECTIONS at a time.
 *
 * Each registration is a connection of its own: connect, one add frame, one answer, close. One thread and one epoll set, since
 * the daemon needs the other core. Frames are made beforehand. Prints one line "ns" for each registration (before connect to
 * after the answer) and at the end "total ns frame-bytes own-cpu-ns". An answer that is not "registered" ends it.
 */
#define _GNU_SOURCE
#include "frame.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LIMIT = 65536, CONNECTIONS = 1024, REGISTERED = 1 };

static struct frame *frames;
static int64_t *started, *taken;
static int total, next;
static struct sockaddr_un address = { .sun_family = AF_UNIX };

static void fail(const char *what)
{
	fprintf(stderr, "loadgen: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void load(const char *prefix)
{
	unsigned pid;
	unsigned long long ticks, mounts, pids;
	frames = calloc(LIMIT, sizeof *frames);
	started = calloc(LIMIT, sizeof *started);
	taken = calloc(LIMIT, sizeof *taken);
	if (!frames || !started || !taken)
		fail("memory");
	while (total < LIMIT && scanf("%u %llu %llu %llu", &pid, &ticks, &mounts, &pids) == 4) {
		char id[65], padded[80];
		snprintf(padded, sizeof padded, "%s%08d%064d", prefix, total, 0);
		memcpy(id, padded, 64);
		id[64] = 0;
		frame_add(&frames[total++], id, pid, ticks, mounts, pids);
	}
}

/* Connects, sends the next frame and returns the descriptor. A UNIX connect is done when it returns. */
static int begin(int index)
{
	started[index] = clock_ns(CLOCK_MONOTONIC);
	int socket_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (socket_ < 0 || connect(socket_, (struct sockaddr *)&address, sizeof address))
		fail("connect");
	if (send(socket_, frames[index].bytes, frames[index].length, MSG_NOSIGNAL) != (ssize_t)frames[index].length)
		fail("send");
	return socket_;
}

/* Takes the answer: length, version, type, 2 reserved, 2-byte code, 4-byte ABI, reason. They come in one piece. */
static void finish(int socket_, int index)
{
	uint8_t answer[1024];
	ssize_t count = recv(socket_, answer, sizeof answer, 0);
	taken[index] = clock_ns(CLOCK_MONOTONIC) - started[index];
	if (count < 14)
		fail("the daemon closed the connection or cut its answer");
	int code = answer[8] | answer[9] << 8;
	if (code != REGISTERED) {
		fprintf(stderr, "loadgen: registration %d was refused with code 0x%x: %.*s\n", index, code, (int)(count - 14),
			(const char *)answer + 14);
		exit(1);
	}
	close(socket_);
}

static void run_one_at_a_time(void)
{
	for (next = 0; next < total; next++)
		finish(begin(next), next);
}

static void watch(int set, int index)
{
	struct epoll_event event = { .events = EPOLLIN };
	int socket_ = begin(index);
	event.data.u64 = (uint64_t)socket_ << 32 | (uint32_t)index;
	if (epoll_ctl(set, EPOLL_CTL_ADD, socket_, &event))
		fail("epoll_ctl");
}

static void run_many(int connections)
{
	struct epoll_event ready[CONNECTIONS];
	int set = epoll_create1(EPOLL_CLOEXEC), open_ = 0;
	while (next < total && open_ < connections) {
		watch(set, next++);
		open_++;
	}
	while (open_ > 0) {
		int count = epoll_wait(set, ready, connections, -1);
		if (count < 0 && errno != EINTR)
			fail("epoll_wait");
		for (int event = 0; event < count; event++) {
			finish((int)(ready[event].data.u64 >> 32), (int)(uint32_t)ready[event].data.u64);
			open_--;
			if (next < total) {
				watch(set, next++);
				open_++;
			}
		}
	}
}

int main(int count, char **arguments)
{
	int connections = count == 4 ? atoi(arguments[2]) : 0;
	if (connections < 1 || connections > CONNECTIONS || strlen(arguments[1]) >= sizeof address.sun_path) {
		fprintf(stderr, "usage: loadgen SOCKET CONNECTIONS PREFIX\n");
		return 2;
	}
	strcpy(address.sun_path, arguments[1]);
	load(arguments[3]);
	int64_t begun = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	if (connections == 1)
		run_one_at_a_time();
	else
		run_many(connections);
	int64_t ended = clock_ns(CLOCK_MONOTONIC);
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	for (int index = 0; index < total; index++)
		printf("%lld\n", (long long)taken[index]);
	printf("total %lld %zu %lld\n", (long long)(ended - begun), total ? frames[0].length : 0, (long long)cpu);
	return 0;
}
