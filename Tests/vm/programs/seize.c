/*
 * seize DIRECTORY PID PROGRAM: tries, as another process of root's, to get at what the daemon with this pid has pinned below DIRECTORY/v1, at the daemon
 * and at its program. One line for each attempt that does not end as it must; the status is how many those are. PID 0: no daemon runs.
 */
#include "attack.h"

#include <linux/bpf.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define NOTHING (-1) /* expected: it works, as it is nobody's business */

static const char *directory, *program;
static pid_t daemon_pid;
static int failures, attempts;

static void expect(const char *what, int expected, long result)
{
	int error = result < 0 ? errno : NOTHING;
	attempts++;
	if (error == expected)
		return;
	failures++;
	printf("%s: %s\n", what, error == NOTHING ? "went through" : strerror(error));
}

static char *in(const char *name)
{
	static char paths[4][300];
	static int next;
	char *path = paths[next++ & 3];
	snprintf(path, sizeof paths[0], "%s/v1%s%s", directory, *name ? "/" : "", name);
	return path;
}

static long bpf(int command, union bpf_attr *attributes) { return syscall(SYS_bpf, command, attributes, sizeof *attributes); }

static long open_pin(const char *path, unsigned flags)
{
	union bpf_attr attributes = { .pathname = (uintptr_t)path, .file_flags = flags };
	return bpf(BPF_OBJ_GET, &attributes);
}

/* How many maps called `slots` can be had by their ids. */
static int maps_by_id(void)
{
	int found = 0;
	union bpf_attr next = { 0 };
	while (!bpf(BPF_MAP_GET_NEXT_ID, &next)) {
		struct bpf_map_info info = { 0 };
		union bpf_attr by = { .map_id = next.next_id };
		int map = (int)bpf(BPF_MAP_GET_FD_BY_ID, &by);
		if (map >= 0) {
			union bpf_attr ask = { .info = { .bpf_fd = (unsigned)map, .info_len = sizeof info, .info = (uintptr_t)&info } };
			if (!bpf(BPF_OBJ_GET_INFO_BY_FD, &ask) && !strcmp(info.name, "slots"))
				found++;
			close(map);
		}
		next.start_id = next.next_id;
	}
	return found;
}

static void try_maps(void)
{
	expect("opening a pinned map", EPERM, open_pin(in("slots"), 0));
	expect("opening a pinned map to read", EPERM, open_pin(in("slots"), BPF_F_RDONLY));
	int seen = maps_by_id();
	errno = EPERM;
	expect("maps by their ids", EPERM, seen ? 0 : -1);
	long link = open_pin(in("link_pc_file_open"), 0);
	union bpf_attr detach = { .link_detach = { .link_fd = (unsigned)link } };
	expect("detaching a link", EOPNOTSUPP, bpf(BPF_LINK_DETACH, &detach));
	/* Other people's are not touched. */
	union bpf_attr make = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1 };
	long own = bpf(BPF_MAP_CREATE, &make);
	expect("making a map", NOTHING, own);
	union bpf_attr pin = { .pathname = (uintptr_t)in("stranger"), .bpf_fd = (unsigned)own };
	expect("pinning among ours", EPERM, bpf(BPF_OBJ_PIN, &pin));
	pin.pathname = (uintptr_t) "/sys/fs/bpf/stranger";
	expect("pinning elsewhere", NOTHING, bpf(BPF_OBJ_PIN, &pin));
	expect("removing that", NOTHING, unlink("/sys/fs/bpf/stranger"));
}

static void try_names(void)
{
	expect("removing a pin", EPERM, unlink(in("link_pc_file_open")));
	expect("renaming a pin", EPERM, rename(in("link_pc_file_open"), "/sys/fs/bpf/stranger"));
	expect("a directory among ours", EPERM, mkdir(in("new"), 0700));
	expect("a link among ours", EPERM, symlink("/x", in("new")));
	expect("renaming the directory", EPERM, rename(in(""), "/sys/fs/bpf/gone"));
	expect("renaming the one above", EPERM, rename(directory, "/sys/fs/bpf/gone"));
}

/* In a mount namespace of its own: whether unmounting there propagates. */
static long unmount_in_copy(int flags)
{
	int status;
	pid_t child = fork();
	if (!child) {
		if (unshare(CLONE_NEWNS) || (flags && mount("", "/", NULL, (unsigned long)flags, NULL)))
			_exit(254);
		_exit(umount2("/sys/fs/bpf", MNT_DETACH) ? errno : 0);
	}
	waitpid(child, &status, 0);
	errno = WEXITSTATUS(status);
	return errno ? -1 : 0;
}

static void try_mounts(void)
{
	expect("unmounting", EPERM, umount2("/sys/fs/bpf", 0));
	expect("unmounting lazily", EPERM, umount2("/sys/fs/bpf", MNT_DETACH));
	expect("unmounting /sys lazily", EPERM, umount2("/sys", MNT_DETACH));
	expect("mounting over", EPERM, mount("x", "/sys/fs/bpf", "tmpfs", 0, NULL));
	expect("mounting over the directory", EPERM, mount("x", directory, "tmpfs", 0, NULL));
	expect("mounting over /sys", EPERM, mount("x", "/sys", "tmpfs", 0, NULL));
	expect("a bind mount over a pin", EPERM, mount("/etc/passwd", in("slots"), NULL, MS_BIND, NULL));
	mkdir("/run/seize", 0700);
	expect("moving the mount", EPERM, mount("/sys/fs/bpf", "/run/seize", NULL, MS_MOVE, NULL));
	expect("mounting it read-only", EPERM, mount("", "/sys/fs/bpf", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	expect("moving the mount by descriptor", EPERM, syscall(429, AT_FDCWD, "/sys/fs/bpf", AT_FDCWD, "/run/seize", 0));
	expect("unmounting in a shared copy", EPERM, unmount_in_copy(0));
	expect("unmounting in a private copy", NOTHING, unmount_in_copy(MS_REC | MS_PRIVATE));
	expect("a mount elsewhere", NOTHING, mount("x", "/run/seize", "tmpfs", 0, NULL));
	expect("unmounting that", NOTHING, umount("/run/seize"));
}

static void try_daemon(void)
{
	char bytes[8];
	struct iovec own = { bytes, 1 }, other = { (void *)0x400000, 1 };
	struct rlimit limit = { 1, 1 };
	expect("ptrace", EPERM, ptrace(PTRACE_SEIZE, daemon_pid, 0, 0));
	expect("process_vm_writev", EPERM, process_vm_writev(daemon_pid, &own, 1, &other, 1, 0));
	expect("process_vm_readv", EPERM, process_vm_readv(daemon_pid, &own, 1, &other, 1, 0));
	int pidfd = (int)syscall(434, daemon_pid, 0);
	expect("pidfd_getfd", EPERM, syscall(438, pidfd, 3, 0));
	for (int index = 0; index < 3; index++) {
		int signals[] = { SIGKILL, SIGTERM, SIGSTOP };
		expect("a signal", EPERM, kill(daemon_pid, signals[index]));
	}
	expect("tgkill", EPERM, syscall(SYS_tgkill, daemon_pid, daemon_pid, SIGKILL));
	expect("pidfd_send_signal", EPERM, syscall(424, pidfd, SIGKILL, NULL, 0));
	expect("prlimit", EPERM, prlimit(daemon_pid, RLIMIT_NOFILE, &limit, NULL));
	expect("asking whether it lives", NOTHING, kill(daemon_pid, 0));
	expect("reading a limit", NOTHING, prlimit(daemon_pid, RLIMIT_NOFILE, NULL, &limit));
	expect("ptrace of process 1", EPERM, ptrace(PTRACE_SEIZE, 1, 0, 0));
}

static void try_program(void)
{
	int busy = daemon_pid ? ETXTBSY : EPERM;
	expect("writing the program", busy, open(program, O_WRONLY));
	expect("cutting the program off", busy, truncate(program, 0));
	expect("removing the program", EPERM, unlink(program));
	expect("replacing the program", EPERM, rename("/run/busybox", program));
	expect("switching the trampolines off", EPERM, open("/proc/sys/kernel/ftrace_enabled", O_WRONLY));
	expect("looking at that switch", NOTHING, open("/proc/sys/kernel/ftrace_enabled", O_RDONLY));
}

int main(int count, char **arguments)
{
	if (count < 4)
		return 254;
	directory = arguments[1], daemon_pid = atoi(arguments[2]), program = arguments[3];
	/* Up to 5.10 maps are charged to it. */
	setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY });
	try_maps();
	try_names();
	try_mounts();
	if (daemon_pid)
		try_daemon();
	try_program();
	printf("%d of %d attempts ended as they must\n", attempts - failures, attempts);
	return failures;
}
