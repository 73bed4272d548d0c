/*
 * What the attackers share. Each program has subcommands; each ends with status 0 after it got what it wanted, and then has printed it,
 * or with the errno of the call that was refused, named on standard error.
 */
#ifndef ATTACK_H
#define ATTACK_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct command {
	const char *name;
	int arguments;
	int (*run)(char **arguments);
};

static inline _Noreturn void refused(const char *call)
{
	int error = errno;
	fprintf(stderr, "%s: %s\n", call, strerror(error));
	exit(error ? error : 255);
}

/* The result of a system call, or the end. */
static inline long must(const char *call, long result)
{
	if (result < 0) refused(call);
	return result;
}

/* Copies what can be read to standard output. */
static inline int show(int from)
{
	char bytes[4096];
	ssize_t length;
	while ((length = must("read", read(from, bytes, sizeof bytes))) > 0)
		if (write(1, bytes, (size_t)length) < 0) return 1;
	return 0;
}

static inline int dispatch(const struct command *commands, int count, char **arguments)
{
	for (; count > 1 && commands->name; commands++)
		if (!strcmp(commands->name, arguments[1]) && count - 2 >= commands->arguments) return commands->run(arguments + 2);
	fprintf(stderr, "no such command, or too few arguments: %s\n", count > 1 ? arguments[1] : "");
	return 254;
}

#endif
