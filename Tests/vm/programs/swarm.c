/* swarm COMMAND ...: attacks by number and by timing. */
#include "attack.h"
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct counts { _Atomic unsigned read, denied, other, renamed, mounted; };

static struct counts *shared_counts(void)
{
	struct counts *counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED) refused("mmap");
	return counts;
}

static void attempt_at(struct counts *counts, int at, const char *path)
{
	int from = openat(at, path, O_RDONLY);
	if (from >= 0) counts->read++;
	else if (errno == EACCES) counts->denied++;
	else if (errno != ENOENT) counts->other++;
	if (from >= 0) close(from);
}

static void attempt(struct counts *counts, const char *path) { attempt_at(counts, AT_FDCWD, path); }

static int report(struct counts *counts, const char *path)
{
	printf("opened %u denied %u otherwise %u\n", counts->read, counts->denied, counts->other);
	if (!counts->read) return counts->denied ? EACCES : 253;
	puts("SECRET-OPENED");
	(void)path;
	return 0;
}

/* bomb CHILDREN PATH: generations of children that each fork two more, in a namespace of their own, and then try. */
static int bomb(char **a)
{
	struct counts *counts = shared_counts();
	int left = atoi(a[0]);
	while (left > 0) {
		int batch = left < 64 ? left : 64;
		for (int i = 0; i < batch; i++) {
			pid_t child = fork();
			if (child < 0) { batch = i; break; }
			if (child) continue;
			(void)!unshare(CLONE_NEWNS);
			if (fork() == 0) { attempt(counts, a[1]); _exit(0); }
			attempt(counts, a[1]);
			while (wait(NULL) > 0);
			_exit(0);
		}
		while (wait(NULL) > 0);
		left -= batch ? batch : 1;
	}
	return report(counts, a[1]);
}

/* What is renamed: A to B and back without end; with an inner pair, that first and back last, in the directory MIDDLE. */
struct renames { const char *a, *b, *inner_a, *inner_b; int middle; };

/* A rename that is refused is no matter, and is not counted. */
static pid_t renamer(struct counts *counts, const struct renames *what)
{
	pid_t child = fork();
	if (child) return child;
	for (;;) {
		if (what->inner_a && !renameat(what->middle, what->inner_a, what->middle, what->inner_b)) counts->renamed++;
		if (!rename(what->a, what->b)) counts->renamed++;
		if (!rename(what->b, what->a)) counts->renamed++;
		if (what->inner_a && !renameat(what->middle, what->inner_b, what->middle, what->inner_a)) counts->renamed++;
	}
}

/*
 * Opens NAME TIMES times meanwhile, and goes on until during LEAST of the opens a rename came to its end: only those were a race. A hundred times
 * TIMES and still fewer is no race.
 */
static int raced_opens(struct counts *counts, const struct renames *what, int at, const char *name, int times, unsigned least)
{
	unsigned raced = 0;
	pid_t child = renamer(counts, what);
	for (int i = 0; i < times || (raced < least && i < 100 * times); i++) {
		unsigned before = counts->renamed;
		attempt_at(counts, at, name);
		raced += counts->renamed != before;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	(void)!rename(what->b, what->a);
	if (what->inner_a) (void)!renameat(what->middle, what->inner_b, what->middle, what->inner_a);
	printf("renamed %u raced %u\n", counts->renamed, raced);
	return raced >= least;
}

/* race A B PATH TIMES [LEAST]: one process renames A to B and back, another opens PATH. */
static int race(char **a)
{
	struct counts *counts = shared_counts();
	struct renames what = { .a = a[0], .b = a[1] };
	if (!raced_opens(counts, &what, AT_FDCWD, a[2], atoi(a[3]), a[4] ? (unsigned)atoi(a[4]) : 0)) return 252;
	return report(counts, a[2]);
}

/*
 * race-inner A B MIDDLE INNER-A INNER-B NAME TIMES LEAST: A/MIDDLE/INNER-A/NAME is opened by a descriptor of its directory, so that it is always
 * found, while the inner directory is renamed, then the outer one, and back in reverse: B/MIDDLE/INNER-A/NAME is a path that never is.
 */
static int race_inner(char **a)
{
	struct counts *counts = shared_counts();
	int outer = (int)must("open O_PATH", open(a[0], O_PATH | O_DIRECTORY)), middle = (int)must("open O_PATH", openat(outer, a[2], O_PATH | O_DIRECTORY));
	int inner = (int)must("open O_PATH", openat(middle, a[3], O_PATH | O_DIRECTORY));
	struct renames what = { .a = a[0], .b = a[1], .inner_a = a[3], .inner_b = a[4], .middle = middle };
	if (!raced_opens(counts, &what, inner, a[5], atoi(a[6]), (unsigned)atoi(a[7]))) return 252;
	printf("opened %u denied %u otherwise %u\n", counts->read, counts->denied, counts->other);
	return 0;
}

/* swap-exec GOOD EVIL TIMES: GOOD is a link that is turned to EVIL and back while it is executed again and again. */
static int swap_exec(char **a)
{
	char *none[] = { "attacker", NULL };
	pid_t swapper = fork();
	if (!swapper)
		for (;;) (void)!syscall(SYS_renameat2, AT_FDCWD, a[0], AT_FDCWD, a[1], 2);
	for (int i = atoi(a[2]); i > 0; i--) {
		if (!fork()) { execve(a[0], none, NULL); _exit(errno); }
		wait(NULL);
	}
	kill(swapper, SIGKILL);
	wait(NULL);
	return EACCES; /* what was executed has printed itself */
}

/* outlive PID RESULT PATH: leave the session and the family, wait for PID to end, then try and say how it went in RESULT. */
static int outlive(char **a)
{
	int init = (int)must("pidfd_open", syscall(SYS_pidfd_open, atoi(a[0]), 0));
	if (fork()) _exit(0);
	setsid();
	if (fork()) _exit(0);
	struct pollfd ended = { .fd = init, .events = POLLIN };
	poll(&ended, 1, -1);
	char line[128], part[256];
	int from = open(a[2], O_RDONLY), length = 0;
	if (from >= 0) length = (int)read(from, line, sizeof line - 1);
	int written = from >= 0 && length >= 0 ? snprintf(part, sizeof part, "%.*s", length, line) : snprintf(part, sizeof part, "open: %s\n", strerror(errno));
	char name[4096];
	snprintf(name, sizeof name, "%s.new", a[1]);
	int to = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	(void)!write(to, part, (size_t)written);
	close(to);
	(void)!rename(name, a[1]);
	/* Stays, so that the container has a task while it is looked at. */
	pause();
	return 0;
}

static volatile sig_atomic_t asked_to_end;

static void on_end(int number) { asked_to_end = number; }

/* opens TIMES PATH: open PATH again and again, without TIMES (0) until it is asked to end; how it went and how often the answer changed. */
static int opens(char **a)
{
	int times = atoi(a[0]);
	signal(SIGTERM, on_end);
	struct counts counts = { 0 };
	unsigned changes = 0, before = 2;
	for (int i = 0; times ? i < times : !asked_to_end; i++) {
		unsigned opened = counts.read;
		attempt(&counts, a[1]);
		if (before != 2 && before != counts.read - opened) changes++;
		before = counts.read - opened;
	}
	printf("opened %u denied %u otherwise %u changes %u\n", counts.read, counts.denied, counts.other, changes);
	return 0;
}

/* sample PATH MILLISECONDS LOG: open PATH so often, for good; a line for each time. Costs nothing but the open, so that many can do it. */
static int sample(char **a)
{
	int log = (int)must("open", open(a[2], O_WRONLY | O_CREAT | O_APPEND, 0644));
	for (;;) {
		int from = open(a[0], O_RDONLY);
		if (from >= 0) (void)!write(log, "open\n", 5);
		else (void)!write(log, "denied\n", 7);
		if (from >= 0) close(from);
		usleep((useconds_t)atoi(a[1]) * 1000);
	}
}

/* storm A B MOUNTPOINT: renames A to B and back and mounts and unmounts, both as fast as it can, until it is asked to end. */
static int storm(char **a)
{
	struct counts *counts = shared_counts();
	sigset_t end;
	int got;
	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	sigprocmask(SIG_BLOCK, &end, NULL);
	struct renames what = { .a = a[0], .b = a[1] };
	pid_t first = renamer(counts, &what), second = fork();
	if (!second)
		for (;;) {
			must("mount", mount("tmpfs", a[2], "tmpfs", 0, ""));
			must("umount2", umount2(a[2], MNT_DETACH));
			counts->mounted++;
		}
	sigwait(&end, &got);
	kill(first, SIGKILL);
	kill(second, SIGKILL);
	printf("renamed %u mounted %u\n", counts->renamed, counts->mounted);
	return 0;
}

int main(int count, char **arguments)
{
	static const struct command commands[] = {
		{ "bomb", 2, bomb }, { "race", 4, race }, { "race-inner", 8, race_inner }, { "swap-exec", 3, swap_exec }, { "outlive", 3, outlive },
		{ "opens", 2, opens }, { "sample", 3, sample }, { "storm", 3, storm }, { 0 },
	};
	return dispatch(commands, count, arguments);
}
