/* The probe's behaviours that are about files and descriptors. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "probe.h"

void do_big_file(void)
{
    int fd = open("big", O_CREAT | O_WRONLY, 0600);
    if (fd < 0)
        exit(9);
    flood(fd);
}

void do_many_files(void)
{
    char name[64];
    for (long i = 0; i < amount; i++) {
        snprintf(name, sizeof name, "f%ld", i);
        int fd = open(name, O_CREAT | O_WRONLY, 0);
        if (fd < 0)
            exit(9);
        close(fd);
    }
}

void do_open_files(void)
{
    int count = 3;
    while (open("/dev/null", O_RDONLY) >= 0)
        count++;
    printf("%d\n", count);
}

void do_nasty_tree(void) /* deep beyond any path name, closed, long names, odd types */
{
    char name[256];
    int out = dup(1);

    memset(name, 'n', 255);
    name[255] = '\0';
    symlink("/etc/passwd", "link");
    mkfifo("fifo", 0);
    mkdir("closed", 0700);
    close(open("closed/file", O_CREAT, 0));
    mkdir("closed/inner", 0700);
    close(open("closed/inner/file", O_CREAT, 0));
    chmod("closed/inner", 0);
    chmod("closed", 0);
    for (long i = 0; i < amount; i++) {
        if (mkdir(name, 0700) != 0 || chdir(name) != 0)
            exit(9);
        close(open("f", O_CREAT, 0));
    }
    for (long i = 0; i < amount; i++)
        if (chmod(".", i % 3 ? 0 : 0500) != 0 || chdir("..") != 0)
            break;
    dprintf(out, "done\n");
}

void do_mark_top(void) /* what can be left on the area's own directory */
{
    int marked = setxattr(".", "user.secret", "42", 2, 0);
    chmod(".", 0);
    printf("%s\n", marked == 0 ? "marked" : "no attributes here");
}

void do_find_mark(void) /* what an earlier program may have left there */
{
    char value[16];
    struct stat info;
    stat(".", &info);
    printf("%o %s\n", info.st_mode & 07777,
           getxattr(".", "user.secret", value, sizeof value) < 0 ? "clean" : "marked");
}

void do_hide_pipe(void) /* our standard error lives on inside a socket nobody holds */
{
    int ends[2];
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(3 * sizeof(int))];
    } control;
    struct iovec part = {"x", 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room,
                             .msg_controllen = sizeof control.room};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        exit(9);
    int passed[3] = {2, ends[0], ends[1]};
    control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof passed),
                                      .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), passed, sizeof passed);
    if (sendmsg(ends[0], &message, 0) != 1 || sendmsg(ends[1], &message, 0) != 1)
        exit(9);
}
