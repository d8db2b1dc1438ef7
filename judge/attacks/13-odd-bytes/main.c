/* 32 MiB on one line, then each of the 256 byte values, then a line end. */
#include <stdio.h>
#include <string.h>

static char chunk[1 << 16];

int main(void)
{
	int i;

	memset(chunk, 'a', sizeof chunk);
	for (i = 0; i < 512; i++)
		fwrite(chunk, 1, sizeof chunk, stdout);
	for (i = 0; i < 257; i++)
		putchar(i == 0 ? 0xff : i - 1);
	putchar('\n');
	return 0;
}
