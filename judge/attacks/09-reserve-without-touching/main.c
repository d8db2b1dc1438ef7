/* Address space is not memory: runtimes reserve gigabytes and must not be punished. */
#include <stdio.h>
#include <sys/mman.h>

int main(void)
{
	char *area = mmap(NULL, 10L << 30, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (area == MAP_FAILED)
		return 1;
	area[0] = 1;
	area[(10L << 30) - 1] = 1;
	puts("reserved");
	return 0;
}
