/* A fixed amount of honest work in its own cache; what it costs must not depend on others. */
#include <stdint.h>
#include <stdio.h>

int main(void)
{
	static uint64_t table[8192];
	uint64_t x = 88172645463325252ULL;

	for (unsigned i = 0; i < 40000000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		table[x % 8192] += x;
	}
	printf("%llx\n", (unsigned long long)(x ^ table[42]));
	return 0;
}
