/* Children in sessions of their own exchange a file with a symlink as fast as they can. */
#include "probe.h"

int main(void)
{
	int i, fd;

	mkdir("dir", 0700);
	mkdir("other", 0700);
	symlink("/etc/passwd", "dir/link");
	symlink("/val/secret", "dir/secret");
	fd = open("dir/flip", O_CREAT | O_WRONLY, 0600);
	if (write(fd, "fine", 4) != 4)
		return 1;
	symlink("/etc/passwd", "other/flip");
	for (i = 0; i < 4; i++)
		if (fork() == 0) {
			setsid();
			for (;;) {
				syscall(SYS_renameat2, AT_FDCWD, "dir/flip", AT_FDCWD,
					i & 1 ? "dir/link" : "dir/secret", 2);
				syscall(SYS_renameat2, AT_FDCWD, "dir", AT_FDCWD, "other", 2);
			}
		}
	sleep_ms(20);
	puts("swapping");
	return 0;
}
