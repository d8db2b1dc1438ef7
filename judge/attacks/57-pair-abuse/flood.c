/* Keep the pipe full and never read. */
#include <string.h>
#include <unistd.h>

static char chunk[1 << 16];

int main(void)
{
	memset(chunk, 'y', sizeof chunk);
	for (;;)
		if (write(1, chunk, sizeof chunk) <= 0)
			return 1;
}
