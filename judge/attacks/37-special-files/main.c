/* Offer the judge every kind of file that must not be followed, opened or copied. */
#include "probe.h"
#include <sys/un.h>

static void text(const char *path)
{
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	if (write(fd, "fine", 4) != 4)
		exit(1);
	close(fd);
}

int main(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "dir/socket"};

	symlink("/etc/passwd", "out");
	symlink("/dev/zero", "zero");
	mkfifo("fifo", 0666);
	mkdir("dir", 0700);
	text("dir/fine");
	symlink("/etc/passwd", "dir/link");
	symlink("/val/secret", "dir/secret");
	mkfifo("dir/fifo", 0600);
	bind(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address);
	symlink("/etc", "dirlink");
	symlink("/val", "secretdir");
	symlink("/", "up");
	text("good");
	link("good", "hard");
	link("/prog/main", "dir/program");
	link("/etc/passwd", "dir/passwd");
	puts("planted");
	return 0;
}
