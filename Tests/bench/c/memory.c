/*
 * memory FILE COMMAND...: how much memory a command needs, with FILE as its standard input.
 *
 * wait4's ru_maxrss cannot tell for a process this small: the kernel counts pages in batches for each CPU, and a child's figure
 * starts from its parent's. So the command is held at its exit, while its memory is still there, and its page tables are read
 * (smaps_rollup), which is exact; VmHWM is read too, for what was given back before. Prints "rss-kib private-kib hwm-kib status".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

/* Sum of the fields of a /proc file whose lines start so. */
static long field(pid_t pid, const char *name, const char *start)
{
	char path[64], line[256];
	long sum = 0;
	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	FILE *file = fopen(path, "r");
	if (!file)
		fail(path);
	while (fgets(line, sizeof line, file)) {
		if (!strncmp(line, start, strlen(start)))
			sum += atol(strchr(line, ':') + 1);
	}
	fclose(file);
	return sum;
}

int main(int count, char **arguments)
{
	int status;
	if (count < 3)
		return 2;
	pid_t pid = fork();
	if (pid == 0) {
		int input = open(arguments[1], O_RDONLY), quiet = open("/dev/null", O_WRONLY);
		if (input < 0 || dup2(input, 0) < 0 || dup2(quiet, 1) < 0 || dup2(quiet, 2) < 0 || ptrace(PTRACE_TRACEME, 0, 0, 0))
			_exit(126);
		close(input);
		close(quiet);
		execv(arguments[2], arguments + 2);
		_exit(127);
	}
	/* The first stop is the one after execve. */
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
		fail("starting the command");
	if (ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL) || ptrace(PTRACE_CONT, pid, 0, 0))
		fail("ptrace");
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		int signal = WSTOPSIG(status);
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_EXIT << 8)) {
			printf("%ld %ld %ld ", field(pid, "smaps_rollup", "Rss:"), field(pid, "smaps_rollup", "Private_"), field(pid, "status", "VmHWM:"));
			signal = 0;
		}
		ptrace(PTRACE_CONT, pid, 0, signal);
	}
	printf("%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
