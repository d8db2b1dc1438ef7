/* A second of everything that processes share: caches, memory, files, process creation. */
#include "probe.h"

static char noise[48 << 20];

static void write_file(void)
{
	int fd = open("/tmp/noise", O_CREAT | O_TRUNC | O_WRONLY, 0600);

	for (int i = 0; fd >= 0 && i < 8; i++)
		if (write(fd, noise, 1 << 20) < 0)
			break;
	if (fd >= 0)
		close(fd);
	unlink("/tmp/noise");
}

int main(void)
{
	struct timespec now;
	time_t end;

	clock_gettime(CLOCK_MONOTONIC, &now);
	end = now.tv_sec + 2;
	for (int round = 0; now.tv_sec < end; round++) {
		memset(noise, round, sizeof noise);
		write_file();
		for (int i = 0; i < 20; i++) {
			if (fork() == 0)
				_exit(0);
			wait(NULL);
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
	}
	return finish();
}
