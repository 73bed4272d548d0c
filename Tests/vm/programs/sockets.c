/* sockets COMMAND ...: what network rules and capabilities are asked about. Families, types and protocols are numbers. */
#include "attack.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
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

static void nothing(int signal) { (void)signal; }

/* interrupted PORT: connect to somebody who has no room for it, until a signal ends that. */
static int interrupted(char **a)
{
	int port = atoi(a[0]), listener = (int)must("socket", socket(AF_INET, SOCK_STREAM, 0));
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval each = { { 0, 10000 }, { 0, 10000 } };
	struct sockaddr_in address = here(port);
	at("bind", bind, listener, port);
	must("listen", listen(listener, 0));
	at("connect that fills it", connect, (int)must("socket", socket(AF_INET, SOCK_STREAM, 0)), port);
	int own = (int)must("socket", socket(AF_INET, SOCK_STREAM, 0));
	must("sigaction", sigaction(SIGALRM, &action, NULL));
	must("setitimer", setitimer(ITIMER_REAL, &each, NULL));
	if (!connect(own, (void *)&address, sizeof address)) return 1;
	if (errno != EINTR) refused("connect");
	puts("interrupted");
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
	static const struct command commands[] = { { "socket", 3, make }, { "later", 3, later }, { "interrupted", 1, interrupted }, { "owner", 1, owner }, { 0 } };
	return dispatch(commands, count, arguments);
}
