/* Allocate and touch for ever. */
#include <stdlib.h>
#include <string.h>

int main(void)
{
	for (;;) {
		volatile char *piece = malloc(1 << 20);

		if (piece)
			memset((char *)piece, 1, 1 << 20);
	}
}
