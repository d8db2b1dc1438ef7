/* Look for locks that plant.c holds on inodes both of us can open. */
#include "channels.h"

int main(void)
{
	unsigned i;
	int fd;

	sleep_ms(200);
	for (i = 0; i < sizeof shared_inodes / sizeof *shared_inodes; i++) {
		struct flock lock = {.l_type = F_WRLCK, .l_start = 42, .l_len = 1};

		fd = open(shared_inodes[i], O_RDONLY | O_NONBLOCK);
		if (fd >= 0 && syscall(SYS_flock, fd, 2 | 4) && errno == EWOULDBLOCK)
			leak("flock");
		fd = open(shared_inodes[i], O_RDWR | O_NONBLOCK);
		if (fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
			leak("record lock");
	}
	return finish();
}
