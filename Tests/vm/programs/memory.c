/*
 * What presets are about: memory that becomes code.
 *   memory anonymous|protect|shared|written|protect-file|memfd-map|memfd-share    map it; the status is the errno
 *   memory often                          the same 5,000 times over, as a compiler at run time does
 *   memory exec                           run a copy of this program from a memfd, which says so
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern char **environ;

static int result(int failed)
{
	int error = failed ? errno : 0;
	if (error)
		printf("%s\n", strerror(error));
	return error;
}

static int copy_of_self(void)
{
	char bytes[4096];
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = memfd_create("copy", MFD_CLOEXEC);
	for (ssize_t got; (got = read(from, bytes, sizeof bytes)) > 0;)
		if (write(to, bytes, got) != got)
			exit(98);
	return to;
}

int main(int count, char **words)
{
	if (count != 2)
		return 99;
	if (!strcmp(words[1], "said"))
		return puts("SECRET-RUN") < 0;
	if (!strcmp(words[1], "anonymous"))
		return result(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	if (!strcmp(words[1], "often")) {
		void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		for (int turn = 0; turn < 5000; turn++)
			if (mprotect(page, 4096, PROT_READ | PROT_EXEC) || mprotect(page, 4096, PROT_READ | PROT_WRITE))
				return result(1);
		return 0;
	}
	if (!strcmp(words[1], "protect")) {
		void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		return result(mprotect(page, 4096, PROT_READ | PROT_EXEC));
	}
	if (!strcmp(words[1], "shared")) {
		void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		return result(mprotect(page, 4096, PROT_READ | PROT_EXEC));
	}
	if (!strcmp(words[1], "written") || !strcmp(words[1], "protect-file")) {
		char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, open("/proc/self/exe", O_RDONLY), 0);
		if (words[1][0] == 'w')
			*page = 0;
		return result(mprotect(page, 4096, PROT_READ | PROT_EXEC));
	}
	if (!strcmp(words[1], "memfd-share"))
		return result(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, copy_of_self(), 0) == MAP_FAILED);
	if (!strcmp(words[1], "memfd-map"))
		return result(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, copy_of_self(), 0) == MAP_FAILED);
	char *said[] = { "memory", "said", NULL };
	fexecve(copy_of_self(), said, environ);
	return result(1);
}
