/* Leave the worst trees one can build without privileges in every writable place. */
#include "probe.h"
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/un.h>

static void deep(const char *root)
{
	char name[256];
	int i;

	memset(name, 'd', 255);
	name[255] = 0;
	if (chdir(root))
		return;
	for (i = 0; i < 600 && mkdir(name, 0700) == 0 && chdir(name) == 0; i++)
		;
	close(open("bottom", O_CREAT | O_WRONLY, 0));
	chmod(".", 0);
}

static void locked(const char *root)
{
	static const char *const names[] = {"-rf", "new\nline", "\xff\xfe", " ", "*", "a\rb"};
	char path[512];
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	unsigned i;
	int fd, flags = FS_IMMUTABLE_FL | FS_APPEND_FL;

	for (i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", root, names[i]);
		mkdir(path, 0700);
		snprintf(path, sizeof path, "%s/%s/inner", root, names[i]);
		mkdir(path, 0700);
		snprintf(path, sizeof path, "%s/%s/inner/file", root, names[i]);
		fd = open(path, O_CREAT | O_WRONLY, 0);
		ioctl(fd, FS_IOC_SETFLAGS, &flags);
		snprintf(path, sizeof path, "%s/%s/inner", root, names[i]);
		chmod(path, 0);
		snprintf(path, sizeof path, "%s/%s", root, names[i]);
		chmod(path, 0);
	}
	snprintf(path, sizeof path, "%s/loop", root);
	symlink(".", path);
	snprintf(path, sizeof path, "%s/up", root);
	symlink("/prog", path);
	snprintf(path, sizeof path, "%s/fifo", root);
	mkfifo(path, 0);
	snprintf(address.sun_path, sizeof address.sun_path, "%s/socket", root);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	bind(fd, (struct sockaddr *)&address, sizeof address);
}

int main(void)
{
	static const char *const roots[] = {"/tmp", "/dev/shm", "/box"};
	unsigned i;

	umask(0);
	for (i = 0; i < 3; i++)
		locked(roots[i]);
	for (i = 0; i < 3; i++)
		deep(roots[i]);
	chmod("/box", 0);
	puts("planted");
	return 0;
}
