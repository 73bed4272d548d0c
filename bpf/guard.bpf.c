// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Self-protection: what is ours in the kernel is written, detached and hidden by nobody else, and the daemon is neither traced nor killed.
 * None of it needs the daemon alive.
 *
 * Hooks      lsm/bprm_committed_creds                    rights, by the file that is executed
 *            lsm/task_alloc                              the same for who shares such a process's memory
 *            lsm/bpf, bpf_map, bpf_prog                  descriptors of our maps and programs
 *            lsm/inode_{unlink,rename,rmdir,create,mkdir,symlink,link}   names in our directory of bpffs
 *            lsm/sb_{mount,umount,remount,pivotroot}, move_mount         the mount that they are found by
 *            lsm/ptrace_access_check, task_kill, task_setrlimit          the daemon
 *            raw_tp (never attached)                     list an executable, find the directory's addresses, say what rights the caller has; run
 *                                                        by BPF_PROG_TEST_RUN
 *            (lsm/file_open and path_truncate of enforce.bpf.c keep listed executables from being written)
 * Maps       guard, guarded, guard_files, guard_marks; labels
 * Kernel     5.10 (PC_REDUCED) and later
 */
#include "guard.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define ENOENT 2
#define ENOMEM 12
#define CLONE_VM 0x100
#define CLONE_THREAD 0x10000
#define BPF_FS_MAGIC 0xcafe4a11
#define PTRACE_MODE_ATTACH 2       /* include/linux/ptrace.h */
#define LSM_UNSAFE_SHARE 1         /* include/linux/security.h, as the next one */
#define LSM_UNSAFE_PTRACE 2
#define SIGHUP 1
#define SIGCONT 18
#define MS_REMOUNT 32
#define MS_BIND 4096
#define MS_MOVE 8192
#define MS_CHANGES_PROPAGATION ((1 << 17) | (1 << 18) | (1 << 19) | (1 << 20))
#define USED_MAPS_MAX 64 /* MAX_USED_MAPS, include/linux/bpf_verifier.h */
#define FILTERS_MAX 64 /* a systemd unit has one to three for each restriction: ours has 24 on Debian 12 */
#define MOUNT_LEVELS 6
#define NAME_LEVELS 12

/* --- rights */

/* Whether somebody else answers system calls of this task. */
static __always_inline bool is_notified(struct task_struct *task)
{
	struct seccomp_filter *filter = BPF_CORE_READ(task, seccomp.filter);
	for (int index = 0; index < FILTERS_MAX; index++) {
		if (!filter)
			return false;
		if (BPF_CORE_READ(filter, notif))
			return true;
		filter = BPF_CORE_READ(filter, prev);
	}
	return true;
}

/* Only a process that nobody leads by the hand: not traced, no shared file system state, of the host's namespaces, root, of no container. */
static __always_inline __u32 rights_by(struct linux_binprm *bprm, struct task_struct *task)
{
	__u32 rights = listed(bprm->file->f_inode);
	if (!rights)
		return 0;
	if (BPF_CORE_READ(bprm, unsafe) & (LSM_UNSAFE_SHARE | LSM_UNSAFE_PTRACE) || label_of_current() || is_notified(task))
		return 0;
	if (BPF_CORE_READ(task, cred, euid.val) || BPF_CORE_READ(task, cred, user_ns, parent) || BPF_CORE_READ(task, thread_pid, level))
		return 0;
	return rights;
}

SEC("lsm/bprm_committed_creds")
int BPF_PROG(pc_guard_exec, struct linux_binprm *bprm)
{
	struct task_struct *task = current_task();
	__u32 rights = rights_by(bprm, task);
#ifdef PC_REDUCED
	__u64 address = (__u64)task;
	struct pc_guard_mark mark = { .start_time = task_read(task, start_boottime), .rights = rights };
	if (rights)
		bpf_map_update_elem(&guard_marks, &address, &mark, BPF_ANY);
	else
		bpf_map_delete_elem(&guard_marks, &address);
#else
	struct pc_guard_mark *mark = bpf_task_storage_get(&guard_marks, task, NULL, rights ? BPF_LOCAL_STORAGE_GET_F_CREATE : 0);
	if (mark)
		mark->rights = rights;
#endif
	return 0;
}

#ifndef PC_REDUCED
/* Until its exec a vfork's child runs in its parent's memory: who may write the one has the other. */
SEC("lsm/task_alloc")
int BPF_PROG(pc_guard_fork, struct task_struct *task, unsigned long flags)
{
	if ((flags & (CLONE_VM | CLONE_THREAD)) != CLONE_VM)
		return 0;
	__u32 rights = rights_of(current_task());
	if (!rights)
		return 0;
	struct pc_guard_mark *mark = bpf_task_storage_get(&guard_marks, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!mark)
		return -ENOMEM;
	mark->rights = rights;
	return 0;
}
#endif

/* --- maps and programs: every descriptor of one is made after one of these was asked */

static __always_inline bool is_guarded(__u32 kind, __u32 id)
{
	struct pc_guard_id key = { .kind = kind, .id = id };
	return bpf_map_lookup_elem(&guarded, &key);
}

/* What the daemon makes or opens is ours. */
static __always_inline int take_in(__u32 kind, __u32 id)
{
	struct pc_guard_id key = { .kind = kind, .id = id };
	__u32 one = 1;
	if (!(rights_of(current_task()) & PC_GUARD_DAEMON) || bpf_map_lookup_elem(&guarded, &key))
		return 0;
	/* Full: better one that is not guarded than a policy that cannot be put in place. */
	if (bpf_map_update_elem(&guarded, &key, &one, BPF_ANY))
		count(PC_COUNT_GUARD_FULL);
	return 0;
}

/* For lists of all there is, ours are skipped as if they had just gone: a refusal would end the list of other people's. */
SEC("lsm/bpf")
int BPF_PROG(pc_guard_bpf, int cmd, union bpf_attr *attr, unsigned int size)
{
	__u32 id = 0;
	if (cmd != BPF_MAP_GET_FD_BY_ID && cmd != BPF_PROG_GET_FD_BY_ID)
		return 0;
	if (bpf_probe_read_kernel(&id, sizeof id, attr))
		return 0;
	return is_guarded(cmd == BPF_MAP_GET_FD_BY_ID ? PC_GUARD_MAP : PC_GUARD_PROGRAM, id) && lacks(PC_GUARD_WRITE) ? -ENOENT : 0; /* not counted: lists do it */
}

SEC("lsm/bpf_map")
int BPF_PROG(pc_guard_map, struct bpf_map *map, unsigned int mode)
{
	__u32 id = map->id;
	int refused = refuse(is_guarded(PC_GUARD_MAP, id) && lacks(PC_GUARD_WRITE));
	return refused ? refused : take_in(PC_GUARD_MAP, id);
}

/* A program is also guarded if it uses a map that is: one of ours, or one that was loaded with a descriptor from before. */
static __always_inline bool uses_guarded(struct bpf_prog_aux *aux)
{
	__u32 count = BPF_CORE_READ(aux, used_map_cnt);
	struct bpf_map **maps = BPF_CORE_READ(aux, used_maps);
	for (__u32 index = 0; index < USED_MAPS_MAX; index++) {
		struct bpf_map *map = NULL;
		if (index >= count)
			return false;
		if (!bpf_probe_read_kernel(&map, sizeof map, maps + index) && map && is_guarded(PC_GUARD_MAP, BPF_CORE_READ(map, id)))
			return true;
	}
	return false;
}

SEC("lsm/bpf_prog")
int BPF_PROG(pc_guard_program, struct bpf_prog *program)
{
	struct bpf_prog_aux *aux = program->aux;
	__u32 id = aux->id;
	int refused = refuse((is_guarded(PC_GUARD_PROGRAM, id) || uses_guarded(aux)) && lacks(PC_GUARD_WRITE));
	return refused ? refused : take_in(PC_GUARD_PROGRAM, id);
}

/* --- names in bpffs */

/* Whether it is our directory, or in it. */
static __always_inline bool is_within(struct dentry *dentry, __u64 directory)
{
	for (int level = 0; level < 4; level++) {
		if ((__u64)dentry == directory)
			return true;
		dentry = BPF_CORE_READ(dentry, d_parent);
	}
	return false;
}

static __always_inline int name_is_kept(struct inode *directory, struct dentry *dentry)
{
	if (BPF_CORE_READ(directory, i_sb, s_magic) != BPF_FS_MAGIC)
		return 0;
	struct pc_guard *now = guard_in_force();
	return refuse(now && is_within(dentry, now->directory) && lacks(PC_GUARD_WRITE));
}

/* A listed executable loses no name either: its number could be given to another file. */
static __always_inline int listed_is_kept(struct dentry *dentry)
{
	struct inode *inode = BPF_CORE_READ(dentry, d_inode);
	return refuse(inode && guard_in_force() && listed(inode) && lacks(PC_GUARD_WRITE));
}

SEC("lsm/inode_unlink")
int BPF_PROG(pc_guard_unlink, struct inode *dir, struct dentry *dentry)
{
	int kept = name_is_kept(dir, dentry);
	return kept ? kept : listed_is_kept(dentry);
}

SEC("lsm/inode_rename")
int BPF_PROG(pc_guard_rename, struct inode *old_dir, struct dentry *old_dentry, struct inode *new_dir, struct dentry *new_dentry)
{
	int kept = name_is_kept(old_dir, old_dentry);
	if (!kept)
		kept = name_is_kept(new_dir, new_dentry);
	if (!kept)
		kept = listed_is_kept(old_dentry);
	return kept ? kept : listed_is_kept(new_dentry);
}

SEC("lsm/inode_rmdir")
int BPF_PROG(pc_guard_rmdir, struct inode *dir, struct dentry *dentry) { return name_is_kept(dir, dentry); }

SEC("lsm/inode_create")
int BPF_PROG(pc_guard_create, struct inode *dir, struct dentry *dentry, unsigned short mode) { return name_is_kept(dir, dentry); }

SEC("lsm/inode_mkdir")
int BPF_PROG(pc_guard_mkdir, struct inode *dir, struct dentry *dentry, unsigned short mode) { return name_is_kept(dir, dentry); }

SEC("lsm/inode_symlink")
int BPF_PROG(pc_guard_symlink, struct inode *dir, struct dentry *dentry, const char *old_name) { return name_is_kept(dir, dentry); }

SEC("lsm/inode_link")
int BPF_PROG(pc_guard_link, struct dentry *old_dentry, struct inode *dir, struct dentry *new_dentry) { return name_is_kept(dir, new_dentry); }

/* --- mounts: those on the way from the host's root to our directory, and their peers, from which changes propagate */

static __always_inline struct mount *mount_at(struct vfsmount *vfsmount)
{
	return (void *)vfsmount - bpf_core_field_offset(struct mount, mnt);
}

/* Whether what is mounted or unmounted on `at` comes to be so on `other` too. */
static __always_inline bool reaches(struct mount *at, struct mount *other)
{
	if (at == other)
		return true;
	int group = BPF_CORE_READ(at, mnt_group_id);
	if (!group)
		return false;
	return BPF_CORE_READ(other, mnt_group_id) == group || BPF_CORE_READ(other, mnt_master, mnt_group_id) == group;
}

static __always_inline bool is_at_or_above(struct dentry *dentry, struct dentry *place)
{
	for (int level = 0; level < NAME_LEVELS; level++) {
		if (dentry == place)
			return true;
		struct dentry *parent = BPF_CORE_READ(place, d_parent);
		if (parent == place)
			return false;
		place = parent;
	}
	return false;
}

/* Whether a mount at `place` of `at` would hide our directory. */
static __noinline int would_hide(struct pc_guard *now, struct mount *at, struct dentry *place)
{
	if (!now)
		return 0;
	struct mount *mount = (void *)now->mount;
	struct dentry *mountpoint = (void *)now->directory;
	for (int level = 0; level < MOUNT_LEVELS; level++) {
		if (reaches(at, mount) && (is_at_or_above(place, mountpoint) || (!level && is_within(place, now->directory))))
			return 1;
		struct mount *parent = BPF_CORE_READ(mount, mnt_parent);
		if (parent == mount)
			return 0;
		mountpoint = BPF_CORE_READ(mount, mnt_mountpoint);
		mount = parent;
	}
	return 0;
}

/* Whether our directory goes away when `gone` does. */
static __noinline int would_take_along(struct pc_guard *now, struct mount *gone)
{
	if (!now)
		return 0;
	struct mount *mount = (void *)now->mount;
	struct dentry *mountpoint = BPF_CORE_READ(gone, mnt_mountpoint);
	struct mount *under = BPF_CORE_READ(gone, mnt_parent);
	for (int level = 0; level < MOUNT_LEVELS; level++) {
		struct mount *parent = BPF_CORE_READ(mount, mnt_parent);
		if (gone == mount)
			return 1;
		if (parent == mount)
			return 0;
		if (under != gone && mountpoint == BPF_CORE_READ(mount, mnt_mountpoint) && reaches(under, parent))
			return 1;
		mount = parent;
	}
	return 0;
}

/* The current task sees the mounts that are guarded, and not copies in a namespace of its own. */
static __always_inline bool is_where_mounted(struct pc_guard *now)
{
	struct task_struct *task = current_task();
	struct mount *mount = (void *)now->mount;
	return BPF_CORE_READ(task, nsproxy, mnt_ns) == BPF_CORE_READ(mount, mnt_ns);
}

SEC("lsm/sb_mount")
int BPF_PROG(pc_guard_mount, const char *device, struct path *path, const char *type, unsigned long flags, void *data)
{
	struct pc_guard *now = guard_in_force();
	if (!now)
		return 0;
	struct mount *at = mount_at(path->mnt);
	bool hit;
	if (flags & MS_REMOUNT)
		hit = flags & MS_BIND ? (__u64)at == now->mount : (__u64)path->mnt->mnt_sb == now->file_system;
	else if (flags & MS_BIND || !(flags & (MS_CHANGES_PROPAGATION | MS_MOVE)))
		hit = would_hide(now, at, path->dentry);
	else if (flags & MS_CHANGES_PROPAGATION)
		hit = false;
	else
		hit = is_where_mounted(now); /* what is moved is named by a path that only the kernel itself can follow */
	return refuse(hit && lacks(PC_GUARD_WRITE));
}

SEC("lsm/move_mount")
int BPF_PROG(pc_guard_move, struct path *from, struct path *to)
{
	struct pc_guard *now = guard_in_force();
	if (!now)
		return 0;
	bool hit = would_take_along(now, mount_at(from->mnt)) || would_hide(now, mount_at(to->mnt), to->dentry);
	return refuse(hit && lacks(PC_GUARD_WRITE));
}

SEC("lsm/sb_umount")
int BPF_PROG(pc_guard_umount, struct vfsmount *mount, int flags)
{
	struct pc_guard *now = guard_in_force();
	return refuse(now && would_take_along(now, mount_at(mount)) && lacks(PC_GUARD_WRITE));
}

SEC("lsm/sb_remount")
int BPF_PROG(pc_guard_remount, struct super_block *sb, void *options)
{
	struct pc_guard *now = guard_in_force();
	return refuse(now && (__u64)sb == now->file_system && lacks(PC_GUARD_WRITE));
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(pc_guard_pivot, struct path *old_path, struct path *new_path)
{
	struct pc_guard *now = guard_in_force();
	return refuse(now && is_where_mounted(now) && lacks(PC_GUARD_WRITE));
}

/* --- the daemon */

/* Whether it is somebody else's process that has rights of its own. */
static __always_inline bool is_guarded_process(struct task_struct *task)
{
	return task_read(task, tgid) != (int)(bpf_get_current_pid_tgid() >> 32) && rights_of(task);
}

/* Reading is not bound: ps, lsof and systemd look at /proc. Nor is pid 1 traced, which nothing here binds. */
SEC("lsm/ptrace_access_check")
int BPF_PROG(pc_guard_ptrace, struct task_struct *child, unsigned int mode)
{
	return refuse(mode & PTRACE_MODE_ATTACH && (task_read(child, tgid) == 1 || is_guarded_process(child)) && lacks(PC_GUARD_TRACE));
}

/* Whether it lives may be asked, and that it reads its configuration again. */
SEC("lsm/task_kill")
int BPF_PROG(pc_guard_kill, struct task_struct *target, struct kernel_siginfo *info, int signal, const struct cred *cred)
{
	if (!signal || signal == SIGHUP || signal == SIGCONT)
		return 0;
	return refuse(is_guarded_process(target) && lacks(PC_GUARD_SIGNAL));
}

SEC("lsm/task_setrlimit")
int BPF_PROG(pc_guard_limit, struct task_struct *target, unsigned int resource, struct rlimit *limit)
{
	return refuse(is_guarded_process(target) && lacks(PC_GUARD_SIGNAL));
}

static __always_inline struct file *file_of(__u64 descriptor)
{
	struct task_struct *self = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(self, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;
	if (descriptor >= BPF_CORE_READ(table, max_fds) || bpf_probe_read_kernel(&file, sizeof file, files + descriptor))
		return NULL;
	return file;
}

/* args[0]: a descriptor (O_PATH) of the calling process on an executable; args[1]: its rights. */
SEC("raw_tp")
int pc_guard_list(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 rights = ctx->args[1];
	struct file *file = file_of(ctx->args[0]);
	if (!file)
		return 0;
	struct pc_guard_file key = file_key(BPF_CORE_READ(file, f_inode));
	bpf_map_update_elem(&guard_files, &key, &rights, BPF_ANY);
	return 0;
}

/* args[0]: a descriptor (O_PATH) of the calling process on our directory, as the host's mount namespace has it. */
SEC("raw_tp")
int pc_guard_find(struct bpf_raw_tracepoint_args *ctx)
{
	__u32 zero = 0;
	struct pc_guard *out = bpf_map_lookup_elem(&guard, &zero);
	struct file *file = file_of(ctx->args[0]);
	if (!out || !file)
		return 0;
	struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
	struct vfsmount *mount = BPF_CORE_READ(file, f_path.mnt);
	out->directory = (__u64)dentry;
	out->mount = (__u64)mount_at(mount);
	out->file_system = (__u64)BPF_CORE_READ(mount, mnt_sb);
	return 0;
}

/* What rights the calling process has. */
SEC("raw_tp")
int pc_guard_self(struct bpf_raw_tracepoint_args *ctx)
{
	return rights_of(current_task());
}
