/* Never read, never end. */
#include <unistd.h>

int main(void)
{
	for (;;)
		pause();
}
