/*
 * churn exec|exit MILLISECONDS RATE CPU: makes process events, inside a container, as fast as can be or RATE rounds a second
 * (0: as fast as can be), on one CPU (-1: on any).
 *
 * A round of "exec" is a process that executes this program again and ends: two events. A round of "exit" is a process that
 * only ends: one event, and by far the cheapest one to make. Prints "rounds ns".
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int main(int count, char **arguments)
{
	if (count == 2 && !strcmp(arguments[1], "end"))
		return 0;
	if (count != 5) {
		fprintf(stderr, "usage: churn exec|exit MILLISECONDS RATE CPU\n");
		return 2;
	}
	int execute = !strcmp(arguments[1], "exec");
	int64_t length = atoll(arguments[2]) * 1000000, rate = atoll(arguments[3]), rounds = 0;
	int cpu = atoi(arguments[4]);
	if (cpu >= 0) {
		cpu_set_t set;
		CPU_ZERO(&set);
		CPU_SET(cpu, &set);
		if (sched_setaffinity(0, sizeof set, &set)) {
			perror("sched_setaffinity");
			return 1;
		}
	}
	char *const again[] = { arguments[0], "end", NULL };
	int64_t begun = now(), passed;
	while ((passed = now() - begun) < length) {
		/* Behind its rate it does not wait; ahead of it, it spins: a sleep is longer than a round. */
		if (rate && rounds * 1000000000 / rate > passed)
			continue;
		pid_t pid = vfork();
		if (pid == 0) {
			if (execute)
				execv(again[0], again);
			_exit(execute ? 127 : 0);
		}
		int status;
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status) {
			perror("churn: a process failed");
			return 1;
		}
		rounds++;
	}
	printf("%lld %lld\n", (long long)rounds, (long long)passed);
	return 0;
}
