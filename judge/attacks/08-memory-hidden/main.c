/* Hold 512 MiB where getrusage does not look. Refused, or cut off, is fine; held is not. */
#include "probe.h"

#define GOAL (512L << 20)

static char chunk[1 << 20];

static long fill(int fd)
{
	long held = 0;
	ssize_t got;

	while (held < GOAL && (got = write(fd, chunk, sizeof chunk)) > 0)
		held += got;
	return held;
}

static long fill_files(const char *directory, int unlinked)
{
	char name[256];
	long held = 0, got = 1;
	int i, fd;

	for (i = 0; held < GOAL && got > 0 && i < 200; i++) {
		snprintf(name, sizeof name, "%s/f%d", directory, i);
		fd = open(name, O_CREAT | O_RDWR, 0600);
		if (fd < 0)
			break;
		if (unlinked)
			unlink(name);
		got = fill(fd);
		held += got;
	}
	return held;
}

static long fill_memfds(void)
{
	long held = 0, got = 1;
	int i;

	for (i = 0; held < GOAL && got > 0 && i < 200; i++) {
		int fd = (int)syscall(SYS_memfd_create, "x", 0);

		if (fd < 0)
			break;
		got = fill(fd);
		held += got;
	}
	return held;
}

static long fill_shared(void)
{
	char *area = mmap(NULL, GOAL, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		return 0;
	memset(area, 1, GOAL);
	return GOAL;
}

static void fill_channel(int sockets, long *held)
{
	ssize_t got;
	int ends[2], size = 8 << 20;

	while ((sockets ? socketpair(AF_UNIX, SOCK_STREAM, 0, ends) : pipe(ends)) == 0) {
		if (sockets)
			setsockopt(ends[1], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
		else
			fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
		fcntl(ends[1], F_SETFL, O_NONBLOCK);
		while ((got = write(ends[1], chunk, 65536)) > 0)
			*held += got;
	}
}

/* Page tables: touch one byte of every 2 MiB by reading, which needs no page of its own. */
static long fill_tables(void)
{
	static volatile char sink;
	long held = 0, at;
	char *area;

	while (held < GOAL) {
		area = mmap(NULL, 1L << 36, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			    -1, 0);
		if (area == MAP_FAILED)
			break;
		madvise(area, 1L << 36, MADV_NOHUGEPAGE);
		for (at = 0; at < 1L << 36 && held < GOAL; at += 2L << 20, held += 4096)
			sink = area[at];
	}
	return held;
}

/* Twenty children fill what they can and keep it; the sum is what counts. */
static long fill_everywhere(int sockets)
{
	long *held = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long sum = 0;
	int child;

	for (child = 0; child < 20; child++)
		if (fork() == 0) {
			fill_channel(sockets, held + child);
			sleep_ms(60000);
		}
	sleep_ms(2000);
	for (child = 0; child < 20; child++)
		sum += held[child];
	return sum;
}

int main(int argc, char **argv)
{
	const char *how = argc > 1 ? argv[1] : "";
	long held = 0;

	signal(SIGXFSZ, SIG_IGN);
	memset(chunk, 1, sizeof chunk);
	if (!strcmp(how, "memfd"))
		held = fill_memfds();
	else if (!strcmp(how, "shm"))
		held = fill_files("/dev/shm", 0);
	else if (!strcmp(how, "tmp"))
		held = fill_files("/tmp", 0);
	else if (!strcmp(how, "box"))
		held = fill_files("/box", 0);
	else if (!strcmp(how, "unlinked"))
		held = fill_files("/tmp", 1) + fill_files("/dev/shm", 1) + fill_files("/box", 1);
	else if (!strcmp(how, "shared"))
		held = fill_shared();
	else if (!strcmp(how, "pipes"))
		held = fill_everywhere(0);
	else if (!strcmp(how, "sockets"))
		held = fill_everywhere(1);
	else if (!strcmp(how, "tables"))
		held = fill_tables();
	sleep_ms(200);
	if (held > 96L << 20) {
		leak(how);
		printf("%ld MiB\n", held >> 20);
	}
	return finish();
}
