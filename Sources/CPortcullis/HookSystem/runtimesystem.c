#define _GNU_SOURCE
#include "runtimesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

int32_t pcr_look_at_program(const uint8_t *path)
{
    struct stat info, own;
    if (stat((const char *)path, &info))
        return -errno;
    if (!S_ISREG(info.st_mode))
        return S_ISDIR(info.st_mode) ? -EISDIR : -EINVAL;
    if (access((const char *)path, X_OK))
        return -errno;
    return !stat("/proc/self/exe", &own) && own.st_dev == info.st_dev && own.st_ino == info.st_ino;
}

int32_t pcr_open_document(const uint8_t *path, int64_t *size)
{
    struct stat info;
    int descriptor = open((const char *)path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
    if (descriptor < 0)
        return errno == ELOOP ? -EINVAL : -errno;
    int error = fstat(descriptor, &info) ? errno : S_ISDIR(info.st_mode) ? EISDIR : S_ISREG(info.st_mode) ? 0 : EINVAL;
    if (error) {
        close(descriptor);
        return -error;
    }
    *size = info.st_size;
    return descriptor;
}

int64_t pcr_read_all(int32_t descriptor, void *buffer, size_t size)
{
    size_t total = 0;
    while (total < size) {
        ssize_t count = read(descriptor, (char *)buffer + total, size - total);
        if (count < 0 && errno != EINTR)
            return -errno;
        if (count == 0)
            break;
        if (count > 0)
            total += (size_t)count;
    }
    return (int64_t)total;
}

static int write_all(int descriptor, const void *bytes, size_t size)
{
    size_t written = 0;
    while (written < size) {
        ssize_t count = write(descriptor, (const char *)bytes + written, size - written);
        if (count >= 0)
            written += (size_t)count;
        else if (errno != EINTR)
            return errno;
    }
    return 0;
}

int32_t pcr_replace_document(const uint8_t *temporary, const uint8_t *path, int32_t original, const void *bytes, size_t size)
{
    struct stat info, made;
    if (fstat(original, &info))
        return -errno;
    unlink((const char *)temporary);
    int descriptor = open((const char *)temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0)
        return -errno;
    int error = write_all(descriptor, bytes, size);
    if (!error && fstat(descriptor, &made))
        error = errno;
    /* The owner before the mode: a change of owner takes bits of the mode away. */
    if (!error && (made.st_uid != info.st_uid || made.st_gid != info.st_gid) && fchown(descriptor, info.st_uid, info.st_gid))
        error = errno;
    if (!error && fchmod(descriptor, info.st_mode & 07777))
        error = errno;
    if (close(descriptor) && !error)
        error = errno;
    if (!error && rename((const char *)temporary, (const char *)path))
        error = errno;
    if (error)
        unlink((const char *)temporary);
    return -error;
}

int32_t pcr_write_link(const uint8_t *path, const uint8_t *target)
{
    struct stat info;
    if (!lstat((const char *)path, &info) && S_ISLNK(info.st_mode))
        unlink((const char *)path);
    return symlink((const char *)target, (const char *)path) ? -errno : 0;
}

int64_t pcr_read_own_link(const uint8_t *path, uint8_t *buffer, size_t size)
{
    struct stat info;
    if (lstat((const char *)path, &info))
        return -errno;
    if (info.st_uid != 0 && info.st_uid != geteuid())
        return -EPERM;
    ssize_t length = readlink((const char *)path, (char *)buffer, size);
    return length < 0 ? -errno : length;
}

int32_t pcr_append(const uint8_t *path, const void *bytes, size_t size)
{
    int descriptor = open((const char *)path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
    if (descriptor < 0)
        return -errno;
    int error = write_all(descriptor, bytes, size);
    close(descriptor);
    return -error;
}

void pcr_utc(int32_t moment[6])
{
    struct tm parts = { 0 };
    time_t now = time(NULL);
    gmtime_r(&now, &parts);
    moment[0] = parts.tm_year + 1900;
    moment[1] = parts.tm_mon + 1;
    moment[2] = parts.tm_mday;
    moment[3] = parts.tm_hour;
    moment[4] = parts.tm_min;
    moment[5] = parts.tm_sec;
}

uint32_t pcr_process(void) { return (uint32_t)getpid(); }

int32_t pcr_execute(const uint8_t *path, char *const *arguments)
{
    execve((const char *)path, arguments, environ);
    return -errno;
}
