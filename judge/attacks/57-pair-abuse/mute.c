/* Never say a word. */
#include <unistd.h>

int main(void)
{
	for (;;)
		pause();
}
