/* reach COMMAND ...: ways to open or to execute a file other than by calling it by its name. */
#include "attack.h"
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>

static char *no_arguments[] = { "attacker", NULL };
static char *no_environment[] = { NULL };

static int execute_at(int directory, const char *name, int flags)
{
	syscall(SYS_execveat, directory, name, no_arguments, no_environment, flags);
	refused("execveat");
}

static int plain_read(char **a) { return show((int)must("open", open(a[0], O_RDONLY))); }

static int plain_exec(char **a)
{
	execve(a[0], no_arguments, no_environment);
	refused("execve");
}

/* read-openat2 DIRECTORY PATH: PATH resolved with DIRECTORY as its root. */
static int read_openat2(char **a)
{
	struct open_how how = { .flags = O_RDONLY, .resolve = RESOLVE_IN_ROOT };
	int directory = (int)must("open", open(a[0], O_PATH | O_DIRECTORY));
	return show((int)must("openat2", syscall(SYS_openat2, directory, a[1], &how, sizeof how)));
}

/* read-by-descriptor PATH: through /proc/self/fd of a descriptor that was opened without asking for access. */
static int read_by_descriptor(char **a)
{
	char name[64];
	snprintf(name, sizeof name, "/proc/self/fd/%d", (int)must("open O_PATH", open(a[0], O_PATH)));
	return show((int)must("open /proc/self/fd/N", open(name, O_RDONLY)));
}

static int exec_by_descriptor(char **a)
{
	char name[64];
	snprintf(name, sizeof name, "/proc/self/fd/%d", (int)must("open O_PATH", open(a[0], O_PATH)));
	execve(name, no_arguments, no_environment);
	refused("execve /proc/self/fd/N");
}

static int exec_empty_path(char **a) { return execute_at((int)must("open O_PATH", open(a[0], O_PATH)), "", AT_EMPTY_PATH); }

/* exec-memfd PATH NAME: the content of PATH, from an anonymous file called NAME. */
static int exec_memfd(char **a)
{
	char bytes[4096];
	ssize_t length;
	int from = (int)must("open", open(a[0], O_RDONLY)), to = (int)must("memfd_create", memfd_create(a[1], 0));
	while ((length = must("read", read(from, bytes, sizeof bytes))) > 0) must("write", write(to, bytes, (size_t)length));
	return execute_at(to, "", AT_EMPTY_PATH);
}

/* chroot-read DIRECTORY PATH, chroot-exec DIRECTORY PATH: under another root, PATH looks like another file. */
static void enter(const char *directory)
{
	must("chroot", chroot(directory));
	must("chdir", chdir("/"));
}

static int chroot_read(char **a)
{
	enter(a[0]);
	return plain_read(a + 1);
}

static int chroot_exec(char **a)
{
	enter(a[0]);
	return plain_exec(a + 1);
}

/* handle-read DIRECTORY PATH: by file handle; DIRECTORY is anything on the same mount. */
static int handle_read(char **a)
{
	static _Alignas(struct file_handle) unsigned char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	struct file_handle *handle = (void *)bytes;
	int number, mount = (int)must("open", open(a[0], O_RDONLY | O_DIRECTORY));
	handle->handle_bytes = MAX_HANDLE_SZ;
	must("name_to_handle_at", name_to_handle_at(AT_FDCWD, a[1], handle, &number, 0));
	return show((int)must("open_by_handle_at", open_by_handle_at(mount, handle, O_RDONLY)));
}

/* map-exec PATH, map-then-protect PATH: executable memory from the file, as a loader makes it. */
static int map(const char *path, int first, int then)
{
	struct stat about;
	int from = (int)must("open", open(path, O_RDONLY));
	must("fstat", fstat(from, &about));
	void *at = mmap(NULL, (size_t)about.st_size, first, MAP_PRIVATE, from, 0);
	if (at == MAP_FAILED) refused("mmap");
	if (then) must("mprotect", mprotect(at, (size_t)about.st_size, then));
	puts("SECRET-MAPPED");
	return 0;
}

static int map_exec(char **a) { return map(a[0], PROT_READ | PROT_EXEC, 0); }
static int map_then_protect(char **a) { return map(a[0], PROT_READ, PROT_READ | PROT_EXEC); }

/* deep DIRECTORY DEPTH LENGTH NAME: from DIRECTORY go DEPTH directories of LENGTH letters d down and read NAME there, step by step. */
static int deep(char **a)
{
	char name[256];
	int length = atoi(a[2]);
	if (length < 1 || length > 255) return 254;
	memset(name, 'd', (size_t)length);
	name[length] = 0;
	must("chdir", chdir(a[0]));
	for (int i = 0; i < atoi(a[1]); i++) must("chdir", chdir(name));
	return plain_read(a + 3);
}

int main(int count, char **arguments)
{
	static const struct command commands[] = {
		{ "read", 1, plain_read }, { "exec", 1, plain_exec }, { "read-openat2", 2, read_openat2 },
		{ "read-by-descriptor", 1, read_by_descriptor }, { "exec-by-descriptor", 1, exec_by_descriptor },
		{ "exec-empty-path", 1, exec_empty_path }, { "exec-memfd", 2, exec_memfd }, { "chroot-read", 2, chroot_read },
		{ "chroot-exec", 2, chroot_exec }, { "handle-read", 2, handle_read }, { "map-exec", 1, map_exec },
		{ "map-then-protect", 1, map_then_protect }, { "deep", 4, deep }, { 0 },
	};
	return dispatch(commands, count, arguments);
}
