// loops FILE PROGRAM: what a few system calls take, in nanoseconds of this machine's clock: minima of ten batches. Where the clock counts
// instructions they repeat. PROGRAM is this program, too: it ends at once when its argument is "quiet".
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 10

static const char *path, *program;
static int descriptor;

static void fail(const char *what)
{
	fprintf(stderr, "loops: %s: %s\n", what, strerror(errno));
	exit(1);
}

static long now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000L + time.tv_nsec;
}

static void one_open(void)
{
	int opened = open(path, O_RDONLY);
	if (opened < 0)
		fail(path);
	close(opened);
}

static void one_stat(void)
{
	struct stat status;
	if (stat(path, &status))
		fail(path);
}

static void one_read(void)
{
	char byte;
	if (pread(descriptor, &byte, 1, 0) != 1)
		fail("read");
}

static void one_write(void)
{
	if (pwrite(descriptor, "d", 1, 0) != 1)
		fail("write");
}

static void one_call(void)
{
	syscall(SYS_getppid);
}

static void one_exec(void)
{
	int status;
	pid_t child = vfork();
	if (!child) {
		execl(program, program, "quiet", (char *)NULL);
		_exit(126);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status)
		fail(program);
}

static void measure(const char *name, void (*one)(void), int calls)
{
	long best = 0;
	/* The first batch finds cold caches of the kernel's own, and is left out. */
	for (int batch = -1; batch < BATCHES; batch++) {
		long start = now();
		for (int call = 0; call < calls; call++)
			one();
		long taken = now() - start;
		if (batch >= 0 && (!best || taken < best))
			best = taken;
	}
	printf("%s %.1f\n", name, (double)best / calls);
	fflush(stdout);
}

int main(int count, char **words)
{
	if (count == 2 && !strcmp(words[1], "quiet"))
		return 0;
	if (count != 3)
		return 2;
	path = words[1];
	program = words[2];
	descriptor = open(path, O_RDWR);
	if (descriptor < 0)
		fail(path);
	measure("open", one_open, 500);
	measure("stat", one_stat, 500);
	measure("read", one_read, 500);
	measure("write", one_write, 500);
	measure("call", one_call, 2000);
	measure("exec", one_exec, 20);
	return 0;
}
