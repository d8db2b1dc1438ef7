/* Ask for a core dump of 400 MiB. */
#include "probe.h"

int main(void)
{
	struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
	char *area = malloc(400u << 20);

	setrlimit(RLIMIT_CORE, &all);
	memset(area, 1, 400u << 20);
	abort();
}
