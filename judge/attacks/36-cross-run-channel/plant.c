/* Write the message into everything that takes it, then exit as if nothing were. */
#include "channels.h"

int main(int argc, char **argv)
{
	struct {
		long type;
		char text[16];
	} message = {1, WORD};
	struct sockaddr_un address;
	struct timespec times[2] = {{424242, 0}, {424242, 0}};
	unsigned i;
	int fd, id;
	void *area;

	for (i = 0; i < sizeof message_files / sizeof *message_files; i++) {
		fd = open(message_files[i], O_CREAT | O_WRONLY, 0666);
		if (fd >= 0 && write(fd, WORD, sizeof WORD) < 0)
			close(fd);
	}
	id = shmget(KEY, 4096, IPC_CREAT | 0666);
	area = id >= 0 ? shmat(id, NULL, 0) : (void *)-1;
	if (area != (void *)-1)
		strcpy(area, WORD);
	id = msgget(KEY, IPC_CREAT | 0666);
	if (id >= 0)
		msgsnd(id, &message, sizeof message.text, IPC_NOWAIT);
	semget(KEY, 3, IPC_CREAT | 0666);
	fd = (int)syscall(SYS_mq_open, "word", O_CREAT | O_RDWR | O_NONBLOCK, 0666, NULL);
	if (fd >= 0)
		syscall(SYS_mq_timedsend, fd, WORD, sizeof WORD, 0, NULL);
	syscall(SYS_add_key, "user", "word", WORD, sizeof WORD, -4);
	syscall(SYS_add_key, "user", "word", WORD, sizeof WORD, -3);
	syscall(SYS_add_key, "user", "word", WORD, sizeof WORD, -5);
	for (i = 0; i < sizeof shared_inodes / sizeof *shared_inodes; i++) {
		struct flock lock = {.l_type = F_WRLCK, .l_start = 42, .l_len = 1};

		fd = open(shared_inodes[i], O_RDONLY | O_NONBLOCK);
		if (fd >= 0) {
			syscall(SYS_flock, fd, 2 | 4);
			fcntl(fd, 1024, F_RDLCK);
			futimens(fd, times);
			fsetxattr(fd, "user.word", WORD, sizeof WORD, 0);
			fchmod(fd, 01777);
		}
		fd = open(shared_inodes[i], O_RDWR | O_NONBLOCK);
		if (fd >= 0)
			fcntl(fd, F_SETLK, &lock);
		utimensat(AT_FDCWD, shared_inodes[i], times, 0);
		setxattr(shared_inodes[i], "user.word", WORD, sizeof WORD, 0);
	}
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	id = (int)abstract(&address);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&address, (socklen_t)id) == 0)
		listen(fd, 5);
	fd = port_socket(SOCK_STREAM);
	if (fd >= 0)
		listen(fd, 5);
	port_socket(SOCK_DGRAM);
	setpriority(PRIO_USER, 0, 7);
	chmod("/box", 0777);
	puts("planted");
	fflush(stdout);
	if (fork() == 0) {
		setsid();
		for (;;)
			pause();
	}
	if (argc > 1 && !strcmp(argv[1], "stay"))
		sleep_ms(1500);
	return 0;
}
