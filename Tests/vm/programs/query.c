/*
 * A DNS query in a chosen form, sent to 127.0.0.1 port 53, where nobody listens: what matters is whether sending is refused.
 *   query udp|connected|pieces|to-nobody|tcp|tcp-two|tcp-to-nobody NAME     as programs and resolvers do it
 *   query unspecified|mapped NAME     to an address without a family; to one of IPv4 from a socket of IPv6
 *   query both NAME     sendmmsg(2) to somebody who listens, then the name with its first letter's successor
 *   query sendmmsg|two|tcp-pieces|tcp-other|tcp-prefix|odd NAME     what holds more than one query, or less
 * Its status is the errno of the refusal, 0 if it was sent. TCP forms listen on the port themselves.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static unsigned char message[1024];
/* An address that the kernel ignores. */
static struct sockaddr_in nobody = { .sin_family = AF_INET };

/* A query for an A record (RFC 1035, 4.1), behind the two bytes of length that TCP wants; its length without them. */
static size_t write_query(const char *name)
{
	unsigned char *at = message + 2;
	memcpy(at, "\x12\x34\x01\0\0\1\0\0\0\0\0\0", 12);
	at += 12;
	while (*name) {
		size_t length = strcspn(name, ".");
		*at++ = length;
		memcpy(at, name, length);
		at += length;
		name += length + (name[length] == '.');
	}
	memcpy(at, "\0\0\1\0\1", 5);
	at += 5;
	size_t length = at - message - 2;
	message[0] = length >> 8;
	message[1] = length;
	return length;
}

static int result(ssize_t sent)
{
	int error = sent < 0 ? errno : 0;
	if (error)
		printf("%s\n", strerror(error));
	return error;
}

int main(int count, char **words)
{
	if (count != 3)
		return 99;
	const char *form = words[1];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(53), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	size_t length = write_query(words[2]);
	if (!strncmp(form, "tcp", 3) || !strcmp(form, "fastopen")) {
		int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
		setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		if (bind(listener, (void *)&to, sizeof to) || listen(listener, 8))
			return 98;
		int descriptor = socket(AF_INET, SOCK_STREAM, 0);
		if (!strcmp(form, "fastopen"))
			return result(sendto(descriptor, message, length + 2, MSG_FASTOPEN, (void *)&to, sizeof to));
		if (connect(descriptor, (void *)&to, sizeof to))
			return 97;
		if (!strcmp(form, "tcp-pieces"))
			return result(send(descriptor, message, 2, 0));
		if (!strcmp(form, "tcp-to-nobody"))
			return result(sendto(descriptor, message, length + 2, 0, (void *)&nobody, sizeof nobody));
		if (!strcmp(form, "tcp-two") || !strcmp(form, "tcp-other") || !strcmp(form, "tcp-prefix")) {
			memcpy(message + length + 2, message, length + 2);
			/* The second claims to be longer: the rest would come with the next call. */
			message[length + 3] += !strcmp(form, "tcp-prefix") ? 40 : 0;
			message[2 * length + 2 + 2 - 6] += !strcmp(form, "tcp-other");
			return result(send(descriptor, message, 2 * (length + 2), 0));
		}
		struct iovec pieces[2] = { { message, 2 }, { message + 2, length } };
		return result(writev(descriptor, pieces, 2));
	}
	int descriptor = socket(AF_INET, SOCK_DGRAM, 0);
	struct iovec pieces[3] = { { message + 2, 5 }, { message + 7, 9 }, { message + 16, length - 14 } };
	struct msghdr head = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = pieces, .msg_iovlen = 3 };
	if (!strcmp(form, "odd"))
		return result(sendto(descriptor, message + 2, 11, 0, (void *)&to, sizeof to));
	if (!strcmp(form, "two")) {
		memcpy(message + 2 + length, message + 2, length);
		return result(sendto(descriptor, message + 2, 2 * length, 0, (void *)&to, sizeof to));
	}
	if (!strcmp(form, "pieces"))
		return result(sendmsg(descriptor, &head, 0));
	if (!strcmp(form, "both")) {
		unsigned char other[512];
		memcpy(other, message, sizeof other);
		other[2 + 12 + 1]++;
		struct iovec first = { message + 2, length }, second = { other + 2, length };
		struct msghdr each = { .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &first, .msg_iovlen = 1 };
		struct mmsghdr heads[2] = { { .msg_hdr = each }, { .msg_hdr = each } };
		heads[1].msg_hdr.msg_iov = &second;
		if (bind(socket(AF_INET, SOCK_DGRAM, 0), (void *)&to, sizeof to))
			return 98;
		return result(syscall(SYS_sendmmsg, descriptor, heads, 2, 0));
	}
	if (!strcmp(form, "sendmmsg")) {
		struct mmsghdr heads[2] = { { .msg_hdr = head }, { .msg_hdr = head } };
		/* The C library makes two calls of it. */
		return result(syscall(SYS_sendmmsg, descriptor, heads, 2, 0));
	}
	if (!strcmp(form, "to-nobody")) {
		struct sockaddr_in6 here = { .sin6_family = AF_INET6, .sin6_port = htons(53), .sin6_addr = IN6ADDR_LOOPBACK_INIT }, none = { .sin6_family = AF_UNSPEC };
		int six = socket(AF_INET6, SOCK_DGRAM, 0);
		if (connect(six, (void *)&here, sizeof here))
			return 97;
		return result(sendto(six, message + 2, length, 0, (void *)&none, sizeof none));
	}
	if (!strcmp(form, "unspecified"))
		to.sin_family = AF_UNSPEC;
	if (!strcmp(form, "mapped"))
		return result(sendto(socket(AF_INET6, SOCK_DGRAM, 0), message + 2, length, 0, (void *)&to, sizeof to));
	if (!strcmp(form, "connected")) {
		if (connect(descriptor, (void *)&to, sizeof to))
			return 97;
		return result(write(descriptor, message + 2, length));
	}
	return result(sendto(descriptor, message + 2, length, 0, (void *)&to, sizeof to));
}
