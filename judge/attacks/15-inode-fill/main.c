/* Create empty files, directories, links and FIFOs until refused. */
#include "probe.h"

int main(void)
{
	static const char *const places[] = {"/tmp", "/dev/shm", "/box"};
	char name[64], target[64];
	long made = 0;
	unsigned place;
	int i;

	for (place = 0; place < 3; place++)
		for (i = 0; i < 400000; i++) {
			int bad;

			snprintf(name, sizeof name, "%s/f%d", places[place], i);
			snprintf(target, sizeof target, "%s/f0", places[place]);
			switch (i & 3) {
			case 1:
				bad = mkdir(name, 0);
				break;
			case 2:
				bad = symlink("/etc/passwd", name);
				break;
			case 3:
				bad = mkfifo(name, 0600) && link(target, name);
				break;
			default:
				bad = mknod(name, S_IFREG | 0600, 0);
			}
			if (bad)
				break;
			made++;
		}
	if (made >= 1000000)
		leak("a million inodes");
	return finish();
}
