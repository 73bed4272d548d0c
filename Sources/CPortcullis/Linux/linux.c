#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
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

int pcl_unix_connect(const char *path)
{
    struct sockaddr_un address;
    socklen_t size;
    int error = unix_address(path, &address, &size);
    if (error)
        return error;
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -errno;
    if (connect(descriptor, (struct sockaddr *)&address, size)) {
        error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int pcl_notify(const char *path, const char *message, size_t length)
{
    struct sockaddr_un address;
    socklen_t size;
    int error = unix_address(path, &address, &size);
    if (error)
        return error;
    int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -errno;
    error = sendto(descriptor, message, length, MSG_NOSIGNAL, (struct sockaddr *)&address, size) < 0 ? -errno : 0;
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
