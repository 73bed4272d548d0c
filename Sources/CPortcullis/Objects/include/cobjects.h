/* The built eBPF objects, embedded, and the one libbpf function that Swift cannot import (its callback takes a va_list). */
#ifndef PORTCULLIS_COBJECTS_H
#define PORTCULLIS_COBJECTS_H
#include <stddef.h>

/* An object file in memory, packed by gzip: together they would be a fifth of the daemon. Its size is 0 in a build made without `make bpf`. */
struct pco_object {
    const char *name;
    const void *bytes;
    size_t size;
};

struct pco_object pco_identity(void);
struct pco_object pco_observe(void);
struct pco_object pco_observe_reduced(void);
struct pco_object pco_telemetry(void);
struct pco_object pco_telemetry_reduced(void);
struct pco_object pco_uring(void);
struct pco_object pco_uring_reduced(void);
struct pco_object pco_capability(void);
struct pco_object pco_capability_reduced(void);
struct pco_object pco_enforce(void);
/* The same for 5.10. */
struct pco_object pco_enforce_reduced(void);
struct pco_object pco_judge(void);
struct pco_object pco_judge_reduced(void);
struct pco_object pco_syscalls(void);
struct pco_object pco_syscalls_reduced(void);
struct pco_object pco_guard(void);
struct pco_object pco_guard_reduced(void);
struct pco_object pco_takeover(void);

/* The object file itself, `size` bytes that the caller frees; NULL without memory, or if it is damaged. libbpf keeps nothing of it once it has opened it. */
void *pco_unpack(struct pco_object packed, size_t *size);

/* Sends libbpf's messages (level 0 warning, 1 information, 2 debugging), one at a time and without a newline, to `sink`. */
void pco_print_to(void (*sink)(int level, const char *message));
#endif
