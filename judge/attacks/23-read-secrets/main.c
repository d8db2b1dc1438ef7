/* Look everywhere for an answer; also attacks 24 (descriptors) and 25 (other submissions). */
#include "probe.h"

static void look_in_places(void)
{
	static const char *const paths[] = {
		"/val",	     "/val/secret",  "/data",	  "/w",		     "/judge",
		"/problems", "/root",	     "/home/user", "/var/lib/docker", "/work",
		"/srv/judge", "/oldroot",    "/.dockerenv.secret", "../secret.ans", "/val/../val/secret",
	};
	unsigned i;

	for (i = 0; i < sizeof paths / sizeof *paths; i++) {
		if (can_read(paths[i]) || entries(paths[i]) > 0)
			leak(paths[i]);
	}
	ATTEMPT("write into /val", open("/val/x", O_CREAT | O_WRONLY, 0600) >= 0);
	ATTEMPT("write into /prog", open("/prog/x", O_CREAT | O_WRONLY, 0600) >= 0);
	ATTEMPT("enter /val", chdir("/val") == 0);
	ATTEMPT("chmod /val", chmod("/val", 0777) == 0);
	ATTEMPT("rename /val", rename("/val", "/tmp/val") == 0);
}

static void look_at_descriptors(void)
{
	char path[64];
	int fd;

	for (fd = 3; fd < 1024; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			leak("an inherited descriptor");
	for (fd = 3; fd < 64; fd++) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		if (can_read(path))
			leak("read through /proc/self/fd");
	}
}

static void look_at_processes(void)
{
	static const char *const parts[] = {"environ", "mem", "maps", "cwd/", "root/val/secret",
					    "root/prog/../val", "fd/", "fdinfo/", "map_files/",
					    "stack", "syscall", "auxv", "io", "exe"};
	char path[64];
	unsigned i;
	int pid;

	for (pid = 1; pid < 400; pid++) {
		if (pid == getpid())
			continue;
		for (i = 0; i < sizeof parts / sizeof *parts; i++) {
			snprintf(path, sizeof path, "/proc/%d/%s", pid, parts[i]);
			if (can_read(path) || (path[strlen(path) - 1] == '/' && can_list(path)))
				leak(path);
		}
	}
}

int main(void)
{
	look_at_descriptors();
	look_at_processes();
	look_in_places();
	return finish();
}
