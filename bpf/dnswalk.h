/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where the reading of a name in a DNS message stands. It lives in a scratch, see dnsname.h. */
#ifndef PORTCULLIS_DNSWALK_H
#define PORTCULLIS_DNSWALK_H

#include <linux/types.h>

/* Bytes of a name in a message (RFC 1035, 3.1), and of what is read of the message to find it. */
#define PC_DNS_NAME_BYTES 255
#define PC_DNS_MESSAGE_BYTES 1024
#define DNS_PORT 53
#define DNS_HEADER_BYTES 12
#define DNS_LABEL_BYTES 63
#define DNS_SEGMENTS 4

struct dns_walk {
	__u32 at;     /* of the next byte in `paths` */
	__u32 end;    /* of what was read */
	__u32 label;  /* bytes that are left of the label */
	__u32 length; /* out: of the name, a dot before each label */
	__u32 done;   /* out */
	__u32 differs; /* a second message's name is another one */
};

#endif
