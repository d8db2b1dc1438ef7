/* Read a while, then reject. */
#include <unistd.h>

static char chunk[1 << 16];

int main(void)
{
	int i;

	for (i = 0; i < 200; i++)
		if (read(0, chunk, sizeof chunk) <= 0)
			break;
	return 43;
}
