/* Placed and started again and again in two slots at once. */
#include <stdio.h>

int main(void)
{
	puts("ran");
	return 0;
}
