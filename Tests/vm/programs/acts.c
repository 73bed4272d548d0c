/* acts COMMAND ...: single system calls that telemetry is to tell of, made in ways that the shell's tools do not use. */
#include "attack.h"
#include <arpa/inet.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* at DIRECTORY NAME: make, chmod, chown, truncate, link, rename and remove NAME beneath a descriptor of DIRECTORY. */
static int at(char **a)
{
	int directory = (int)must("open directory", open(a[0], O_RDONLY | O_DIRECTORY));
	struct open_how how = { .flags = O_RDWR | O_CREAT, .mode = 0600 };
	int file = (int)must("openat2", syscall(SYS_openat2, directory, a[1], &how, sizeof how));
	must("fchmod", fchmod(file, 0640));
	must("fchown", fchown(file, 3, 4));
	must("fchownat", fchownat(directory, a[1], 5, 6, 0));
	must("ftruncate", ftruncate(file, 7));
	must("fchmodat", fchmodat(directory, a[1], 0600, 0));
	must("linkat", linkat(directory, a[1], AT_FDCWD, "linked", 0));
	must("renameat", renameat(AT_FDCWD, "linked", directory, "renamed"));
	must("symlinkat", symlinkat("target", directory, "symbolic"));
	must("mkdirat", mkdirat(directory, "made", 0700));
	must("unlinkat", unlinkat(directory, a[1], 0));
	must("unlinkat of a directory", unlinkat(directory, "made", AT_REMOVEDIR));
	puts("done");
	return 0;
}

/* ids UID: setgid, then setuid. */
static int ids(char **a)
{
	must("setgid", setgid(atoi(a[0])));
	must("setuid", setuid(atoi(a[0])));
	puts("done");
	return 0;
}

/* trace: have oneself traced. */
static int trace(char **a)
{
	(void)a;
	must("ptrace", ptrace(PTRACE_TRACEME, 0, 0, 0));
	puts("done");
	return 0;
}

/* mounts DIRECTORY: a file system there, and away again. */
static int mounts(char **a)
{
	must("unshare", unshare(CLONE_NEWNS));
	must("mount", mount("none", a[0], "tmpfs", 0, NULL));
	must("umount", umount(a[0]));
	puts("done");
	return 0;
}

/* sockets6 PORT: a listener on ::1, a connection to it, and its other end. */
static int sockets6(char **a)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(atoi(a[0])), .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	int listener = (int)must("socket", socket(AF_INET6, SOCK_STREAM, 0)), client = (int)must("socket", socket(AF_INET6, SOCK_STREAM, 0));
	must("bind", bind(listener, (void *)&address, sizeof address));
	must("listen", listen(listener, 1));
	must("connect", connect(client, (void *)&address, sizeof address));
	must("accept", accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	puts("done");
	return 0;
}

/* local NAME ABSTRACT: UNIX sockets by a name in the file system, and by one that is in none. */
static int local(char **a)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX }, abstract = { .sun_family = AF_UNIX };
	strcpy(name.sun_path, a[0]);
	strcpy(abstract.sun_path + 1, a[1]);
	must("bind", bind((int)must("socket", socket(AF_UNIX, SOCK_STREAM, 0)), (void *)&name, sizeof name));
	must("bind", bind((int)must("socket", socket(AF_UNIX, SOCK_STREAM, 0)), (void *)&abstract, (socklen_t)(sizeof(sa_family_t) + 1 + strlen(a[1]))));
	puts("done");
	return 0;
}

#ifdef __x86_64__
static long compatible(long number, long b, long c, long d)
{
	long result;
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(b), "c"(c), "d"(d) : "memory", "r8", "r9", "r10", "r11");
	if (result < 0) errno = (int)-result;
	return result < 0 ? -1 : result;
}

/* The 32-bit ABI takes addresses below 4 GiB only; so this is linked where it is, and the texts are copied there. */
static int old(char **a)
{
	char *low = (void *)0x10000000;
	must("mmap", syscall(SYS_mmap, low, 8192, 3, 0x32, -1, 0) == (long)low ? 0 : -1);
	strcpy(low, a[0]);
	must("open of the 32-bit ABI", compatible(5, (long)low, O_RDONLY, 0));
	unsigned *arguments = (void *)(low + 4096);
	arguments[0] = AF_INET;
	arguments[1] = SOCK_DGRAM;
	arguments[2] = 0;
	must("socketcall", compatible(102, 1, (long)arguments, 0));
	/* Since 4.3 there are calls of their own, too. Nobody listens there. */
	struct sockaddr_in *peer = (void *)(low + 4096 + 64);
	peer->sin_family = AF_INET;
	peer->sin_port = htons(9);
	peer->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	compatible(362, must("socket of the 32-bit ABI", compatible(359, AF_INET, SOCK_STREAM, 0)), (long)peer, sizeof *peer);
	puts("done");
	return 0;
}
#endif

int main(int count, char **arguments)
{
	static const struct command commands[] = {
		{ "at", 2, at }, { "ids", 1, ids }, { "trace", 0, trace }, { "mounts", 1, mounts }, { "sockets6", 1, sockets6 }, { "local", 2, local },
#ifdef __x86_64__
		{ "old", 1, old },
#endif
		{ 0 },
	};
	return dispatch(commands, count, arguments);
}
