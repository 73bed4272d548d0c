/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Presets: conditions that no path names. Whether one holds is found here; what it does to whom the set says, as of any rule. */
#ifndef PORTCULLIS_PRESETS_H
#define PORTCULLIS_PRESETS_H

#include "ask.h"

#define PROC_SUPER_MAGIC 0x9fa0 /* include/uapi/linux/magic.h */

/* 1 if it is denied. The file's path is told along; without a file there is none. */
static __noinline int ask_preset(struct actor *who, __u32 operation, __u32 preset, struct file *file)
{
	__u32 level = 0;
	struct scratch *scratch = scratch_claim(&level);
	if (!scratch)
		return no_room(who, operation, PC_AUTOMATON_PRESET);
	struct request *request = &scratch->request;
	fill(request, who, operation, PC_AUTOMATON_PRESET, 0);
	request->prefix = PC_KEY_BYTE(preset);
	request->prefix_length = 1;
	if (file) {
		struct question shown = {};
		shown_as(file, &shown);
		request->dentry = shown.dentry;
		request->mount = mount_of(shown.mount);
	}
	scratch->walk.begun = WALK_AFRESH;
	return verdict(scratch, level);
}

/* Whether this is a file that procfs has for another process. */
static __always_inline bool is_of_another_process(struct inode *inode)
{
	if (BPF_CORE_READ(inode, i_sb, s_magic) != PROC_SUPER_MAGIC)
		return false;
	struct proc_inode *embedding = (void *)inode - bpf_core_field_offset(struct proc_inode, vfs_inode);
	struct pid *pid = BPF_CORE_READ(embedding, pid);
	if (!pid)
		return false;
	struct hlist_node *link = BPF_CORE_READ(pid, tasks[PIDTYPE_PID].first);
	if (!link)
		return true;
	struct task_struct *task = (void *)link - bpf_core_field_offset(struct task_struct, pid_links);
	return BPF_CORE_READ(task, tgid) != bpf_get_current_pid_tgid() >> 32;
}

static __always_inline bool is_environment(struct file *file)
{
	char name[8] = {};
	struct dentry *dentry = file->f_path.dentry;
	bpf_probe_read_kernel(name, sizeof name, BPF_CORE_READ(dentry, d_name.name));
	return __builtin_memcmp(name, "environ", sizeof name) == 0;
}

/* protectEnv and protectProc. */
static __always_inline int ask_of_processes(struct actor *who, struct file *file)
{
	if (!is_of_another_process(file->f_inode))
		return 0;
	if (is_environment(file) && ask_preset(who, PC_OPERATION_OPEN, PC_PRESET_PROTECT_ENV, file))
		return 1;
	return ask_preset(who, PC_OPERATION_OPEN, PC_PRESET_PROTECT_PROC, file);
}

/* filelessExec, and exec by who came into the container with a terminal. */
static __always_inline int ask_of_exec(struct actor *who, struct file *file)
{
	if (ask_preset(who, PC_OPERATION_EXEC, PC_PRESET_FILELESS_EXEC, file))
		return 1;
	return who->entered && has_terminal() && ask_preset(who, PC_OPERATION_EXEC, PC_PRESET_EXEC, file);
}

#define S_PRIVATE 512 /* include/linux/fs.h: the inode is the kernel's own, as that of shared memory without a name */

/*
 * Memory becomes code: that of no file, or of one that has been written over since, is what anonymousMapExec is about. A file that is mapped for oneself alone is what
 * the loader does with a program, and so is filelessExec's business; just-in-time compilers share theirs (.NET's double mapping of a memfd).
 */
static __always_inline int ask_of_mapping(struct actor *who, struct file *file, bool is_shared, bool is_written)
{
	bool is_anonymous = !file || is_written || BPF_CORE_READ(file, f_inode, i_flags) & S_PRIVATE;
	if (is_anonymous && ask_preset(who, PC_OPERATION_MAP_ANONYMOUS, PC_PRESET_ANONYMOUS_MAP_EXEC, file))
		return 1;
	return file && !is_shared && ask_preset(who, PC_OPERATION_MAP_EXECUTABLE, PC_PRESET_FILELESS_EXEC, file);
}

#endif
