/* What the hook may ask of the kernel while it reads what others have written. In the shipped build only: its C library makes few calls, and always the same. */
#define _GNU_SOURCE
#include "hooksystem.h"

#ifndef PORTCULLIS_EMBEDDED
int32_t pch_confine(void) { return 0; }
#else
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __x86_64__
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "say how this architecture is called in linux/audit.h"
#endif

#define LOAD(member) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define ALLOW(number) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), RETURN(SECCOMP_RET_ALLOW)

static const struct sock_filter filter[] = {
    /* For nothing but to end the kernel's look at what each of some 450 calls comes to (seccomp_cache_prepare, 5.11): it stops where an argument is read, and
     * costs more than all that the hook does afterwards. */
    LOAD(args[0]),
    /* Another architecture's numbers mean other calls, and so do those of x32. */
    LOAD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0), RETURN(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
    ALLOW(SYS_read), ALLOW(SYS_write), ALLOW(SYS_close), ALLOW(SYS_openat), ALLOW(SYS_fstat), ALLOW(SYS_newfstatat), ALLOW(SYS_readlinkat),
    ALLOW(SYS_ppoll), ALLOW(SYS_connect), ALLOW(SYS_sendto), ALLOW(SYS_recvfrom), ALLOW(SYS_setsockopt), ALLOW(SYS_fcntl), ALLOW(SYS_sched_yield),
    ALLOW(SYS_getdents64), ALLOW(SYS_mkdirat), ALLOW(SYS_unlinkat), ALLOW(SYS_renameat), ALLOW(SYS_geteuid), ALLOW(SYS_clock_gettime),
    ALLOW(SYS_rt_sigaction), ALLOW(SYS_rt_sigreturn), ALLOW(SYS_restart_syscall), ALLOW(SYS_exit), ALLOW(SYS_exit_group),
#ifdef SYS_open /* arm64 has only the newer ones */
    ALLOW(SYS_open), ALLOW(SYS_stat), ALLOW(SYS_lstat), ALLOW(SYS_readlink), ALLOW(SYS_mkdir), ALLOW(SYS_unlink), ALLOW(SYS_rename), ALLOW(SYS_poll),
#endif
    /* Memory that is no code, and sockets of this machine: both by the low word of an argument, which is an int. */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 4), LOAD(args[2]), BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 1, 0),
    RETURN(SECCOMP_RET_ALLOW), RETURN(SECCOMP_RET_TRAP),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 3), LOAD(args[0]), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 1),
    RETURN(SECCOMP_RET_ALLOW),
    RETURN(SECCOMP_RET_TRAP),
};

static void forbidden(int signal, siginfo_t *information, void *context)
{
    (void)signal, (void)context;
    static const char before[] = "portcullis-hook: system call ", behind[] = " is forbidden to it; the failure policy is applied\n";
    char digits[10];
    size_t first = sizeof digits;
    unsigned number = (unsigned)information->si_syscall;
    do
        digits[--first] = (char)('0' + number % 10);
    while (number /= 10);
    pch_print(2, before, sizeof before - 1);
    pch_print(2, digits + first, sizeof digits - first);
    pch_fail(behind, sizeof behind - 1);
}

int32_t pch_confine(void)
{
    struct sigaction action = { .sa_sigaction = forbidden, .sa_flags = SA_SIGINFO };
    struct sock_fprog program = { .len = sizeof filter / sizeof *filter, .filter = (struct sock_filter *)filter };
    sigaction(SIGSYS, &action, NULL);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program))
        return -errno;
    return 0;
}
#endif
