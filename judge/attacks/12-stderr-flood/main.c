/* 40 MiB of standard error and a right answer. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char chunk[1 << 16];

int main(void)
{
	int i;

	memset(chunk, 'e', sizeof chunk);
	for (i = 0; i < 640; i++)
		if (write(2, chunk, sizeof chunk) < 0)
			break;
	puts("answer");
	return 0;
}
