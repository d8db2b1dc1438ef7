/* The parent answers and exits; a silent child keeps the descriptors. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	if (fork() == 0) {
		setsid();
		for (;;)
			pause();
	}
	puts("answer");
	return 0;
}
