/* Linux calls that Swift's Glibc module does not show: headers outside it, variadic functions, macros, atomics on shared memory. */
#ifndef PORTCULLIS_CLINUX_H
#define PORTCULLIS_CLINUX_H
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/vfs.h>

/* Who is at the other end of a UNIX socket, as the kernel noted at connect (unix(7), SO_PEERCRED). */
struct pcl_peer {
    int32_t pid; /* 0: not visible in this pid namespace */
    uint32_t uid;
    uint32_t gid;
};

/* All return 0 or a descriptor, or a negated errno. */
int pcl_peer_of(int socket, struct pcl_peer *peer);
/* A pidfd of the peer itself (SO_PEERPIDFD, kernel 6.5); -ENOPROTOOPT on older kernels. */
int pcl_peer_pidfd(int socket);
int pcl_pidfd_open(int pid);
int pcl_unix_listen(const char *path, int backlog);
/* Takes a waiting connection, non-blocking and closed on exec. */
int pcl_accept(int listener);
int pcl_unix_connect(const char *path);
/* The same, giving up connecting, sending and receiving after so many milliseconds each (SO_SNDTIMEO, SO_RCVTIMEO). */
int pcl_unix_connect_within(const char *path, int milliseconds);
/* Has a connected socket give up sending and receiving after so many milliseconds each. */
void pcl_limit_waiting(int descriptor, int milliseconds);
/* A socket for datagrams to UNIX sockets, and one datagram from it; a leading '@' names an abstract one. */
int pcl_datagram_socket(void);
int pcl_send_datagram(int descriptor, const char *path, const char *message, size_t length);
/* The same with a socket of its own, for one that is sent now and then (sd_notify(3)). */
int pcl_notify(const char *path, const char *message, size_t length);
/*
 * Opens a path as what is in `root` sees it (openat2(2), kernel 5.6; O_PATH, the last symbolic link not followed, magic links never).
 * `crosses` = 0: not across mounts either.
 */
/* A directory as a place to start from (O_PATH), a magic link like /proc/PID/root included. */
int pcl_open_place(const char *path);
int pcl_open_in_root(int root, const char *path, int crosses);
/* Signals blocked for the whole process and delivered through the descriptor. */
int pcl_signalfd(const int *signals, size_t count);
/* Writes everything that waits on the descriptor's file system (syncfs(2)). */
int pcl_sync_file_system(int descriptor);

/* Keeps these capabilities, a bit each, and gives up all others for good (capset(2)). */
int pcl_keep_capabilities(uint64_t mask);
/* No exec gives this process more than it has (PR_SET_NO_NEW_PRIVS). */
int pcl_no_new_privileges(void);

/* The commands of bpf(2) that serving takes, by their place; -1 behind the last. */
int pcl_bpf_command(int index);

/* System calls that a sandbox is tried with. */
enum pcl_probe_call {
    PCL_PROBE_EXECVE,
    PCL_PROBE_FORK,
    PCL_PROBE_INET,
    PCL_PROBE_STREAM,
    PCL_PROBE_EXECUTABLE,
    PCL_PROBE_MOUNT,
    PCL_PROBE_PTRACE,
    PCL_PROBE_SETNS,
    PCL_PROBE_MAP_BY_ID,
    PCL_PROBE_TERMINATE,
    PCL_PROBE_PRCTL,
};
/* Makes one of them, with arguments that do no harm; 0 when it returns. */
int pcl_probe(int call);
/* Runs a function in a child process and waits for it: its result, or 128 and the number of the signal that ended it. */
int pcl_in_child(int (*body)(int), int argument);

static inline uint64_t pcl_load(const volatile uint64_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }
static inline void pcl_store(volatile uint64_t *word, uint64_t value) { __atomic_store_n(word, value, __ATOMIC_SEQ_CST); }
static inline int64_t pcl_add(volatile int64_t *word, int64_t value) { return __atomic_add_fetch(word, value, __ATOMIC_SEQ_CST); }
#endif
