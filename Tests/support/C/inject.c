#define _GNU_SOURCE
#include "ctestsupport.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __x86_64__
int pct_make_call(const char *program, char *const *arguments, int output, long number, unsigned long first, unsigned long second, unsigned long third)
{
    int input[2], status = 0, is_entry = 0, done = 0;
    if (pipe2(input, O_CLOEXEC))
        return -1;
    pid_t child = fork();
    if (child == 0) {
        dup2(input[0], 0);
        dup2(output, 2);
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execv(program, arguments);
        _exit(127);
    }
    close(input[0]);
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
        close(input[1]);
        return -1;
    }
    ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    for (int signal = 0;;) {
        if (ptrace(PTRACE_SYSCALL, child, 0, signal) || waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
            break;
        signal = WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status);
        if (signal)
            continue;
        is_entry = !is_entry;
        struct user_regs_struct registers;
        /* It waits for its input: behind all that it reads of its administrator's. */
        if (!is_entry || done || ptrace(PTRACE_GETREGS, child, 0, &registers) || registers.orig_rax != SYS_ppoll)
            continue;
        registers.orig_rax = (unsigned long)number;
        registers.rdi = first;
        registers.rsi = second;
        registers.rdx = third;
        ptrace(PTRACE_SETREGS, child, 0, &registers);
        done = 1;
        /* Whatever comes of the call: with its input at an end it goes on to its own end. */
        close(input[1]);
    }
    if (!done)
        close(input[1]);
    return done ? status : -1;
}
#else
int pct_make_call(const char *program, char *const *arguments, int output, long number, unsigned long first, unsigned long second, unsigned long third)
{
    (void)program, (void)arguments, (void)output, (void)number, (void)first, (void)second, (void)third;
    errno = ENOSYS;
    return -1;
}
#endif
