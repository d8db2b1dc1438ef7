/* Only own processes may die. kill(-1) as an orphan reaches whatever the uid reaches. */
#include "probe.h"

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	int sig;

	if (!strcmp(how, "all")) {
		kill(-1, SIGKILL);
		return finish();
	}
	if (!strcmp(how, "orphan")) {
		if (fork() == 0) {
			setsid();
			kill(-1, SIGKILL);
			kill(getppid(), SIGKILL);
			_exit(0);
		}
		sleep_ms(200);
		return finish();
	}
	for (sig = 0; sig < 65; sig++) {
		if (kill(1, sig) == 0)
			leak("may signal PID 1");
		if (getppid() != 0 && kill(getppid(), sig) == 0)
			leak("may signal the parent");
		if (syscall(SYS_tgkill, 1, 1, sig) == 0)
			leak("may tgkill PID 1");
	}
	ATTEMPT("pidfd_send_signal", ({
			int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
			pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, 0, 0) == 0;
		}));
	ATTEMPT("F_SETOWN SIGIO to PID 1", ({
			int ends[2];
			pipe(ends);
			fcntl(ends[0], F_SETOWN, 1) == 0 && fcntl(ends[0], F_SETSIG, SIGKILL) == 0 &&
				fcntl(ends[0], F_SETFL, O_ASYNC | O_NONBLOCK) == 0 &&
				write(ends[1], "x", 1) == 1 && kill(1, 0) == 0;
		}));
	return finish();
}
