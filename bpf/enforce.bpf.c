// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Enforcement of rules, before the act: the hooks. What they ask is decided by judge.bpf.c, which is linked into each of them.
 *
 * Hooks      lsm/bprm_check_security, bprm_committed_creds      exec, and the class of the new executable
 *            lsm/file_open, file_permission, file_receive       open, write through an old descriptor, a descriptor passed
 *            lsm/mmap_file, file_mprotect                       a blocked program run by the loader; a readOnly file mapped
 *            lsm/path_truncate, file_truncate (6.2)             changes of content
 *            lsm/path_{unlink,rmdir,mkdir,mknod,symlink,link,rename,chmod,chown}   changes of names and modes
 *            lsm/sb_mount, move_mount, sb_umount, sb_pivotroot  changes of what every name means
 *            lsm/socket_{create,connect,bind,listen,accept,sendmsg}, capable   sections network and capabilities (sockets.h)
 * Maps       as in maps.h; sets and set_entries for the daemon; alerts; scratches (not pinned, shared with the judge)
 * Kernel     6.1; built with PC_REDUCED for 5.10 (labels in the hash, shorter paths, no path_chown)
 * Verifier   returns are constants in [-4095, 0] (6.12); walk state in memory, long loops through bpf_loop (5.17); path_* hooks may
 *            not call bpf_d_path on 6.1 (it is not wanted anyway: pathwalk.h)
 *
 * path_chroot is left alone: paths are followed to the namespace's root, so that a task's own root changes no name here.
 */
#include "guardwrite.h"
#include "notesyscall.h"
#include "presets.h"
#include "sockets.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Written and read by the daemon alone, like `records`. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PC_SETS_MAX);
	__type(key, __u32);
	__type(value, struct pc_set_entry);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} set_entries SEC(".maps");

#define FMODE_WRITE 2             /* include/linux/fs.h, as are the next three */
#define FMODE_EXEC 0x20           /* also in f_flags of an open for exec (__FMODE_EXEC) */
#define O_TRUNC 01000
#define MAY_WRITE 2
#define MAY_APPEND 8
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_TYPE 0xf
#define MAP_SHARED 1
#define MAP_PRIVATE 2
#define MAP_SHARED_VALIDATE 3
#define VM_WRITE 2
#define VM_EXEC 4
#define VM_SHARED 8
#define RENAME_EXCHANGE 2
#define MS_REMOUNT 32
#define MS_CHANGES_PROPAGATION ((1 << 17) | (1 << 18) | (1 << 19) | (1 << 20)) /* unbindable, private, slave, shared */

/* --- exec */

SEC("lsm/bprm_check_security")
int BPF_PROG(pc_bprm_check, struct linux_binprm *bprm, int ret)
{
	struct actor who;
	if (ret)
		return ret;
	if (!acting_by_exec(&who, PC_SET_PROCESS | PC_SET_PRESETS | PC_SET_SYSCALLS))
		return 0;
	struct file *file = bprm->file;
	note_syscall(&who, file->f_path.dentry, file->f_path.mnt);
	if (set_flags(who.policy) & PC_SET_PRESETS && ask_of_exec(&who, file))
		return -EACCES;
	if (!(set_flags(who.policy) & PC_SET_PROCESS))
		return 0;
	__u32 level = 0;
	struct scratch *scratch = scratch_claim(&level);
	if (!scratch)
		return no_room(&who, PC_OPERATION_EXEC, PC_AUTOMATON_PROCESS) ? -EACCES : 0;
	struct request *request = &scratch->request;
	fill(request, &who, PC_OPERATION_EXEC, PC_AUTOMATON_PROCESS, 0);
	request->dentry = (__u64)file->f_path.dentry;
	request->mount = mount_of(file->f_path.mnt);
	request->owner = (__u64)file->f_inode;
	request->exec_memory = (__u64)bprm->mm;
	request->exec_begin = request->exec_at = bprm->p;
	request->exec_count = request->exec_left = bprm->argc;
	scratch->walk.begun = WALK_AFRESH;
	return verdict(scratch, level) ? -EACCES : 0;
}

SEC("lsm/bprm_committed_creds")
int BPF_PROG(pc_bprm_committed, struct linux_binprm *bprm)
{
	struct pc_label *label = label_of_current();
	if (!label || !label->source_policy)
		return 0;
	struct actor who = { .label = NULL }; /* what it says of the source is of the last executable */
	label->source_policy = 0;
	if (!slot_policy(&who, label->slot, label->generation, PC_SET_SOURCES) || who.source == PC_SOURCE_STALE)
		return 0;
	__u32 level = 0;
	struct scratch *scratch = scratch_claim(&level);
	if (!scratch)
		return 0; /* found at the next verdict instead */
	fill(&scratch->request, &who, PC_OPERATION_EXEC, PC_AUTOMATON_PROCESS, 0);
	decide(level, DECIDE_SOURCE);
	scratch_release(scratch);
	return 0;
}

/* --- files */

SEC("lsm/file_open")
int BPF_PROG(pc_file_open, struct file *file, int ret)
{
	struct actor who;
	__u32 level = 0;
	if (ret)
		return ret;
	if (file->f_mode & FMODE_WRITE) {
		int refused = refuse(guarded_from_writing(file));
		if (refused)
			return refused;
	}
	if (is_inner(file) || !acting(&who, PC_SET_FILE | PC_SET_PROCESS_ALLOWS | PC_SET_PRESETS | PC_SET_SYSCALLS))
		return 0;
	/* What an exec opens is the exec's own hook's to note. */
	if (!(file->f_flags & FMODE_EXEC))
		note_syscall(&who, file->f_path.dentry, file->f_path.mnt);
	if (set_flags(who.policy) & PC_SET_PRESETS && ask_of_processes(&who, file))
		return -EACCES;
	if (!(set_flags(who.policy) & (PC_SET_FILE | PC_SET_PROCESS_ALLOWS)))
		return 0;
	struct scratch *scratch = scratch_claim(&level);
	if (!scratch)
		return no_room(&who, PC_OPERATION_OPEN, PC_AUTOMATON_FILE) ? -EACCES : 0;
	struct request *request = &scratch->request;
	fill(request, &who, PC_OPERATION_OPEN, PC_AUTOMATON_FILE, file->f_flags & FMODE_EXEC ? REQUEST_NO_POSTURE : 0);
	request->write = file->f_mode & FMODE_WRITE || file->f_flags & O_TRUNC;
	if (request->write)
		request->wanted |= REQUEST_CONTENT;
	request->dentry = (__u64)file->f_path.dentry;
	request->mount = mount_of(file->f_path.mnt);
	/* Its creation was judged and reported in this same system call. */
	if (who.label && who.label->reported) {
		if (who.label->reported == request->dentry)
			request->wanted |= REQUEST_QUIET;
		who.label->reported = 0;
	}
	about_file(request, file->f_inode);
	walk_first_mount(scratch, file);
	return verdict(scratch, level) ? -EACCES : 0;
}

/* A descriptor from another process: judged as if it were opened here. */
SEC("lsm/file_receive")
int BPF_PROG(pc_file_receive, struct file *file, int ret)
{
	struct actor who;
	if (ret)
		return ret;
	if (!acting(&who, PC_SET_FILE))
		return 0;
	struct inode *inode = file->f_inode;
	if ((inode->i_mode & S_IFMT) != S_IFREG)
		return 0;
	struct question question = {
		.operation = PC_OPERATION_RECEIVE, .automaton = PC_AUTOMATON_FILE, .write = !!(file->f_mode & FMODE_WRITE),
		.wanted = REQUEST_QUIET, .dentry = (__u64)file->f_path.dentry, .mount = file->f_path.mnt, .owner = (__u64)inode,
	};
	return ask(&who, &question) ? -EACCES : 0;
}

static __always_inline int ask_read_only(struct actor *who, struct file *file, __u32 operation)
{
	struct inode *inode = file->f_inode;
	if ((inode->i_mode & S_IFMT) != S_IFREG)
		return 0;
	struct question question = {
		.operation = operation, .automaton = PC_AUTOMATON_FILE, .write = 1, .wanted = REQUEST_READ_ONLY | REQUEST_QUIET, .owner = (__u64)inode,
	};
	shown_as(file, &question);
	return ask(who, &question);
}

/* Attached only while some set has readOnly rules: it is called for every read(2) and write(2) of the machine. */
SEC("lsm/file_permission")
int BPF_PROG(pc_file_permission, struct file *file, int mask, int ret)
{
	struct actor who;
	if (ret)
		return ret;
	if (!(mask & (MAY_WRITE | MAY_APPEND)) || is_inner(file))
		return 0;
	if (!acting(&who, PC_SET_READ_ONLY))
		return 0;
	return ask_read_only(&who, file, PC_OPERATION_WRITE) ? -EACCES : 0;
}

/* Mapping a blocked program executable is running it, by the dynamic loader's hand: only rules count, and only those that block. */
static __always_inline int ask_executable(struct actor *who, struct file *file)
{
	struct question question = {
		.operation = PC_OPERATION_MAP_EXECUTABLE, .automaton = PC_AUTOMATON_PROCESS, .wanted = REQUEST_NO_POSTURE | REQUEST_QUIET,
		.owner = (__u64)file->f_inode,
	};
	shown_as(file, &question);
	return ask(who, &question);
}

SEC("lsm/mmap_file")
int BPF_PROG(pc_mmap_file, struct file *file, unsigned long reqprot, unsigned long prot, unsigned long flags, int ret)
{
	struct actor who;
	__u32 type = flags & MAP_TYPE;
	bool writable = prot & PROT_WRITE && (type == MAP_SHARED || type == MAP_SHARED_VALIDATE);
	if (ret)
		return ret;
	if (!(prot & PROT_EXEC || (file && writable)))
		return 0;
	if (!acting(&who, PC_SET_PROCESS_BLOCKS | PC_SET_READ_ONLY | PC_SET_PRESETS))
		return 0;
	if (prot & PROT_EXEC && set_flags(who.policy) & PC_SET_PRESETS && ask_of_mapping(&who, file, type != MAP_PRIVATE, prot & PROT_WRITE && type == MAP_PRIVATE))
		return -EACCES;
	if (!file)
		return 0;
	if (prot & PROT_EXEC && set_flags(who.policy) & PC_SET_PROCESS_BLOCKS && ask_executable(&who, file))
		return -EACCES;
	if (writable && set_flags(who.policy) & PC_SET_READ_ONLY && ask_read_only(&who, file, PC_OPERATION_MAP_WRITABLE))
		return -EACCES;
	return 0;
}

SEC("lsm/file_mprotect")
int BPF_PROG(pc_file_mprotect, struct vm_area_struct *vma, unsigned long reqprot, unsigned long prot, int ret)
{
	struct actor who;
	if (ret)
		return ret;
	struct file *file = vma->vm_file;
	if (!(prot & (PROT_EXEC | PROT_WRITE)))
		return 0;
	if (!acting(&who, PC_SET_PROCESS_BLOCKS | PC_SET_READ_ONLY | PC_SET_PRESETS))
		return 0;
	unsigned long now = vma->vm_flags;
	if (prot & PROT_EXEC && !(now & VM_EXEC) && set_flags(who.policy) & PC_SET_PRESETS
	    && ask_of_mapping(&who, file, now & VM_SHARED, !(now & VM_SHARED) && (BPF_CORE_READ(vma, anon_vma) || prot & PROT_WRITE)))
		return -EACCES;
	if (!file)
		return 0;
	if (prot & PROT_EXEC && !(now & VM_EXEC) && set_flags(who.policy) & PC_SET_PROCESS_BLOCKS && ask_executable(&who, file))
		return -EACCES;
	if (prot & PROT_WRITE && now & VM_SHARED && !(now & VM_WRITE) && set_flags(who.policy) & PC_SET_READ_ONLY
	    && ask_read_only(&who, file, PC_OPERATION_MAP_WRITABLE))
		return -EACCES;
	return 0;
}

/* truncate(2); up to 6.1 also ftruncate(2) and O_TRUNC, which the open has reported already. */
SEC("lsm/path_truncate")
int BPF_PROG(pc_path_truncate, struct path *path, int ret)
{
	struct actor who;
	if (ret)
		return ret;
	struct inode *truncated = path->dentry->d_inode;
	int refused = refuse(truncated && guard_in_force() && listed(truncated) && lacks(PC_GUARD_WRITE));
	if (refused)
		return refused;
	if (!acting(&who, PC_SET_FILE | PC_SET_PROCESS_ALLOWS | PC_SET_SYSCALLS))
		return 0;
	note_syscall(&who, path->dentry, path->mnt);
	if (!(set_flags(who.policy) & (PC_SET_FILE | PC_SET_PROCESS_ALLOWS)))
		return 0;
	struct question question = {
		.operation = PC_OPERATION_TRUNCATE, .automaton = PC_AUTOMATON_FILE, .write = 1, .wanted = REQUEST_CONTENT | REQUEST_QUIET,
		.dentry = (__u64)path->dentry, .mount = path->mnt,
	};
	question.owner = inode_of(question.dentry);
	question.mode = mode_of(question.owner);
	return ask(&who, &question) ? -EACCES : 0;
}

SEC("lsm/file_truncate")
int BPF_PROG(pc_file_truncate, struct file *file, int ret)
{
	struct actor who;
	if (ret)
		return ret;
	if (is_inner(file) || !acting(&who, PC_SET_READ_ONLY))
		return 0;
	return ask_read_only(&who, file, PC_OPERATION_TRUNCATE) ? -EACCES : 0;
}

/* --- names */

static __always_inline int ask_name(__u32 operation, struct dentry *dentry, struct vfsmount *mount, struct dentry *directory, __u32 wanted, __u32 mode)
{
	struct actor who;
	__u32 flags = PC_SET_FILE | (wanted ? PC_SET_PROCESS_BLOCKS | PC_SET_PROCESS_ALLOWS : 0);
	if (!acting(&who, flags | PC_SET_SYSCALLS))
		return 0;
	note_syscall(&who, dentry, mount);
	if (!(set_flags(who.policy) & flags))
		return 0;
	struct question question = {
		.operation = operation, .automaton = PC_AUTOMATON_FILE, .write = 1, .wanted = wanted, .mode = mode,
		.dentry = (__u64)dentry, .mount = mount,
	};
	question.owner = inode_of(question.dentry);
	if (!question.owner) /* what is about to be made belongs to who owns the place */
		question.owner = inode_of((__u64)directory);
	return ask(&who, &question);
}

SEC("lsm/path_unlink")
int BPF_PROG(pc_path_unlink, struct path *dir, struct dentry *dentry, int ret)
{
	return ret ? ret : ask_name(PC_OPERATION_UNLINK, dentry, dir->mnt, dir->dentry, 0, 0) ? -EACCES : 0;
}

SEC("lsm/path_rmdir")
int BPF_PROG(pc_path_rmdir, struct path *dir, struct dentry *dentry, int ret)
{
	return ret ? ret : ask_name(PC_OPERATION_RMDIR, dentry, dir->mnt, dir->dentry, 0, 0) ? -EACCES : 0;
}

SEC("lsm/path_mkdir")
int BPF_PROG(pc_path_mkdir, struct path *dir, struct dentry *dentry, unsigned short mode, int ret)
{
	return ret ? ret : ask_name(PC_OPERATION_MKDIR, dentry, dir->mnt, dir->dentry, 0, 0) ? -EACCES : 0;
}

/* Also open(2) with O_CREAT: what is reported here is remembered for the open that follows. */
SEC("lsm/path_mknod")
int BPF_PROG(pc_path_mknod, struct path *dir, struct dentry *dentry, unsigned short mode, unsigned int device, int ret)
{
	if (ret)
		return ret;
	__u32 type = mode & S_IFMT, made = (type ? type : S_IFREG) | (mode & 07777);
	if (ask_name(PC_OPERATION_MKNOD, dentry, dir->mnt, dir->dentry, REQUEST_NAME_COMES, made))
		return -EACCES;
	struct pc_label *label = label_of_current();
	if (label && (made & S_IFMT) == S_IFREG)
		label->reported = (__u64)dentry;
	return 0;
}

SEC("lsm/path_symlink")
int BPF_PROG(pc_path_symlink, struct path *dir, struct dentry *dentry, const char *target, int ret)
{
	return ret ? ret : ask_name(PC_OPERATION_SYMLINK, dentry, dir->mnt, dir->dentry, 0, 0) ? -EACCES : 0;
}

SEC("lsm/path_chmod")
int BPF_PROG(pc_path_chmod, struct path *path, unsigned short mode, int ret)
{
	if (ret)
		return ret;
	__u32 now = mode_of(inode_of((__u64)path->dentry));
	/* A file that becomes executable takes its name as a program does. */
	bool becomes = (now & S_IFMT) == S_IFREG && mode & MODE_EXECUTABLE && !(now & MODE_EXECUTABLE);
	return ask_name(PC_OPERATION_CHMOD, path->dentry, path->mnt, path->dentry, becomes ? REQUEST_NAME_COMES : 0, S_IFREG | MODE_EXECUTABLE) ? -EACCES : 0;
}

#ifndef PC_REDUCED /* 5.10 lets no program on a hook that takes structs by value */
SEC("lsm/path_chown")
int BPF_PROG(pc_path_chown, struct path *path, __u64 uid, __u64 gid, int ret)
{
	return ret ? ret : ask_name(PC_OPERATION_CHOWN, path->dentry, path->mnt, path->dentry, 0, 0) ? -EACCES : 0;
}
#endif

/* One name goes or is shared, another comes. Both in one scratch, so that the second look knows the first's flags. */
static __always_inline int ask_two(__u32 operation, struct dentry *from, struct vfsmount *from_mount, struct dentry *to, struct path *to_dir)
{
	struct actor who;
	__u32 level = 0, flags = PC_SET_FILE | PC_SET_PROCESS_BLOCKS | PC_SET_PROCESS_ALLOWS;
	if (!acting(&who, flags | PC_SET_SYSCALLS))
		return 0;
	note_syscall(&who, from, from_mount);
	note_syscall(&who, to, to_dir->mnt);
	if (!(set_flags(who.policy) & flags))
		return 0;
	struct scratch *scratch = scratch_claim(&level);
	if (!scratch)
		return no_room(&who, operation, PC_AUTOMATON_FILE);
	struct request *request = &scratch->request;
	fill(request, &who, operation, PC_AUTOMATON_FILE, REQUEST_NAME_LEAVES);
	request->write = 1;
	request->dentry = (__u64)from;
	request->mount = mount_of(from_mount);
	request->owner = inode_of(request->dentry);
	request->mode = mode_of(request->owner);
	scratch->walk.begun = WALK_AFRESH;
	int action = decide(level, DECIDE_VERDICT);
	if (action != PC_ACTION_BLOCK) {
		request->automaton = PC_AUTOMATON_FILE;
		request->wanted = REQUEST_NAME_COMES;
		request->file.inode = 0;
		request->dentry = (__u64)to;
		request->mount = mount_of(to_dir->mnt);
		__u64 replaced = inode_of(request->dentry);
		request->owner = replaced ? replaced : inode_of((__u64)to_dir->dentry);
		action = decide(level, DECIDE_VERDICT);
	}
	scratch_release(scratch);
	return action == PC_ACTION_BLOCK;
}

SEC("lsm/path_link")
int BPF_PROG(pc_path_link, struct dentry *old_dentry, struct path *new_dir, struct dentry *new_dentry, int ret)
{
	return ret ? ret : ask_two(PC_OPERATION_LINK, old_dentry, new_dir->mnt, new_dentry, new_dir) ? -EACCES : 0;
}

#ifdef PC_REDUCED
/* Up to 5.18 the hook is called twice for an exchange, once each way. */
SEC("lsm/path_rename")
int BPF_PROG(pc_path_rename, struct path *old_dir, struct dentry *old_dentry, struct path *new_dir, struct dentry *new_dentry, int ret)
{
	return ret ? ret : ask_two(PC_OPERATION_RENAME, old_dentry, old_dir->mnt, new_dentry, new_dir) ? -EACCES : 0;
}
#else
SEC("lsm/path_rename")
int BPF_PROG(pc_path_rename, struct path *old_dir, struct dentry *old_dentry, struct path *new_dir, struct dentry *new_dentry, unsigned int flags, int ret)
{
	if (ret)
		return ret;
	if (ask_two(PC_OPERATION_RENAME, old_dentry, old_dir->mnt, new_dentry, new_dir))
		return -EACCES;
	/* An exchange is two renames at once. */
	return flags & RENAME_EXCHANGE && ask_two(PC_OPERATION_RENAME, new_dentry, new_dir->mnt, old_dentry, old_dir) ? -EACCES : 0;
}
#endif

/* --- mounts */

/* A container with strict path rules keeps its mounts: a mount gives files names that no rule knows. */
static __always_inline int ask_mount(__u32 operation, __u64 dentry, struct vfsmount *mount)
{
	struct actor who;
	__u32 level = 0;
	if (!acting(&who, PC_SET_PROCESS_STRICT | PC_SET_FILE_STRICT | PC_SET_SYSCALLS))
		return 0;
	note_syscall(&who, (void *)dentry, mount);
	if (!(set_flags(who.policy) & (PC_SET_PROCESS_STRICT | PC_SET_FILE_STRICT)) || set_flags(who.policy) & PC_SET_MOUNTS || who.slot == PC_SLOT_HOST)
		return 0;
	bool paused = is_paused(who.slot, who.generation);
	count(PC_COUNT_JUDGED);
	count_verdict(operation, paused ? PC_ACTION_AUDIT : PC_ACTION_BLOCK);
	struct scratch *scratch = scratch_claim(&level);
	if (!scratch)
		return no_room(&who, operation, set_flags(who.policy) & PC_SET_FILE_STRICT ? PC_AUTOMATON_FILE : PC_AUTOMATON_PROCESS);
	fill(&scratch->request, &who, operation, PC_AUTOMATON_FILE, 0);
	settle(&scratch->request, PC_ACTION_BLOCK, PC_REASON_MOUNTS, PC_RULE_NONE << 8);
	scratch->request.decision = PAUSED_DECISION(scratch->request.decision, paused);
	walk_from(&scratch->walk, dentry, mount_of(mount));
	decide(level, DECIDE_REPORT);
	scratch_release(scratch);
	if (paused)
		return 0;
	count(PC_COUNT_DENIED);
	return 1;
}

SEC("lsm/sb_mount")
int BPF_PROG(pc_sb_mount, const char *device, struct path *path, const char *type, unsigned long flags, void *data, int ret)
{
	if (ret)
		return ret;
	if (flags & (MS_REMOUNT | MS_CHANGES_PROPAGATION))
		return 0;
	return ask_mount(PC_OPERATION_MOUNT, (__u64)path->dentry, path->mnt) ? -EACCES : 0;
}

SEC("lsm/move_mount")
int BPF_PROG(pc_move_mount, struct path *from, struct path *to, int ret)
{
	return ret ? ret : ask_mount(PC_OPERATION_MOUNT, (__u64)to->dentry, to->mnt) ? -EACCES : 0;
}

SEC("lsm/sb_umount")
int BPF_PROG(pc_sb_umount, struct vfsmount *mount, int flags, int ret)
{
	return ret ? ret : ask_mount(PC_OPERATION_UNMOUNT, (__u64)mount->mnt_root, mount) ? -EACCES : 0;
}

SEC("lsm/sb_pivotroot")
int BPF_PROG(pc_sb_pivotroot, struct path *old_path, struct path *new_path, int ret)
{
	return ret ? ret : ask_mount(PC_OPERATION_PIVOT_ROOT, (__u64)new_path->dentry, new_path->mnt) ? -EACCES : 0;
}
