/* pass send SOCKET PATH [MODE]: open PATH and give the descriptor to who connects to SOCKET. pass receive SOCKET: take it and read from it. */
#include "attack.h"
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un address(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	return to;
}

union ancillary { struct cmsghdr header; char bytes[CMSG_SPACE(sizeof(int))]; };

static int give(char **a)
{
	struct sockaddr_un at = address(a[0]);
	int listener = (int)must("socket", socket(AF_UNIX, SOCK_STREAM, 0)), file = (int)must("open", open(a[1], O_RDONLY));
	unlink(a[0]);
	must("bind", bind(listener, (void *)&at, sizeof at));
	must("listen", listen(listener, 1));
	puts("listening");
	fflush(stdout);
	int to = (int)must("accept", accept(listener, NULL, NULL));
	union ancillary control = { 0 };
	struct iovec data = { "x", 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof file), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.header), &file, sizeof file);
	must("sendmsg", sendmsg(to, &message, 0));
	return 0;
}

static int take(char **a)
{
	char byte;
	int file;
	struct sockaddr_un at = address(a[0]);
	union ancillary control = { 0 };
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
	int from = (int)must("socket", socket(AF_UNIX, SOCK_STREAM, 0));
	must("connect", connect(from, (void *)&at, sizeof at));
	must("recvmsg", recvmsg(from, &message, 0));
	/* A descriptor that may not be received is left out of the message, which then says that it was cut. */
	if (message.msg_controllen < sizeof control.header || !CMSG_FIRSTHDR(&message)) {
		errno = message.msg_flags & MSG_CTRUNC ? EACCES : EIO;
		refused("no descriptor came");
	}
	memcpy(&file, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof file);
	return show(file);
}

int main(int count, char **arguments)
{
	static const struct command commands[] = { { "send", 2, give }, { "receive", 1, take }, { 0 } };
	return dispatch(commands, count, arguments);
}
