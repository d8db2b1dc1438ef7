/* Every child starts a session and a process group of its own, ignores signals and forks on. */
#include <signal.h>
#include <unistd.h>

int main(void)
{
	int sig;

	for (sig = 1; sig < 65; sig++)
		signal(sig, SIG_IGN);
	for (;;)
		if (fork() == 0)
			setsid();
}
