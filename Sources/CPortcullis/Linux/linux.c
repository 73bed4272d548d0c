#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int pcl_peer_of(int socket, struct pcl_peer *peer)
{
    struct ucred credentials;
    socklen_t size = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &size))
        return -errno;
    *peer = (struct pcl_peer){ credentials.pid, credentials.uid, credentials.gid };
    return 0;
}

int pcl_peer_pidfd(int socket)
{
    int descriptor = -1;
    socklen_t size = sizeof descriptor;
    return getsockopt(socket, SOL_SOCKET, SO_PEERPIDFD, &descriptor, &size) ? -errno : descriptor;
}

int pcl_pidfd_open(int pid)
{
    int descriptor = (int)syscall(SYS_pidfd_open, pid, 0);
    return descriptor < 0 ? -errno : descriptor;
}

int pcl_open_place(const char *path)
{
    int descriptor = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

int pcl_open_in_root(int root, const char *path, int crosses)
{
    struct open_how how = {
        .flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | (crosses ? 0 : RESOLVE_NO_XDEV),
    };
    int descriptor = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    return descriptor < 0 ? -errno : descriptor;
}

static int unix_address(const char *path, struct sockaddr_un *address, socklen_t *size)
{
    size_t length = strlen(path);
    if (length >= sizeof address->sun_path)
        return -ENAMETOOLONG;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, length);
    *size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length + 1);
    if (path[0] == '@') {
        address->sun_path[0] = 0;
        *size -= 1;
    }
    return 0;
}

int pcl_unix_listen(const char *path, int backlog)
{
    struct sockaddr_un address;
    socklen_t size;
    int error = unix_address(path, &address, &size);
    if (error)
        return error;
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return -errno;
    /* The socket is 0600 from its first moment, not after a chmod. */
    mode_t before = umask(0177);
    int failed = bind(descriptor, (struct sockaddr *)&address, size) || listen(descriptor, backlog);
    error = errno;
    umask(before);
    if (failed) {
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int pcl_accept(int listener)
{
    int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}

void pcl_limit_waiting(int descriptor, int milliseconds)
{
    struct timeval limit = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

int pcl_unix_connect_within(const char *path, int milliseconds)
{
    struct sockaddr_un address;
    socklen_t size;
    int error = unix_address(path, &address, &size);
    if (error)
        return error;
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -errno;
    if (milliseconds > 0)
        pcl_limit_waiting(descriptor, milliseconds);
    if (connect(descriptor, (struct sockaddr *)&address, size)) {
        error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int pcl_unix_connect(const char *path) { return pcl_unix_connect_within(path, 0); }

int pcl_datagram_socket(void)
{
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return descriptor < 0 ? -errno : descriptor;
}

int pcl_send_datagram(int descriptor, const char *path, const char *message, size_t length)
{
    struct sockaddr_un address;
    socklen_t size;
    int error = unix_address(path, &address, &size);
    if (error)
        return error;
    return sendto(descriptor, message, length, MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0 ? -errno : 0;
}

int pcl_notify(const char *path, const char *message, size_t length)
{
    int descriptor = pcl_datagram_socket();
    if (descriptor < 0)
        return descriptor;
    int error = pcl_send_datagram(descriptor, path, message, length);
    close(descriptor);
    return error;
}

int pcl_signalfd(const int *signals, size_t count)
{
    sigset_t set;
    sigemptyset(&set);
    for (size_t index = 0; index < count; index++)
        sigaddset(&set, signals[index]);
    if (sigprocmask(SIG_BLOCK, &set, NULL))
        return -errno;
    int descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return descriptor < 0 ? -errno : descriptor;
}

int pcl_sync_file_system(int descriptor) { return syncfs(descriptor) ? -errno : 0; }

int pcl_keep_capabilities(uint64_t mask)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data))
        return -errno;
    /* What is not there already cannot be kept. */
    for (int half = 0; half < 2; half++) {
        uint32_t kept = (uint32_t)(mask >> (32 * half));
        data[half].permitted &= kept;
        data[half].effective = data[half].permitted;
        data[half].inheritable = 0;
    }
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
        return -errno;
    return syscall(SYS_capset, &header, data) ? -errno : 0;
}

int pcl_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0; }

int pcl_bpf_command(int index)
{
    /* Maps are made and filled, programs loaded, run and attached; nothing is looked for by its id. */
    static const int commands[] = {
        BPF_MAP_CREATE, BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM, BPF_MAP_GET_NEXT_KEY, BPF_MAP_FREEZE, BPF_OBJ_PIN, BPF_OBJ_GET,
        BPF_PROG_TEST_RUN, BPF_OBJ_GET_INFO_BY_FD, BPF_RAW_TRACEPOINT_OPEN, BPF_LINK_CREATE, BPF_ITER_CREATE, BPF_PROG_LOAD, BPF_BTF_LOAD, BPF_PROG_BIND_MAP,
    };
    return index >= 0 && (size_t)index < sizeof commands / sizeof *commands ? commands[index] : -1;
}

int pcl_probe(int call)
{
    char *none[] = { NULL };
    union bpf_attr attributes;
    switch (call) {
    case PCL_PROBE_EXECVE: execve("/nonexistent", none, none); break;
    case PCL_PROBE_FORK:
        if (fork() == 0)
            _exit(0);
        break;
    case PCL_PROBE_INET: socket(AF_INET, SOCK_STREAM, 0); break;
    case PCL_PROBE_STREAM: socket(AF_UNIX, SOCK_STREAM, 0); break;
    case PCL_PROBE_EXECUTABLE: mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); break;
    case PCL_PROBE_MOUNT: mount("none", "/nonexistent", "tmpfs", 0, NULL); break;
    case PCL_PROBE_PTRACE: syscall(SYS_ptrace, 0x4206 /* PTRACE_SEIZE */, 0, 0, 0); break;
    case PCL_PROBE_SETNS: syscall(SYS_setns, -1, 0); break;
    case PCL_PROBE_MAP_BY_ID:
        memset(&attributes, 0, sizeof attributes);
        syscall(SYS_bpf, BPF_MAP_GET_FD_BY_ID, &attributes, sizeof attributes);
        break;
    case PCL_PROBE_TERMINATE: kill(getpid(), SIGTERM); break;
    case PCL_PROBE_PRCTL: prctl(PR_GET_NAME, 0, 0, 0, 0); break;
    }
    return 0;
}

int pcl_in_child(int (*body)(int), int argument)
{
    int status = 0;
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child == 0)
        _exit(body(argument));
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
