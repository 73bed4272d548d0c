/* Processes in namespaces of their own, for tests: made by clone(2), since a threaded program must not fork and go on. */
#ifndef PORTCULLIS_CTESTSUPPORT_H
#define PORTCULLIS_CTESTSUPPORT_H

/* A process that waits for its end, in new namespaces (CLONE_NEW* bits); it dies with its parent. Returns its pid or -errno. */
int pct_hold(int namespaces);
/* The same inside the mount and pid namespaces of `target`. */
int pct_hold_inside(int target);
/* Kills a process made here and waits until it is gone. */
void pct_end(int pid);
int pct_new_mount_and_pid(void);
int pct_new_mount(void);
/* Runs a program and, where it first waits for its standard input, has it make another system call instead (ptrace(2), x86-64 only). Its standard error
 * goes to `output`. Returns the status of wait(2), or -1 if it never came to that. */
int pct_make_call(const char *program, char *const *arguments, int output, long number, unsigned long first, unsigned long second, unsigned long third);
#endif
