/* sockets COMMAND ...: what network rules and capabilities are asked about. Families, types and protocols are numbers. */
#include "attack.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>

static int made(char **a) { return (int)must("socket", socket(atoi(a[0]), atoi(a[1]), atoi(a[2]))); }

/* socket FAMILY TYPE PROTOCOL: make one. */
static int make(char **a)
{
	close(made(a));
	puts("made");
	return 0;
}

static struct sockaddr_in here(int port) { return (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) }; }

static int at(const char *what, int (*call)(int, const struct sockaddr *, socklen_t), int descriptor, int port)
{
	struct sockaddr_in address = here(port);
	return (int)must(what, call(descriptor, (void *)&address, sizeof address));
}

/*
 * later CALL PORT FIFO: a TCP socket of IPv4 that is made now, and CALL (connect, fastopen, bind, listen, accept) when FIFO is opened for writing. For a connection somebody
 * listens, and for accept somebody connects, both from before.
 */
static int later(char **a)
{
	int port = atoi(a[1]), listener = (int)must("socket", socket(AF_INET, SOCK_STREAM, 0)), own = (int)must("socket", socket(AF_INET, SOCK_STREAM, 0));
	const char *call = a[0];
	if (!strcmp(call, "connect") || !strcmp(call, "fastopen") || !strcmp(call, "accept")) {
		at("bind before", bind, listener, port);
		must("listen before", listen(listener, 1));
	}
	if (!strcmp(call, "accept")) at("connect before", connect, own, port);
	if (!strcmp(call, "listen")) at("bind before", bind, own, port);
	puts("waiting");
	fflush(stdout);
	must("open FIFO", open(a[2], O_RDONLY));
	if (!strcmp(call, "connect")) at(call, connect, own, port);
	else if (!strcmp(call, "bind")) at(call, bind, own, port);
	else if (!strcmp(call, "listen")) must(call, listen(own, 1));
	else if (!strcmp(call, "fastopen")) {
		struct sockaddr_in to = here(port);
		must(call, sendto(own, "x", 1, MSG_FASTOPEN, (void *)&to, sizeof to));
	}
	else must(call, accept(listener, NULL, NULL));
	puts("done");
	return 0;
}

/* owner PATH: give it to somebody else and back, which takes CAP_CHOWN. */
static int owner(char **a)
{
	must("chown", chown(a[0], 7, 7));
	must("chown back", chown(a[0], 0, 0));
	puts("changed");
	return 0;
}

int main(int count, char **arguments)
{
	static const struct command commands[] = { { "socket", 3, make }, { "later", 3, later }, { "owner", 1, owner }, { 0 } };
	return dispatch(commands, count, arguments);
}
