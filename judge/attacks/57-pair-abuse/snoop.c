/* Look into the validator's memory, files and descriptors while it runs; signal it; trace it. */
#include "probe.h"
#include <sys/ptrace.h>
#include <sys/uio.h>

static int reads(pid_t pid)
{
	static char buffer[64];
	struct iovec local = {buffer, sizeof buffer}, remote = {(void *)0x400000, 64};

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) > 0;
}

int main(void)
{
	static const char *const parts[] = {"environ", "mem", "maps", "fd/", "cwd/", "cwd/secret",
					    "exe", "auxv", "io", "root/val/secret", "fdinfo/",
					    "task/", "stack", "syscall", "personality", "fd/0",
					    "fd/1", "map_files/"};
	char path[64], word[64] = "";
	struct rlimit none = {0, 0};
	unsigned i;
	int pid;

	if (!fgets(word, sizeof word, stdin))
		return 9;
	for (pid = 2; pid < 64; pid++) {
		snprintf(path, sizeof path, "/proc/%d", pid);
		if (pid == getpid() || access(path, F_OK))
			continue;
		for (i = 0; i < sizeof parts / sizeof *parts; i++) {
			snprintf(path, sizeof path, "/proc/%d/%s", pid, parts[i]);
			if (strcmp(parts[i], "task/") && (can_read(path) ||
			    (path[strlen(path) - 1] == '/' && entries(path) > 0)))
				leak(path);
			if (can_write(path))
				leak(path);
		}
		if (kill(pid, 0) == 0 || kill(pid, SIGSTOP) == 0 || kill(pid, SIGKILL) == 0)
			leak("signalled the validator");
		if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0)
			leak("traced the validator");
		if (reads(pid))
			leak("read the validator's memory");
		if (prlimit(pid, RLIMIT_CPU, &none, NULL) == 0)
			leak("limited the validator");
		if (setpriority(PRIO_PROCESS, (id_t)pid, 19) == 0)
			leak("slowed the validator");
	}
	if (can_read("/val/secret") || can_list("/val") || can_read("/val/validator"))
		leak("the validator's files");
	puts(leaks ? "LEAK" : "blocked");
	fflush(stdout);
	return leaks ? 7 : 0;
}
