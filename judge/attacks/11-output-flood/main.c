/* Write for ever, by several processes. */
#include <string.h>
#include <unistd.h>

static char chunk[1 << 16];

int main(void)
{
	memset(chunk, 'x', sizeof chunk);
	fork();
	fork();
	for (;;)
		if (write(1, chunk, sizeof chunk) < 0)
			return 1;
}
