/*
 * spawntime [--at-once]: runs the commands on standard input, one a line, and times each from before vfork to after wait4.
 *
 * A line is tab-separated: file for the command's standard input, file whose cached pages are dropped before ("-": none), then
 * the command. An answer is "ns max-rss-kib minor-faults major-faults status pages-left", pages-left being what of the dropped
 * file stayed in memory ("-1" if none was dropped). --at-once starts all before it waits for any; each has its own time.
 *
 * Lines are read one by one and nothing is allocated for them: a child's ru_maxrss starts from what its parent had when it was
 * forked, so that this program's own size is the floor of every figure.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 8192, WORDS = 48, AT_ONCE = 1024 };

struct command {
	int input;
	const char *dropped;
	char *words[WORDS];
};

static int quiet;
static char *const environment[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL };

static void fail(const char *what)
{
	fprintf(stderr, "spawntime: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Pages of the file in the page cache. */
static int pages_cached(int file)
{
	struct stat info;
	unsigned char states[4096];
	int cached = 0;
	if (fstat(file, &info))
		fail("fstat");
	size_t pages = ((size_t)info.st_size + 4095) / 4096;
	if (pages > sizeof states)
		pages = sizeof states;
	void *memory = mmap(NULL, pages * 4096, PROT_READ, MAP_SHARED, file, 0);
	if (memory == MAP_FAILED || mincore(memory, pages * 4096, states))
		fail("mincore");
	munmap(memory, pages * 4096);
	for (size_t page = 0; page < pages; page++)
		cached += states[page] & 1;
	return cached;
}

static int drop(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		fail(path);
	/* Dirty pages are not dropped. */
	fsync(file);
	if ((errno = posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)))
		fail(path);
	int left = pages_cached(file);
	close(file);
	return left;
}

/* Brings the whole file back, so that the next command does not pay for the dropping. */
static void restore(const char *path)
{
	char buffer[4096];
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		fail(path);
	while (read(file, buffer, sizeof buffer) > 0)
		;
	close(file);
}

static int parse(char *line, struct command *command)
{
	int count = 0;
	char *input = strtok(line, "\t\n");
	char *dropped = strtok(NULL, "\t\n");
	if (!input || !dropped)
		return 0;
	for (char *word = strtok(NULL, "\t\n"); word && count < WORDS - 1; word = strtok(NULL, "\t\n"))
		command->words[count++] = word;
	command->words[count] = NULL;
	command->dropped = strcmp(dropped, "-") ? dropped : NULL;
	command->input = open(input, O_RDONLY | O_CLOEXEC);
	if (command->input < 0)
		fail(input);
	return count > 0;
}

static pid_t start(struct command *command)
{
	pid_t pid = vfork();
	if (pid == 0) {
		dup2(command->input, 0);
		dup2(quiet, 1);
		dup2(quiet, 2);
		execve(command->words[0], command->words, environment);
		_exit(127);
	}
	if (pid < 0)
		fail("vfork");
	return pid;
}

static void report(int64_t taken, int status, const struct rusage *usage, int left)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	printf("%lld %ld %ld %ld %d %d\n", (long long)taken, usage->ru_maxrss, usage->ru_minflt, usage->ru_majflt, code, left);
	fflush(stdout);
}

static void one_by_one(void)
{
	static char line[LINE];
	struct command command;
	while (fgets(line, sizeof line, stdin)) {
		struct rusage usage;
		int status;
		if (!parse(line, &command))
			continue;
		int left = command.dropped ? drop(command.dropped) : -1;
		int64_t before = now();
		pid_t pid = start(&command);
		if (wait4(pid, &status, 0, &usage) != pid)
			fail("wait4");
		report(now() - before, status, &usage, left);
		close(command.input);
		if (command.dropped)
			restore(command.dropped);
	}
}

static void at_once(void)
{
	char *lines[AT_ONCE];
	struct command *commands = calloc(AT_ONCE, sizeof *commands);
	pid_t pids[AT_ONCE];
	int64_t started[AT_ONCE];
	int count = 0;
	static char line[LINE];
	while (count < AT_ONCE && fgets(line, sizeof line, stdin)) {
		lines[count] = strdup(line);
		if (!lines[count] || !commands)
			fail("memory");
		if (parse(lines[count], &commands[count]))
			count++;
	}
	for (int index = 0; index < count; index++) {
		started[index] = now();
		pids[index] = start(&commands[index]);
	}
	for (int left = count; left > 0; left--) {
		struct rusage usage;
		int status, index = 0;
		pid_t pid = wait4(-1, &status, 0, &usage);
		int64_t ended = now();
		while (index < count && pids[index] != pid)
			index++;
		if (pid < 0 || index == count)
			fail("wait4");
		report(ended - started[index], status, &usage, -1);
	}
}

int main(int count, char **arguments)
{
	quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (quiet < 0)
		fail("/dev/null");
	if (count == 2 && !strcmp(arguments[1], "--at-once"))
		at_once();
	else if (count == 1)
		one_by_one();
	else
		return 2;
	return 0;
}
