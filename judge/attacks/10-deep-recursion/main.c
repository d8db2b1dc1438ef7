/* Recurse with 1 MiB frames: for ever, or as deep as the first argument says in MiB. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile char sink;

static void down(long left)
{
	char frame[1 << 20];

	memset(frame, (int)left, sizeof frame);
	if (left != 0)
		down(left - 1);
	sink = frame[left & 1023];
}

int main(int argc, char **argv)
{
	down(argc > 1 ? atol(argv[1]) : -1);
	puts("deep");
	return 0;
}
