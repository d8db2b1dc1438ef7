/* Exit with a number, or die of a signal given as a negative number. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int number = argc > 1 ? atoi(argv[1]) : 0;

	if (number >= 0)
		_exit(number);
	signal(-number, SIG_DFL);
	raise(-number);
	return 0;
}
