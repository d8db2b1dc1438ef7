/* Any of these opens the kernel's most privileged doors to an unprivileged process. */
#include "probe.h"
#include <sys/mount.h>

static int cloned(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static int cloned3(uint64_t flags)
{
	uint64_t args[11] = {0};
	long pid;

	args[0] = flags;
	args[4] = SIGCHLD;
	pid = syscall(435, args, sizeof args);
	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static int entered(const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof path, "/proc/1/ns/%s", name);
	fd = open(path, O_RDONLY);
	return fd >= 0 && setns(fd, 0) == 0;
}

int main(void)
{
	static const struct {
		const char *name;
		unsigned long flag;
	} kinds[] = {
		{"user", CLONE_NEWUSER}, {"pid", CLONE_NEWPID}, {"net", CLONE_NEWNET},
		{"ipc", CLONE_NEWIPC},	 {"uts", CLONE_NEWUTS}, {"mnt", CLONE_NEWNS},
		{"cgroup", 0x02000000},
	};
	unsigned i;

	for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		ATTEMPT("unshare", unshare((int)kinds[i].flag) == 0);
		ATTEMPT("unshare with user", unshare((int)kinds[i].flag | CLONE_NEWUSER) == 0);
		ATTEMPT("clone with user", cloned(kinds[i].flag | CLONE_NEWUSER));
		ATTEMPT("clone3 with user", cloned3(kinds[i].flag | CLONE_NEWUSER));
		ATTEMPT("setns", entered(kinds[i].name));
	}
	ATTEMPT("unshare time", unshare(0x80) == 0);
	ATTEMPT("mount tmpfs", mount("none", "/tmp", "tmpfs", 0, NULL) == 0);
	ATTEMPT("remount /", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL) == 0);
	ATTEMPT("umount /val", umount2("/val", MNT_DETACH) == 0);
	ATTEMPT("umount /proc", umount2("/proc", MNT_DETACH) == 0);
	ATTEMPT("pivot_root", syscall(SYS_pivot_root, "/", "/tmp") == 0);
	ATTEMPT("chroot", chroot("/box") == 0);
	ATTEMPT("open_tree", syscall(428, AT_FDCWD, "/", 1) >= 0);
	ATTEMPT("fsopen", syscall(430, "tmpfs", 0) >= 0);
	ATTEMPT("fspick", syscall(433, AT_FDCWD, "/", 0) >= 0);
	ATTEMPT("move_mount", syscall(429, -1, "/tmp", AT_FDCWD, "/box", 0) == 0);
	ATTEMPT("mount_setattr", syscall(442, AT_FDCWD, "/", 0, NULL, 0) == 0);
	return finish();
}
