/* Read every channel that plant.c may have written. */
#include "channels.h"
#include "probe_processes.h"

static void objects(void)
{
	char text[64];
	int id;

	if (shmget(KEY, 0, 0) >= 0)
		leak("SysV shared memory");
	if (msgget(KEY, 0) >= 0)
		leak("SysV message queue");
	if (semget(KEY, 0, 0) >= 0)
		leak("SysV semaphore");
	id = (int)syscall(SYS_mq_open, "word", O_RDONLY | O_NONBLOCK, 0, NULL);
	if (id >= 0)
		leak("POSIX message queue");
	if (syscall(SYS_request_key, "user", "word", NULL, 0) >= 0)
		leak("keyring: request_key");
	if (syscall(SYS_keyctl, 10, -4, "user", "word", 0) >= 0)
		leak("keyring: user");
	if (syscall(SYS_keyctl, 10, -5, "user", "word", 0) >= 0)
		leak("keyring: user session");
	id = open("/proc/keys", O_RDONLY);
	if (id >= 0 && read(id, text, sizeof text) > 0)
		leak("/proc/keys");
	id = open("/proc/sysvipc/shm", O_RDONLY);
	if (id >= 0 && pread(id, text, 1, 400) > 0)
		leak("/proc/sysvipc/shm");
	if (entries("/dev/mqueue") > 0)
		leak("/dev/mqueue");
}

static void inodes(void)
{
	char text[64];
	struct stat st;
	unsigned i;

	for (i = 0; i < sizeof shared_inodes / sizeof *shared_inodes; i++) {
		if (stat(shared_inodes[i], &st) == 0 &&
		    (st.st_mtime == 424242 || st.st_atime == 424242))
			leak(shared_inodes[i]);
		if (getxattr(shared_inodes[i], "user.word", text, sizeof text) >= 0)
			leak("extended attribute");
	}
	if (stat("/box", &st) || (st.st_mode & 07777) != 0700)
		leak("the mode of /box");
}

int main(void)
{
	struct sockaddr_un address;
	socklen_t size = abstract(&address);
	unsigned i;
	int fd;

	sleep_ms(100);
	look_for_leftovers();
	for (i = 0; i < sizeof message_files / sizeof *message_files; i++)
		if (can_read(message_files[i]))
			leak(message_files[i]);
	objects();
	inodes();
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, size) == 0)
		leak("abstract socket");
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, size) && errno == EADDRINUSE)
		leak("abstract socket name taken");
	fd = port_socket(SOCK_STREAM);
	if (fd < 0 && errno == EADDRINUSE)
		leak("TCP port taken");
	fd = port_socket(SOCK_DGRAM);
	if (fd < 0 && errno == EADDRINUSE)
		leak("UDP port taken");
	return finish();
}
