/* Burn CPU where a limit of one process would not see it. */
#include "probe.h"
#include <pthread.h>

static void *burn(void *argument)
{
	for (;;)
		;
	return argument;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	pthread_t thread;
	int i;

	if (!strcmp(how, "four")) {
		for (i = 0; i < 4; i++)
			if (fork() == 0)
				burn(NULL);
	} else if (!strcmp(how, "chain")) {
		/* Each link burns 5 ms, hands over and dies; the first one only sleeps. */
		if (fork() == 0)
			for (;;) {
				spin_ms(5);
				if (fork())
					_exit(0);
			}
	} else {
		for (i = 0; i < 4; i++)
			pthread_create(&thread, NULL, burn, NULL);
	}
	sleep_ms(60000);
	return 0;
}
