/*
 * Emptying a writable place, whatever a program has built there.
 *
 * Nothing here recurses: a subdirectory that is not empty is moved up to the top of its area and
 * met there again, so depth costs neither stack nor descriptors nor path length, and every
 * directory is moved once at most. All programs are dead by now: nobody races with us.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "warden.h"

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1 << 0)
#endif

/* Inode flags that the owner of a directory may set without privileges. */
#define USER_FLAGS (FS_NODUMP_FL | FS_NOATIME_FL)

/* As the kernel fills it in; readdir() would allocate and hide nothing worth it. */
struct entry {
    uint64_t inode;
    int64_t next;
    unsigned short length;
    unsigned char type;
    char name[];
};

typedef bool (*entry_action)(int dir, const struct entry *entry, void *context);

static bool is_dot(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* Call `action` for every entry; returns how many there were, and how many actions succeeded. */
static unsigned for_each(int dir, entry_action action, void *context, unsigned *done)
{
    char buffer[16384] __attribute__((aligned(8)));
    unsigned count = 0;

    if (lseek(dir, 0, SEEK_SET) < 0)
        return 0;
    for (long got; (got = syscall(SYS_getdents64, dir, buffer, sizeof buffer)) > 0;) {
        for (long at = 0; at < got;) {
            const struct entry *entry = (const struct entry *)(void *)(buffer + at);
            at += entry->length;
            if (is_dot(entry->name))
                continue;
            count++;
            if (action != NULL && action(dir, entry, context))
                (*done)++;
        }
    }
    return count;
}

/* Give the owner all rights on a directory and leave the others theirs: a later round may act as
 * one of them. */
static void open_up(int dir, const char *name)
{
    struct stat info;
    if (fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) != 0 || (info.st_mode & 0700) == 0700)
        return;
    if (fchmodat(dir, name, (info.st_mode & 07777) | 0700, 0) != 0)
        return; /* another role's: its round comes */
}

/* Move a directory out of the one being drained, up to the top, under a name that is free. */
static bool lift(int dir, const char *name, int top)
{
    static unsigned number;

    open_up(dir, name); /* moving it rewrites its `..`, so it must be writable */
    for (unsigned tries = 0; tries < 1000; tries++) {
        char free_name[32];
        snprintf(free_name, sizeof free_name, ".wiped-%u", number++);
        if (syscall(SYS_renameat2, dir, name, top, free_name, RENAME_NOREPLACE) == 0)
            return true;
        if (errno != EEXIST)
            return false;
    }
    return false;
}

/* An entry of a directory below the top: removed, or lifted to the top. */
static bool clear_below(int dir, const struct entry *entry, void *context)
{
    if (entry->type != DT_DIR)
        return unlinkat(dir, entry->name, 0) == 0;
    if (unlinkat(dir, entry->name, AT_REMOVEDIR) == 0)
        return true;
    return lift(dir, entry->name, *(int *)context);
}

/* An entry of the top: removed, together with what is below it. */
static bool clear_top(int dir, const struct entry *entry, void *context)
{
    (void)context;
    if (entry->type != DT_DIR && unlinkat(dir, entry->name, 0) == 0)
        return true;
    if (unlinkat(dir, entry->name, AT_REMOVEDIR) == 0)
        return true;
    if (entry->type != DT_DIR)
        return false;

    open_up(dir, entry->name);
    int below = openat(dir, entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0)
        return false;
    unsigned done = 0, all = 0;
    for (;;) {
        unsigned before = done;
        if (for_each(below, clear_below, &dir, &done) == 0 || done == before)
            break;
        all += done - before;
    }
    close(below);
    return unlinkat(dir, entry->name, AT_REMOVEDIR) == 0 || all > 0;
}

/* Remove what one uid may remove; true when that was something. */
static bool clear_as(const struct area *area, uid_t uid)
{
    unsigned all = 0;

    act_as(uid);
    for (;;) {
        unsigned done = 0;
        if (for_each(area->fd, clear_top, NULL, &done) == 0 || done == 0)
            break;
        all += done;
    }
    act_as_self();
    return all > 0;
}

/*
 * The directory itself belongs to a role, which can write on it: mode, access list, attributes.
 * What one program leaves there, the next could read.
 */
static bool top_restore(const struct area *area)
{
    static char names[XATTR_LIST_MAX];
    struct stat info;
    bool whole = true;
    int flags = 0;

    if (fstat(area->fd, &info) != 0)
        return false;
    ssize_t count = flistxattr(area->fd, names, sizeof names);
    if (ioctl(area->fd, FS_IOC_GETFLAGS, &flags) != 0)
        flags = 0; /* the file system has none */
    if ((info.st_mode & 07777) == area->mode && (flags & USER_FLAGS) == 0
        && (count == 0 || (count < 0 && errno == ENOTSUP)))
        return true;
    act_as(area->owner);
    if ((flags & USER_FLAGS) != 0) {
        flags &= ~USER_FLAGS;
        if (ioctl(area->fd, FS_IOC_SETFLAGS, &flags) != 0)
            whole = false;
    }
    /* Before, because removing takes write permission; after, because an access list goes with
     * mode bits of its own. */
    if (fchmod(area->fd, area->mode) != 0)
        whole = false;
    for (ssize_t at = 0; at < count; at += (ssize_t)strlen(names + at) + 1)
        if (fremovexattr(area->fd, names + at) != 0 && strncmp(names + at, "security.", 9) != 0)
            whole = false;
    if (fchmod(area->fd, area->mode) != 0)
        whole = false;
    act_as_self();
    return whole;
}

unsigned area_wipe(enum area_id id)
{
    const struct area *area = &areas[id];
    unsigned left = 0;

    if (id <= AREA_VAL && !top_restore(area))
        left = 1;
    /* A role may have to wait for another to empty a directory within its own: hence rounds. */
    for (bool more = true; more;) {
        unsigned found = for_each(area->fd, NULL, NULL, NULL);
        if (found == 0)
            return left;
        more = clear_as(area, area->owner);
        for (unsigned role = 0; role < ROLES && !settings.single_uid; role++)
            if (role_uid((enum role)role) != area->owner)
                more = clear_as(area, role_uid((enum role)role)) || more;
    }
    return left + for_each(area->fd, NULL, NULL, NULL);
}
