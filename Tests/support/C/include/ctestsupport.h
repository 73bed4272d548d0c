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
#endif
