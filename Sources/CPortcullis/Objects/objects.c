#define _GNU_SOURCE
#include "cobjects.h"

#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#pragma clang diagnostic ignored "-Wc23-extensions"

#if __has_embed("../../../.build-portcullis/bpf/identity.bpf.o.gz")
static const unsigned char identity[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/identity.bpf.o.gz"
};
static const unsigned char observe[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/observe.bpf.o.gz"
};
static const unsigned char observe_reduced[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/observe_reduced.bpf.o.gz"
};
static const unsigned char telemetry[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/telemetry.bpf.o.gz"
};
static const unsigned char telemetry_reduced[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/telemetry_reduced.bpf.o.gz"
};
static const unsigned char uring[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/uring.bpf.o.gz"
};
static const unsigned char uring_reduced[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/uring_reduced.bpf.o.gz"
};
static const unsigned char capability[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/capability.bpf.o.gz"
};
static const unsigned char capability_reduced[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/capability_reduced.bpf.o.gz"
};
static const unsigned char enforce[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/enforce.bpf.o.gz"
};
static const unsigned char enforce_reduced[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/enforce_reduced.bpf.o.gz"
};
static const unsigned char judge[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/judge.bpf.o.gz"
};
static const unsigned char judge_reduced[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/judge_reduced.bpf.o.gz"
};
static const unsigned char syscalls[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/syscalls.bpf.o.gz"
};
static const unsigned char syscalls_reduced[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/syscalls_reduced.bpf.o.gz"
};
static const unsigned char guard[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/guard.bpf.o.gz"
};
static const unsigned char guard_reduced[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/guard_reduced.bpf.o.gz"
};
static const unsigned char takeover[] __attribute__((aligned(8))) = {
#embed "../../../.build-portcullis/bpf/takeover.bpf.o.gz"
};
#define SIZE(object) sizeof object
#else
static const unsigned char identity[8], observe[8], enforce[8], enforce_reduced[8], judge[8], judge_reduced[8], syscalls[8], syscalls_reduced[8],
    guard[8], guard_reduced[8], takeover[8], observe_reduced[8], telemetry[8], telemetry_reduced[8],
    uring[8], uring_reduced[8], capability[8], capability_reduced[8];
#define SIZE(object) 0
#endif

struct pco_object pco_identity(void) { return (struct pco_object){ "identity", identity, SIZE(identity) }; }
struct pco_object pco_observe(void) { return (struct pco_object){ "observe", observe, SIZE(observe) }; }
struct pco_object pco_observe_reduced(void) { return (struct pco_object){ "observe", observe_reduced, SIZE(observe_reduced) }; }
struct pco_object pco_telemetry(void) { return (struct pco_object){ "telemetry", telemetry, SIZE(telemetry) }; }
struct pco_object pco_telemetry_reduced(void) { return (struct pco_object){ "telemetry", telemetry_reduced, SIZE(telemetry_reduced) }; }
struct pco_object pco_uring(void) { return (struct pco_object){ "uring", uring, SIZE(uring) }; }
struct pco_object pco_uring_reduced(void) { return (struct pco_object){ "uring", uring_reduced, SIZE(uring_reduced) }; }
struct pco_object pco_capability(void) { return (struct pco_object){ "capability", capability, SIZE(capability) }; }
struct pco_object pco_capability_reduced(void) { return (struct pco_object){ "capability", capability_reduced, SIZE(capability_reduced) }; }
struct pco_object pco_enforce(void) { return (struct pco_object){ "enforce", enforce, SIZE(enforce) }; }
struct pco_object pco_enforce_reduced(void) { return (struct pco_object){ "enforce", enforce_reduced, SIZE(enforce_reduced) }; }
struct pco_object pco_judge(void) { return (struct pco_object){ "judge", judge, SIZE(judge) }; }
struct pco_object pco_syscalls(void) { return (struct pco_object){ "syscalls", syscalls, SIZE(syscalls) }; }
struct pco_object pco_syscalls_reduced(void) { return (struct pco_object){ "syscalls", syscalls_reduced, SIZE(syscalls_reduced) }; }
struct pco_object pco_guard(void) { return (struct pco_object){ "guard", guard, SIZE(guard) }; }
struct pco_object pco_guard_reduced(void) { return (struct pco_object){ "guard", guard_reduced, SIZE(guard_reduced) }; }
struct pco_object pco_takeover(void) { return (struct pco_object){ "takeover", takeover, SIZE(takeover) }; }
struct pco_object pco_judge_reduced(void) { return (struct pco_object){ "judge", judge_reduced, SIZE(judge_reduced) }; }

void *pco_unpack(struct pco_object packed, size_t *size)
{
    const unsigned char *bytes = packed.bytes;
    z_stream stream = { .next_in = (unsigned char *)packed.bytes, .avail_in = (unsigned)packed.size };
    if (packed.size < 18)
        return NULL;
    /* The size stands at the end (RFC 1952, ISIZE). */
    bytes += packed.size - 4;
    *size = bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (size_t)bytes[3] << 24;
    void *object = malloc(*size);
    if (!object)
        return NULL;
    stream.next_out = object;
    stream.avail_out = (unsigned)*size;
    int result = inflateInit2(&stream, 16 + MAX_WBITS); /* gzip's format alone */
    if (result == Z_OK) {
        result = inflate(&stream, Z_FINISH);
        inflateEnd(&stream);
    }
    if (result == Z_STREAM_END && !stream.avail_out)
        return object;
    free(object);
    return NULL;
}

static void (*message_sink)(int, const char *);

static int print(enum libbpf_print_level level, const char *format, va_list arguments)
{
    /* A verifier's log is long, and its last lines are the ones that matter: no fixed buffer. */
    char *message = NULL;
    int length = vasprintf(&message, format, arguments);
    if (length < 0)
        return length;
    if (length > 0 && message_sink) {
        size_t last = strlen(message) - 1;
        if (message[last] == '\n')
            message[last] = 0;
        message_sink((int)level, message);
    }
    free(message);
    return length;
}

void pco_print_to(void (*sink)(int, const char *))
{
    message_sink = sink;
    libbpf_set_print(print);
}
