/*
 * poller DIRECTORY MILLISECONDS: finds containers the way that needs no event: it reads runc's state directory again and again.
 *
 * As thrifty as such a program can be: one readdir a round; a state file is read once, when its container is new, and the
 * container's mount namespace is read from the pid found there. Prints "known ID realtime-ns" for a container whose namespace
 * it could read, "late ID realtime-ns" for one that was gone by then. On SIGTERM "cpu ns rounds".
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

enum { KNOWN = 4096, STATE_ROOM = 256 << 10 };

struct entry {
	char id[256];
	int seen;
};

static struct entry known[KNOWN];
static int known_count, rounds;
static volatile sig_atomic_t stopping;

static void stop(int signal)
{
	(void)signal;
	stopping = 1;
}

static int64_t clock_ns(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* The init's pid from runc's state file; 0 if there is none yet. */
static int init_pid(const char *directory, const char *id)
{
	static char text[STATE_ROOM];
	char path[512];
	snprintf(path, sizeof path, "%s/%s/state.json", directory, id);
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return 0;
	ssize_t count = read(file, text, sizeof text - 1);
	close(file);
	if (count <= 0)
		return 0;
	text[count] = 0;
	const char *field = strstr(text, "\"init_process_pid\":");
	return field ? atoi(field + strlen("\"init_process_pid\":")) : 0;
}

static void look(const char *directory, const char *id)
{
	char path[64], link[64];
	int index = 0;
	while (index < known_count && strcmp(known[index].id, id))
		index++;
	if (index < known_count) {
		known[index].seen = rounds;
		return;
	}
	int pid = init_pid(directory, id);
	/* Without a state yet the container is looked at again in the next round. */
	if (pid <= 0 || known_count == KNOWN)
		return;
	snprintf(path, sizeof path, "/proc/%d/ns/mnt", pid);
	const char *word = readlink(path, link, sizeof link) > 0 ? "known" : "late";
	printf("%s %s %lld\n", word, id, (long long)clock_ns(CLOCK_REALTIME));
	snprintf(known[known_count].id, sizeof known[known_count].id, "%s", id);
	known[known_count++].seen = rounds;
}

static void forget_the_gone(void)
{
	for (int index = 0; index < known_count;) {
		if (known[index].seen == rounds)
			index++;
		else
			known[index] = known[--known_count];
	}
}

int main(int count, char **arguments)
{
	long interval = count == 3 ? atol(arguments[2]) : 0;
	struct sigaction action = { .sa_handler = stop };
	if (interval <= 0) {
		fprintf(stderr, "usage: poller DIRECTORY MILLISECONDS\n");
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGTERM, &action, NULL);
	while (!stopping) {
		DIR *directory = opendir(arguments[1]);
		rounds++;
		for (struct dirent *entry; directory && (entry = readdir(directory));)
			if (entry->d_name[0] != '.')
				look(arguments[1], entry->d_name);
		if (directory)
			closedir(directory);
		forget_the_gone();
		fflush(stdout);
		struct timespec pause = { .tv_sec = interval / 1000, .tv_nsec = interval % 1000 * 1000000 };
		nanosleep(&pause, NULL);
	}
	printf("cpu %lld %d\n", (long long)clock_ns(CLOCK_PROCESS_CPUTIME_ID), rounds);
	return 0;
}
