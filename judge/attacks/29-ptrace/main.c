/* Tracing is refused altogether, even of own children: nothing here needs it. */
#include "probe.h"
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

static int touch(pid_t pid, int writing)
{
	static char buffer[64];
	struct iovec local = {buffer, sizeof buffer}, remote = {(void *)0x400000, 64};

	return writing ? process_vm_writev(pid, &local, 1, &remote, 1, 0) > 0
		       : process_vm_readv(pid, &local, 1, &remote, 1, 0) > 0;
}

static int trace_child(void)
{
	pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}
	return ptrace(PTRACE_SEIZE, child, 0, 0) == 0;
}

int main(void)
{
	ATTEMPT("attach PID 1", ptrace(PTRACE_ATTACH, 1, 0, 0) == 0);
	ATTEMPT("seize PID 1", ptrace(PTRACE_SEIZE, 1, 0, 0) == 0);
	ATTEMPT("attach the parent", ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0);
	ATTEMPT("be traced", ptrace(PTRACE_TRACEME, 0, 0, 0) == 0);
	ATTEMPT("trace a child", trace_child());
	ATTEMPT("read PID 1", touch(1, 0));
	ATTEMPT("write PID 1", touch(1, 1));
	ATTEMPT("write the parent", touch(getppid(), 1));
	ATTEMPT("kcmp", syscall(SYS_kcmp, 1, getpid(), 0, 0, 0) >= 0);
	ATTEMPT("pidfd_getfd", ({
			int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
			pidfd >= 0 && syscall(SYS_pidfd_getfd, pidfd, 0, 0) >= 0;
		}));
	ATTEMPT("process_madvise", ({
			struct iovec all = {(void *)0x400000, 4096};
			int pidfd = (int)syscall(SYS_pidfd_open, 1, 0);
			pidfd >= 0 && syscall(SYS_process_madvise, pidfd, &all, 1, 4, 0) >= 0;
		}));
	return finish();
}
