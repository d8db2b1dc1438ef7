/* Wait for a line; reject when none comes. */
#include <stdio.h>

int main(void)
{
	char line[64];

	return fgets(line, sizeof line, stdin) ? 42 : 43;
}
