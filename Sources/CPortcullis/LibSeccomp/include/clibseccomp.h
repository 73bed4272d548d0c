#include <seccomp.h>
#include <stdlib.h>

/* The names that libseccomp hands out are the caller's (seccomp_syscall_resolve_num_arch(3)). */
static inline void seccomp_release_name(char *name) { free(name); }

/* Macros that Swift cannot read: the architectures whose calls are named here, and the error of a name that nobody knows. */
enum {
    PCS_ARCH_X86_64 = (int)SCMP_ARCH_X86_64,
    PCS_ARCH_X86 = (int)SCMP_ARCH_X86,
    PCS_ARCH_AARCH64 = (int)SCMP_ARCH_AARCH64,
    PCS_ARCH_ARM = (int)SCMP_ARCH_ARM,
    PCS_UNKNOWN = __NR_SCMP_ERROR,
};

/* Actions, which are macros too. */
static const uint32_t PCS_KILL_PROCESS = SCMP_ACT_KILL_PROCESS;
static const uint32_t PCS_ALLOW = SCMP_ACT_ALLOW;
