/* The innocent submission: judged after every attack, and must come out exactly as before.
 *
 * Besides an honest computation it prints everything about its surroundings that an earlier
 * program could have changed, so that a difference of one byte shows a channel.
 */
#include "probe.h"

static unsigned long long work(unsigned rounds)
{
	unsigned long long x = 88172645463325252ULL;

	while (rounds--) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
	}
	return x;
}

static void limits_and_signals(void)
{
	static const int kinds[] = {RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIMIT_NPROC,
				    RLIMIT_CORE, RLIMIT_STACK, RLIMIT_AS, RLIMIT_DATA,
				    RLIMIT_MSGQUEUE, RLIMIT_MEMLOCK, RLIMIT_SIGPENDING};
	struct rlimit limit;
	struct sigaction action;
	sigset_t set;
	cpu_set_t cpus;
	unsigned i;
	int sig, odd = 0;

	for (i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		getrlimit(kinds[i], &limit);
		printf("limit %d %llu %llu\n", kinds[i], (unsigned long long)limit.rlim_cur,
		       (unsigned long long)limit.rlim_max);
	}
	for (sig = 1; sig < 65; sig++)
		if (!sigaction(sig, NULL, &action) && action.sa_handler != SIG_DFL)
			odd++;
	sigprocmask(SIG_BLOCK, NULL, &set);
	for (sig = 1; sig < 65; sig++)
		odd += sigismember(&set, sig) == 1;
	sched_getaffinity(0, sizeof cpus, &cpus);
	printf("signals %d nice %d policy %d cpus %d\n", odd, getpriority(PRIO_PROCESS, 0),
	       sched_getscheduler(0), CPU_COUNT(&cpus));
}

static void surroundings(char **environment)
{
	static const char *const places[] = {"/box", "/tmp", "/dev/shm", "/proc/self/fd"};
	char cwd[256];
	struct stat st;
	struct dirent *entry;
	DIR *dir;
	mode_t mask = umask(0);
	unsigned i;
	int fd, numbers = 0;

	printf("cwd %s umask %o\n", getcwd(cwd, sizeof cwd) ? cwd : "?", (unsigned)mask);
	for (i = 0; i < sizeof places / sizeof *places; i++) {
		if (stat(places[i], &st))
			printf("%s: errno %d\n", places[i], errno);
		else
			printf("%s: mode %o entries %d\n", places[i], (unsigned)st.st_mode,
			       entries(places[i]));
	}
	for (fd = 3; fd < 256; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			printf("open descriptor %d\n", fd);
	dir = opendir("/proc");
	while (dir && (entry = readdir(dir)))
		numbers += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
	printf("processes %d\n", numbers);
	for (; *environment; environment++)
		printf("env %s\n", *environment);
}

static void ordinary_needs(void)
{
	char *memory = malloc(16u << 20);
	FILE *file;
	int status = -1;
	pid_t child;

	memset(memory, 1, 16u << 20);
	file = fopen("/tmp/innocent", "w");
	printf("tmp %d\n", file && fwrite(memory, 1, 1u << 20, file) == 1u << 20 && !fclose(file));
	file = fopen("mine", "w");
	printf("box %d\n", file && fwrite(memory, 1, 1u << 20, file) == 1u << 20 && !fclose(file));
	child = fork();
	if (child == 0)
		_exit(9);
	waitpid(child, &status, 0);
	printf("child %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

int main(int argc, char **argv, char **environment)
{
	char line[64] = "";

	(void)argc;
	(void)argv;
	if (!fgets(line, sizeof line, stdin))
		return 1;
	printf("read %s", line);
	surroundings(environment);
	limits_and_signals();
	ordinary_needs();
	printf("work %llx\n", work(10000000));
	return 0;
}
