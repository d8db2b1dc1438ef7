/* Start threads until the limit; more than 4096 of them means that there is none. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void *wait_for_ever(void *argument)
{
	for (;;)
		pause();
	return argument;
}

int main(void)
{
	pthread_attr_t small;
	pthread_t thread;
	int count = 0;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	while (count < 4096 && pthread_create(&thread, &small, wait_for_ever, NULL) == 0)
		count++;
	puts(count < 4096 ? "bounded" : "LEAK 4096 threads");
	fflush(stdout);
	for (;;)
		pause();
}
