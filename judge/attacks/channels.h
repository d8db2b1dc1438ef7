/* Every channel by which one run could talk to another: both ends, in one table. */
#pragma once

#include "probe.h"
#include <mqueue.h>
#include <stddef.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/un.h>
#include <sys/xattr.h>

#define KEY 0x5ec3e7
#define WORD "ANSWER=42"

static const char *const message_files[] = {
	"/tmp/message",	    "/dev/shm/message", "/box/message",	   "/prog/message",
	"/val/message",	    "/var/tmp/message", "/run/message",	   "/dev/message",
	"/dev/mqueue/word", "/home/message",	"/root/message",   "/var/lock/message",
	"/run/lock/message", "/proc/message",	"/sys/fs/cgroup/message",
};

/* Inodes that every run sees: their locks, leases, times and attributes must carry nothing. */
static const char *const shared_inodes[] = {
	"/prog",	  "/tmp",	"/dev/shm", "/box",    "/dev/null",   "/dev/zero",
	"/etc/passwd",	  "/etc",	"/",	    "/usr",    "/proc",	      "/dev/full",
	"/usr/bin/env",	  "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts",
};

static socklen_t abstract(struct sockaddr_un *address)
{
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path + 1, "codebattle", 10);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 11);
}

static int port_socket(int type)
{
	struct sockaddr_in_ {
		uint16_t family, port;
		uint32_t host;
		char rest[8];
	} address = {AF_INET, 0x3930, 0x0100007f, {0}};
	int fd = socket(AF_INET, type, 0);

	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	return -1;
}
