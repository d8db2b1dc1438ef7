/*
 * Files in and out of an area. Every step is taken with the rights of the area's owner and from
 * directory to directory without following links, so that a program can plant nothing that leads
 * warden further than the program itself could go.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "warden.h"

/* Deeper than any build tree we compile; bounds the open directories of a walk. */
#define DEPTH_MAX 48

#define OPEN_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
/* O_NONBLOCK: a FIFO must not hold us up; it is turned away by its type afterwards. */
#define OPEN_READ (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define OPEN_NEW (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

/*
 * Open the directory that holds the last component of `path`, making missing ones when asked.
 * Leaves the last component in *name; -1 and errno when a step fails.
 */
static int open_parent(int top, const char *path, bool make, const char **name)
{
    int dir = fcntl(top, F_DUPFD_CLOEXEC, 3);
    const char *part = path;

    for (const char *slash; dir >= 0 && (slash = strchr(part, '/')) != NULL; part = slash + 1) {
        char step[NAME_MAX + 1];
        memcpy(step, part, (size_t)(slash - part));
        step[slash - part] = '\0';
        int next = openat(dir, step, OPEN_DIR);
        if (next < 0 && errno == ENOENT && make && mkdirat(dir, step, 0755) == 0)
            next = openat(dir, step, OPEN_DIR);
        int error = errno;
        close(dir);
        errno = error;
        dir = next;
    }
    *name = part;
    return dir;
}

/* A new file, whatever stood there before: never write into something a program may hold. */
static int open_new(int dir, const char *name, mode_t mode)
{
    int fd = openat(dir, name, OPEN_NEW, mode);
    if (fd < 0 && errno == EEXIST && unlinkat(dir, name, 0) == 0)
        fd = openat(dir, name, OPEN_NEW, mode);
    return fd;
}

bool file_put(const struct put *put, uint32_t request, char message[MESSAGE_MAX])
{
    const struct area *area = &areas[put->area];
    const char *name;
    int fd = -1, error = 0;

    act_as(area->owner);
    int dir = open_parent(area->fd, put->path, true, &name);
    if (dir >= 0)
        fd = open_new(dir, name, put->mode ? 0755 : 0644);
    if (fd < 0)
        error = errno;
    int lost = data_receive(request, put->size, fd);
    if (error == 0)
        error = lost;
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && error != 0)
        unlinkat(dir, name, 0);
    if (dir >= 0)
        close(dir);
    act_as_self();
    if (error != 0)
        snprintf(message, MESSAGE_MAX, "PUT %s/%.256s: %s", area->name, put->path,
                 strerror(error));
    return error == 0;
}

/* Send one file, if it is a plain one of the area's owner and fits. */
static void send_file(struct harvest *harvest, int dir, const char *name, const char *path)
{
    struct stat info;
    int fd = openat(dir, name, OPEN_READ);

    if (fd < 0) {
        harvest->odd = harvest->odd || errno != ENOENT;
        return;
    }
    /* Another owner's file can only have come here as a hard link. */
    bool plain = fstat(fd, &info) == 0 && S_ISREG(info.st_mode)
                 && info.st_uid == areas[harvest->area].owner;
    bool fits = plain && harvest->files_left > 0 && (uint64_t)info.st_size <= harvest->bytes_left;
    harvest->odd = harvest->odd || !plain;
    harvest->full = harvest->full || (plain && !fits);
    if (!fits) {
        close(fd);
        return;
    }
    harvest->bytes_left -= (uint64_t)info.st_size;
    harvest->files_left--;
    out_begin(FRAME_FILE, harvest->request);
    out_text("path", path);
    out_number("mode", info.st_mode & S_IXUSR ? 1 : 0);
    out_number("size", (uint64_t)info.st_size);
    out_end();
    out_file(FRAME_DATA, harvest->request, fd, (uint64_t)info.st_size);
    close(fd);
}

/* Send everything below a directory, which it closes. `path` holds its own name and a `/`. */
static void send_tree(struct harvest *harvest, int dir, char path[PATH_MAX], unsigned depth)
{
    size_t base = strlen(path);
    DIR *stream = dir < 0 ? NULL : fdopendir(dir);

    if (stream == NULL) {
        harvest->odd = harvest->odd || errno != ENOENT;
        if (dir >= 0)
            close(dir);
        return;
    }
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        size_t length = strlen(entry->d_name);
        struct stat info;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (harvest->files_left == 0 || base + length + 2 > PATH_MAX || depth == DEPTH_MAX) {
            harvest->full = true;
            break;
        }
        memcpy(path + base, entry->d_name, length + 1);
        if (fstatat(dir, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0) {
            harvest->odd = true;
        } else if (S_ISREG(info.st_mode)) {
            send_file(harvest, dir, entry->d_name, path);
        } else if (S_ISDIR(info.st_mode)) {
            memcpy(path + base + length, "/", 2);
            harvest->files_left--; /* directories count too: a tree of them must end */
            send_tree(harvest, openat(dir, entry->d_name, OPEN_DIR), path, depth + 1);
        } else {
            harvest->odd = true;
        }
        path[base] = '\0';
    }
    closedir(stream);
}

void file_collect(struct harvest *harvest, const char *wanted)
{
    const struct area *area = &areas[harvest->area];
    char path[PATH_MAX];
    size_t length = strlen(wanted);
    const char *name;

    act_as(area->owner);
    memcpy(path, wanted, length + 1);
    if (length == 0) {
        /* A fresh open: the area's own descriptor must keep its position. */
        send_tree(harvest, openat(area->fd, ".", OPEN_DIR), path, 0);
    } else {
        bool whole = path[length - 1] == '/';
        if (whole)
            path[length - 1] = '\0';
        int dir = open_parent(area->fd, path, false, &name);
        if (dir < 0)
            harvest->odd = harvest->odd || errno != ENOENT;
        else if (!whole)
            send_file(harvest, dir, name, path);
        if (dir >= 0 && whole) {
            int tree = openat(dir, name, OPEN_DIR);
            memcpy(path, wanted, length + 1);
            send_tree(harvest, tree, path, 0);
        }
        if (dir >= 0)
            close(dir);
    }
    act_as_self();
}
