/* Double-fork a daemon that burns CPU and scribbles, then exit 0 as if all were well. */
#include "probe.h"

int main(void)
{
	/* Shared, so that the parent goes only when the daemon has cost something. */
	volatile int *rounds = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				    -1, 0);

	if (fork() == 0) {
		setsid();
		if (fork() == 0) {
			for (;;) {
				int fd = open("/box/daemon", O_CREAT | O_WRONLY, 0666);

				close(fd);
				spin_ms(5);
				++*rounds;
			}
		}
		_exit(0);
	}
	while (*rounds < 40)
		sleep_ms(5);
	puts("parent done");
	return 0;
}
