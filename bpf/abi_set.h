/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The part of the ABI that is about policy sets: what an image is made of, and what is kept beside it. Included by abi.h, and only there. */
#ifndef PORTCULLIS_ABI_SET_H
#define PORTCULLIS_ABI_SET_H

/* What a set contains: in the slot's policy word, so that a hook that has nothing to do ends without looking further. */
enum pc_set_flag {
	PC_SET_PROCESS = 1,        /* has process rules */
	PC_SET_FILE = 2,           /* has file rules */
	PC_SET_PROCESS_STRICT = 4, /* process: a Block rule, or whitelist mode with posture block: what cannot be decided is denied */
	PC_SET_FILE_STRICT = 8,    /* file: the same */
	PC_SET_PROCESS_BLOCKS = 16, /* has process Block rules: executable mappings are judged */
	PC_SET_READ_ONLY = 32,     /* has readOnly rules: writes to open files are judged */
	PC_SET_MOUNTS = 64,        /* a policy lets the container change its mounts */
	PC_SET_PROCESS_ALLOWS = 128, /* process whitelist mode: what it names is not replaced */
	PC_SET_SOURCES = 256,      /* has rules with fromSource: the acting executable matters */
	PC_SET_OWNERS = 512,       /* has rules with ownerOnly: the file's owner matters */
	PC_SET_FILES = 1024,       /* files that its Block rules name by path are known by identity too, in `files` */
	PC_SET_NETWORK = 2048,     /* has network rules */
	PC_SET_NETWORK_STRICT = 4096, /* network: as for process and file */
	PC_SET_CAPABILITIES = 8192, /* has capabilities rules */
	PC_SET_CAPABILITIES_STRICT = 16384,
	PC_SET_DNS = 32768,        /* has rules about names that are asked for in DNS */
	PC_SET_DNS_STRICT = 65536,
	PC_SET_PRESETS = 131072,   /* has presets */
	PC_SET_PRESETS_STRICT = 262144,
	PC_SET_SYSCALLS = 524288,  /* has rules about system calls, which only report */
};

/*
 * A set's image, the value of the inner map: page 0 starts with this header, cells follow. A cell is one transition:
 *   bits  0 to 23  base of the state it leads to, counted in bytes
 *   bits 24 to 31  class of the byte it is for; 0: the default transition, for every class without a cell of its own
 *   bits 32 to 55  row of decisions of the state it leads to; 0: no rule matches there
 *   bit  56        PC_CELL_FINAL: the row does not change whatever follows
 *   bit  57        PC_CELL_BENEATH_BLOCK: the path is an ancestor of what a Block rule names
 *   bit  58        PC_CELL_BENEATH_ALLOW: the same of an Allow rule
 *   bit  59        PC_CELL_NAMED_BLOCK: a Block rule matches here, for some source and owner at least
 *   bit  60        PC_CELL_NAMED_ALLOW: the same of an Allow rule, the recursive directory `/` left aside
 *   bit  61        PC_CELL_WAITS: nothing changes before the next slash
 *   bit  63        PC_CELL_PAUSES: FINAL or WAITS; the highest, because its test is the shortest
 * The transition of the state with base b for class c is cell b + c if that cell has class c, else cell b if that has class 0, else
 * the walk ends in row 0. No two states share a base. Cell 0 is never one, so base 0 has no transition. A base and what any class
 * finds from it are in one page.
 */
#define PC_CELL_FINAL (1ULL << 56)
#define PC_CELL_BENEATH_BLOCK (1ULL << 57)
#define PC_CELL_BENEATH_ALLOW (1ULL << 58)
#define PC_CELL_NAMED_BLOCK (1ULL << 59)
#define PC_CELL_NAMED_ALLOW (1ULL << 60)
#define PC_CELL_WAITS (1ULL << 61)
#define PC_CELL_PAUSES (1ULL << 63)
#define PC_CELL_CLASS(cell) ((__u32)(cell) >> 24)
#define PC_CELL_ROW(cell) ((__u32)((cell) >> 32) & 0xffffff)

enum pc_automaton {
	PC_AUTOMATON_PROCESS = 0,
	PC_AUTOMATON_FILE = 1,
	PC_AUTOMATON_SOURCE = 2, /* its rows are source classes */
	PC_AUTOMATON_NETWORK = 3, /* reads a socket's family, type and protocol (low, high), as PC_KEY_BYTE */
	PC_AUTOMATON_CAPABILITY = 4, /* reads one PC_KEY_BYTE */
	PC_AUTOMATON_DNS = 5, /* reads a name as `.www.example.org`, in lower case */
	PC_AUTOMATON_PRESET = 6, /* reads enum pc_preset as PC_KEY_BYTE, and behind it the path, where there is one */
	PC_AUTOMATON_ARGUMENT = 7, /* reads rule (three PC_KEY_BYTEs, low first), place in the row (two: column twice, 1 for owners) and one argument; a row: allowed */
	PC_AUTOMATON_SYSCALL = 8, /* reads the call's number (two PC_KEY_BYTEs, low first), 1 for the compatible ABI's, and its path, if any */
	PC_AUTOMATA = 9,
};
#define PC_AUTOMATA_MAX 16 /* a power of two, so that an index can be masked */

/* A small number as a byte of what an automaton reads: never NUL and never a slash, which mean something there. */
#define PC_KEY_BYTE_BASE 0x80
#define PC_KEY_BYTE(value) (PC_KEY_BYTE_BASE | ((value) & 63))

enum pc_preset {
	PC_PRESET_FILELESS_EXEC = 1,
	PC_PRESET_ANONYMOUS_MAP_EXEC = 2,
	PC_PRESET_PROTECT_ENV = 3,
	PC_PRESET_PROTECT_PROC = 4,
	PC_PRESET_EXEC = 5,
};

struct pc_set_header {
	__u32 generation;
	__u32 cells;     /* of the image, header included */
	__u32 decisions; /* cell at which the rows of decisions start */
	__u32 sources;   /* columns of a row: source classes, at least 1; twice as many if some rule has pts */
	__u32 terminals; /* added to the source class of a task with a controlling terminal; 0: no rule has pts */
	__u32 reserved;
	__u32 start[PC_AUTOMATA_MAX]; /* bases of the start states, counted in bytes; 0: no such rules */
	__u8 classes[256]; /* class of each byte, from 1 */
};

/*
 * A decision: what happens to whom. Row r, column s (the source class), owner o (0 or 1), write w (0 or 1) is the 32-bit word number
 * ((r * sources + s) * 2 + o) * 2 + w of the decisions, two to a cell, the low half first. Row 0 is what no process rule matches,
 * and the rows after it the same of the other sections' (an automaton's row 0 means that one there).
 */
#define PC_ROW_NONE_FILE 1
#define PC_ROW_NONE_NETWORK 2
#define PC_ROW_NONE_CAPABILITY 3
#define PC_ROW_NONE_DNS 4
#define PC_ROW_NONE_PRESET 5
#define PC_ROW_NONE_SYSCALL 6
#define PC_DECISION_ACTION(decision) ((decision) & 3)
#define PC_DECISION_READ_ONLY 4 /* the rule is readOnly: descriptors that were open before are judged too */
#define PC_DECISION_ARGUMENTS 8 /* unless the rule, with this source, allows all of the exec's arguments: then it is allowed */
#define PC_DECISION_PAUSED 16 /* of an alert: it would have been denied, had the container not been paused */
#define PC_DECISION_RULE(decision) ((decision) >> 8) /* number of the rule in the set; PC_RULE_NONE for the posture */
#define PC_RULE_NONE 0xffffff

enum pc_action {
	PC_ACTION_ALLOW = 0,
	PC_ACTION_AUDIT = 1, /* happens, and is reported */
	PC_ACTION_BLOCK = 2,
};

struct pc_set_page {
	__u64 cells[PC_PAGE_CELLS];
};

/*
 * A file that a Block rule names by its path in one container: other names of it (a volume mounted twice, a link of the image's) are
 * that file too. Taken by the daemon through the kernel's own eyes: what stat(2) says of an overlay is not what the kernel holds.
 */
struct pc_file_key {
	__u64 inode;
	__u32 device;
	__u32 inode_generation;
	__u32 slot;
	__u32 set_generation;
};

/* The rows that the path reached; 0: the file is not known to rules of that kind. */
struct pc_file_rule {
	__u32 process_row;
	__u32 file_row;
	__u32 process_flags; /* PC_CELL_* shifted down by 56 */
	__u32 reserved;
};

/* What the file probe finds behind a descriptor of the daemon's. */
struct pc_file_probe {
	__u32 status; /* enum pc_probe_status */
	__u32 device;
	__u64 inode;
	__u32 inode_generation;
	__u32 links;
	__u32 mode;
	__u32 reserved;
};

/* System calls are numbered below this on all architectures that are built for. */
#define PC_SYSCALLS_MAX 512
#define PC_ENDLESS_SYSCALLS 8
#define PC_SYSCALL_COMPATIBLE 0x80000000 /* of the 32-bit ABI, which numbers them in its own way */
/* The calls that a set's rules list, a bit each: of the machine's own ABI, and of the compatible one. */
struct pc_syscall_set {
	__u64 listed[2][PC_SYSCALLS_MAX / 64];
};

/* What is known of calls by their numbers. */
struct pc_syscall_paths {
	__u8 argument[2][PC_SYSCALLS_MAX]; /* which one is a path, from 1; 0: none */
	__s64 endless[PC_ENDLESS_SYSCALLS]; /* calls that do not return to their caller, in either ABI; -1 behind the last */
};

#endif
