/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The part of the ABI that is about events. Included by abi.h alone. */
#ifndef PORTCULLIS_ABI_EVENT_H
#define PORTCULLIS_ABI_EVENT_H

/* Which events are reported, of a container or of the host. */
enum pc_see_flag {
	PC_SEE_PROCESS = 1, /* execs and exits; with any other flag also what a process does to itself and others: setuid, ptrace, ... */
	PC_SEE_FILE = 2,
	PC_SEE_NETWORK = 4,
	PC_SEE_CAPABILITIES = 8,
	PC_SEE_DNS = 16,
	PC_SEE_FAILURES = 32, /* calls of any of these classes that were refused, with EPERM or EACCES */
	PC_SEE_JUDGED = 64, /* execs, which the daemon asks policies about where nothing is enforced; no other call is reported for it */
};

enum pc_event_type {
	PC_EVENT_EXEC = 1,
	PC_EVENT_EXIT = 2,
	PC_EVENT_FILE = 3,
	PC_EVENT_NETWORK = 4,
	PC_EVENT_SYSCALL = 5,
	PC_EVENT_CAPABILITY = 6,
	PC_EVENT_EXEC_FAILED = 7,
};

/* How the container of an event was found. */
enum pc_source {
	PC_SOURCE_HOST = 0,
	PC_SOURCE_LABEL = 1,
	PC_SOURCE_KEY = 2,
	PC_SOURCE_SETUP = 3, /* labelled, and still the runtime's process */
	PC_SOURCE_STALE = 4, /* labelled with a generation that its slot no longer has: never the host, never the new container */
};

enum pc_event_flag {
	PC_EVENT_EXECUTABLE_CUT = 1,
	PC_EVENT_ARGUMENTS_CUT = 2,
	PC_EVENT_ARGUMENTS_UNREADABLE = 4,
	PC_EVENT_PARENT_CUT = 8,
	PC_EVENT_DIRECTORY_CUT = 16, /* or it is in no mount tree any more */
	PC_EVENT_PATH_CUT = 32,
	PC_EVENT_OTHER_PATH_CUT = 64,
	PC_EVENT_PATH_UNREADABLE = 128, /* the caller's text of a path could not be read */
	PC_EVENT_RAW_PATH = 256, /* the path is the text that the caller gave, followed by nobody; if relative, it is so to `directory` */
	PC_EVENT_RAW_OTHER_PATH = 512, /* likewise of the other path */
	PC_EVENT_IO_URING = 1024, /* asked for by io_uring; `syscall` is the call that does the same */
	PC_EVENT_NO_RESULT = 2048, /* what came of it is not known: `result` is nothing */
};

/*
 * An event. Texts follow, in the order of their lengths: the executable of the process and of its parent, its arguments, each with a NUL, its
 * working directory (or the directory that the path is relative to), the path, and the other path: a rename's and a link's new name, a symbolic
 * link's target, a mount's source.
 */
struct pc_event {
	__u16 type;        /* enum pc_event_type */
	__u16 flags;       /* enum pc_event_flag */
	__u16 source;      /* enum pc_source */
	__u16 label_flags; /* enum pc_label_flag */
	__u32 slot;
	__u32 generation;
	__u64 time;       /* nanoseconds since boot, suspend included */
	__u64 start_time; /* of the process; with pid it names the process for good */
	__u32 pid;
	__u32 namespace_pid; /* pid in the task's own pid namespace */
	__u32 parent_pid;
	__u32 parent_namespace_pid; /* the parent's pid in *its* active pid namespace */
	__u32 uid;                  /* effective, in the initial user namespace */
	__u32 gid;
	__u32 mount_namespace;
	__u32 pid_namespace;
	__s32 exit_code; /* as wait(2) gives it: signal in the low 7 bits, exit status in bits 8 to 15 */
	__s32 result;    /* what the call returned, as far as 32 bits hold it; negative: -errno. 0 for exec and exit */
	__u16 operation; /* enum pc_operation */
	__u16 cpu;       /* with `time` it names the event */
	__u32 syscall;   /* its number, PC_SYSCALL_COMPATIBLE for the other ABI's */
	__u64 registers[6]; /* the call's arguments as the caller gave them */
	__u32 owner;      /* of the file, uid in the initial user namespace; PC_OWNER_UNKNOWN */
	__u32 capability; /* of PC_EVENT_CAPABILITY */
	__u16 socket_family;
	__u16 socket_type;
	__u16 socket_protocol;
	__u16 port; /* of the peer where there is one to be (connect, accept, dns), else the socket's own */
	__u8 address[16]; /* the same; IPv4 in its first four bytes */
	__u16 executable_length;
	__u16 parent_length;
	__u16 arguments_length;
	__u16 directory_length;
	__u16 path_length;
	__u16 other_path_length;
	__u8 comm[PC_COMM_BYTES];
	__u8 parent_comm[PC_COMM_BYTES];
	__u8 tty[PC_COMM_BYTES]; /* the controlling terminal as the kernel names it, "pts0"; empty: none */
	__u32 reserved;
};

#define PC_OWNER_UNKNOWN 0xffffffff

/* How the arguments of a call are read. */
enum pc_call_shape {
	PC_CALL_PLAIN = 0,
	PC_CALL_OPENS = 1,   /* returns a descriptor of the file that `path` names */
	PC_CALL_FILE = 2,    /* argument 1 is a descriptor of the file */
	PC_CALL_SOCKET = 3,  /* socket(2): family, type, protocol */
	PC_CALL_CONNECT = 4, /* argument 1 is a socket, argument 2 an address of the length in argument 3, whom it is connected to */
	PC_CALL_BIND = 5,    /* the same of its own address */
	PC_CALL_LISTEN = 6,  /* argument 1 is a socket */
	PC_CALL_ACCEPT = 7,  /* returns a socket */
	PC_CALL_SOCKETCALL = 8, /* socketcall(2): any of these, its arguments in memory */
	/* From here on argument 1 is a socket, if it is told of. */
	PC_CALL_WRITE = 9,     /* arguments 2 and 3 are the message */
	PC_CALL_WRITEV = 10,   /* its pieces, and how many */
	PC_CALL_SEND = 11,     /* the message as for write; arguments 5 and 6 the address */
	PC_CALL_SENDMSG = 12,  /* argument 2 is a struct msghdr */
	PC_CALL_SENDMMSG = 13, /* several of these */
};

/* What telemetry knows of a call by its number. Arguments are numbered from 1; 0: there is none. */
struct pc_call {
	__u8 visibility; /* enum pc_see_flag: for whom it is reported; 0: it never is */
	__u8 type;       /* enum pc_event_type */
	__u8 operation;  /* enum pc_operation */
	__u8 shape;      /* enum pc_call_shape */
	__u8 path;            /* which argument is the text of a path */
	__u8 directory;       /* which is the descriptor that it is relative to; none: the working directory */
	__u8 other_path;
	__u8 other_directory;
};

#endif
