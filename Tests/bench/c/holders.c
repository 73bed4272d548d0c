/*
 * holders N: N live processes, each init of its own mount and pid namespaces, as containers' inits are.
 *
 * Prints "pid start-ticks mount-namespace pid-namespace" for each, then "ready". They live until standard input ends.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* A holder waits on a pipe that nobody writes to: when the parent dies, however it dies, the pipe ends and so does the holder. */
static void hold(int lifeline[2])
{
	char byte;
	close(lifeline[1]);
	while (read(lifeline[0], &byte, 1) > 0)
		;
	_exit(0);
}

/* The inode number in a link such as mnt:[4026532177]. */
static uint64_t namespace_of(pid_t pid, const char *name)
{
	char path[64], link[64];
	snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
	ssize_t count = readlink(path, link, sizeof link - 1);
	if (count < 0)
		fail(path);
	link[count] = 0;
	const char *bracket = strchr(link, '[');
	return bracket ? strtoull(bracket + 1, NULL, 10) : 0;
}

/* Field 22 of /proc/PID/stat (proc(5)); fields are counted from behind the command's name, which may hold anything. */
static uint64_t start_ticks(pid_t pid)
{
	char path[64], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	FILE *file = fopen(path, "r");
	if (!file || !fgets(text, sizeof text, file))
		fail(path);
	fclose(file);
	char *field = strrchr(text, ')');
	for (int number = 2; field && number < 22; number++)
		field = strchr(field + 1, ' ');
	if (!field)
		fail("the process's stat line is too short");
	return strtoull(field + 1, NULL, 10);
}

int main(int count, char **arguments)
{
	int wanted = count == 2 ? atoi(arguments[1]) : 0;
	int lifeline[2];
	char byte;
	if (wanted <= 0) {
		fprintf(stderr, "usage: holders N\n");
		return 2;
	}
	pid_t *holders = calloc((size_t)wanted, sizeof *holders);
	if (!holders || pipe(lifeline))
		fail("holders");
	/* All are made before any is looked at: what is printed is settled when the first one is used. */
	for (int index = 0; index < wanted; index++) {
		holders[index] = (pid_t)syscall(SYS_clone, CLONE_NEWNS | CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0);
		if (holders[index] < 0)
			fail("clone");
		if (holders[index] == 0)
			hold(lifeline);
	}
	for (int index = 0; index < wanted; index++) {
		pid_t pid = holders[index];
		printf("%d %llu %llu %llu\n", pid, (unsigned long long)start_ticks(pid), (unsigned long long)namespace_of(pid, "mnt"),
		       (unsigned long long)namespace_of(pid, "pid"));
	}
	printf("ready\n");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	for (int index = 0; index < wanted; index++)
		kill(holders[index], SIGKILL);
	while (wait(NULL) > 0)
		;
	return 0;
}
