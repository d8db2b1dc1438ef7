/* Print what a report looks like on every descriptor there is; exit 3. */
#include "probe.h"

int main(void)
{
	static const char frame[] = "\2\0\0\0\7\0\0\0\1\0\0\0cause=exited\0exit_code=0";
	char path[64];
	int fd;

	write(1, frame, sizeof frame);
	write(2, frame, sizeof frame);
	write(2, "\nVERDICT: AC\n", 13);
	for (fd = 3; fd < 256; fd++)
		if (write(fd, frame, sizeof frame) >= 0)
			leak("wrote into a descriptor");
	for (fd = 0; fd < 64; fd++) {
		int got;

		snprintf(path, sizeof path, "/proc/1/fd/%d", fd);
		got = open(path, O_WRONLY | O_NONBLOCK);
		if (got >= 0) {
			leak(path);
			write(got, frame, sizeof frame);
		}
	}
	return 3;
}
