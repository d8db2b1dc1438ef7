/* Double-fork a daemon that burns CPU and scribbles, then exit 0 as if all were well. */
#include "probe.h"

int main(void)
{
	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			for (;;) {
				int fd = open("/box/daemon", O_CREAT | O_WRONLY, 0666);

				close(fd);
				spin_ms(5);
			}
		}
		_exit(0);
	}
	sleep_ms(400);
	puts("parent done");
	return 0;
}
