/*
 * churn exec|exit MILLISECONDS RATE CPU WORKERS WAIT: makes process events, inside a container, as fast as can be or RATE rounds
 * a second and worker (0: as fast as can be), on one CPU (-1: on any), by so many workers, after WAIT milliseconds.
 *
 * A round of "exec" is a process that executes this program again and ends: two events. A round of "exit" is a process that
 * only ends: one event, and by far the cheapest one to make. Prints "rounds ns", rounds of all workers.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

struct order {
	int execute, cpu;
	int64_t length, rate;
};

/* Makes events until the time is over; returns the rounds made. */
static int64_t work(const struct order *order, char *self)
{
	char *const again[] = { self, "end", NULL };
	int64_t begun = now(), passed, rounds = 0;
	if (order->cpu >= 0) {
		cpu_set_t set;
		CPU_ZERO(&set);
		CPU_SET(order->cpu, &set);
		if (sched_setaffinity(0, sizeof set, &set)) {
			perror("sched_setaffinity");
			exit(1);
		}
	}
	while ((passed = now() - begun) < order->length) {
		/* Behind its rate it does not wait; ahead of it, it spins: a sleep is longer than a round. */
		if (order->rate && rounds * 1000000000 / order->rate > passed)
			continue;
		pid_t pid = vfork();
		if (pid == 0) {
			if (order->execute)
				execv(again[0], again);
			_exit(order->execute ? 127 : 0);
		}
		int status;
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
			perror("churn: a process failed");
			exit(1);
		}
		rounds++;
	}
	return rounds;
}

int main(int count, char **arguments)
{
	if (count == 2 && !strcmp(arguments[1], "end"))
		return 0;
	if (count != 7) {
		fprintf(stderr, "usage: churn exec|exit MILLISECONDS RATE CPU WORKERS WAIT\n");
		return 2;
	}
	struct order order = { .execute = !strcmp(arguments[1], "exec"), .cpu = atoi(arguments[4]),
			       .length = atoll(arguments[2]) * 1000000, .rate = atoll(arguments[3]) };
	int workers = atoi(arguments[5]), status;
	int64_t *rounds = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (rounds == MAP_FAILED || workers < 1 || workers > 64)
		return 2;
	usleep((useconds_t)atoi(arguments[6]) * 1000);
	int64_t begun = now(), total = 0;
	for (int worker = 1; worker < workers; worker++) {
		if (fork() == 0) {
			rounds[worker] = work(&order, arguments[0]);
			_exit(0);
		}
	}
	rounds[0] = work(&order, arguments[0]);
	while (wait(&status) > 0)
		if (status)
			return 1;
	for (int worker = 0; worker < workers; worker++)
		total += rounds[worker];
	printf("%lld %lld\n", (long long)total, (long long)(now() - begun));
	return 0;
}
