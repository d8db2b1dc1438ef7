/*
 * After a compilation: nothing in /prog may be writable for the role that runs it.
 *
 * What a compiler executes is the submission's own code, and it could leave a directory open in
 * which one test case writes and the next one reads. Access lists need no look of their own: the
 * group bits are their mask.
 */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "warden.h"

#define DEPTH_MAX 48
#define WRITABLE_BY_OTHERS (S_IWGRP | S_IWOTH)

static bool seal_tree(int dir, unsigned depth);

/* Close one entry, and everything below it. */
static bool seal_entry(int dir, const char *name, unsigned depth)
{
    struct stat info;

    if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    if (S_ISLNK(info.st_mode))
        return true;
    if ((info.st_mode & WRITABLE_BY_OTHERS) != 0
        && fchmodat(dir, name, info.st_mode & 07777 & ~(mode_t)WRITABLE_BY_OTHERS, 0) != 0)
        return false;
    if (!S_ISDIR(info.st_mode))
        return true;
    int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return below >= 0 && seal_tree(below, depth + 1);
}

/* Close everything in a directory, and the descriptor. */
static bool seal_tree(int dir, unsigned depth)
{
    DIR *stream = depth > DEPTH_MAX ? NULL : fdopendir(dir);
    bool sealed = true;

    if (stream == NULL) {
        close(dir);
        return false;
    }
    for (struct dirent *entry; sealed && (entry = readdir(stream)) != NULL;)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            sealed = seal_entry(dir, entry->d_name, depth);
    closedir(stream);
    return sealed;
}

bool area_seal(enum area_id id)
{
    const struct area *area = &areas[id];

    act_as(area->owner);
    bool sealed = fchmod(area->fd, area->mode) == 0;
    int dir = openat(area->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    sealed = dir >= 0 && seal_tree(dir, 0) && sealed;
    act_as_self();
    return sealed;
}
