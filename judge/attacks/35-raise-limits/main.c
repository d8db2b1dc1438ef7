/* Limits only ever go down, and only one's own. */
#include "probe.h"

static int raises(int kind)
{
	struct rlimit limit;

	getrlimit(kind, &limit);
	if (limit.rlim_max == RLIM_INFINITY)
		return 0;
	limit.rlim_max += 1;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(kind, &limit) == 0;
}

static int moves_to_other_cpu(void)
{
	cpu_set_t own, other;
	int cpu;

	sched_getaffinity(0, sizeof own, &own);
	for (cpu = 0; cpu < 256; cpu++) {
		if (CPU_ISSET(cpu, &own))
			continue;
		CPU_ZERO(&other);
		CPU_SET(cpu, &other);
		if (sched_setaffinity(0, sizeof other, &other) == 0)
			return 1;
	}
	return 0;
}

int main(void)
{
	struct sched_param fifo = {.sched_priority = 1};
	struct rlimit none = {0, 0};
	pid_t parent = getppid();
	int kind;

	for (kind = 0; kind < 16; kind++) {
		ATTEMPT("raise a hard limit", raises(kind));
		ATTEMPT("limit PID 1", prlimit(1, kind, &none, NULL) == 0);
		ATTEMPT("limit the parent", parent > 1 && prlimit(parent, kind, &none, NULL) == 0);
	}
	ATTEMPT("nice -20", setpriority(PRIO_PROCESS, 0, -20) == 0);
	ATTEMPT("nice PID 1", setpriority(PRIO_PROCESS, 1, 10) == 0);
	ATTEMPT("SCHED_FIFO", sched_setscheduler(0, SCHED_FIFO, &fifo) == 0);
	ATTEMPT("SCHED_RR", sched_setscheduler(0, SCHED_RR, &fifo) == 0);
	ATTEMPT("SCHED_DEADLINE", ({
			uint64_t attr[6] = {48 | 6ULL << 32, 0, 0, 1000000, 2000000, 2000000};
			syscall(SYS_sched_setattr, 0, attr, 0) == 0;
		}));
	ATTEMPT("ioprio real time", syscall(SYS_ioprio_set, 1, 0, 1 << 13) == 0);
	ATTEMPT("another CPU", moves_to_other_cpu());
	ATTEMPT("PID 1 to a CPU", ({
			cpu_set_t own;
			sched_getaffinity(0, sizeof own, &own);
			sched_setaffinity(1, sizeof own, &own) == 0;
		}));
	return finish();
}
