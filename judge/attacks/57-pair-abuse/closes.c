/* Close both ends and sleep. */
#include <unistd.h>

int main(void)
{
	close(0);
	close(1);
	for (;;)
		pause();
}
