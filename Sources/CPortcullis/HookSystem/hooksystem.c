#define _GNU_SOURCE
#include "hooksystem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int64_t pch_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Waits for events until the deadline: 0 when there are some, -ETIMEDOUT when there are none. */
static int wait_for(int descriptor, short events, int64_t deadline)
{
    for (;;) {
        int64_t left = deadline - pch_now();
        struct pollfd poller = { .fd = descriptor, .events = events };
        struct timespec timeout = { .tv_sec = left / 1000000000, .tv_nsec = left % 1000000000 };
        if (left <= 0)
            return -ETIMEDOUT;
        int count = ppoll(&poller, 1, &timeout, NULL);
        if (count > 0)
            return 0;
        if (count < 0 && errno != EINTR)
            return -errno;
    }
}

int32_t pch_open_regular(const uint8_t *path)
{
    struct stat info;
    int descriptor = open((const char *)path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0)
        return -errno;
    int error = fstat(descriptor, &info) ? errno : S_ISDIR(info.st_mode) ? EISDIR : S_ISREG(info.st_mode) ? 0 : EINVAL;
    if (error) {
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int64_t pch_read(int32_t descriptor, void *buffer, size_t size, int64_t deadline, int32_t waits)
{
    for (;;) {
        int error = waits ? wait_for(descriptor, POLLIN, deadline) : pch_now() < deadline ? 0 : -ETIMEDOUT;
        if (error)
            return error;
        ssize_t count = read(descriptor, buffer, size);
        if (count >= 0)
            return count;
        if (errno != EINTR && errno != EAGAIN)
            return -errno;
    }
}

int64_t pch_read_file(const uint8_t *path, void *buffer, size_t size)
{
    int descriptor = open((const char *)path, O_RDONLY);
    int64_t total = 0;
    if (descriptor < 0)
        return -errno;
    for (;;) {
        ssize_t count = read(descriptor, (char *)buffer + total, size - (size_t)total);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            total = -errno;
        else
            total += count;
        if (count <= 0)
            break;
        if ((size_t)total == size) {
            total = -EFBIG;
            break;
        }
    }
    close(descriptor);
    return total;
}

int64_t pch_readlink(const uint8_t *path, uint8_t *buffer, size_t size)
{
    ssize_t count = readlink((const char *)path, (char *)buffer, size);
    return count < 0 ? -errno : count;
}

int32_t pch_connect(const uint8_t *path, size_t length, int64_t deadline)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (length >= sizeof address.sun_path)
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, length);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return -errno;
    if (descriptor <= 2) {
        /* Where standard input or error is closed, the daemon's connection must not take its place. */
        int higher = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
        close(descriptor);
        if (higher < 0)
            return -EMFILE;
        descriptor = higher;
    }
    int result = connect(descriptor, (struct sockaddr *)&address, sizeof address);
    if (result && errno == EAGAIN) {
        /* The daemon's queue is full. Only a blocking connect waits for room, and only SO_SNDTIMEO bounds it (unix(7)). */
        int64_t left = deadline - pch_now();
        struct timeval timeout = { .tv_sec = left / 1000000000, .tv_usec = left % 1000000000 / 1000 };
        if (left < 1000) {
            errno = ETIMEDOUT;
        } else if (!fcntl(descriptor, F_SETFL, 0) && !setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout)) {
            result = connect(descriptor, (struct sockaddr *)&address, sizeof address);
            if (result && errno == EAGAIN)
                errno = ETIMEDOUT;
            if (!result)
                fcntl(descriptor, F_SETFL, O_NONBLOCK);
        }
    }
    if (result) {
        int error = errno;
        close(descriptor);
        return -error;
    }
    return descriptor;
}

int64_t pch_send_all(int32_t descriptor, const void *bytes, size_t size, int64_t deadline)
{
    size_t sent = 0;
    while (sent < size) {
        ssize_t count = send(descriptor, (const char *)bytes + sent, size - sent, MSG_NOSIGNAL);
        if (count >= 0) {
            sent += (size_t)count;
        } else if (errno == EAGAIN) {
            int error = wait_for(descriptor, POLLOUT, deadline);
            if (error)
                return error;
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return (int64_t)sent;
}

void pch_linger(int32_t descriptor)
{
    int64_t end = pch_now() + 200000;
    char byte;
    while (recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN && pch_now() < end)
        sched_yield();
}

int32_t pch_close(int32_t descriptor)
{
    return close(descriptor) ? -errno : 0;
}

int32_t pch_own_directory(const uint8_t *path)
{
    struct stat info;
    int made = mkdir((const char *)path, 0700);
    if (made && errno == ENOENT) {
        /* Before the daemon's first start its directory is not there either. */
        char parent[4096];
        size_t length = strlen((const char *)path);
        if (length >= sizeof parent)
            return -ENAMETOOLONG;
        memcpy(parent, path, length + 1);
        *strrchr(parent, '/') = 0;
        if (mkdir(parent, 0700) && errno != EEXIST)
            return -errno;
        made = mkdir((const char *)path, 0700);
    }
    if (made && errno != EEXIST)
        return -errno;
    if (lstat((const char *)path, &info))
        return -errno;
    if (!S_ISDIR(info.st_mode))
        return -ENOTDIR;
    return info.st_uid == geteuid() && !(info.st_mode & 077) ? 0 : -EPERM;
}

int32_t pch_replace_file(const uint8_t *temporary, const uint8_t *path, const void *bytes, size_t size)
{
    int error = 0;
    size_t written = 0;
    unlink((const char *)temporary);
    int descriptor = open((const char *)temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return -errno;
    while (!error && written < size) {
        ssize_t count = write(descriptor, (const char *)bytes + written, size - written);
        if (count >= 0)
            written += (size_t)count;
        else if (errno != EINTR)
            error = errno;
    }
    if (close(descriptor) && !error)
        error = errno;
    if (!error && rename((const char *)temporary, (const char *)path))
        error = errno;
    if (error)
        unlink((const char *)temporary);
    return -error;
}

int32_t pch_has_room(const uint8_t *directory, size_t limit)
{
    /* The kernel's own call: a directory stream would bring an allocator and a buffer along. */
    struct entry {
        uint64_t inode;
        int64_t offset;
        uint16_t length;
    } *entry;
    static char buffer[8192] __attribute__((aligned(8)));
    size_t count = 0;
    int descriptor = open((const char *)directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0)
        return -errno;
    long bytes;
    while (count < limit + 2 && (bytes = syscall(SYS_getdents64, descriptor, buffer, sizeof buffer)) > 0)
        for (long at = 0; at < bytes; at += entry->length, count++)
            entry = (struct entry *)(buffer + at);
    close(descriptor);
    return count < limit + 2; /* `.` and `..` */
}

int32_t pch_is_roots(int32_t descriptor)
{
    struct stat info;
    return !fstat(descriptor, &info) && (info.st_uid == 0 || info.st_uid == geteuid()) && !(info.st_mode & 022);
}

int32_t pch_prepare_program(const char *program, const char *const *arguments)
{
    int status, ends[2];
    char word;
    if (pipe2(ends, O_CLOEXEC))
        return -errno;
    pid_t child = fork();
    if (child < 0) {
        int error = errno;
        close(ends[0]);
        close(ends[1]);
        return -error;
    }
    if (child == 0) {
        /* A child of this child has no parent that waits, and no descriptor that the runtime waits for. */
        if (fork())
            _exit(0);
        setsid();
        /* First of all, for a runtime that closed these three: the pipe may be one of them. */
        dup2(ends[0], 0);
        int nothing = open("/dev/null", O_RDWR);
        for (int standard = 1; nothing >= 0 && standard < 3; standard++)
            dup2(nothing, standard);
        syscall(SYS_close_range, 3, ~0u, 0);
        if (read(0, &word, 1) != 1)
            _exit(0);
        dup2(1, 0);
        execve(program, (char *const *)arguments, (char *const[]){ NULL });
        _exit(127);
    }
    close(ends[0]);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return ends[1];
}

int32_t pch_run_prepared(int32_t prepared) { return write(prepared, "", 1) == 1 ? 0 : -errno; }

void pch_print(int32_t descriptor, const void *bytes, size_t size)
{
    /* A reader that has gone must not turn a container that is let through into a failed hook. What is executed afterwards must not inherit it. */
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    ssize_t ignored = write(descriptor, bytes, size);
    (void)ignored;
    signal(SIGPIPE, before);
}

int32_t pch_errno_timeout(void) { return ETIMEDOUT; }
int32_t pch_errno_not_found(void) { return ENOENT; }
int32_t pch_errno_closed(void) { return EPIPE; }
int32_t pch_errno_full(void) { return EDQUOT; }

const char *pch_error_text(int32_t error)
{
    switch (error) {
    case ENOENT: return "no such file or directory";
    case ESRCH: return "no such process";
    case EACCES: return "permission denied";
    case EPERM: return "not permitted";
    case EISDIR: return "is a directory";
    case ENOTDIR: return "not a directory";
    case EINVAL: return "not a regular file";
    case ENOSPC: return "no space left";
    case EDQUOT: return "it is full";
    case EROFS: return "read-only file system";
    case ECONNREFUSED: return "nobody listens";
    case ECONNRESET: return "the connection was reset";
    case EPIPE: return "the connection was closed";
    case ETIMEDOUT: return "no answer in time";
    case ENAMETOOLONG: return "the path is too long";
    case ELOOP: return "too many symbolic links";
    case EBADF: return "standard input is closed";
    case EMFILE: case ENFILE: return "too many open files";
    case ENOMEM: return "out of memory";
    default: return "";
    }
}

uint8_t *pch_window(void)
{
    static uint8_t window[PCH_WINDOW_BYTES] __attribute__((aligned(16)));
    return window;
}

static int32_t failure_exit;

void pch_set_failure_exit(int32_t code) { failure_exit = code; }

void pch_fail(const char *message, size_t size)
{
    pch_print(2, message, size);
    _exit(failure_exit);
}

#ifdef PORTCULLIS_EMBEDDED
#include <sys/mman.h>

/*
 * Memory for a program that lives for a third of a millisecond: taken from the front of a fixed piece, never given back but
 * for the newest allocation. libc's allocator would cost some twenty system calls a run and 6 KB of code. A document at its
 * limit needs more than the piece: then further ones come from the kernel, up to PCH_MEMORY_LIMIT, where the hook ends.
 */
#define PCH_MEMORY_LIMIT (256u << 20)
#define PCH_PIECE_BYTES (4u << 20)
static uint8_t first_piece[64 << 10] __attribute__((aligned(16)));
static uint8_t *next_free = first_piece, *piece_end = first_piece + sizeof first_piece, *newest;
static size_t taken;

static void out_of_memory(void)
{
    static const char message[] = PORTCULLIS_EMBEDDED ": out of memory; the failure policy is applied\n";
    pch_fail(message, sizeof message - 1);
}

static void *take(size_t alignment, size_t size)
{
    uintptr_t start = ((uintptr_t)next_free + alignment - 1) & ~(uintptr_t)(alignment - 1);
    if (size > PCH_MEMORY_LIMIT)
        out_of_memory();
    if (start + size > (uintptr_t)piece_end) {
        size_t piece = size + alignment > PCH_PIECE_BYTES ? size + alignment : PCH_PIECE_BYTES;
        taken += piece;
        void *memory = taken > PCH_MEMORY_LIMIT ? MAP_FAILED
                       : mmap(NULL, piece, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            out_of_memory();
        piece_end = (uint8_t *)memory + piece;
        start = ((uintptr_t)memory + alignment - 1) & ~(uintptr_t)(alignment - 1);
    }
    newest = (uint8_t *)start;
    next_free = newest + size;
    return newest;
}

void *malloc(size_t size) { return take(16, size); }

int posix_memalign(void **result, size_t alignment, size_t size)
{
    *result = take(alignment < 16 ? 16 : alignment, size);
    return 0;
}

void free(void *memory)
{
    if (memory && memory == newest)
        next_free = newest;
}

/* The embedded program: Swift has no @main here, so C's main hands over. */
int32_t portcullis_main(int32_t count, char **arguments);

int main(int count, char **arguments)
{
    return portcullis_main(count, arguments);
}
#endif
