/* Read times, modes, flags and attributes that quiet.c may have set. */
#include "probe.h"
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

static long modified_ms(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

/* Two inodes that are renewed together differ by little; one alone carries a message. */
static void compare(const char *one, const char *other)
{
	long apart = modified_ms(one) - modified_ms(other);
	char what[128];

	snprintf(what, sizeof what, "the times of %s and %s are %ld ms apart", one, other, apart);
	if (apart < -200 || apart > 200)
		leak(what);
}

int main(void)
{
	char names[256];
	struct stat st;
	int fd = open("/box", O_RDONLY), flags = 0;

	if (fd < 0 || fstat(fd, &st) || (st.st_mode & 07777) != 0700)
		leak("the mode of /box");
	if (st.st_atim.tv_sec == 4242424242 || st.st_mtim.tv_sec == 4242424242)
		leak("the times of /box");
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 && flags & (FS_NODUMP_FL | FS_NOATIME_FL))
		leak("the flags of /box");
	if (flistxattr(fd, names, sizeof names) > 0)
		leak("attributes of /box");
	compare("/tmp", "/dev/shm");
	compare("/box", "/tmp");
	compare("/dev/null", "/dev/zero");
	return finish();
}
