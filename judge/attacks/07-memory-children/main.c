/* Ten children with 60 MiB each, none over the limit by itself. */
#include "probe.h"

int main(void)
{
	int i;

	for (i = 0; i < 10; i++)
		if (fork() == 0) {
			char *own = malloc(60u << 20);

			memset(own, i + 1, 60u << 20);
			sleep_ms(60000);
		}
	sleep_ms(60000);
	return 0;
}
