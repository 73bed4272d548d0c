/* System calls for the hook. Embedded Swift sees no libc header: its importer would read one C library's declarations
 * while the program is linked with another's. Every function returns a result of 0 or more, or a negated errno. */
#ifndef PORTCULLIS_HOOKSYSTEM_H
#define PORTCULLIS_HOOKSYSTEM_H
#include <stddef.h>
#include <stdint.h>

/* Nanoseconds of CLOCK_MONOTONIC; deadlines below are values of this clock. */
int64_t pch_now(void);
/* Opens a regular file for reading; anything else (a directory, a FIFO that would block) is -EISDIR or -EINVAL. */
int32_t pch_open_regular(const uint8_t *path);
/* Reads what there is; -ETIMEDOUT after the deadline. `waits` for what may have nothing yet: a pipe or a socket, not a file. */
int64_t pch_read(int32_t descriptor, void *buffer, size_t size, int64_t deadline, int32_t waits);
/* One buffer that documents and /proc files are read through, one after another: fresh pages cost more than the reading. */
#define PCH_WINDOW_BYTES 16384
uint8_t *pch_window(void);
/* Reads a whole small file (one of /proc's) into the buffer; returns its size, -EFBIG if it does not fit. */
int64_t pch_read_file(const uint8_t *path, void *buffer, size_t size);
int64_t pch_readlink(const uint8_t *path, uint8_t *buffer, size_t size);
/* Connects to a UNIX stream socket; -ETIMEDOUT if its queue stays full until the deadline. */
int32_t pch_connect(const uint8_t *path, size_t length, int64_t deadline);
/* Sends all bytes, or fails; never raises SIGPIPE. */
int64_t pch_send_all(int32_t descriptor, const void *bytes, size_t size, int64_t deadline);
/* Looks for input for at most 200 microseconds without sleeping: the answer usually takes a quarter of that, and being woken
 * from sleep takes as long again. Gives the processor away at every look, so that it costs nothing where it is needed. */
void pch_linger(int32_t descriptor);
int32_t pch_close(int32_t descriptor);
/* What the program exits with if it runs out of memory: 0 unless the failure policy is to deny. */
void pch_set_failure_exit(int32_t code);
/* Creates the directory and its parent, root-only, if they are not there; -EPERM if what is there is not a root-only directory of ours. */
int32_t pch_own_directory(const uint8_t *path);
/* Whether a directory has fewer than `limit` entries: 1 or 0, or -errno. */
int32_t pch_has_room(const uint8_t *directory, size_t limit);
/* Whether root, or whoever runs this, owns what is open, and nobody else may write it: 1 or 0. */
int32_t pch_is_roots(int32_t descriptor);
/* Makes a process that waits to run a program, in a session of its own that nobody waits for, without standard input and output: nothing can be
 * forked any more behind pch_confine. `arguments` ends in NULL. Returns what pch_run_prepared is called with; the process ends with this one if it is not. */
int32_t pch_prepare_program(const char *program, const char *const *arguments);
int32_t pch_run_prepared(int32_t prepared);
/* Gives up every system call that reading, sending and spooling do not take (seccomp(2)); one that is made all the same ends the program as the
 * failure policy says, with a line on standard error. For good. */
int32_t pch_confine(void);
/* Ends the program as the failure policy says, behind a line on standard error. */
_Noreturn void pch_fail(const char *message, size_t size);
/* Writes a new file and renames it over `path`; the old file stays if anything fails. */
int32_t pch_replace_file(const uint8_t *temporary, const uint8_t *path, const void *bytes, size_t size);
/* Writes to standard output (1) or standard error (2), as much as goes. */
void pch_print(int32_t descriptor, const void *bytes, size_t size);
/* Numbers of the errors that the hook tells apart. */
int32_t pch_errno_timeout(void);
int32_t pch_errno_not_found(void);
int32_t pch_errno_closed(void);
int32_t pch_errno_full(void);
/* A short text for an errno, without libc's table of 130 of them. */
const char *pch_error_text(int32_t error);
#endif
