/* Use no CPU at all. */
#include <unistd.h>

int main(void)
{
	for (;;)
		sleep(100);
}
