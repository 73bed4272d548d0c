/* alter COMMAND ...: ways to change a file's content or the meaning of its name. */
#include "attack.h"
#include <sys/mman.h>
#include <sys/stat.h>

static int done(void)
{
	puts("SECRET-ALTERED");
	return 0;
}

static int overwrite(char **a)
{
	int to = (int)must("open", open(a[0], O_WRONLY));
	must("write", write(to, "altered", 7));
	return done();
}

static int append(char **a)
{
	int to = (int)must("open", open(a[0], O_WRONLY | O_APPEND));
	must("write", write(to, "altered", 7));
	return done();
}

static int open_truncating(char **a)
{
	must("open", open(a[0], O_RDONLY | O_TRUNC));
	return done();
}

static int truncate_path(char **a)
{
	must("truncate", truncate(a[0], 1));
	return done();
}

static int exchange(char **a)
{
	must("renameat2", syscall(SYS_renameat2, AT_FDCWD, a[0], AT_FDCWD, a[1], 2 /* RENAME_EXCHANGE */));
	return done();
}

/* link-descriptor FROM TO: a hard link from a descriptor, which needs no name. */
static int link_descriptor(char **a)
{
	int from = (int)must("open O_PATH", open(a[0], O_PATH));
	must("linkat", linkat(from, "", AT_FDCWD, a[1], AT_EMPTY_PATH));
	return done();
}

/* link-unnamed FROM DIRECTORY TO: the content of FROM in a file that never had a name in DIRECTORY, linked as TO. */
static int link_unnamed(char **a)
{
	char bytes[4096], name[64];
	ssize_t length;
	int from = (int)must("open", open(a[0], O_RDONLY)), to = (int)must("open O_TMPFILE", open(a[1], O_TMPFILE | O_RDWR, 0755));
	while ((length = must("read", read(from, bytes, sizeof bytes))) > 0) must("write", write(to, bytes, (size_t)length));
	snprintf(name, sizeof name, "/proc/self/fd/%d", to);
	must("linkat", linkat(AT_FDCWD, name, AT_FDCWD, a[2], AT_SYMLINK_FOLLOW));
	return done();
}

/*
 * held HOW PATH GATE: open PATH, say "held", wait until somebody opens the FIFO GATE for writing, then use the old descriptor. A
 * policy comes between the two.
 */
static int held(char **a)
{
	const char *how = a[0];
	int old = (int)must("open", open(a[1], !strcmp(how, "read") || !strcmp(how, "reopen") ? O_RDONLY : O_RDWR));
	char *at = NULL, name[64];
	if (!strcmp(how, "mprotect") && (at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, old, 0)) == MAP_FAILED) refused("mmap");
	if (!strcmp(how, "mapped") && (at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, old, 0)) == MAP_FAILED) refused("mmap");
	puts("held");
	fflush(stdout);
	must("read from the gate", read((int)must("open the gate", open(a[2], O_RDONLY)), name, 1));
	if (!strcmp(how, "read")) return show(old);
	if (!strcmp(how, "reopen")) {
		snprintf(name, sizeof name, "/proc/self/fd/%d", old);
		return show((int)must("open /proc/self/fd/N", open(name, O_RDONLY)));
	}
	if (!strcmp(how, "write")) must("write", write(old, "altered", 7));
	else if (!strcmp(how, "ftruncate")) must("ftruncate", ftruncate(old, 1));
	else if (!strcmp(how, "fallocate")) must("fallocate", fallocate(old, 0, 0, 65536));
	else if (!strcmp(how, "mmap") && mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, old, 0) == MAP_FAILED) refused("mmap");
	else if (!strcmp(how, "mapped")) at[0] = 'X';
	else if (!strcmp(how, "mprotect")) must("mprotect", mprotect(at, 4096, PROT_READ | PROT_WRITE));
	return done();
}

int main(int count, char **arguments)
{
	static const struct command commands[] = {
		{ "overwrite", 1, overwrite }, { "append", 1, append }, { "open-truncating", 1, open_truncating }, { "truncate", 1, truncate_path },
		{ "exchange", 2, exchange }, { "link-descriptor", 2, link_descriptor }, { "link-unnamed", 3, link_unnamed }, { "held", 3, held }, { 0 },
	};
	return dispatch(commands, count, arguments);
}
