/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel's structs, reduced to the fields that are read here. CO-RE relocates every access to the running kernel's
 * layout, so neither order nor completeness matters; names and types do. Checked on 5.10, 6.1, 6.12, 6.18 and 7.2.
 */
#ifndef PORTCULLIS_KERN_H
#define PORTCULLIS_KERN_H

#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <stdbool.h>

#define NULL ((void *)0)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct user_namespace;

struct ns_common {
	unsigned int inum;
};

/* From 6.18 every namespace has a number of its own that is never reused. */
struct ns_common___numbered {
	__u64 ns_id;
};

struct mnt_namespace {
	struct ns_common ns;
	struct user_namespace *user_ns;
};

/* Until 6.17 only mount namespaces have one. */
struct mnt_namespace___sequenced {
	__u64 seq;
};

struct task_struct;

struct pid_namespace {
	struct ns_common ns;
	unsigned int level;
	struct task_struct *child_reaper;
};

struct user_namespace {
	struct user_namespace *parent;
	struct ns_common ns;
};

struct nsproxy {
	struct mnt_namespace *mnt_ns;
	struct pid_namespace *pid_ns_for_children;
};

struct upid {
	int nr;
	struct pid_namespace *ns;
};

struct hlist_node {
	struct hlist_node *next;
};

struct hlist_head {
	struct hlist_node *first;
};

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPE_MAX };

struct pid {
	unsigned int level;
	struct hlist_head tasks[PIDTYPE_MAX];
	struct upid numbers[1];
};

struct tty_struct {
	char name[64];
};

typedef struct {
	unsigned int val;
} kuid_t;

typedef struct {
	unsigned int val;
} kgid_t;

struct cred {
	kuid_t euid;
	kgid_t egid;
	kuid_t fsuid;
	struct user_namespace *user_ns;
};

struct inode;

struct qstr {
	__u32 hash;
	__u32 len;
	const unsigned char *name;
};

struct seqcount {
	unsigned int sequence;
};

struct dentry {
	struct seqcount d_seq; /* of its own type since 5.9, which begins with this one */
	struct dentry *d_parent;
	struct qstr d_name;
	struct inode *d_inode;
};

struct vfsmount {
	struct dentry *mnt_root;
	struct super_block *mnt_sb;
};

/* fs/mount.h: what a vfsmount is embedded in. */
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
	struct mount *mnt_master;
	struct mnt_namespace *mnt_ns;
	int mnt_group_id;
};

struct path {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

struct fs_struct {
	struct path root;
	struct path pwd;
};

struct super_block {
	unsigned int s_dev;
	unsigned long s_magic;
};

struct inode {
	unsigned short i_mode;
	unsigned int i_flags;
	kuid_t i_uid;
	struct super_block *i_sb;
	unsigned long i_ino;
	unsigned int i_nlink;
	unsigned int i_generation;
	void *i_private;
};

struct file {
	unsigned int f_mode;
	unsigned int f_flags;
	struct path f_path;
	void *private_data;
	struct inode *f_inode;
};

/* fs/proc/internal.h: what an inode of procfs is embedded in. */
struct proc_inode {
	struct pid *pid;
	struct inode vfs_inode;
};

struct vm_area_struct {
	unsigned long vm_flags;
	void *anon_vma;
	struct file *vm_file;
};

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

typedef struct {
	int counter;
} atomic_t;

struct signal_struct {
	atomic_t live;
	int group_exit_code;
	unsigned int flags;
	struct tty_struct *tty;
};

struct mm_struct {
	void *pgd;
	unsigned long arg_start;
	unsigned long arg_end;
	struct file *exe_file;
};

/* Only x86 says there which ABI a call came by. */
struct thread_info {
	unsigned int status;
};

/* asm/ptrace.h; of each architecture what it has. */
struct pt_regs___x86 {
	unsigned long bx, cx, dx, si, di, bp, r8, r9, r10, orig_ax;
};

struct pt_regs___arm64 {
	unsigned long long regs[31];
	unsigned long long orig_x0;
	int syscallno;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup {
	int level;
	struct kernfs_node *kn;
};

struct css_set {
	struct cgroup *dfl_cgrp;
};

struct notification;

struct seccomp_filter {
	struct seccomp_filter *prev;
	struct notification *notif;
};

struct seccomp {
	struct seccomp_filter *filter;
};

struct task_struct {
	struct thread_info thread_info;
	void *stack;
	unsigned int flags;
	int exit_state;
	int exit_code;
	int pid;
	int tgid;
	struct mm_struct *mm;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct hlist_node pid_links[PIDTYPE_MAX];
	__u64 start_boottime;
	struct cred *real_cred;
	struct cred *cred;
	char comm[16];
	struct fs_struct *fs;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	struct css_set *cgroups;
	void *bpf_storage;
	void *io_uring;
	struct seccomp seccomp;
};

struct linux_binprm {
	struct mm_struct *mm;
	unsigned long p;
	int argc;
	const char *filename;
	struct file *file;
	unsigned int unsafe;
};

/* Maps and programs, as far as they are told apart. */
struct bpf_map {
	__u32 id;
};

struct bpf_prog_aux {
	__u32 used_map_cnt;
	__u32 id;
	struct bpf_map **used_maps;
};

struct bpf_prog {
	struct bpf_prog_aux *aux;
};

struct kernel_siginfo;
struct rlimit;

struct in6_addr {
	__u8 unread;
};

struct sock_common {
	unsigned short skc_family;
	__u32 skc_daddr;
	__u32 skc_rcv_saddr;
	__u16 skc_dport;
	__u16 skc_num;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
};

struct socket {
	short type;
	struct sock *sk;
};

struct sockaddr;

struct iovec {
	void *iov_base;
	unsigned long iov_len;
};

enum iter_type { ITER_IOVEC, ITER_UBUF };

/* As of 6.4. */
struct iov_iter {
	__u8 iter_type; /* since 5.14 */
	unsigned long iov_offset;
	unsigned long count;
	const struct iovec *__iov;
	void *ubuf; /* since 6.0 */
};

struct iov_iter___unhidden {
	const struct iovec *iov;
};

/* Up to 5.13, where the lowest bit says the direction. */
struct iov_iter___directed {
	unsigned int type;
};

struct msghdr {
	void *msg_name;
	int msg_namelen;
	struct iov_iter msg_iter;
	unsigned int msg_flags;
};

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

#pragma clang attribute pop

#define PF_IO_WORKER 0x00000010       /* include/linux/sched.h, since 5.12 */
#define PF_FORKNOEXEC 0x00000040      /* include/linux/sched.h, unchanged since 2.6: forked, and has not executed anything since */
#define PF_KTHREAD 0x00200000         /* include/linux/sched.h, unchanged since 2.6.27 */
#define PF_EXITING 0x00000004         /* include/linux/sched.h, unchanged since 2.6 */
#define SIGNAL_GROUP_EXIT 0x00000004 /* include/linux/sched/signal.h, unchanged since 2.6 */

#define X32_SYSCALL_BIT 0x40000000 /* arch/x86/include/uapi/asm/unistd.h */
#define TS_COMPAT 2 /* arch/x86/include/asm/thread_info.h */

/* A mask that the compiler may not leave out because it knows better: the verifier does not. `mask` is a constant. */
#define masked(value, mask) ({ __u64 masked_value = (value); asm volatile("%0 &= %1" : "+r"(masked_value) : "i"(mask)); masked_value; })

#endif
