/* Fill every tmpfs first, then race many small allocators, each made an unlikely victim. */
#include "probe.h"

static char chunk[1 << 20];

int main(void)
{
	static const char *const places[] = {"/tmp", "/dev/shm", "/box"};
	char name[64];
	unsigned place;
	int i, fd;

	fd = open("/proc/self/oom_score_adj", O_WRONLY);
	write(fd, "-1000", 5);
	write(fd, "0", 1);
	signal(SIGXFSZ, SIG_IGN);
	memset(chunk, 1, sizeof chunk);
	for (place = 0; place < 3; place++)
		for (i = 0; i < 64; i++) {
			snprintf(name, sizeof name, "%s/fill%d", places[place], i);
			fd = open(name, O_CREAT | O_WRONLY, 0600);
			if (fd < 0 || write(fd, chunk, sizeof chunk) <= 0)
				break;
			while (write(fd, chunk, sizeof chunk) > 0)
				;
			close(fd);
		}
	for (i = 0; i < 40; i++)
		if (fork() == 0)
			break;
	for (;;) {
		char *piece = malloc(1 << 20);

		if (piece)
			memset(piece, 1, 1 << 20);
	}
}
