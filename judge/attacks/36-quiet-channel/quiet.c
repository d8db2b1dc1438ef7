/* Write only where no file is left behind: times, modes, flags and attributes of shared inodes. */
#include "probe.h"
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

static void flicker(const char *directory)
{
	char path[64];

	snprintf(path, sizeof path, "%s/flicker", directory);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	unlink(path);
}

int main(void)
{
	static const char acl[] = "\2\0\0\0\1\0\7\0\377\377\377\377\4\0\7\0\377\377\377\377"
				  "\40\0\7\0\377\377\377\377";
	struct timespec times[2] = {{4242424242, 42}, {4242424242, 42}};
	char name[201] = "";
	int i, fd = open("/box", O_RDONLY), flags = FS_NODUMP_FL | FS_NOATIME_FL;

	utimensat(AT_FDCWD, "/dev/null", NULL, 0);
	flicker("/tmp");
	sleep_ms(300);
	utimensat(AT_FDCWD, "/dev/zero", NULL, 0);
	flicker("/box");
	ioctl(fd, FS_IOC_SETFLAGS, &flags);
	fsetxattr(fd, "user.word", "42", 2, 0);
	fsetxattr(fd, "system.posix_acl_default", acl, sizeof acl - 1, 0);
	fsetxattr(fd, "system.posix_acl_access", acl, sizeof acl - 1, 0);
	/* More names than a small buffer holds: the judge must not be lost over it. */
	memset(name, 'n', sizeof name - 1);
	memcpy(name, "user.", 5);
	for (i = 0; i < 20; i++) {
		name[6] = (char)('a' + i);
		fsetxattr(fd, name, "42", 2, 0);
	}
	fchmod(fd, 0500);
	futimens(fd, times);
	puts("planted");
	return 0;
}
