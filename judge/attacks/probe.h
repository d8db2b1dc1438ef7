/* What every probe of the attack corpus shares: try something in a child, say what got through.
 *
 * Each attempt runs in its own child, so that a filter which kills instead of refusing ends one
 * attempt and not the probe. A probe prints "LEAK <what>" for each success, "blocked" when
 * there was none.
 */
#pragma once

#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int leaks;

__attribute__((unused)) static void leak(const char *what)
{
	leaks++;
	printf("LEAK %s\n", what);
	fflush(stdout);
}

#define ATTEMPT(what, expr)                                                   \
	do {                                                                  \
		int status_ = 0;                                              \
		pid_t child_;                                                 \
		fflush(stdout);                                               \
		child_ = fork();                                              \
		if (child_ == 0) {                                            \
			alarm(5);                                             \
			_exit((expr) ? 77 : 0);                               \
		}                                                             \
		if (child_ < 0 || waitpid(child_, &status_, 0) != child_)     \
			leak("the probe could not fork for: " what);          \
		else if (WIFEXITED(status_) && WEXITSTATUS(status_) == 77)    \
			leak(what);                                           \
	} while (0)

__attribute__((unused)) static int can_read(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	int got = fd >= 0 && read(fd, &byte, 1) == 1;

	if (fd >= 0)
		close(fd);
	return got;
}

__attribute__((unused)) static int can_write(const char *path)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

__attribute__((unused)) static int can_list(const char *path)
{
	DIR *dir = opendir(path);

	if (dir)
		closedir(dir);
	return dir != NULL;
}

/* Count entries of a directory, "." and ".." left out; -1 when it cannot be listed. */
__attribute__((unused)) static int entries(const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);
	int count = 0;

	if (!dir)
		return -1;
	while ((entry = readdir(dir)))
		count += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
	closedir(dir);
	return count;
}

__attribute__((unused)) static void spin_ms(long ms)
{
	struct timespec now;
	long start, t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	start = now.tv_sec * 1000 + now.tv_nsec / 1000000;
	do {
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
		t = now.tv_sec * 1000 + now.tv_nsec / 1000000;
	} while (t - start < ms);
}

__attribute__((unused)) static void sleep_ms(long ms)
{
	struct timespec span = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&span, &span) && errno == EINTR)
		;
}

__attribute__((unused)) static int finish(void)
{
	if (!leaks)
		puts("blocked");
	fflush(stdout);
	return 0;
}
