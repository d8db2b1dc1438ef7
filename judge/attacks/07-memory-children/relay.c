/* A chain of orphans, each holding 60 MiB: no parent is left to be charged. */
#include "probe.h"

int main(void)
{
	int i;

	for (i = 0; i < 10; i++) {
		char *own;

		if (fork() == 0)
			continue;
		own = malloc(60u << 20);
		memset(own, 1, 60u << 20);
		sleep_ms(60000);
	}
	sleep_ms(60000);
	return 0;
}
