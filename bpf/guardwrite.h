/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What self-protection says to an open for writing. Part of file_open's own program: a second one there would cost each open of the machine. */
#ifndef PORTCULLIS_GUARDWRITE_H
#define PORTCULLIS_GUARDWRITE_H

#include "guard.h"

#define PROC_SUPER_MAGIC 0x9fa0

/*
 * /proc/sys/kernel/ftrace_enabled: 0 there takes every program off every LSM hook (seen on 6.1 to 7.2; 5.10 answers EBUSY), whatever is pinned. By its
 * name in any procfs: a mount of one's own, /proc/PID/root and bind mounts lead to the same dentry.
 */
static __always_inline bool is_trampoline_switch(struct file *file)
{
	char name[15] = {};
	if (file->f_inode->i_sb->s_magic != PROC_SUPER_MAGIC)
		return false;
	bpf_probe_read_kernel(name, sizeof name, BPF_CORE_READ(file, f_path.dentry, d_name.name));
	return !__builtin_memcmp(name, "ftrace_enabled", sizeof name);
}

/* Whether an open for writing is refused, of the switch to containers in any case, and of listed executables. */
static __noinline int guarded_from_writing(struct file *file)
{
	if (is_trampoline_switch(file))
		return label_of_current() || lacks(PC_GUARD_WRITE);
	return guard_in_force() && listed(file->f_inode) && lacks(PC_GUARD_WRITE);
}

#endif
