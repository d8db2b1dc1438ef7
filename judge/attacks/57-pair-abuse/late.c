/* Answer long after the validator has gone, and leave a process that goes on answering. */
#include <stdio.h>
#include <unistd.h>

int main(void)
{
	if (fork() == 0) {
		setsid();
		for (;;)
			if (write(1, "late\n", 5) < 0)
				usleep(1000);
	}
	usleep(300000);
	puts("late");
	return 0;
}
