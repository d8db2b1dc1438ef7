/* SIGSTOP in every direction. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	const char *who = argc > 1 ? argv[1] : "";

	fork();
	if (!strcmp(who, "parent"))
		kill(getppid(), SIGSTOP);
	else if (!strcmp(who, "group"))
		kill(0, SIGSTOP);
	else if (!strcmp(who, "all"))
		kill(-1, SIGSTOP);
	raise(SIGSTOP);
	for (;;)
		pause();
}
