/* Look for the opponent while it runs, then make noise: cache, memory, forks, system calls. */
#include "probe.h"

static void look(void)
{
	char path[64], text[512];
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	ssize_t got;
	int fd;

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof path, "/proc/%s/comm", entry->d_name);
		fd = open(path, O_RDONLY);
		got = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
		text[got > 0 ? got : 0] = 0;
		if (!strncmp(text, "opponent", 8))
			leak("saw the opponent");
		if (fd >= 0)
			close(fd);
	}
	if (dir)
		closedir(dir);
	if (can_read("/tmp/opponent") || !access("/dev/shm/opponent", F_OK))
		leak("read the opponent's file");
	if (kill(-1, 0) == 0 && kill(1, 0) == 0)
		leak("may signal widely");
}

int main(void)
{
	static char noise[32 << 20];
	int round;

	for (round = 0; round < 8; round++) {
		look();
		memset(noise, round, sizeof noise);
		if (fork() == 0)
			_exit(0);
		wait(NULL);
		spin_ms(30);
	}
	return finish();
}
