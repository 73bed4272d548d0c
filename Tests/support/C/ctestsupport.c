#define _GNU_SOURCE
#include "ctestsupport.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void wait_for_end(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;)
        pause();
}

int pct_hold(int namespaces)
{
    long pid = syscall(SYS_clone, namespaces | SIGCHLD, 0, 0, 0, 0);
    if (pid == 0)
        wait_for_end();
    return pid < 0 ? -errno : (int)pid;
}

int pct_hold_inside(int target)
{
    char path[64];
    int pipe_ends[2], inside = -1;
    if (pipe(pipe_ends))
        return -errno;
    snprintf(path, sizeof path, "/proc/%d/ns/pid", target);
    int pids = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", target);
    int mounts = open(path, O_RDONLY | O_CLOEXEC);
    long middle = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (middle == 0) {
        /* setns to a pid namespace is for children only, so a child of this child is the one that is inside. */
        long child = setns(pids, CLONE_NEWPID) || setns(mounts, CLONE_NEWNS) ? -errno : syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
        if (child == 0)
            wait_for_end();
        int result = (int)child;
        ssize_t ignored = write(pipe_ends[1], &result, sizeof result);
        (void)ignored;
        _exit(0);
    }
    if (middle > 0 && read(pipe_ends[0], &inside, sizeof inside) != sizeof inside)
        inside = -EIO;
    if (middle > 0)
        waitpid((pid_t)middle, NULL, 0);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    close(pids);
    close(mounts);
    return inside;
}

void pct_end(int pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

int pct_new_mount_and_pid(void) { return CLONE_NEWNS | CLONE_NEWPID; }
int pct_new_mount(void) { return CLONE_NEWNS; }
