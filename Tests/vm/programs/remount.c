/* remount COMMAND ...: ways to give files other names by mounts, and to take their names away. */
#include "attack.h"
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#endif
#define OPEN_TREE_RECURSIVE 0x8000 /* AT_RECURSIVE */
#define MOVE_FROM_DESCRIPTOR 4     /* MOVE_MOUNT_F_EMPTY_PATH */

static char *no_arguments[] = { "attacker", NULL };

/* A mount that is in no mount tree. */
static int clone_of(const char *directory) { return (int)must("open_tree", syscall(SYS_open_tree, AT_FDCWD, directory, OPEN_TREE_CLONE | OPEN_TREE_RECURSIVE)); }

/* tree-read DIRECTORY NAME, tree-exec DIRECTORY NAME */
static int tree_read(char **a) { return show((int)must("openat", openat(clone_of(a[0]), a[1], O_RDONLY))); }

static int tree_exec(char **a)
{
	syscall(SYS_execveat, clone_of(a[0]), a[1], no_arguments, NULL, 0);
	refused("execveat");
}

/* tree-move DIRECTORY TARGET PATH: DIRECTORY also at TARGET, then read PATH. */
static int tree_move(char **a)
{
	must("move_mount", syscall(SYS_move_mount, clone_of(a[0]), "", AT_FDCWD, a[1], MOVE_FROM_DESCRIPTOR));
	return show((int)must("open", open(a[2], O_RDONLY)));
}

/* lazy-read DIRECTORY NAME: stand in DIRECTORY, take its mount away under one's feet, and read NAME. */
static int lazy_read(char **a)
{
	must("chdir", chdir(a[0]));
	must("umount2", umount2(a[0], MNT_DETACH));
	return show((int)must("open", open(a[1], O_RDONLY)));
}

/* lazy-own-read FROM DIRECTORY NAME: the same with a mount made for it. */
static int lazy_own_read(char **a)
{
	must("mount", mount(a[0], a[1], NULL, MS_BIND, NULL));
	return lazy_read(a + 1);
}

static int bind(char **a)
{
	must("mount", mount(a[0], a[1], NULL, MS_BIND, NULL));
	return 0;
}

/* pivot-read DIRECTORY PATH: DIRECTORY becomes the root. */
static int pivot_read(char **a)
{
	must("unshare", unshare(CLONE_NEWNS));
	must("mount private", mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	must("mount", mount(a[0], a[0], NULL, MS_BIND | MS_REC, NULL));
	must("chdir", chdir(a[0]));
	must("pivot_root", syscall(SYS_pivot_root, ".", "."));
	must("umount2", umount2(".", MNT_DETACH));
	must("chdir", chdir("/"));
	return show((int)must("open", open(a[1], O_RDONLY)));
}

/* user-read FROM TARGET PATH: in a user namespace of one's own, where one may mount. */
static int user_read(char **a)
{
	must("unshare", unshare(CLONE_NEWUSER | CLONE_NEWNS));
	must("mount", mount(a[0], a[1], NULL, MS_BIND | MS_REC, NULL));
	return show((int)must("open", open(a[2], O_RDONLY)));
}

/* setns-read PID PATH: from the mount namespace of another process. */
static int setns_read(char **a)
{
	char name[64];
	snprintf(name, sizeof name, "/proc/%s/ns/mnt", a[0]);
	must("setns", setns((int)must("open", open(name, O_RDONLY)), CLONE_NEWNS));
	return show((int)must("open", open(a[1], O_RDONLY)));
}

int main(int count, char **arguments)
{
	static const struct command commands[] = {
		{ "tree-read", 2, tree_read }, { "tree-exec", 2, tree_exec }, { "tree-move", 3, tree_move }, { "bind", 2, bind }, { "lazy-read", 2, lazy_read },
		{ "lazy-own-read", 3, lazy_own_read }, { "pivot-read", 2, pivot_read }, { "user-read", 3, user_read }, { "setns-read", 2, setns_read },
		{ 0 },
	};
	return dispatch(commands, count, arguments);
}
