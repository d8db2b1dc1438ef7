/* Block and ignore all signals, then burn. */
#include <signal.h>

int main(void)
{
	sigset_t all;
	int sig;

	for (sig = 1; sig < 65; sig++)
		signal(sig, SIG_IGN);
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, 0);
	for (;;)
		;
}
